//! Signals: stop and kill, the grace period, and what process 1 is spared.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::fixture::Archive;
use crate::outcome::{contains, equal, fail, holds};
use drydock_core::ErrorKind;
use drydock_core::container::Status;
use drydock_core::kernel::Signal;
use serde_json::json;
use std::time::Duration;

const HANDLER: &str = "trap 'echo got; exit 3' TERM; echo ready; while :; do sleep 0.05; done";

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-SIG-1", "Stop sends SIGTERM: a program that handles it ends as it pleases, and at once.", cite::STOP, |w| {
        let id = w.ready(HANDLER, |_| {})?;
        let took = w.timed(|| Ok(w.engine().stop(&id, None, None)?))?;
        equal("exit code", w.record(&id)?.state.exit_code, 3)?;
        contains("log", &w.log_text(&id)?, "got")?;
        holds(format_args!("{took:?} is far below the grace period"), took < Duration::from_secs(5))
    }),
    Clause::docker(
        "CTR-SIG-2",
        "Process 1 without a handler is spared SIGTERM, so stop kills it after the grace period: 137.",
        "pid_namespaces(7); docker container stop, --time",
        |w| {
            let id = w.sleeper(|_| {})?;
            let took = w.timed(|| Ok(w.engine().stop(&id, None, Some(1))?))?;
            equal("exit code", w.record(&id)?.state.exit_code, 137)?;
            holds(format_args!("{took:?} is about one second"), (Duration::from_millis(900)..Duration::from_secs(6)).contains(&took))
        },
    ),
    Clause::docker(
        "CTR-SIG-3",
        "Kill sends SIGKILL: the container ends at once with 137.",
        "Docker CLI reference, docker container kill",
        |w| {
            let id = w.ready(HANDLER, |_| {})?;
            w.kill(&id, "KILL")?;
            equal("exit code", w.wait(&id)?, 137)?;
            holds("the handler did not run", !w.log_text(&id)?.contains("got"))
        },
    ),
    Clause::docker(
        "CTR-SIG-4",
        "Kill delivers the signal it is given, and the container may go on.",
        "Docker CLI reference, docker container kill",
        |w| {
            let id = w.ready("trap 'echo one' USR1; echo ready; while :; do sleep 0.05; done", |_| {})?;
            w.kill(&id, "USR1")?;
            w.eventually("the handler ran", || Ok(w.log_text(&id)?.contains("one")))?;
            equal("status", w.status(&id)?, Status::Running)
        },
    ),
    Clause::docker("CTR-SIG-5", "Stop sends the container's own stop signal where it has one.", cite::RUN, |w| {
        let id = w.ready("trap 'exit 4' USR1; echo ready; while :; do sleep 0.05; done", |c| c.stop_signal = "SIGUSR1".to_owned())?;
        w.engine().stop(&id, None, None)?;
        equal("exit code", w.record(&id)?.state.exit_code, 4)
    }),
    Clause::law(
        "CTR-SIG-6",
        "Stop sends the image's stop signal where the container has none of its own.",
        "image-spec config.md, StopSignal",
        |w| {
            let image = Archive::new(vec![w.busybox().to_vec()], &["stopper:1"]).config(json!({"StopSignal": "SIGUSR2"}));
            w.engine().load(&mut &*image.docker())?;
            let id = w.ready("trap 'exit 6' USR2; echo ready; while :; do sleep 0.05; done", |c| c.image = "stopper:1".to_owned())?;
            w.engine().stop(&id, None, None)?;
            equal("exit code", w.record(&id)?.state.exit_code, 6)
        },
    ),
    Clause::docker("CTR-SIG-7", "The container's own grace period holds where stop names none.", cite::RUN, |w| {
        let id = w.sleeper(|c| c.stop_timeout = Some(1))?;
        let took = w.timed(|| Ok(w.engine().stop(&id, None, None)?))?;
        equal("exit code", w.record(&id)?.state.exit_code, 137)?;
        holds(format_args!("{took:?} is about one second"), (Duration::from_millis(900)..Duration::from_secs(6)).contains(&took))
    }),
    Clause::docker(
        "CTR-SIG-8",
        "With an init SIGTERM reaches a program without a handler: 143, at once.",
        "Docker CLI reference, docker container run --init",
        |w| {
            let id = w.ready("echo ready; exec sleep 1000", |c| c.init = true)?;
            let took = w.timed(|| Ok(w.engine().stop(&id, None, None)?))?;
            equal("exit code", w.record(&id)?.state.exit_code, 143)?;
            holds(format_args!("{took:?} is far below the grace period"), took < Duration::from_secs(5))
        },
    ),
    Clause::docker(
        "CTR-SIG-9",
        "Process 1 cannot kill itself: a signal from inside its namespace has no effect without a handler.",
        cite::PIDNS,
        |w| w.sh("kill -9 $$; kill -TERM $$; echo alive")?.prints("alive")?.done(),
    ),
    Clause::docker(
        "CTR-SIG-10",
        "Killing a container that does not run is refused, with its name and its id.",
        "Docker CLI reference, docker container kill",
        |w| {
            let id = w.create(&["true"], |c| c.name = Some("idle".to_owned()))?;
            let Err(error) = w.engine().kill("idle", Signal::KILL) else { return fail("it was not refused") };
            equal("HTTP status", error.http_status(), 409)?;
            contains("message", &error.to_string(), &format!("Cannot kill container: idle: Container {id} is not running"))
        },
    ),
    Clause::docker(
        "CTR-SIG-11",
        "A signal's name is taken in either case, with or without SIG, or as a number; another is refused.",
        "Docker CLI reference, docker container kill",
        |w| {
            for good in ["USR1", "SIGUSR1", "usr1", "10"] {
                equal(good, Signal::parse(good)?.number(), 10)?;
            }
            for bad in ["FOO", "0", "65", ""] {
                let Err(error) = Signal::parse(bad) else { return fail(format_args!("{bad:?} was taken")) };
                equal(bad, error.kind(), ErrorKind::InvalidInput)?;
                contains("message", &error.to_string(), &format!("Invalid signal: {bad}"))?;
            }
            equal("running", w.engine().containers(false)?.len(), 0)
        },
    ),
    Clause::docker("CTR-SIG-12", "When process 1 ends, the kernel kills every other process of the container.", cite::PIDNS, |w| {
        let id = w.ready("sleep 1000 & sh -c 'sleep 1000; true' & echo ready; sleep 0.2; exit 8", |_| {})?;
        equal("exit code", w.wait(&id)?, 8)?;
        w.eventually("no process of it is left", || {
            Ok(!w.engine().observe()?.processes.iter().any(|p| p.contains(&id) || p.contains("sleep 1000")))
        })
    }),
    Clause::docker(
        "CTR-SIG-13",
        "One that ignores its stop signal is killed when the grace period is over, not before and not long after.",
        cite::STOP,
        |w| {
            let id = w.ready("trap '' TERM; echo ready; while :; do sleep 0.05; done", |_| {})?;
            let took = w.timed(|| Ok(w.engine().stop(&id, None, Some(1))?))?;
            holds(format_args!("{took:?} is about a second"), took >= Duration::from_millis(950) && took < Duration::from_millis(3000))?;
            equal("exit code", w.record(&id)?.state.exit_code, 137)
        },
    ),
    Clause::docker("CTR-SIG-14", "The container's own stop signal and timeout hold where nobody gives others.", cite::RUN, |w| {
        let id = w.ready("trap 'exit 4' USR1; trap '' TERM; echo ready; while :; do sleep 0.05; done", |c| {
            (c.stop_signal, c.stop_timeout) = ("USR1".to_owned(), Some(1));
        })?;
        w.engine().stop(&id, None, None)?;
        equal("exit code", w.record(&id)?.state.exit_code, 4)?;
        let id = w.ready("trap '' TERM; echo ready; while :; do sleep 0.05; done", |c| c.stop_timeout = Some(0))?;
        let took = w.timed(|| Ok(w.engine().stop(&id, None, None)?))?;
        holds(format_args!("{took:?} is at once"), took < Duration::from_secs(2))
    }),
    Clause::docker("CTR-SIG-15", "With a negative grace period a stop waits for as long as it takes.", cite::STOP, |w| {
        let id = w.ready("trap 'sleep 0.5; echo got; exit 3' TERM; echo ready; while :; do sleep 0.05; done", |_| {})?;
        w.engine().stop(&id, None, Some(-1))?;
        equal("exit code", w.record(&id)?.state.exit_code, 3)?;
        equal("log", w.log_text(&id)?, "ready\ngot\n")
    }),
    Clause::docker("CTR-SIG-16", "With --init process 1 passes signals on, and ends as the program ends.", cite::RUN, |w| {
        w.sh_with("exit 7", |c| c.init = true)?.exits(7)?;
        w.sh_with("kill -9 $$", |c| c.init = true)?.exits(137)?;
        let id = w.sleeper(|c| c.init = true)?;
        w.engine().stop(&id, None, Some(5))?;
        equal("exit code", w.record(&id)?.state.exit_code, 143)
    }),
    Clause::docker(
        "CTR-SIG-17",
        "With --init processes that lost their parent are reaped when they end; without, they stay as zombies.",
        cite::RUN,
        |w| {
            for (init, zombies) in [(true, 0), (false, 1)] {
                let id = w.start(&["sh", "-c", "(sleep 0.1 &); exec sleep 1000"], |c| c.init = init)?;
                w.sleep(Duration::from_millis(600));
                let states = w.exec(&id, &["sh", "-c", "cat /proc/[0-9]*/status | grep -c '^State:.Z'; true"])?.exits(0)?;
                equal(if init { "with" } else { "without" }, states.text(), zombies.to_string())?;
            }
            Ok(())
        },
    ),
    Clause::docker("CTR-SIG-18", "A stop signal of KILL ends a container at once.", cite::RUN, |w| {
        let id = w.ready("trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done", |c| c.stop_signal = "KILL".to_owned())?;
        let took = w.timed(|| Ok(w.engine().stop(&id, None, None)?))?;
        holds(format_args!("{took:?} is at once"), took < Duration::from_secs(3))?;
        equal("exit code", w.record(&id)?.state.exit_code, 137)
    }),
];
