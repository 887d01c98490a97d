//! The life of a container as a pure machine: status and event in, new status and what to do out.
//!
//! The statuses and the transitions between them are Docker's (Engine API, "ContainerState"); the words of a refusal are those
//! that its engine answers with, because clients match on them.

use super::Status;
use crate::error::Error;
use crate::id::ContainerId;

/// Something a person, a supervisor or the recovery wants to do to a container, or that happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A person wants it to run.
    Start,
    /// Its program runs.
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
    Remove {
        /// Even if it runs.
        force: bool,
    },
    /// It could not be removed whole.
    FailedToRemove,
}

/// What the engine does about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: it is so already.
    Nothing,
    /// Start a supervisor, and through it the program.
    Launch,
    /// Ask the supervisor to deliver a signal, or to stop it.
    Signal,
    /// Freeze its control group.
    Freeze,
    /// Thaw its control group.
    Thaw,
    /// Go ahead with what needs a running program.
    Enter,
    /// Give back addresses, ports, links, control group.
    TidyUp,
    /// Kill it and wait for its end first.
    KillFirst,
    /// Remove its root, its files and its record.
    Delete,
}

/// Where a container goes, and what is done on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Its status from now on.
    pub status: Status,
    /// What to do, in order.
    pub actions: &'static [Action],
}

/// Why an event is not possible in a status.
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
    /// Nothing of the kind can happen in this status: a bug of the caller's, never of a person's.
    Impossible,
}

// ANCHOR: machine
/// Who says what an event does in a status. [`next`] is the one of Docker's; a student writes one as an exercise, and the suite judges it.
pub trait Machine: Send + Sync {
    /// What an event does in a status.
    ///
    /// # Errors
    /// Why nothing can be done.
    fn next(&self, status: Status, event: Event) -> Result<Transition, Refusal>;
}
// ANCHOR_END: machine

impl dyn Machine {
    /// The transition, or the error with Docker's words. `asked` is the name as the person wrote it.
    ///
    /// # Errors
    /// The refusal, explained.
    pub fn allow(&self, status: Status, event: Event, id: &ContainerId, asked: &str) -> crate::Result<Transition> {
        self.next(status, event).map_err(|refusal| explain(refusal, event, id, asked))
    }
}

impl<F: Fn(Status, Event) -> Result<Transition, Refusal> + Send + Sync> Machine for F {
    fn next(&self, status: Status, event: Event) -> Result<Transition, Refusal> {
        self(status, event)
    }
}

/// What an event does in a status.
///
/// # Errors
/// Why nothing can be done.
pub fn next(status: Status, event: Event) -> Result<Transition, Refusal> {
    use Action as A;
    use Event as E;
    use Status as S;
    let to = |status, actions| Ok(Transition { status, actions });
    match (status, event) {
        (S::Created | S::Exited, E::Start) => to(status, &[A::Launch]),
        (S::Running | S::Restarting, E::Start) => to(status, &[A::Nothing]),
        (S::Paused, E::Start) => Err(Refusal::Paused),

        (S::Created | S::Exited | S::Restarting, E::Began) => to(S::Running, &[]),
        (S::Created, E::FailedToStart) => to(S::Created, &[A::TidyUp]),
        (S::Exited | S::Restarting, E::FailedToStart) => to(S::Exited, &[A::TidyUp]),
        (S::Running | S::Paused | S::Restarting, E::Ended) => to(S::Exited, &[A::TidyUp]),
        (S::Running | S::Paused, E::EndedForNow) => to(S::Restarting, &[A::TidyUp]),
        (_, E::Began | E::FailedToStart | E::Ended | E::EndedForNow) => Err(Refusal::Impossible),

        (S::Running | S::Restarting | S::Paused, E::Stop) => to(status, &[A::Signal]),
        (S::Created | S::Exited | S::Dead | S::Removing, E::Stop) => to(status, &[A::Nothing]),
        (S::Running | S::Restarting | S::Paused, E::Kill) => to(status, &[A::Signal]),
        (S::Created | S::Exited | S::Dead | S::Removing, E::Kill) => Err(Refusal::NotRunning),

        (S::Running, E::Pause) => to(S::Paused, &[A::Freeze]),
        (S::Paused, E::Pause) => Err(Refusal::AlreadyPaused),
        (S::Restarting, E::Pause | E::Exec | E::Top) => Err(Refusal::Restarting),
        (S::Created | S::Exited | S::Dead | S::Removing, E::Pause | E::Exec | E::Top) => Err(Refusal::NotRunning),
        (S::Paused, E::Unpause) => to(S::Running, &[A::Thaw]),
        (_, E::Unpause) => Err(Refusal::NotPaused),
        (S::Running, E::Exec | E::Top) | (S::Paused, E::Top) => to(status, &[A::Enter]),
        (S::Paused, E::Exec | E::Attach) => Err(Refusal::Paused),

        (S::Running, E::Attach) => to(status, &[A::Enter]),
        (S::Restarting, E::Attach) => Err(Refusal::Restarting),
        (S::Created | S::Exited | S::Dead | S::Removing, E::Attach) => Err(Refusal::NotRunning),

        (S::Created | S::Exited | S::Dead, E::Remove { .. }) => to(S::Removing, &[A::Delete]),
        (S::Running | S::Paused | S::Restarting, E::Remove { force: true }) => to(status, &[A::KillFirst, A::Delete]),
        (S::Running, E::Remove { force: false }) => Err(Refusal::Running),
        (S::Paused, E::Remove { force: false }) => Err(Refusal::Paused),
        (S::Restarting, E::Remove { force: false }) => Err(Refusal::Restarting),
        (S::Removing, E::FailedToRemove) => to(S::Dead, &[]),
        (_, E::FailedToRemove) => Err(Refusal::Impossible),
        (S::Removing | S::Dead, E::Start) | (S::Removing, E::Remove { .. }) => Err(Refusal::BeingRemoved),
    }
}

fn explain(refusal: Refusal, event: Event, id: &ContainerId, asked: &str) -> Error {
    use crate::error::ErrorKind::{Conflict, NotRunning, System};
    let (kind, text) = match (event, refusal) {
        (Event::Start, Refusal::Paused) => (Conflict, "cannot start a paused container, try unpause instead".to_owned()),
        (Event::Start, Refusal::BeingRemoved) => (Conflict, "container is marked for removal and cannot be started".to_owned()),
        (Event::Remove { .. }, Refusal::BeingRemoved) => (Conflict, format!("removal of container {asked} is already in progress")),
        (Event::Remove { .. }, Refusal::Running) => {
            (Conflict, format!("You cannot remove a running container {id}. Stop the container before attempting removal or force remove"))
        }
        (Event::Remove { .. }, Refusal::Paused) => (
            Conflict,
            format!(
                "You cannot remove a paused container {id}. Unpause and then stop the container before attempting removal or force remove"
            ),
        ),
        (Event::Remove { .. }, Refusal::Restarting) => (
            Conflict,
            format!("You cannot remove a restarting container {id}. Stop the container before attempting removal or force remove"),
        ),
        // Docker answers 409 to a kill; the engine trait promises the same kind.
        (Event::Kill, Refusal::NotRunning) => (Conflict, format!("Cannot kill container: {asked}: Container {id} is not running")),
        (Event::Attach, Refusal::NotRunning) => (NotRunning, "You cannot attach to a stopped container, start it first".to_owned()),
        (Event::Attach, Refusal::Paused) => (Conflict, "You cannot attach to a paused container, unpause it first".to_owned()),
        (Event::Attach, Refusal::Restarting) => {
            (Conflict, "You cannot attach to a restarting container, wait until it is running".to_owned())
        }
        (Event::Exec, Refusal::Paused) => (Conflict, format!("Container {asked} is paused, unpause the container before exec")),
        (_, Refusal::AlreadyPaused) => (Conflict, format!("Container {id} is already paused")),
        (_, Refusal::NotPaused) => (Conflict, format!("Container {id} is not paused")),
        (_, Refusal::Restarting) => (Conflict, format!("Container {id} is restarting, wait until the container is running")),
        (_, Refusal::NotRunning) => (NotRunning, format!("Container {id} is not running")),
        (event, refusal) => (System, format!("container {id}: {event:?} is {refusal:?}")),
    };
    let code = match refusal {
        Refusal::NotRunning => "container-not-running",
        Refusal::Paused | Refusal::AlreadyPaused => "container-paused",
        Refusal::NotPaused => "container-not-paused",
        Refusal::Restarting => "container-restarting",
        Refusal::Running => "container-running",
        Refusal::BeingRemoved => "container-being-removed",
        Refusal::Impossible => "system",
    };
    Error::new(kind, text).subject(id.as_str()).code(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STATUSES: [Status; 7] =
        [Status::Created, Status::Running, Status::Paused, Status::Restarting, Status::Removing, Status::Exited, Status::Dead];
    const EVENTS: [Event; 16] = [
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
        Event::Remove { force: false },
        Event::Remove { force: true },
        Event::FailedToRemove,
        Event::Start,
    ];

    /// The edges that Docker documents; nothing else may change a status.
    const EDGES: [(Status, Status); 11] = [
        (Status::Created, Status::Running),
        (Status::Created, Status::Removing),
        (Status::Exited, Status::Running),
        (Status::Exited, Status::Removing),
        (Status::Running, Status::Paused),
        (Status::Running, Status::Exited),
        (Status::Running, Status::Restarting),
        (Status::Paused, Status::Running),
        (Status::Restarting, Status::Running),
        (Status::Removing, Status::Dead),
        (Status::Dead, Status::Removing),
    ];
    const FURTHER_EDGES: [(Status, Status); 3] =
        [(Status::Paused, Status::Exited), (Status::Paused, Status::Restarting), (Status::Restarting, Status::Exited)];

    proptest! {
        #[test]
        fn only_documented_transitions_happen(events in proptest::collection::vec(0usize..EVENTS.len(), 0..60)) {
            let mut status = Status::Created;
            for i in events {
                if let Ok(step) = next(status, EVENTS[i]) {
                    prop_assert!(
                        step.status == status || EDGES.contains(&(status, step.status)) || FURTHER_EDGES.contains(&(status, step.status)),
                        "{status:?} -> {:?} by {:?}", step.status, EVENTS[i]
                    );
                    status = step.status;
                }
            }
        }
    }

    #[test]
    fn nothing_that_is_not_running_can_be_signalled_or_entered() {
        for status in [Status::Created, Status::Exited, Status::Dead, Status::Removing] {
            for event in [Event::Kill, Event::Pause, Event::Exec, Event::Top, Event::Attach] {
                assert_eq!(next(status, event), Err(Refusal::NotRunning), "{status:?} {event:?}");
            }
        }
    }

    #[test]
    fn every_status_can_be_removed_by_force_but_one_that_is_being_removed() {
        for status in STATUSES {
            let answer = next(status, Event::Remove { force: true });
            assert_eq!(answer.is_ok(), status != Status::Removing, "{status:?}");
            assert!(answer.is_err() || answer.is_ok_and(|t| t.actions.contains(&Action::Delete)));
        }
    }

    #[test]
    fn refusals_have_dockers_words() {
        let id = ContainerId::new("ab".repeat(32));
        let machine: &dyn Machine = &next;
        let text = |status, event| machine.allow(status, event, &id, "web").unwrap_err().message().to_owned();
        assert_eq!(text(Status::Exited, Event::Kill), format!("Cannot kill container: web: Container {id} is not running"));
        assert_eq!(text(Status::Paused, Event::Exec), "Container web is paused, unpause the container before exec");
        assert_eq!(
            text(Status::Running, Event::Remove { force: false }),
            format!("You cannot remove a running container {id}. Stop the container before attempting removal or force remove")
        );
        assert_eq!(text(Status::Removing, Event::Start), "container is marked for removal and cannot be started");
    }
}
