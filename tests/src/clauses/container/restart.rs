//! Restart policies.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, contains, equal, fail, holds};
use crate::script::Script;
use crate::world::World;
use drydock_core::Error;
use drydock_core::container::{RestartPolicy, Status};
use drydock_core::engine::RemoveOptions;
use drydock_core::time::Timestamp;
use std::time::Duration;

const CITE: &str = "Docker manual, Start containers automatically, Use a restart policy";

/// A container that fails again and again, at a moment when it waits to be started again for longer than a clause takes.
fn waiting(w: &World<'_>, policy: RestartPolicy) -> Checked<String> {
    let id = w.start(&["sh", "-c", "exit 3"], |c| c.restart = policy)?;
    w.eventually("it waits for a while", || {
        let state = w.record(&id)?.state;
        Ok(state.status == Status::Restarting && state.restarts >= 4)
    })?;
    Ok(id)
}

/// What was said when something was refused.
fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Checked<String> {
    match outcome {
        Err(error) => Ok(error.to_string()),
        Ok(done) => fail(format_args!("it was not refused: {done:?}")),
    }
}

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
    Clause::docker("CTR-RESTART-10", "While it waits to be started again the record keeps how its last run ended.", CITE, |w| {
        let id = waiting(w, RestartPolicy::Always)?;
        let state = w.record(&id)?.state;
        equal("exit code", state.exit_code, 3)?;
        equal("process", state.process, None)?;
        holds("it ended after it began", state.finished >= state.started && state.started > Timestamp::NEVER)
    }),
    Clause::docker("CTR-RESTART-11", "What needs a running program is refused while it waits to be started again.", CITE, |w| {
        let id = waiting(w, RestartPolicy::Always)?;
        let words = format!("Container {id} is restarting, wait until the container is running");
        contains("exec", &w.exec_refused(&id, &["true"], |_| {})?.to_string(), &words)?;
        contains("pause", &refusal(w.engine().pause(&id))?, &words)?;
        let attached = w.engine().attach(&id, &Default::default(), &mut Script::silent());
        contains("attach", &refusal(attached)?, "You cannot attach to a restarting container, wait until it is running")
    }),
    Clause::docker("CTR-RESTART-12", "One that waits to be started again is not removed without force.", CITE, |w| {
        let id = waiting(w, RestartPolicy::Always)?;
        let words = format!("You cannot remove a restarting container {id}. Stop the container before attempting removal or force remove");
        contains("message", &refusal(w.engine().remove(&id, RemoveOptions::default()))?, &words)
    }),
    Clause::docker("CTR-RESTART-13", "Starting one that waits to be started again is no error.", CITE, |w| {
        let id = waiting(w, RestartPolicy::Always)?;
        w.engine().start(&id)?;
        Ok(())
    }),
    Clause::docker(
        "CTR-RESTART-14",
        "Stopping one that waits to be started again ends that at once, and its last exit code stays.",
        CITE,
        |w| {
            let id = waiting(w, RestartPolicy::Always)?;
            let took = w.timed(|| Ok(w.engine().stop(&id, None, None)?))?;
            holds(format_args!("{took:?} is at once"), took < Duration::from_secs(3))?;
            let state = w.record(&id)?.state;
            equal("state", (state.status, state.exit_code), (Status::Exited, 3))
        },
    ),
    Clause::docker(
        "CTR-RESTART-15",
        "Killing one that waits to be started again ends that, and waiting for it gives its last exit code.",
        CITE,
        |w| {
            let id = waiting(w, RestartPolicy::Always)?;
            w.kill(&id, "KILL")?;
            equal("wait", w.wait(&id)?, 3)?;
            equal("status", w.status(&id)?, Status::Exited)?;
            w.engine().remove(&id, RemoveOptions::default())?;
            Ok(())
        },
    ),
    Clause::docker("CTR-RESTART-16", "A person's restart begins to count anew.", CITE, |w| {
        let id = waiting(w, RestartPolicy::Always)?;
        holds("it was started again", w.record(&id)?.state.restarts >= 1)?;
        w.engine().restart(&id, None, Some(0))?;
        holds("it counts anew", w.record(&id)?.state.restarts <= 1)
    }),
    Clause::docker("CTR-RESTART-17", "A program that cannot be started is not tried again.", CITE, |w| {
        let id = w.create(&["nosuch"], |c| c.restart = RestartPolicy::Always)?;
        holds("it is refused", w.engine().start(&id).is_err())?;
        let before = w.record(&id)?.state;
        equal("state", (before.status, before.exit_code, before.restarts), (Status::Created, 127, 0))?;
        w.sleep(Duration::from_millis(500));
        equal("state", w.record(&id)?.state, before)
    }),
    Clause::docker("CTR-RESTART-18", "One that a person ended with its stop signal is not started again.", CITE, |w| {
        let id = w.ready("trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done", |c| c.restart = RestartPolicy::Always)?;
        w.kill(&id, "TERM")?;
        equal("exit code", w.wait(&id)?, 0)?;
        w.sleep(Duration::from_millis(500));
        let state = w.record(&id)?.state;
        equal("state", (state.status, state.restarts), (Status::Exited, 0))
    }),
    Clause::docker(
        "CTR-RESTART-19",
        "A container to be removed at its end stays when a person restarts it, and is removed at its end then.",
        cite::RUN,
        |w| {
            let id = w.sleeper(|c| c.auto_remove = true)?;
            w.engine().restart(&id, None, Some(0))?;
            equal("status", w.status(&id)?, Status::Running)?;
            w.engine().stop(&id, None, Some(0))?;
            w.eventually("it is gone", || Ok(w.engine().container(&id).is_err()))
        },
    ),
    Clause::docker("CTR-RESTART-20", "Restarting one that has ended starts it.", "Docker CLI reference, docker container restart", |w| {
        let id = w.start(&["sh", "-c", "test -f /x && exec sleep 1000; touch /x"], |_| {})?;
        w.wait(&id)?;
        w.engine().restart(&id, None, Some(0))?;
        equal("status", w.status(&id)?, Status::Running)
    }),
    Clause::docker(
        "CTR-RESTART-21",
        "A restart of a running container is told as kill, die, stop, start and restart.",
        "Docker CLI reference, docker system events",
        |w| {
            let id = w.sleeper(|_| {})?;
            w.engine().restart(&id, None, Some(0))?;
            let told: Vec<String> = w.engine().events(0, usize::MAX)?.into_iter().filter(|e| e.id == id).map(|e| e.action).collect();
            let told: Vec<&str> = told.iter().map(String::as_str).skip_while(|a| *a != "kill").filter(|a| *a != "kill").collect();
            equal("events", told, vec!["die", "stop", "start", "restart"])
        },
    ),
];
