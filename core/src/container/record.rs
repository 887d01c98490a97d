//! What the store keeps of a container.

use super::ContainerConfig;
use super::health::Health;
use crate::id::{ContainerId, ImageId};
use crate::kernel::Process;
use crate::network::{Endpoint, Place, Publish};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Where in its life a container is, in Docker's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Made, never started.
    #[default]
    Created,
    /// Its program runs.
    Running,
    /// Its processes are frozen.
    Paused,
    /// Its program ended and will be started again.
    Restarting,
    /// It is being removed.
    Removing,
    /// Its program ended.
    Exited,
    /// It could not be removed whole.
    Dead,
}

/// A system call that a container's filter refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RefusedCall {
    /// Its name: `mount`.
    pub call: String,
    /// The program that made it, by the first 15 bytes of its name.
    pub program: String,
    /// What it was answered: `EPERM`.
    pub answer: String,
    /// The same as a number.
    pub errno: i32,
    /// How often; true to a factor of two.
    pub count: u64,
}

/// The part of a record that changes with the container's life.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerState {
    /// Where it is.
    pub status: Status,
    /// Its first process while it runs.
    pub process: Option<Process>,
    /// How its program ended last.
    pub exit_code: i32,
    /// The kernel killed something in it for want of memory.
    pub oom_killed: bool,
    /// Why its program could not be started.
    pub error: String,
    /// When it was started last.
    pub started: Timestamp,
    /// When it ended last.
    pub finished: Timestamp,
    /// How often its restart policy started it again.
    pub restarts: u32,
    /// A person stopped it.
    pub stopped_by_hand: bool,
    /// The boot in which `process` means anything.
    pub boot_id: String,
    /// It has a supervisor, or an operation on it takes several changes: what to tidy up if whoever does it is dead.
    #[serde(default)]
    pub under_way: bool,
    /// The system calls that its filter refused, by name: `--security-opt seccomp-report`. Only in what an engine shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedCall>,
    /// What its probes found; `None` where nobody probes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
}

/// A container as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerRecord {
    /// Its id.
    pub id: ContainerId,
    /// Its name, without a slash.
    pub name: String,
    /// What was asked for.
    pub config: ContainerConfig,
    /// The image it is made from.
    pub image: ImageId,
    /// Program and arguments after the image's defaults are in.
    pub args: Vec<String>,
    /// Environment after the image's defaults are in.
    pub env: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Its life.
    pub state: ContainerState,
    /// The networks it is on whenever it runs, the first one first.
    #[serde(default)]
    pub places: Vec<Place>,
    /// Its places in networks, while it runs.
    pub endpoints: Vec<Endpoint>,
    /// Its published ports, while it runs.
    pub published: Vec<Publish>,
}
