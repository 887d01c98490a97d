//! From what a person wrote to a record: full id, name, unambiguous prefix of an id, in this order. Never a scan of everything.

use super::LocalEngine;
use crate::container::{ContainerRecord, Status, names};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ContainerId;
use crate::kernel::Request;
use crate::store::{StoreExt as _, Table};
use std::time::Duration;

/// How long a supervisor may take to record an end before its record is shown as it is.
const MOMENT: Duration = Duration::from_secs(1);
/// How long to wait between two looks.
const GLANCE: Duration = Duration::from_millis(5);

/// Docker's answer where nothing has this name.
pub(super) fn no_such(asked: &str) -> Error {
    Error::not_found(format!("No such container: {}", asked.escape_debug())).subject(asked).code("no-such-container")
}

/// Whether a text can be the beginning of an id.
pub(super) fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

impl LocalEngine {
    /// The id of the container a person means.
    pub(super) fn resolve(&self, asked: &str) -> Result<ContainerId> {
        if asked.is_empty() || asked == "/" {
            return Err(Error::invalid("No container name or ID supplied"));
        }
        if asked.len() == 64 && is_hex(asked) && self.store().get(Table::Containers, asked)?.is_some() {
            return Ok(ContainerId::new(asked));
        }
        if let Some(id) = names::check(asked).ok().map(|name| self.store().load::<String>(Table::Names, name)).transpose()?.flatten() {
            return Ok(ContainerId::new(id));
        }
        if is_hex(asked) {
            let mut found = self.store().scan(Table::Containers, asked, "", 2)?.into_iter().map(|(key, _)| key);
            match (found.next(), found.next()) {
                (Some(id), None) => return Ok(ContainerId::new(id)),
                (Some(_), Some(_)) => {
                    return Err(Error::new(ErrorKind::Ambiguous, format!("Multiple IDs found with provided prefix: {asked}")));
                }
                _ => {}
            }
        }
        Err(no_such(asked))
    }

    /// [`LocalEngine::settled`] for whoever looks closely: a first process that has just ended is not shown as running. Its supervisor
    /// needs a moment to tidy up and record the end; this waits for that, but not for ever.
    pub(super) fn looked_at(&self, asked: &str) -> Result<ContainerRecord> {
        let since = self.moment();
        loop {
            let record = self.with_refused(self.settled(asked)?);
            let process = record.state.process.as_ref().filter(|_| record.state.status == Status::Running);
            let ended = process.is_some_and(|process| !self.host.containers.alive(process).unwrap_or(true));
            if !ended {
                return Ok(record);
            }
            if self.moment().since(since) > MOMENT {
                return Ok(self.with_trouble(record));
            }
            if self.kernel().wait(&record.id, Some(GLANCE))? {
                // Nobody is left to record it; whoever settles it may be at it.
                self.host.clock.sleep(GLANCE);
            }
        }
    }

    /// The record of a container whose end is not recorded, with its supervisor's word on why.
    fn with_trouble(&self, mut record: ContainerRecord) -> ContainerRecord {
        if let Err(error) = self.kernel().request(&record.id, &Request::Trouble) {
            // That nobody answers is a trouble too, but for a supervisor that is done by now.
            if error.kind() != ErrorKind::NotRunning {
                record.state.error = error.message().to_owned();
            }
        }
        record
    }

    /// A record with the system calls that its filter refused, where those are written down.
    fn with_refused(&self, mut record: ContainerRecord) -> ContainerRecord {
        if record.config.security_opt.iter().any(|option| option.starts_with("seccomp-report")) {
            let text = self.kernel().read(&self.layout().refused_calls(&record.id), 0, 1 << 20).unwrap_or_default();
            record.state.refused = serde_json::from_slice(&text).unwrap_or_default();
        }
        record
    }

    /// The container a person means, its record true: what a dead supervisor left is tidied up first.
    pub(super) fn settled(&self, asked: &str) -> Result<ContainerRecord> {
        let id = self.resolve(asked)?;
        let record = self.find_record(&id)?.ok_or_else(|| no_such(asked))?;
        self.settle(record)?.ok_or_else(|| no_such(asked))
    }
}
