//! The count of all instructions that are carried out, as Docker's classic builder numbers them: `Step 3/7`.

use crate::build::dockerfile::{Dockerfile, Kind};
use crate::build::progress::Event;
use crate::build::request::BuildRequest;
use crate::build::stages::Graph;
use std::collections::BTreeMap;

/// Which numbers the instructions of each stage have.
pub(super) struct Count {
    /// Of a stage's FROM, by the stage.
    from: BTreeMap<usize, u32>,
    all: u32,
}

/// Where an instruction is in the count.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// It is the one of this number.
    Own(u32),
    /// An image has left it, whose FROM has this number.
    Trigger(u32),
}

fn number(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

impl Count {
    /// Counts: what stands before the first FROM, the stages that are built in the order of the file, labels that were given.
    pub(super) fn of(file: &Dockerfile, graph: &Graph<'_>, request: &BuildRequest) -> Self {
        let mut next = 1 + before(file);
        let mut from = BTreeMap::new();
        for stage in &graph.order {
            from.insert(*stage, number(next));
            next += 1 + graph.stages[*stage].body.len();
        }
        Self { from, all: number(next - 1 + request.labels.len()) }
    }

    /// The number of the instruction at `at` of a stage: 0 is FROM.
    pub(super) fn place(&self, stage: usize, at: usize) -> u32 {
        self.from.get(&stage).copied().unwrap_or(0).saturating_add(number(at))
    }

    /// That an instruction's turn has come.
    pub(super) fn event(&self, number: u32, text: &str, step: Option<u32>) -> Event {
        Event::Instruction { number, of: self.all, text: text.to_owned(), step }
    }

    /// Tells of what stands before the first FROM.
    pub(super) fn before(&self, file: &Dockerfile, mut tell: impl FnMut(Event)) {
        for (at, instruction) in file.instructions.iter().take(before(file)).enumerate() {
            tell(self.event(number(at + 1), &instruction.text, None));
        }
    }

    /// Tells of the labels that the build was given: each is as one more instruction.
    pub(super) fn labels(&self, request: &BuildRequest, mut tell: impl FnMut(Event)) {
        let first = self.all - number(request.labels.len()) + 1;
        for (at, (name, value)) in request.labels.iter().enumerate() {
            tell(self.event(first + number(at), &format!("LABEL {name}={value}"), None));
        }
    }
}

/// How many instructions stand before the first FROM.
fn before(file: &Dockerfile) -> usize {
    file.instructions.iter().take_while(|i| !matches!(i.kind, Kind::From { .. })).count()
}
