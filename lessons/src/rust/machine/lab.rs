//! The life of a container as a machine: a status and an event in; the next status and what to do out, or why not.

use super::words::{Action as A, Answer, Event as E, Refusal as R, Status as S};

// ANCHOR: next
/// What an event does to a container of this status.
pub fn next(status: S, event: E) -> Answer {
    match (status, event) {
        // A start is granted to what does not run: the program is launched, and the status changes when it runs, not before.
        (S::Created | S::Exited, E::Start) => Ok((status, &[A::Launch])),
        (S::Running | S::Restarting, E::Start) => Ok((status, &[A::Nothing])),
        (S::Paused, E::Start) => Err(R::Paused),
        (S::Removing | S::Dead, E::Start) => Err(R::BeingRemoved),
        // ANCHOR_END: next

        // What happens to programs. An end is tidied up after, and so is a start that failed.
        (S::Created | S::Exited | S::Restarting, E::Began) => Ok((S::Running, &[])),
        // -- solution
        (S::Created, E::FailedToStart) => Ok((S::Created, &[A::TidyUp])),
        (S::Exited | S::Restarting, E::FailedToStart) => Ok((S::Exited, &[A::TidyUp])),
        // ANCHOR: ends
        (S::Running | S::Paused | S::Restarting, E::Ended) => Ok((S::Exited, &[A::TidyUp])),
        (S::Running | S::Paused, E::EndedForNow) => Ok((S::Restarting, &[A::TidyUp])),
        (_, E::Began | E::FailedToStart | E::Ended | E::EndedForNow) => Err(R::Impossible),
        // ANCHOR_END: ends
        // -- starter
        //> // To do: FailedToStart, Ended, EndedForNow.
        // -- end

        // Stopping is a wish about the end: what has ended grants it by doing nothing. A signal needs somebody to receive it.
        // -- solution
        (S::Running | S::Restarting | S::Paused, E::Stop | E::Kill) => Ok((status, &[A::Signal])),
        (_, E::Stop) => Ok((status, &[A::Nothing])),
        // -- starter
        //> // To do: Stop, Kill.
        // -- end

        // Freezing and thawing.
        // -- solution
        (S::Running, E::Pause) => Ok((S::Paused, &[A::Freeze])),
        (S::Paused, E::Pause) => Err(R::AlreadyPaused),
        (S::Paused, E::Unpause) => Ok((S::Running, &[A::Thaw])),
        (_, E::Unpause) => Err(R::NotPaused),
        // -- starter
        //> // To do: Pause, Unpause.
        // -- end

        // What needs a running program. The processes of a frozen one can be listed; it can be neither entered nor attached to.
        // -- solution
        (S::Running, E::Exec | E::Top | E::Attach) | (S::Paused, E::Top) => Ok((status, &[A::Enter])),
        (S::Paused, E::Exec | E::Attach) => Err(R::Paused),
        (S::Restarting, E::Pause | E::Exec | E::Top | E::Attach) => Err(R::Restarting),
        (S::Created | S::Exited | S::Dead | S::Removing, E::Kill | E::Pause | E::Exec | E::Top | E::Attach) => Err(R::NotRunning),
        // -- starter
        //> // To do: Exec, Top, Attach.
        // -- end

        // Removing. What runs is removed by force alone, and then killed first. One that is being removed is not removed twice.
        // -- solution
        (S::Created | S::Exited | S::Dead, E::Remove | E::RemoveByForce) => Ok((S::Removing, &[A::Delete])),
        (S::Running | S::Paused | S::Restarting, E::RemoveByForce) => Ok((status, &[A::KillFirst, A::Delete])),
        (S::Running, E::Remove) => Err(R::Running),
        (S::Paused, E::Remove) => Err(R::Paused),
        (S::Restarting, E::Remove) => Err(R::Restarting),
        (S::Removing, E::Remove | E::RemoveByForce) => Err(R::BeingRemoved),
        (S::Removing, E::FailedToRemove) => Ok((S::Dead, &[])),
        (_, E::FailedToRemove) => Err(R::Impossible),
        // -- starter
        //> // To do: Remove, RemoveByForce, FailedToRemove.
        //>
        //> // Until then nothing else is possible. A match that is whole needs no line like this one.
        //> _ => Err(R::Impossible),
        // -- end
    }
}
