//! A student's life-cycle machine: asked everything once, and judged by laws that core's own machine holds too.

use super::{Asked, unreadable};
use drydock_core::Result as CoreResult;
use drydock_core::container::Status;
use drydock_core::container::lifecycle::{Action, Event, Machine, Refusal, Transition};
use drydock_lessons::rust::machine::words;
use std::fmt::Debug;

/// Every status, as core has it, in the order of the lab's words.
const STATUSES: [Status; 7] =
    [Status::Created, Status::Running, Status::Paused, Status::Restarting, Status::Removing, Status::Exited, Status::Dead];
/// Every event, in the order of the lab's words.
const EVENTS: [Event; 15] = [
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
];
const ACTIONS: [Action; 9] = [
    Action::Nothing,
    Action::Launch,
    Action::Signal,
    Action::Freeze,
    Action::Thaw,
    Action::Enter,
    Action::TidyUp,
    Action::KillFirst,
    Action::Delete,
];
const REFUSALS: [Refusal; 8] = [
    Refusal::NotRunning,
    Refusal::Paused,
    Refusal::AlreadyPaused,
    Refusal::NotPaused,
    Refusal::Restarting,
    Refusal::Running,
    Refusal::BeingRemoved,
    Refusal::Impossible,
];

/// What living containers are.
const ALIVE: [Status; 3] = [Status::Running, Status::Paused, Status::Restarting];

/// What a machine answers.
pub type Answer = Result<Transition, Refusal>;

fn find<T: Copy + Debug>(all: &[T], word: &str) -> Option<T> {
    all.iter().copied().find(|one| format!("{one:?}") == word)
}

/// The word of an event in the lab.
fn word(event: Event) -> String {
    EVENTS.iter().position(|known| *known == event).and_then(|at| words::EVENTS.get(at)).map(|e| format!("{e:?}")).unwrap_or_default()
}

/// All answers of a machine.
pub struct Table(Vec<((Status, Event), Answer)>);

impl Table {
    /// Asks every state about every event.
    pub fn of(asked: &dyn Asked) -> CoreResult<Self> {
        let pairs: Vec<(Status, Event)> = STATUSES.iter().flat_map(|s| EVENTS.iter().map(move |e| (*s, *e))).collect();
        let question: String = pairs.iter().map(|(status, event)| format!("{status:?} {}\n", word(*event))).collect();
        let said = asked.ask(&question)?;
        let answers = said.lines().map(|line| read(line).ok_or_else(|| unreadable(line))).collect::<CoreResult<Vec<_>>>()?;
        if answers.len() != pairs.len() {
            return Err(unreadable(&format!("{} answers to {} questions", answers.len(), pairs.len())));
        }
        Ok(Self(pairs.into_iter().zip(answers).collect()))
    }
}

fn read(line: &str) -> Option<Answer> {
    let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
    if first == "refused" {
        return find(&REFUSALS, rest).map(Err);
    }
    let actions: Option<Vec<Action>> = rest.split_whitespace().map(|word| find(&ACTIONS, word)).collect();
    // core's are written down in its program and last as long as it; these last as long as the judge.
    Some(Ok(Transition { status: find(&STATUSES, first)?, actions: Vec::leak(actions?) }))
}

impl Machine for Table {
    fn next(&self, status: Status, event: Event) -> Answer {
        let found = self.0.iter().find(|(asked, _)| *asked == (status, event));
        found.map_or(Err(Refusal::Impossible), |(_, answer)| *answer)
    }
}

/// Something that holds of every life-cycle machine of Docker's.
pub struct Law {
    /// Stable, as a clause's.
    pub id: &'static str,
    /// The law, in one sentence.
    pub sentence: &'static str,
    /// Whether a machine holds it; or the first case in which it does not.
    pub holds: fn(&dyn Machine) -> Result<(), String>,
}

/// Asks a machine about some states and events, until an answer is wrong.
fn all(machine: &dyn Machine, statuses: &[Status], events: &[Event], right: impl Fn(Status, Event, Answer) -> bool) -> Result<(), String> {
    for status in statuses {
        for event in events {
            let answer = machine.next(*status, *event);
            if !right(*status, *event, answer) {
                let said = match answer {
                    Ok(Transition { status, actions }) => format!("Ok(({status:?}, {actions:?}))"),
                    Err(refusal) => format!("Err({refusal:?})"),
                };
                return Err(format!("{status:?} and {} give {said}", word(*event)));
            }
        }
    }
    Ok(())
}

/// The laws, from the Engine API's "ContainerState" and what its engine refuses.
pub const LAWS: &[Law] = &[
    Law {
        id: "MACHINE-1",
        sentence: "What the kernel tells is believed where it can be, and Impossible everywhere else.",
        holds: |machine| {
            let told = [Event::Began, Event::FailedToStart, Event::Ended, Event::EndedForNow];
            all(machine, &STATUSES, &told, |status, event, answer| {
                let to = match (status, event) {
                    (Status::Created | Status::Exited | Status::Restarting, Event::Began) => Some(Status::Running),
                    (Status::Created, Event::FailedToStart) => Some(Status::Created),
                    (Status::Exited | Status::Restarting, Event::FailedToStart) => Some(Status::Exited),
                    (Status::Running | Status::Paused | Status::Restarting, Event::Ended) => Some(Status::Exited),
                    (Status::Running | Status::Paused, Event::EndedForNow) => Some(Status::Restarting),
                    _ => None,
                };
                match to {
                    Some(to) => answer.is_ok_and(|t| t.status == to),
                    None => answer == Err(Refusal::Impossible),
                }
            })
        },
    },
    Law {
        id: "MACHINE-2",
        sentence: "Whatever ends, or fails to start, is tidied up after; nothing else is.",
        holds: |machine| {
            all(machine, &STATUSES, &EVENTS, |_, event, answer| {
                let ends = matches!(event, Event::FailedToStart | Event::Ended | Event::EndedForNow);
                answer.map_or(true, |t| t.actions.contains(&Action::TidyUp) == ends)
            })
        },
    },
    Law {
        id: "MACHINE-3",
        sentence: "Stop is never refused, and changes no state by itself: it signals what lives.",
        holds: |machine| {
            all(machine, &STATUSES, &[Event::Stop], |status, _, answer| {
                let action = if ALIVE.contains(&status) { Action::Signal } else { Action::Nothing };
                answer.is_ok_and(|t| t.status == status && t.actions == [action])
            })
        },
    },
    Law {
        id: "MACHINE-4",
        sentence: "What does not live is neither signalled, frozen, entered, listed nor attached to.",
        holds: |machine| {
            let needs = [Event::Kill, Event::Pause, Event::Exec, Event::Top, Event::Attach];
            let lifeless = [Status::Created, Status::Exited, Status::Dead, Status::Removing];
            all(machine, &lifeless, &needs, |_, _, answer| answer == Err(Refusal::NotRunning))
        },
    },
    Law {
        id: "MACHINE-5",
        sentence: "What runs can be frozen and what is frozen thawed, and nothing else.",
        holds: |machine| {
            all(machine, &STATUSES, &[Event::Pause, Event::Unpause], |status, event, answer| match (status, event) {
                (Status::Running, Event::Pause) => answer == Ok(Transition { status: Status::Paused, actions: &[Action::Freeze] }),
                (Status::Paused, Event::Unpause) => answer == Ok(Transition { status: Status::Running, actions: &[Action::Thaw] }),
                _ => answer.is_err(),
            })
        },
    },
    Law {
        id: "MACHINE-6",
        sentence: "What lives is removed by force alone, and killed first; nothing is removed twice.",
        holds: |machine| {
            let remove = [Event::Remove { force: false }, Event::Remove { force: true }];
            all(machine, &STATUSES, &remove, |status, event, answer| {
                let force = event == Event::Remove { force: true };
                match status {
                    Status::Removing => answer == Err(Refusal::BeingRemoved),
                    alive if ALIVE.contains(&alive) && force => {
                        answer == Ok(Transition { status: alive, actions: &[Action::KillFirst, Action::Delete] })
                    }
                    alive if ALIVE.contains(&alive) => answer.is_err(),
                    _ => answer == Ok(Transition { status: Status::Removing, actions: &[Action::Delete] }),
                }
            })?;
            all(machine, &STATUSES, &[Event::FailedToRemove], |status, _, answer| match status {
                Status::Removing => answer.is_ok_and(|t| t.status == Status::Dead),
                _ => answer == Err(Refusal::Impossible),
            })
        },
    },
    Law {
        id: "MACHINE-7",
        sentence: "A person's wish changes a state at once only by freezing, thawing and removing; what wants to run is launched, not running.",
        holds: |machine| {
            let wishes: Vec<Event> = EVENTS
                .iter()
                .copied()
                .filter(|e| !matches!(e, Event::Began | Event::FailedToStart | Event::Ended | Event::EndedForNow | Event::FailedToRemove))
                .collect();
            all(machine, &STATUSES, &wishes, |status, event, answer| {
                let changes =
                    matches!(event, Event::Pause | Event::Unpause) || matches!(event, Event::Remove { .. }) && !ALIVE.contains(&status);
                answer.map_or(true, |t| changes || t.status == status)
            })?;
            all(machine, &STATUSES, &[Event::Start], |status, _, answer| match status {
                Status::Created | Status::Exited => answer.is_ok_and(|t| t.actions == [Action::Launch]),
                Status::Running | Status::Restarting => answer.is_ok_and(|t| t.actions == [Action::Nothing]),
                _ => answer.is_err(),
            })
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_core::container::lifecycle;

    #[test]
    fn cores_machine_holds_every_law() {
        for law in LAWS {
            assert_eq!((law.holds)(&lifecycle::next), Ok(()), "{}", law.id);
        }
    }

    #[test]
    fn a_machine_that_answers_anything_else_is_seen_somewhere() {
        // Every single answer of core's machine, replaced by another one, breaks a law, but for which refusal it is and what is entered.
        for (at, (status, event)) in STATUSES.iter().flat_map(|s| EVENTS.iter().map(move |e| (*s, *e))).enumerate() {
            let right = lifecycle::next(status, event);
            let wrong = match right {
                Ok(_) => Err(Refusal::Impossible),
                Err(_) => Ok(Transition { status: Status::Dead, actions: &[Action::TidyUp] }),
            };
            let broken = move |s: Status, e: Event| if (s, e) == (status, event) { wrong } else { lifecycle::next(s, e) };
            let enters = right.is_ok_and(|t| t.actions == [Action::Enter] || t.actions == [Action::Signal] && event == Event::Kill);
            let seen = LAWS.iter().any(|law| (law.holds)(&broken).is_err());
            assert!(seen || enters, "{at}: {status:?} {event:?} may give {wrong:?}");
        }
    }

    #[test]
    fn the_labs_words_are_cores() {
        let (statuses, events) = (words::STATUSES.map(|s| format!("{s:?}")), words::EVENTS.map(|e| format!("{e:?}")));
        assert_eq!(statuses, STATUSES.map(|s| format!("{s:?}")));
        let known = EVENTS
            .map(|e| format!("{e:?}").replace("Remove { force: false }", "Remove").replace("Remove { force: true }", "RemoveByForce"));
        assert_eq!(events, known);
    }

    #[test]
    fn the_solution_answers_as_core_does() {
        let table = Table::of(&|question: &str| Ok(words::answer(question))).unwrap();
        for (status, event) in STATUSES.iter().flat_map(|s| EVENTS.iter().map(move |e| (*s, *e))) {
            assert_eq!(table.next(status, event), lifecycle::next(status, event), "{status:?} {event:?}");
        }
    }
}
