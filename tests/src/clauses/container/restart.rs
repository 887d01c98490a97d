//! Restart policies.

use crate::clause::Clause;
use crate::outcome::{equal, fail, holds};
use drydock_core::container::{RestartPolicy, Status};
use std::time::Duration;

const CITE: &str = "Docker manual, Start containers automatically, Use a restart policy";

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "CTR-RESTART-1",
        "on-failure with a bound starts a failing program again so many times, then leaves it exited.",
        CITE,
        |w| {
            let id = w.start(&["sh", "-c", "echo run; exit 5"], |c| c.restart = RestartPolicy::OnFailure(Some(2)))?;
            w.eventually("it is left exited", || {
                let state = w.record(&id)?.state;
                Ok(state.status == Status::Exited && state.restarts == 2)
            })?;
            equal("log", w.log_text(&id)?, "run\nrun\nrun\n")?;
            equal("exit code", w.record(&id)?.state.exit_code, 5)
        },
    ),
    Clause::docker("CTR-RESTART-2", "on-failure leaves alone a program that ended with 0.", CITE, |w| {
        let id = w.start(&["true"], |c| c.restart = RestartPolicy::OnFailure(None))?;
        equal("exit code", w.wait(&id)?, 0)?;
        w.sleep(Duration::from_millis(500));
        let state = w.record(&id)?.state;
        equal("status", state.status, Status::Exited)?;
        equal("restarts", state.restarts, 0)
    }),
    Clause::docker("CTR-RESTART-3", "always starts again whatever the exit code was.", CITE, |w| {
        let id = w.start(&["sh", "-c", "echo run; exit 0"], |c| c.restart = RestartPolicy::Always)?;
        w.eventually("it ran three times", || Ok(w.record(&id)?.state.restarts >= 2))?;
        holds("the log has every run", w.log_text(&id)?.starts_with("run\nrun\n"))
    }),
    Clause::docker("CTR-RESTART-4", "A container that a person stopped is not started again.", CITE, |w| {
        let id = w.start(&["sh", "-c", "sleep 0.05"], |c| c.restart = RestartPolicy::Always)?;
        w.eventually("it was started again", || Ok(w.record(&id)?.state.restarts >= 1))?;
        w.engine().stop(&id, None, Some(0))?;
        let before = w.record(&id)?.state;
        equal("status", before.status, Status::Exited)?;
        w.sleep(Duration::from_millis(700));
        equal("state", w.record(&id)?.state, before)
    }),
    Clause::docker("CTR-RESTART-5", "unless-stopped starts a failing program again.", CITE, |w| {
        let id = w.start(&["sh", "-c", "exit 1"], |c| c.restart = RestartPolicy::UnlessStopped)?;
        w.eventually("it was started again", || Ok(w.record(&id)?.state.restarts >= 2))
    }),
    Clause::docker("CTR-RESTART-6", "The pause before a restart doubles from 100 ms.", CITE, |w| {
        let id = w.start(&["sh", "-c", "echo run; exit 1"], |c| c.restart = RestartPolicy::OnFailure(Some(3)))?;
        w.eventually("it is left exited", || {
            let state = w.record(&id)?.state;
            Ok(state.status == Status::Exited && state.restarts == 3)
        })?;
        let times: Vec<_> = w.logs(&id, &Default::default())?.iter().map(|l| l.time).collect();
        equal("runs", times.len(), 4)?;
        for (pair, least) in times.windows(2).zip([100, 200, 400]) {
            let gap = pair[1].since(pair[0]);
            holds(format_args!("{gap:?} is at least {least} ms"), gap >= Duration::from_millis(least - 5))?;
        }
        Ok(())
    }),
    Clause::docker(
        "CTR-RESTART-7",
        "A container that waits to be started again is restarting, and can be removed with force.",
        CITE,
        |w| {
            let id = w.start(&["sh", "-c", "exit 1"], |c| c.restart = RestartPolicy::Always)?;
            w.eventually("it waits", || Ok(w.status(&id)? == Status::Restarting))?;
            w.remove(&id)?;
            holds("it is gone", w.engine().container(&id).is_err())
        },
    ),
    Clause::docker("CTR-RESTART-8", "A container that a person killed is not started again.", CITE, |w| {
        let id = w.sleeper(|c| c.restart = RestartPolicy::Always)?;
        w.kill(&id, "KILL")?;
        equal("exit code", w.wait(&id)?, 137)?;
        w.sleep(Duration::from_millis(500));
        equal("status", w.status(&id)?, Status::Exited)
    }),
    Clause::docker("CTR-RESTART-9", "A restart gives the same container a new process.", CITE, |w| {
        let id = w.sleeper(|c| c.restart = RestartPolicy::Always)?;
        let Some(first) = w.record(&id)?.state.process else { return fail("it has no process") };
        // The host kills its process, which is no person's wish.
        w.host(&format!("kill -9 {}", first.pid))?.exits(0)?;
        w.eventually("it runs with another process", || {
            let state = w.record(&id)?.state;
            Ok(state.status == Status::Running && state.process.is_some_and(|p| p != first) && state.restarts == 1)
        })
    }),
];
