//! Waiting for what may happen to a container: its end, its next end, its removal.

use super::LocalEngine;
use super::events::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ContainerId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many events are looked at at once.
const PART: usize = 256;
/// How long each wait for news is.
const PATIENCE: Duration = Duration::from_secs(1);

/// What to wait for (Engine API: the `condition` of a wait).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitCondition {
    /// That it does not run. One that does not is not waited for.
    #[default]
    NotRunning,
    /// That it ends once more, whatever state it is in.
    NextExit,
    /// That it is removed.
    Removed,
}

impl LocalEngine {
    /// Waits, at most this long, and answers the exit code.
    pub(super) fn await_condition(&self, asked: &str, condition: WaitCondition, timeout: Option<Duration>) -> Result<i32> {
        match condition {
            WaitCondition::NotRunning => self.await_end(asked, timeout),
            WaitCondition::NextExit => {
                let after = self.last_number()?;
                let id = self.settled(asked)?.id;
                self.await_event(&id, asked, after, timeout, &mut |event| (event.action == "die").then(|| code(event)))
            }
            WaitCondition::Removed => {
                let after = self.last_number()?;
                let record = self.settled(asked)?;
                let mut last = record.state.exit_code;
                self.await_event(&record.id, asked, after, timeout, &mut |event| {
                    if event.action == "die" {
                        last = code(event);
                    }
                    (event.action == "destroy").then_some(last)
                })
            }
        }
    }

    /// Waits for the end, after this event, of a program that its restart policy may start again.
    pub(super) fn await_exit(&self, id: &ContainerId, asked: &str, after: u64, timeout: Option<Duration>) -> Result<i32> {
        self.await_event(id, asked, after, timeout, &mut |event| (event.action == "die").then(|| code(event)))
    }

    /// Waits for an event of a container that answers. The caller took the number before it looked at the container, so that nothing
    /// that happened since is missed.
    fn await_event(
        &self,
        id: &ContainerId,
        asked: &str,
        mut after: u64,
        timeout: Option<Duration>,
        answer: &mut dyn FnMut(&Entry) -> Option<i32>,
    ) -> Result<i32> {
        let since = self.moment();
        loop {
            let waited = self.moment().since(since);
            let left = timeout.map_or(PATIENCE, |timeout| timeout.saturating_sub(waited));
            for event in self.await_events(after, PART, left.min(PATIENCE))? {
                after = event.number;
                if event.kind == "container"
                    && event.id == id.as_str()
                    && let Some(code) = answer(&event)
                {
                    return Ok(code);
                }
            }
            // A supervisor that was killed tells of nothing; whoever looks tidies up after it, and that is told.
            match self.find_record(id)? {
                Some(record) => drop(self.settle(record)?),
                None if self.last_number()? > after => {}
                None => return self.exit_code_from_events(id),
            }
            if timeout.is_some_and(|timeout| self.moment().since(since) >= timeout) {
                return Err(Error::new(ErrorKind::TimedOut, format!("container {asked} still runs")).subject(id.as_str()));
            }
        }
    }
}

/// The exit code that a death tells.
fn code(event: &Entry) -> i32 {
    event.attributes.get("exitCode").and_then(|code| code.parse().ok()).unwrap_or(0)
}
