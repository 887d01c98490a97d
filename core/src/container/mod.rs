//! Containers: what is asked for, what is recorded, and the life between.

mod config;
pub mod defaults;
pub mod diagnose;
mod exec;
pub mod files;
pub mod health;
pub mod health_text;
pub mod layout;
pub mod lifecycle;
pub mod log;
pub mod mounts;
pub mod names;
pub mod oci;
mod record;
pub mod restart;
pub mod restore;
pub mod seccomp;
pub mod ulimit;
pub mod user;
pub mod volume;

pub use config::{
    ContainerConfig, DeviceRequest, ExecConfig, MountKind, MountRequest, NamespaceMode, NetworkMode, RestartPolicy, UserRange,
};
pub use exec::{ExecRecord, ExecStage, ExecStart};
pub use record::{ContainerRecord, ContainerState, RefusedCall, Status};
