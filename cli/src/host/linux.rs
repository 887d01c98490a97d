//! This machine as a host.

use drydock::HostOptions;
use drydock_core::Result;
use drydock_core::container::layout::DATA_ROOT;
use drydock_core::engine::Engine;
use std::sync::Arc;

/// Where state of this boot is unless said otherwise.
const RUN_ROOT: &str = "/run/drydock";

/// Opens the engine of this machine.
pub(super) fn open(options: &HostOptions) -> Result<Arc<dyn Engine>> {
    let data_root = options.data_root.as_deref().unwrap_or(DATA_ROOT);
    let run_root = options.run_root.as_deref().unwrap_or(RUN_ROOT);
    let opened =
        if options.as_found { drydock_linux::open_as_found(data_root, run_root) } else { drydock_linux::open(data_root, run_root) };
    match opened {
        Ok(engine) => Ok(Arc::new(engine)),
        Err(e) if !nix::unistd::geteuid().is_root() => Err(e.hint("real containers need root: use sudo, or --host sim")),
        Err(e) => Err(e),
    }
}
