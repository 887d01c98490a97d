//! Health checks.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, contains, equal, fail, holds};
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::container::health::{Health, Healthcheck, OnFailure, Status};
use drydock_core::container::{ContainerConfig, RestartPolicy, Status as Life};
use std::time::Duration;

const CITE: &str = "Dockerfile reference, HEALTHCHECK";
const MS: i64 = 1_000_000;

/// A check by a script, every fifth of a second.
fn script(text: &str) -> Healthcheck {
    let test = vec!["CMD-SHELL".to_owned(), text.to_owned()];
    Healthcheck { test, interval: 200 * MS, timeout: 5000 * MS, ..Healthcheck::default() }
}

fn checked(check: Healthcheck) -> impl FnOnce(&mut ContainerConfig) {
    move |c| c.health = Some(check)
}

fn health(w: &World<'_>, id: &str) -> Checked<Health> {
    match w.record(id)?.state.health {
        Some(health) => Ok(health),
        None => fail("nobody probes it"),
    }
}

fn becomes(w: &World<'_>, id: &str, status: Status) -> Checked {
    w.eventually(&format!("it is {}", status.word()), || Ok(health(w, id)?.status == status))
}

/// What happened to a container, in order.
fn actions(w: &World<'_>, id: &str) -> Checked<Vec<String>> {
    Ok(w.engine().events(0, usize::MAX)?.into_iter().filter(|e| e.id == id).map(|e| e.action).collect())
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "CTR-HEALTH-1",
        "A container with a health check starts as starting, and is healthy once a probe ends with 0.",
        CITE,
        |w| {
            let id = w.sleeper(checked(script("test -f /ok || true")))?;
            let first = health(w, &id)?;
            equal("status", first.status, Status::Starting)?;
            equal("results", first.log.len(), 0)?;
            becomes(w, &id, Status::Healthy)?;
            equal("exit code", health(w, &id)?.log.first().map(|p| p.exit_code), Some(0))
        },
    ),
    Clause::docker(
        "CTR-HEALTH-2",
        "So many failures in a row as retries say make it unhealthy, and one success healthy again.",
        CITE,
        |w| {
            let id = w.sleeper(checked(Healthcheck { retries: 2, ..script("echo hi; test -f /ok") }))?;
            becomes(w, &id, Status::Unhealthy)?;
            let found = health(w, &id)?;
            holds(format_args!("{} failures", found.failing_streak), found.failing_streak >= 2)?;
            equal("first result", found.log.first().map(|p| (p.exit_code, p.output.clone())), Some((1, "hi\n".to_owned())))?;
            w.exec(&id, &["touch", "/ok"])?.exits(0)?;
            becomes(w, &id, Status::Healthy)?;
            equal("streak", health(w, &id)?.failing_streak, 0)
        },
    ),
    Clause::docker("CTR-HEALTH-3", "Each change of health is an event, and nothing else about health is.", CITE, |w| {
        let id = w.sleeper(checked(Healthcheck { retries: 2, ..script("test -f /ok") }))?;
        becomes(w, &id, Status::Unhealthy)?;
        w.exec(&id, &["touch", "/ok"])?;
        becomes(w, &id, Status::Healthy)?;
        w.sleep(Duration::from_millis(700));
        let told: Vec<String> = actions(w, &id)?.into_iter().filter(|a| a.starts_with("health_status")).collect();
        equal("events", told, vec!["health_status: unhealthy".to_owned(), "health_status: healthy".to_owned()])
    }),
    Clause::docker("CTR-HEALTH-4", "A probe is an exec: it is created, started and dies, with its exit code.", CITE, |w| {
        let id = w.sleeper(checked(script("exit 0")))?;
        becomes(w, &id, Status::Healthy)?;
        let told = actions(w, &id)?;
        let wanted = ["exec_create: /bin/sh -c exit 0", "exec_start: /bin/sh -c exit 0", "exec_die", "health_status: healthy"];
        equal("events", told.get(2..6).unwrap_or_default().to_vec(), wanted.map(str::to_owned).to_vec())
    }),
    Clause::docker("CTR-HEALTH-5", "The first probe comes an interval after the start.", CITE, |w| {
        let id = w.sleeper(checked(Healthcheck { interval: 600 * MS, ..script("true") }))?;
        becomes(w, &id, Status::Healthy)?;
        let record = w.record(&id)?;
        let Some(first) = record.state.health.and_then(|h| h.log.into_iter().next()) else { return fail("no result") };
        let gap = first.start.since(record.state.started);
        holds(format_args!("{gap:?} is about the interval"), gap >= Duration::from_millis(550) && gap < Duration::from_millis(2000))
    }),
    Clause::docker(
        "CTR-HEALTH-6",
        "A probe that takes longer than the timeout is ended, and has failed with -1 and Docker's words.",
        CITE,
        |w| {
            let id = w.sleeper(checked(Healthcheck { timeout: 300 * MS, retries: 1, ..script("sleep 500") }))?;
            becomes(w, &id, Status::Unhealthy)?;
            let Some(first) = health(w, &id)?.log.into_iter().next() else { return fail("no result") };
            equal("exit code", first.exit_code, -1)?;
            equal("output", first.output.as_str(), "Health check exceeded timeout (300ms)")?;
            let took = first.end.since(first.start);
            holds(format_args!("{took:?} is about the timeout"), took >= Duration::from_millis(290) && took < Duration::from_secs(3))
        },
    ),
    Clause::docker("CTR-HEALTH-7", "Failures in the start period are noted and do not count.", CITE, |w| {
        let check = Healthcheck { start_period: 1500 * MS, retries: 1, ..script("exit 3") };
        let id = w.sleeper(checked(check))?;
        w.eventually("there are two results", || Ok(health(w, &id)?.log.len() >= 2))?;
        let early = health(w, &id)?;
        equal("status", early.status, Status::Starting)?;
        equal("streak", early.failing_streak, 0)?;
        becomes(w, &id, Status::Unhealthy)
    }),
    Clause::docker("CTR-HEALTH-8", "A success in the start period makes it healthy at once.", CITE, |w| {
        let id = w.sleeper(checked(Healthcheck { start_period: 60_000 * MS, ..script("true") }))?;
        becomes(w, &id, Status::Healthy)
    }),
    Clause::docker("CTR-HEALTH-9", "The last five results are kept.", CITE, |w| {
        let id = w.sleeper(checked(Healthcheck { interval: 100 * MS, ..script("cat /proc/uptime >>/n; wc -l </n") }))?;
        w.eventually("there were seven", || Ok(health(w, &id)?.log.last().is_some_and(|p| p.output.trim() >= "7")))?;
        let outputs: Vec<u32> = health(w, &id)?.log.iter().filter_map(|p| p.output.trim().parse().ok()).collect();
        equal("results", outputs.len(), 5)?;
        holds(format_args!("{outputs:?} follow each other"), outputs.windows(2).all(|p| p[1] == p[0] + 1))
    }),
    Clause::docker("CTR-HEALTH-10", "Of a probe's output 4096 bytes are kept, and it is said that there was more.", CITE, |w| {
        let id = w.sleeper(checked(script("head -c 9000 /dev/zero | tr '\\0' x")))?;
        becomes(w, &id, Status::Healthy)?;
        let Some(first) = health(w, &id)?.log.into_iter().next() else { return fail("no result") };
        equal("output", first.output, format!("{}...", "x".repeat(4096)))
    }),
    Clause::docker(
        "CTR-HEALTH-11",
        "A probe has the container's user, directory and environment, and both its streams are kept.",
        CITE,
        |w| {
            let id = w.sleeper(|c| {
                c.health = Some(script("id -u; pwd; echo $A; echo err >&2"));
                (c.user, c.workdir, c.env) = ("1000".to_owned(), "/tmp".to_owned(), vec!["A=b".to_owned()]);
            })?;
            becomes(w, &id, Status::Healthy)?;
            equal("output", health(w, &id)?.log.first().map(|p| p.output.clone()), Some("1000\n/tmp\nb\nerr\n".to_owned()))
        },
    ),
    Clause::docker(
        "CTR-HEALTH-12",
        "The image's health check holds, and each of its fields until the container says otherwise.",
        CITE,
        |w| {
            w.import_busybox("checked", &["HEALTHCHECK --interval=300ms --timeout=2s --retries=1 CMD [\"/bin/false\"]"])?;
            let id = w.sleeper(|c| c.image = "checked".to_owned())?;
            becomes(w, &id, Status::Unhealthy)?;
            let own = Healthcheck { interval: 10_000 * MS, ..Healthcheck::default() };
            let other = w.create(&["true"], |c| (c.image, c.health) = ("checked".to_owned(), Some(own)))?;
            let Some(check) = w.record(&other)?.config.health else { return fail("it has no health check") };
            equal("test", check.test, vec!["CMD".to_owned(), "/bin/false".to_owned()])?;
            equal("numbers", (check.interval, check.timeout, check.retries), (10_000 * MS, 2000 * MS, 1))
        },
    ),
    Clause::docker("CTR-HEALTH-13", "NONE takes the image's health check away.", cite::RUN, |w| {
        w.import_busybox("checked", &["HEALTHCHECK --interval=100ms CMD true"])?;
        let none = Healthcheck { test: vec!["NONE".to_owned()], ..Healthcheck::default() };
        let id = w.sleeper(|c| (c.image, c.health) = ("checked".to_owned(), Some(none)))?;
        w.sleep(Duration::from_millis(500));
        equal("health", w.record(&id)?.state.health, None)
    }),
    Clause::docker(
        "CTR-HEALTH-14",
        "A paused container is not probed and counts as unhealthy until a probe succeeds after it goes on.",
        CITE,
        |w| {
            let id = w.sleeper(checked(script("true")))?;
            becomes(w, &id, Status::Healthy)?;
            w.engine().pause(&id)?;
            equal("while paused", health(w, &id)?.status, Status::Unhealthy)?;
            w.sleep(Duration::from_millis(300));
            let before = health(w, &id)?.log;
            w.sleep(Duration::from_millis(900));
            equal("results while paused", health(w, &id)?.log, before)?;
            w.engine().unpause(&id)?;
            becomes(w, &id, Status::Healthy)
        },
    ),
    Clause::docker(
        "CTR-HEALTH-15",
        "A container that has ended is unhealthy, and starting again once it is started, its earlier results kept.",
        CITE,
        |w| {
            let id = w.sleeper(checked(Healthcheck { interval: 400 * MS, ..script("true") }))?;
            becomes(w, &id, Status::Healthy)?;
            w.engine().stop(&id, None, Some(0))?;
            let ended = health(w, &id)?;
            equal("ended", ended.status, Status::Unhealthy)?;
            w.engine().start(&id)?;
            let again = health(w, &id)?;
            equal("again", again.status, Status::Starting)?;
            equal("results", again.log, ended.log)?;
            becomes(w, &id, Status::Healthy)
        },
    ),
    Clause::docker("CTR-HEALTH-16", "Durations under a millisecond and retries below zero are refused.", CITE, |w| {
        let error = w.refused(&["true"], checked(Healthcheck { interval: 1000, ..script("true") }))?;
        equal("kind", error.kind(), ErrorKind::InvalidInput)?;
        contains("message", &error.to_string(), "Interval in Healthcheck cannot be less than 1ms")?;
        let error = w.refused(&["true"], checked(Healthcheck { timeout: 1000, ..script("true") }))?;
        contains("message", &error.to_string(), "Timeout in Healthcheck cannot be less than 1ms")
    }),
    Clause::docker("CTR-HEALTH-17", "Being unhealthy alone ends nothing.", CITE, |w| {
        let id = w.sleeper(|c| {
            (c.health, c.restart) = (Some(Healthcheck { retries: 1, ..script("false") }), RestartPolicy::Always);
        })?;
        becomes(w, &id, Status::Unhealthy)?;
        w.sleep(Duration::from_millis(500));
        let state = w.record(&id)?.state;
        equal("status", (state.status, state.restarts), (Life::Running, 0))
    }),
    Clause::docker(
        "CTR-HEALTH-18",
        "A list shows the health of what is probed, and of nothing else.",
        "Docker CLI reference, docker container ls",
        |w| {
            let (probed, other) = (w.sleeper(checked(script("true")))?, w.sleeper(|_| {})?);
            becomes(w, &probed, Status::Healthy)?;
            let of = |id: &str| -> Checked<Option<Status>> {
                Ok(w.engine().containers(false)?.into_iter().find(|c| c.id.as_str() == id).and_then(|c| c.health))
            };
            equal("probed", of(&probed)?, Some(Status::Healthy))?;
            equal("other", of(&other)?, None)
        },
    ),
    Clause::law(
        "CTR-HEALTH-19",
        "With restart as its action an unhealthy container is stopped and started again, whatever its policy.",
        "Drydock manual, Health, restarts and logs",
        |w| {
            let id = w.start(&["sh", "-c", "trap 'exit 0' TERM; echo run; while :; do sleep 0.05; done"], |c| {
                (c.health, c.on_unhealthy) =
                    (Some(Healthcheck { retries: 1, ..script("test -f /ok || { touch /ok; exit 1; }") }), OnFailure::Restart);
            })?;
            w.eventually("it was started again", || Ok(w.record(&id)?.state.restarts == 1))?;
            becomes(w, &id, Status::Healthy)?;
            equal("log", w.log_text(&id)?, "run\nrun\n")
        },
    ),
    Clause::law(
        "CTR-HEALTH-20",
        "With kill as its action an unhealthy container is killed, and its policy says what comes next.",
        "Drydock manual, Health, restarts and logs",
        |w| {
            let bad = || Some(Healthcheck { retries: 1, ..script("false") });
            let id = w.sleeper(|c| (c.health, c.on_unhealthy) = (bad(), OnFailure::Kill))?;
            equal("exit code", w.wait(&id)?, 137)?;
            let id = w.sleeper(|c| (c.health, c.on_unhealthy, c.restart) = (bad(), OnFailure::Kill, RestartPolicy::Always))?;
            w.eventually("it was started again", || Ok(w.record(&id)?.state.restarts >= 1))
        },
    ),
    Clause::law(
        "CTR-HEALTH-21",
        "With stop as its action an unhealthy container is stopped as by a person.",
        "Drydock manual, Health, restarts and logs",
        |w| {
            let id = w.start(&["sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.05; done"], |c| {
                (c.health, c.on_unhealthy, c.restart) =
                    (Some(Healthcheck { retries: 1, ..script("false") }), OnFailure::Stop, RestartPolicy::Always);
            })?;
            equal("exit code", w.wait(&id)?, 5)?;
            let state = w.record(&id)?.state;
            equal("status", (state.status, state.stopped_by_hand, state.restarts), (Life::Exited, true, 0))
        },
    ),
];
