//! Opening the engine on this machine, and the commands that a program with such an engine must have for it.

use crate::supervisor::{self, Mind};
use crate::{LinuxKernel, SqliteStore, SystemClock};
use drydock_core::engine::{Host, LocalEngine};
use drydock_core::error::Result;
use drydock_core::id::ContainerId;
use drydock_core::kernel::Facts;
use drydock_core::registry::Transport;
use drydock_core::supervise::Supervisor;
use std::path::Path;
use std::sync::Arc;

/// The hidden command by which [`drydock_core::kernel::Kernel::supervise`] starts this program again.
pub const SUPERVISE: &str = "supervise";

/// The hidden command that holds a published port.
pub const PROXY: &str = "proxy";

/// The hidden command that answers names.
pub const NAMES: &str = "names";

/// Opens the engine over these two roots, after finishing or undoing what a dead process left half done.
///
/// The program that calls it must hand its command line to [`own_command`] first: the engine starts it again for its supervisors.
pub fn open(data_root: &str, run_root: &str) -> Result<LocalEngine> {
    engine(Arc::new(LinuxKernel::open(data_root, run_root)?))
}

/// Opens it for a command that will start a container: the supervisor's process is begun beside what comes before.
pub fn open_to_start(data_root: &str, run_root: &str) -> Result<LocalEngine> {
    let kernel = Arc::new(LinuxKernel::open(data_root, run_root)?);
    crate::lock::sweep(run_root);
    let host = host(Arc::clone(&kernel))?;
    // When the store is open, so that it need not wait for this process to read the log.
    kernel.begin_supervisor();
    LocalEngine::open(host)
}

/// Opens it with another way to registries.
pub fn open_reaching(data_root: &str, run_root: &str, transport: Arc<dyn Transport>) -> Result<LocalEngine> {
    LocalEngine::open(host(Arc::new(LinuxKernel::open(data_root, run_root)?))?.reaching(transport))
}

/// Opens it as it is, with nothing finished or undone.
pub fn open_as_found(data_root: &str, run_root: &str) -> Result<LocalEngine> {
    let kernel = Arc::new(LinuxKernel::open(data_root, run_root)?);
    Ok(LocalEngine::as_found(host(kernel)?))
}

/// What this machine is, for an engine over these two roots; nothing is opened or made.
///
/// # Errors
/// What /proc did not answer.
pub fn facts(data_root: &str, run_root: &str) -> Result<Facts> {
    crate::facts::gather(data_root, run_root, &crate::cgroup::Hierarchies::detect())
}

fn engine(kernel: Arc<LinuxKernel>) -> Result<LocalEngine> {
    use drydock_core::kernel::Kernel;
    crate::lock::sweep(&kernel.facts().run_root);
    LocalEngine::open(host(kernel)?)
}

fn host(kernel: Arc<LinuxKernel>) -> Result<Host> {
    let store = store(&kernel)?;
    Ok(planned(kernel, store))
}

fn store(kernel: &LinuxKernel) -> Result<SqliteStore> {
    use drydock_core::kernel::Kernel;
    SqliteStore::open(Path::new(&kernel.facts().data_root))
}

fn planned(kernel: Arc<LinuxKernel>, store: SqliteStore) -> Host {
    Host::planned(kernel, Arc::new(store), Arc::new(SystemClock)).reaching(Arc::new(crate::Network::default()))
}

/// Runs one of the commands this crate starts its own program with, and answers the exit code; `None` if `args` (without the
/// program's name) are none of these.
pub fn own_command(args: &[String]) -> Option<i32> {
    match args {
        [name, rest @ ..] if name == SUPERVISE => Some(supervise(rest)),
        [name, rest @ ..] if name == PROXY => Some(crate::proxy::main(rest)),
        [name, rest @ ..] if name == NAMES => Some(crate::resolver::main(rest)),
        _ => None,
    }
}

fn supervise(args: &[String]) -> i32 {
    let [data, data_root, run, run_root, id] = args else { return 125 };
    if data != "--data-root" || run != "--run-root" {
        return 125;
    }
    supervisor::close_inherited();
    // Nobody reads what it could write; whoever asked for a start is told over the socket.
    i32::from(supervise_in(data_root, run_root, &ContainerId::new(id)).is_err())
}

fn supervise_in(data_root: &str, run_root: &str, id: &ContainerId) -> Result<()> {
    supervisor::enter();
    let kernel = Arc::new(LinuxKernel::open(data_root, run_root)?);
    let (store, id, listener) = if id.as_str() == supervisor::UNKNOWN {
        let store = store(&kernel);
        let Some((id, listener)) = supervisor::told()? else { return Ok(()) };
        (Some(store), id, listener)
    } else {
        (None, id.clone(), supervisor::inherited()?)
    };
    let its = Arc::clone(&kernel);
    supervisor::main(&kernel, &id, listener, || {
        let store = store.unwrap_or_else(|| self::store(&its))?;
        let engine = Arc::new(LocalEngine::open_to_supervise(planned(its, store))?);
        let mut supervisor = Supervisor::new(engine, &id)?;
        let settings = supervisor.settings();
        let mind: Mind<'_> = Box::new(move |event| supervisor.handle(event));
        Ok((settings, mind))
    })
}
