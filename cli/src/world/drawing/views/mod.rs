//! The five views.

pub(crate) mod cgroups;
pub(crate) mod images;
pub(crate) mod layers;
pub(crate) mod network;
pub(crate) mod processes;

use super::look::Container;
use drydock_core::container::Status;
use drydock_sim::world::World;

/// What a container does, in words.
fn state(container: &Container) -> String {
    let state = &container.record.state;
    match state.status {
        Status::Created => "created, never started".to_owned(),
        Status::Running => "runs".to_owned(),
        Status::Paused => "paused: its processes are frozen".to_owned(),
        Status::Restarting => "ended, and will be started again".to_owned(),
        Status::Removing => "is being removed".to_owned(),
        Status::Exited if state.oom_killed => format!("ended with exit code {}: killed for want of memory", state.exit_code),
        Status::Exited => format!("ended with exit code {}", state.exit_code),
        Status::Dead => "could not be removed whole".to_owned(),
    }
}

/// A namespace as `ls -l /proc/PID/ns` shows it: `pid:[7]`.
fn namespace(kind: &str, number: u32) -> String {
    format!("{kind}:[{number}]")
}

/// A process of a container, by which its namespaces are known: its first one.
fn first_process<'a>(world: &'a World, container: &Container) -> Option<&'a drydock_sim::process::Proc> {
    world.procs.get(&container.record.state.process.as_ref()?.pid)
}
