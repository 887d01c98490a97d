//! Events. Docker's have no numbers: their times in nanoseconds stand for those, since no two of one engine are the same.

use super::containers::since;
use super::http::Body;
use super::json::{map, number, text};
use super::{DockerEngine, Parameters, failure};
use drydock_core::engine::EventEntry;
use drydock_core::time::Timestamp;
use drydock_core::{Error, ErrorKind, Result};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::time::Duration;

fn entry(object: &Value) -> EventEntry {
    let nothing = Value::Null;
    let actor = object.get("Actor").unwrap_or(&nothing);
    let nanoseconds = number(object, "timeNano");
    EventEntry {
        number: nanoseconds,
        time: Timestamp(nanoseconds),
        kind: text(object, "Type"),
        action: text(object, "Action"),
        id: text(actor, "ID"),
        attributes: map(actor, "Attributes"),
    }
}

impl DockerEngine {
    /// Those after a moment and up to another; of those that are still to come, the first and what came with it.
    fn between(&self, after: u64, until: Timestamp, limit: usize, first: bool) -> Result<Vec<EventEntry>> {
        let parameters = Parameters::new().with("since", since(Timestamp(after))).with("until", since(until));
        let answer = self.ask("GET", "/events", parameters, Vec::new(), Body::None)?;
        let mut reader = BufReader::new(answer);
        let (mut found, mut line) = (Vec::new(), Vec::new());
        while found.len() < limit {
            line.clear();
            if reader.read_until(b'\n', &mut line).map_err(|e| failure::cut_off("events", e))? == 0 {
                break;
            }
            for object in serde_json::Deserializer::from_slice(&line).into_iter::<Value>() {
                let object = object.map_err(|e| Error::new(ErrorKind::System, "the engine's answer is no JSON").source(e))?;
                found.extend(Some(entry(&object)).filter(|e| e.number > after));
            }
            if first && !found.is_empty() && !reader.buffer().contains(&b'\n') {
                break;
            }
        }
        Ok(found)
    }

    pub(super) fn events_after(&self, after: u64, limit: usize) -> Result<Vec<EventEntry>> {
        self.between(after, self.time(), limit, false)
    }

    pub(super) fn await_events(&self, after: u64, limit: usize, patience: Duration) -> Result<Vec<EventEntry>> {
        self.between(after, self.time().after(patience), limit, true)
    }
}
