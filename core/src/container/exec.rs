//! What the store keeps of a further program in a container, from the moment somebody wants one until the container ends.

use super::ExecConfig;
use crate::id::ContainerId;
use crate::io::Size;
use crate::kernel::Process;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Where in its life such a program is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExecStage {
    /// Wanted, not started.
    #[default]
    Created,
    /// Started.
    Running,
    /// Ended, or never ran because it could not be started.
    Ended,
}

/// A further program in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecRecord {
    /// Its id: 64 hexadecimal digits.
    pub id: String,
    /// The container it is in.
    pub container: ContainerId,
    /// What was asked for.
    pub config: ExecConfig,
    /// How far it has come.
    pub stage: ExecStage,
    /// Its process once it runs, kept after its end.
    pub process: Option<Process>,
    /// How it ended; of one that could not be started, 126 or 127.
    pub exit_code: Option<i32>,
    /// When it ended.
    pub finished: Timestamp,
}

impl ExecRecord {
    /// A program that was asked for.
    pub fn new(id: String, container: ContainerId, config: ExecConfig) -> Self {
        Self { id, container, config, stage: ExecStage::Created, process: None, exit_code: None, finished: Timestamp(0) }
    }

    /// Program and arguments with a blank between, also where there are no arguments, as dockerd's events have them.
    pub fn command_line(&self) -> String {
        let (program, arguments) = self.config.command.split_first().map_or(("", &[][..]), |(p, a)| (p.as_str(), a));
        format!("{program} {}", arguments.join(" "))
    }
}

/// How a program that was created is started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExecStart {
    /// In the background: its streams lead nowhere.
    pub detach: bool,
    /// The terminal's size, instead of the one it was created with.
    pub console_size: Option<Size>,
}
