//! Containers: what is asked for, what is recorded, and the life between.

mod config;
pub mod layout;
pub mod log;
pub mod mounts;
mod record;
pub mod restart;
pub mod ulimit;

pub use config::{ContainerConfig, ExecConfig, MountKind, MountRequest, NamespaceMode, NetworkMode, RestartPolicy};
pub use record::{ContainerRecord, ContainerState, Status};
