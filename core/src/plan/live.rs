//! Mounts that come to a container while it runs.

use super::options;
use crate::container::MountRequest;
use crate::container::layout::Layout;
use crate::container::oci;
use crate::error::Result;
use crate::kernel::{Process, Step};

/// The step that makes a mount of a configuration in a container that runs already.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`]: a volume without a name.
pub fn mount_in(of: &Process, wanted: &MountRequest, layout: &Layout) -> Result<Step> {
    let mount = oci::asked(wanted, layout)?;
    let options = options::parse(mount.options().as_deref().unwrap_or_default());
    Ok(Step::MountIn {
        of: of.clone(),
        kind: mount.typ().clone().unwrap_or_else(|| "bind".to_owned()),
        source: mount.source().as_ref().map(|s| s.display().to_string()).unwrap_or_default(),
        target: mount.destination().display().to_string(),
        recursive: options.recursive,
        flags: options.flags,
        data: options.data,
    })
}
