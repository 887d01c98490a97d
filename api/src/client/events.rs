//! Events. Docker's have no numbers: their times in nanoseconds stand for those. No two of a real engine are the same; where time is
//! virtual several may be, and it is remembered how many of a moment were seen.

use super::containers::since;
use super::http::Body;
use super::json::{map, number, text};
use super::{DockerEngine, Parameters, failure};
use drydock_core::engine::EventEntry;
use drydock_core::time::Timestamp;
use drydock_core::{Error, ErrorKind, Result};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::sync::PoisonError;
use std::time::Duration;

/// Of how many moments it is known what of them was seen: more than anybody follows at once.
const MOMENTS: usize = 1024;

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
        let (mut found, mut line) = (Vec::<EventEntry>::new(), Vec::new());
        let (known, mut at_once) = (self.seen_at(after), 0);
        while found.len() < limit {
            line.clear();
            if reader.read_until(b'\n', &mut line).map_err(|e| failure::cut_off("events", e))? == 0 {
                break;
            }
            for object in serde_json::Deserializer::from_slice(&line).into_iter::<Value>() {
                let object = object.map_err(|e| Error::new(ErrorKind::System, "the engine's answer is no JSON").source(e))?;
                let entry = entry(&object);
                // Of those of the moment itself, who asks has seen the first.
                let seen_before = entry.number < after || entry.number == after && at_once < known;
                at_once += usize::from(entry.number == after);
                found.extend(Some(entry).filter(|_| !seen_before));
            }
            if first && !found.is_empty() && !reader.buffer().contains(&b'\n') {
                break;
            }
        }
        if let Some(last) = found.last() {
            let now = found.iter().filter(|e| e.number == last.number).count();
            self.saw(last.number, if last.number == after { known + now } else { now });
        }
        Ok(found)
    }

    /// How many events of a moment are known to whoever asks for later ones: all, where no two are of one moment.
    fn seen_at(&self, moment: u64) -> usize {
        if self.ahead.is_some() {
            return usize::MAX;
        }
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&moment).copied().unwrap_or(usize::MAX)
    }

    fn saw(&self, moment: u64, events: usize) {
        if self.ahead.is_none() {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert(moment, events);
            while seen.len() > MOMENTS {
                seen.pop_first();
            }
        }
    }

    /// The moment after which everything is new.
    pub(super) fn last_moment(&self) -> Result<u64> {
        let now = self.time();
        if self.ahead.is_none() {
            // Virtual time may stand still, and what comes next is of this moment too.
            self.saw(now.0, 0);
            let before = self.between(now.0, now, usize::MAX, false)?.iter().filter(|e| e.number == now.0).count();
            self.saw(now.0, before);
        }
        Ok(now.0)
    }

    pub(super) fn events_after(&self, after: u64, limit: usize) -> Result<Vec<EventEntry>> {
        self.between(after, self.time(), limit, false)
    }

    pub(super) fn await_events(&self, after: u64, limit: usize, patience: Duration) -> Result<Vec<EventEntry>> {
        self.between(after, self.time().after(patience), limit, true)
    }
}
