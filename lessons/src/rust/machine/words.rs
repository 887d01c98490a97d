//! The words of the life-cycle machine, and how the judge's questions are read. There is nothing to change here.

use super::lab;
use std::fmt::Debug;

/// What a container is at a moment. The words are Docker's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was made, and never ran.
    Created,
    /// Its program runs.
    Running,
    /// Its program is frozen.
    Paused,
    /// Its program ended, and will be started again in a moment.
    Restarting,
    /// It is being removed.
    Removing,
    /// Its program ended.
    Exited,
    /// It could not be removed whole.
    Dead,
}

/// What somebody wants, or what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A person wants it to run.
    Start,
    /// Its program runs now.
    Began,
    /// Its program could not be started.
    FailedToStart,
    /// Its program ended, and stays ended.
    Ended,
    /// Its program ended, and its restart policy will start it again.
    EndedForNow,
    /// A person wants it to end.
    Stop,
    /// A person sends a signal.
    Kill,
    /// A person freezes it.
    Pause,
    /// A person thaws it.
    Unpause,
    /// A person wants to run another program in it.
    Exec,
    /// A person asks for its processes.
    Top,
    /// A person wants its streams.
    Attach,
    /// A person removes it.
    Remove,
    /// A person removes it even if it runs.
    RemoveByForce,
    /// It could not be removed whole.
    FailedToRemove,
}

/// What the engine does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: it is so already.
    Nothing,
    /// Start its program.
    Launch,
    /// Send its program a signal.
    Signal,
    /// Freeze its control group.
    Freeze,
    /// Thaw its control group.
    Thaw,
    /// Go ahead with what needs a running program: an exec, a list of processes, an attach.
    Enter,
    /// Give back its addresses, links and control group.
    TidyUp,
    /// Kill it, and wait for its end.
    KillFirst,
    /// Remove its files and its record.
    Delete,
}

/// Why something cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not run.
    NotRunning,
    /// It is frozen.
    Paused,
    /// It is frozen already.
    AlreadyPaused,
    /// It is not frozen.
    NotPaused,
    /// It will be started again in a moment.
    Restarting,
    /// It runs.
    Running,
    /// It is being removed.
    BeingRemoved,
    /// This cannot happen to a container of this status at all.
    Impossible,
}

/// Where a container goes and what is done on the way, in this order; or why not.
pub type Answer = Result<(Status, &'static [Action]), Refusal>;

/// Every status.
pub const STATUSES: [Status; 7] =
    [Status::Created, Status::Running, Status::Paused, Status::Restarting, Status::Removing, Status::Exited, Status::Dead];

/// Every event.
pub const EVENTS: [Event; 15] = [
    Event::Start,
    Event::Began,
    Event::FailedToStart,
    Event::Ended,
    Event::EndedForNow,
    Event::Stop,
    Event::Kill,
    Event::Pause,
    Event::Unpause,
    Event::Exec,
    Event::Top,
    Event::Attach,
    Event::Remove,
    Event::RemoveByForce,
    Event::FailedToRemove,
];

/// Answers a question: lines of a status and an event each, `Created Start`.
pub fn answer(question: &str) -> String {
    let one = |line: &str| {
        let (status, event) = line.split_once(' ')?;
        Some(match lab::next(find(&STATUSES, status)?, find(&EVENTS, event)?) {
            Ok((status, actions)) => format!("{status:?}{}\n", actions.iter().map(|action| format!(" {action:?}")).collect::<String>()),
            Err(refusal) => format!("refused {refusal:?}\n"),
        })
    };
    question.lines().map(|line| one(line).unwrap_or_else(|| "unknown\n".to_string())).collect()
}

fn find<T: Copy + Debug>(all: &[T], word: &str) -> Option<T> {
    all.iter().copied().find(|one| format!("{one:?}") == word)
}
