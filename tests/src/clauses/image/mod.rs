//! Images: how they come in, what they are called, what their layers mean, how they go.

mod import;
mod layer;
mod load;
mod reference;
mod remove;

use crate::clause::Clause;

/// Every topic, by name.
pub(super) fn topics() -> Vec<&'static [Clause]> {
    vec![import::CLAUSES, layer::CLAUSES, load::CLAUSES, reference::CLAUSES, remove::CLAUSES]
}
