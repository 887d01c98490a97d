//! This machine as a host.

use drydock::HostOptions;
use drydock_core::Result;
use drydock_core::container::layout::DATA_ROOT;
use drydock_core::engine::Engine;
use drydock_core::kernel::Facts;
use std::sync::Arc;

/// Where state of this boot is unless said otherwise.
const RUN_ROOT: &str = "/run/drydock";

fn roots(options: &HostOptions) -> (&str, &str) {
    (options.data_root.as_deref().unwrap_or(DATA_ROOT), options.run_root.as_deref().unwrap_or(RUN_ROOT))
}

/// What this machine is. Nothing is opened or made for it, so that anybody may ask.
pub(super) fn facts(options: &HostOptions) -> Result<Facts> {
    let (data_root, run_root) = roots(options);
    drydock_linux::facts(data_root, run_root)
}

/// Opens the engine of this machine.
pub(super) fn open(options: &HostOptions) -> Result<Arc<dyn Engine>> {
    let (data_root, run_root) = roots(options);
    let opened = match (options.as_found, options.starts) {
        (true, _) => drydock_linux::open_as_found(data_root, run_root),
        (false, true) => drydock_linux::open_to_start(data_root, run_root),
        (false, false) => drydock_linux::open(data_root, run_root),
    };
    match opened {
        Ok(engine) => Ok(Arc::new(engine)),
        Err(e) if !nix::unistd::geteuid().is_root() => Err(e.hint("real containers need root: use sudo, or --host sim")),
        Err(e) => Err(e),
    }
}
