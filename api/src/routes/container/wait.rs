//! `POST /containers/{id}/wait`

use crate::error::{Answer, ApiError, SUPERVISOR_LOST};
use crate::query::Query;
use crate::server::Shared;
use crate::stream::{BodyWriter, Late, streamed};
use axum::extract::{Path, State};
use drydock_core::container::{ContainerState, Status};
use drydock_core::engine::{Engine, EventEntry};
use drydock_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Events looked at at once.
const PART: usize = 256;
/// How long each wait for news is; then it is looked whether the client still is there.
const PATIENCE: Duration = Duration::from_millis(500);
/// How soon news is looked for at first: most containers that are waited for start in this moment.
const SOON: Duration = Duration::from_millis(4);
/// How long that moment is.
const MOMENT: Duration = Duration::from_secs(2);

/// The longest wait at once on a host whose time is not this machine's.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// How long those who are attached may take for the last output, as with dockerd.
const LAST: Duration = Duration::from_secs(2);
/// How often in a row a container may not be looked at, because somebody ends or removes it.
const MOST_FAILURES: u32 = 500;

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    NotRunning,
    NextExit,
    Removed,
}

/// What came of a container.
#[derive(Clone, Debug, Default)]
struct End {
    code: i32,
    /// Why it could not be started, or what it was lost by.
    error: String,
    /// It ended with whoever watched over it.
    lost: bool,
}

impl End {
    fn of(state: &ContainerState) -> Self {
        Self { code: state.exit_code, error: state.error.clone(), lost: state.lost }
    }

    /// What a death tells. Only one that nobody saw tells of an error.
    fn told(event: &EventEntry) -> Self {
        let error = event.attributes.get("error").cloned().unwrap_or_default();
        let code = event.attributes.get("exitCode").and_then(|code| code.parse().ok()).unwrap_or(0);
        Self { code, lost: !error.is_empty(), error }
    }

    fn answer(&self) -> Value {
        let mut answer = json!({ "StatusCode": self.code });
        if !self.error.is_empty() {
            answer["Error"] = json!({ "Message": self.error });
        }
        if self.lost {
            // Docker's has no such field; it tells a program what the words tell a person.
            answer["Error"]["Code"] = json!(SUPERVISOR_LOST);
        }
        answer
    }
}

/// Waits. The head of the answer is sent before anything is waited for, so that a client can start the container only once it is
/// known that its end will be seen.
pub(super) async fn wait(State(server): State<Shared>, Path(id): Path<String>, query: Query) -> Answer {
    let condition = match query.get("condition") {
        "" | "not-running" => Condition::NotRunning,
        "next-exit" => Condition::NextExit,
        "removed" => Condition::Removed,
        other => return Err(ApiError::bad(format!("invalid condition: \"{}\"", other.escape_debug()))),
    };
    let carried = Arc::clone(&server.carried);
    streamed(&server, "application/json", Late::End, move |engine, writer| {
        // The number first: what happens after it is seen.
        let after = engine.last_event()?;
        let record = engine.container(&id)?;
        let gone = |e| Error::new(ErrorKind::Interrupted, "the client went away").source(e);
        writer.begin().map_err(gone)?;
        let runs = matches!(record.state.status, Status::Running | Status::Paused | Status::Restarting);
        let end = End::of(&record.state);
        let end = if condition == Condition::NotRunning && !runs {
            Some(end)
        } else {
            follow(engine, writer, record.id.as_str(), condition, after, end)?
        };
        if condition == Condition::NotRunning && record.state.status != Status::Created {
            carried.settle(record.id.as_str(), LAST);
        }
        match end {
            Some(end) => writer.send(format!("{}\n", end.answer()).into()).map_err(gone),
            None => Ok(()),
        }
    })
    .await
}

/// The end once it has happened, or the last one there was; `None` if the client did not wait for it.
fn follow(engine: &dyn Engine, writer: &BodyWriter, id: &str, condition: Condition, mut after: u64, mut end: End) -> Result<Option<End>> {
    let since = Instant::now();
    let mut failures = 0;
    let mut died = false;
    let mut long = PATIENCE;
    loop {
        let patience = if since.elapsed() < MOMENT { SOON } else { PATIENCE };
        for event in engine.follow_events(after, PART, patience)? {
            after = event.number;
            if event.kind != "container" || event.id != id {
                continue;
            }
            if event.action == "die" {
                end = End::told(&event);
                died = true;
                if condition == Condition::NextExit {
                    return Ok(Some(end));
                }
            }
            if event.action == "destroy" {
                return Ok(Some(end));
            }
        }
        if writer.gone() {
            return Ok(None);
        }
        match engine.container(id) {
            Ok(record) => match record.state.status {
                // Between two runs it does not run: whoever waits for the end of one has seen it.
                Status::Restarting if died && condition == Condition::NotRunning => return Ok(Some(end)),
                // Its supervisor ends with it, which is noticed at once.
                Status::Running | Status::Paused | Status::Restarting => {
                    // How that ended is in the events and in the record, which are looked at next.
                    let begun = Instant::now();
                    let _ = engine.wait(id, Some(long));
                    // Where the time of a host is not this machine's, the client has not had to wait, and longer steps are as short.
                    if begun.elapsed() < long / 2 {
                        long = LONGEST.min(long * 2);
                    }
                }
                _ if condition == Condition::NotRunning => return Ok(Some(End::of(&record.state))),
                _ => {}
            },
            // It was removed, and the event of that is there now.
            Err(e) if e.kind() == ErrorKind::NotFound => {
                if engine.last_event()? <= after {
                    return Ok(Some(end));
                }
            }
            // Whoever ends or removes it holds it this moment.
            Err(_) if failures < MOST_FAILURES => {
                failures += 1;
                std::thread::sleep(SOON);
                continue;
            }
            Err(e) => return Err(e),
        }
        failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_the_code() {
        assert_eq!(End { code: 3, ..End::default() }.answer(), json!({ "StatusCode": 3 }));
        let failed = ContainerState { exit_code: 127, error: "no such program".to_owned(), ..ContainerState::default() };
        assert_eq!(End::of(&failed).answer(), json!({ "StatusCode": 127, "Error": { "Message": "no such program" } }));
        let lost = ContainerState { exit_code: 137, error: "gone".to_owned(), lost: true, ..ContainerState::default() };
        assert_eq!(End::of(&lost).answer(), json!({ "StatusCode": 137, "Error": { "Message": "gone", "Code": "supervisor-lost" } }));
    }
}
