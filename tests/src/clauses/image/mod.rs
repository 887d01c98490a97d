//! Images: how they come in, what they are called, what their layers mean, how they go; and files of containers from outside.

mod archive;
mod commit;
mod copy;
mod diff;
mod hostile;
mod import;
mod layer;
mod list;
mod load;
mod reference;
mod remove;

use crate::clause::Clause;
use crate::outcome::{Checked, contains, equal, fail};
use drydock_core::container::{MountKind, MountRequest};
use drydock_core::{ErrorKind, Result};

/// Every topic, by name.
pub(super) fn topics() -> Vec<&'static [Clause]> {
    vec![
        archive::CLAUSES,
        commit::CLAUSES,
        copy::CLAUSES,
        diff::CLAUSES,
        hostile::CLAUSES,
        import::CLAUSES,
        layer::CLAUSES,
        list::CLAUSES,
        load::CLAUSES,
        reference::CLAUSES,
        remove::CLAUSES,
    ]
}

/// Fails unless it was refused with this kind, and these words in its message.
fn refusal<T>(answer: Result<T>, kind: ErrorKind, words: &str) -> Checked {
    match answer {
        Ok(_) => fail("it was not refused"),
        Err(e) => {
            equal("kind", e.kind(), kind)?;
            contains("message", &e.to_string(), words)
        }
    }
}

/// A tmpfs with nothing said about it.
fn plain_mount() -> MountRequest {
    MountRequest::of(MountKind::Tmpfs)
}
