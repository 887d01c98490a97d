//! What is expected of containers, as a state machine of a few lines: it draws histories that mean something, and says what every
//! operation makes of every container. The hosts are held against each other and against this.

use drydock_conformance::lockstep::{Link, Op, Program};
use drydock_core::container::Status;
use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;
use std::collections::BTreeMap;

/// How many names there are.
pub const NAMES: u8 = 4;

/// A container as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// What it runs.
    pub program: Program,
    /// How it is linked.
    pub link: Link,
    /// Where it is in its life.
    pub status: Status,
}

/// All containers by their names' numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// Those that are there.
    pub boxes: BTreeMap<u8, Expected>,
}

impl Model {
    /// What an operation makes of them.
    pub fn follow(&mut self, op: Op) {
        match op {
            Op::Create { who, program, link } => {
                self.boxes.entry(who).or_insert(Expected { program, link, status: Status::Created });
            }
            Op::Start(who) => self.start(who),
            Op::Restart(who) => {
                self.end(who);
                self.start(who);
            }
            Op::Stop(who) | Op::Kill(who) => self.end(who),
            Op::Pause(who) => self.turn(who, Status::Running, Status::Paused),
            Op::Unpause(who) => self.turn(who, Status::Paused, Status::Running),
            Op::Remove { who, force } => {
                if self.boxes.get(&who).is_some_and(|b| force || !busy(b.status)) {
                    self.boxes.remove(&who);
                }
            }
            Op::Rename { who, to } => {
                if !self.boxes.contains_key(&to)
                    && let Some(renamed) = self.boxes.remove(&who)
                {
                    self.boxes.insert(to, renamed);
                }
            }
            Op::Prune => self.boxes.retain(|_, b| busy(b.status)),
            Op::Update { .. } | Op::Wait(_) | Op::Exec { .. } | Op::Logs(_) | Op::Diff(_) | Op::Reopen => {}
        }
    }

    fn start(&mut self, who: u8) {
        let Some(expected) = self.boxes.get(&who).copied() else { return };
        let taken = |b: &Expected| busy(b.status) && b.link == expected.link;
        let blocked = matches!(expected.link, Link::Published(_)) && self.boxes.values().any(taken);
        if busy(expected.status) || blocked {
            return;
        }
        if let Some(started) = self.boxes.get_mut(&who) {
            started.status = match started.program {
                Program::Sleeps | Program::Handles => Status::Running,
                Program::Ends(_) | Program::Writes => Status::Exited,
                // What could not be started stays what it was.
                Program::Missing => started.status,
            };
        }
    }

    fn end(&mut self, who: u8) {
        if let Some(ended) = self.boxes.get_mut(&who).filter(|b| busy(b.status)) {
            ended.status = Status::Exited;
        }
    }

    fn turn(&mut self, who: u8, from: Status, to: Status) {
        if let Some(turned) = self.boxes.get_mut(&who).filter(|b| b.status == from) {
            turned.status = to;
        }
    }
}

fn busy(status: Status) -> bool {
    matches!(status, Status::Running | Status::Paused)
}

fn program() -> impl Strategy<Value = Program> {
    prop_oneof![
        3 => Just(Program::Sleeps),
        2 => prop_oneof![Just(0u8), Just(1), Just(7)].prop_map(Program::Ends),
        1 => Just(Program::Writes),
        2 => Just(Program::Handles),
        1 => Just(Program::Missing),
    ]
}

fn link() -> impl Strategy<Value = Link> {
    prop_oneof![3 => Just(Link::None), 1 => Just(Link::Bridge), 1 => Just(Link::Published(8090))]
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Op;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Op> {
        let anybody = (0..NAMES).boxed();
        // Mostly of those that are there, and now and then of one that is not: errors are compared too.
        let there: Vec<u8> = state.boxes.keys().copied().collect();
        let somebody =
            if there.is_empty() { anybody.clone() } else { prop_oneof![9 => prop::sample::select(there), 1 => anybody.clone()].boxed() };
        let create = (anybody.clone(), program(), link()).prop_map(|(who, program, link)| Op::Create { who, program, link });
        let room = u32::from(NAMES) - u32::try_from(state.boxes.len()).unwrap_or(0);
        prop_oneof![
            1 + 3 * room => create,
            6 => somebody.clone().prop_map(Op::Start),
            2 => somebody.clone().prop_map(Op::Stop),
            1 => somebody.clone().prop_map(Op::Restart),
            2 => somebody.clone().prop_map(Op::Kill),
            2 => somebody.clone().prop_map(Op::Pause),
            2 => somebody.clone().prop_map(Op::Unpause),
            2 => (somebody.clone(), any::<bool>()).prop_map(|(who, force)| Op::Remove { who, force }),
            1 => (somebody.clone(), anybody).prop_map(|(who, to)| Op::Rename { who, to }),
            1 => (somebody.clone(), 16u8..64).prop_map(|(who, mebibytes)| Op::Update { who, mebibytes }),
            1 => somebody.clone().prop_map(Op::Wait),
            2 => (somebody.clone(), 0u8..3).prop_map(|(who, code)| Op::Exec { who, code }),
            2 => somebody.clone().prop_map(Op::Logs),
            1 => somebody.prop_map(Op::Diff),
            1 => Just(Op::Prune),
            1 => Just(Op::Reopen),
        ]
        .boxed()
    }

    fn apply(mut state: Self, op: &Op) -> Self {
        state.follow(*op);
        state
    }
}

/// Histories of at least one and fewer than so many operations.
pub fn histories(longest: usize) -> impl Strategy<Value = Vec<Op>> {
    Model::sequential_strategy(1..longest).prop_map(|(_, history, seen)| {
        // Shrinking begins by dropping what was not come to; a history that is drawn is gone through whole.
        if let Some(seen) = seen {
            seen.store(history.len(), std::sync::atomic::Ordering::SeqCst);
        }
        history
    })
}
