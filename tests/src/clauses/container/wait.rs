//! Waiting for an end, for the next end, for the removal.

use crate::clause::Clause;
use crate::outcome::{Checked, contains, equal, fail, holds};
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::container::{RestartPolicy, Status};
use drydock_core::engine::WaitCondition;
use drydock_core::engine::WaitCondition::{NextExit, NotRunning, Removed};
use std::time::Duration;

const CITE: &str = "Docker Engine API, Wait for a container";

fn wait(w: &World<'_>, id: &str, condition: WaitCondition) -> Checked<i32> {
    Ok(w.engine().wait_for(id, condition, Some(Duration::from_secs(20)))?)
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-WAIT-1", "A container that never ran is not waited for, and its code is 0.", CITE, |w| {
        let id = w.create(&["true"], |_| {})?;
        equal("code", wait(w, &id, NotRunning)?, 0)
    }),
    Clause::docker("CTR-WAIT-2", "The wait for the end gives the program's code, at once when it has ended already.", CITE, |w| {
        let id = w.start(&["sh", "-c", "sleep 0.1; exit 5"], |_| {})?;
        equal("running", wait(w, &id, NotRunning)?, 5)?;
        equal("ended", wait(w, &id, NotRunning)?, 5)
    }),
    Clause::docker("CTR-WAIT-3", "The wait for the next end takes the one that is still to come.", CITE, |w| {
        let id = w.start(&["sh", "-c", "sleep 0.2; exit 5"], |_| {})?;
        equal("code", wait(w, &id, NextExit)?, 5)?;
        let Err(error) = w.engine().wait_for(&id, NextExit, Some(Duration::from_millis(100))) else { return fail("it ended again") };
        equal("kind", error.kind(), ErrorKind::TimedOut)
    }),
    Clause::docker("CTR-WAIT-4", "The wait for the removal gives the code of a container that removes itself.", CITE, |w| {
        let id = w.start(&["sh", "-c", "sleep 0.2; exit 4"], |c| c.auto_remove = true)?;
        equal("code", wait(w, &id, Removed)?, 4)?;
        holds("it is gone", w.engine().container(&id).is_err())
    }),
    Clause::docker("CTR-WAIT-5", "The wait for the end of a container that removes itself gives its code too.", CITE, |w| {
        // A busy machine may come too late for a short one, which then is gone.
        for seconds in ["0.2", "2", "8"] {
            let id = w.start(&["sh", "-c", &format!("sleep {seconds}; exit 6")], |c| c.auto_remove = true)?;
            match w.engine().wait_for(&id, NotRunning, Some(Duration::from_secs(30))) {
                Err(late) if late.kind() == ErrorKind::NotFound => {}
                code => return equal("code", code?, 6),
            }
        }
        fail("each was gone before it could be waited for")
    }),
    Clause::docker("CTR-WAIT-6", "An end is an end, also of a program that is started again.", CITE, |w| {
        let id = w.start(&["sh", "-c", "sleep 0.3; exit 7"], |c| c.restart = RestartPolicy::OnFailure(Some(2)))?;
        equal("first", wait(w, &id, NotRunning)?, 7)?;
        holds("it is not given up", w.record(&id)?.state.restarts < 2)?;
        equal("next", wait(w, &id, NextExit)?, 7)
    }),
    Clause::docker("CTR-WAIT-7", "A paused container is waited for until it is thawed and ends.", CITE, |w| {
        let id = w.sleeper(|_| {})?;
        w.engine().pause(&id)?;
        let waited = w.engine().wait_for(&id, NotRunning, Some(Duration::from_millis(100)));
        holds("it is still waited for", waited.is_err_and(|e| e.kind() == ErrorKind::TimedOut))?;
        w.engine().unpause(&id)?;
        w.kill(&id, "KILL")?;
        equal("code", wait(w, &id, NotRunning)?, 137)?;
        equal("status", w.status(&id)?, Status::Exited)
    }),
    Clause::docker("CTR-WAIT-8", "What is not there is not waited for.", CITE, |w| {
        for condition in [NotRunning, NextExit, Removed] {
            let Err(error) = w.engine().wait_for("nope", condition, None) else { return fail("it was waited for") };
            equal("kind", error.kind(), ErrorKind::NotFound)?;
            contains("message", &error.to_string(), "No such container: nope")?;
        }
        Ok(())
    }),
];
