//! The life of a container: create, start, wait, remove; and what lists show.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{contains, equal, fail, holds};
use crate::script::Script;
use drydock_core::ErrorKind;
use drydock_core::container::{RestartPolicy, Status};
use drydock_core::engine::{LogsRequest, RemoveOptions};
use drydock_core::kernel::Signal;
use drydock_core::time::Timestamp;
use std::time::Duration;

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "CTR-LIFE-1",
        "Create runs nothing: the container is created, was never started, and has no process.",
        "Docker CLI reference, docker container create",
        |w| {
            let id = w.create(&["true"], |_| {})?;
            let state = w.record(&id)?.state;
            equal("status", state.status, Status::Created)?;
            equal("process", state.process, None)?;
            equal("exit code", state.exit_code, 0)?;
            equal("started", state.started, Timestamp::NEVER)?;
            equal("finished", state.finished, Timestamp::NEVER)
        },
    ),
    Clause::docker(
        "CTR-LIFE-2",
        "A started container is running until its first process ends.",
        "Docker CLI reference, docker container start",
        |w| {
            let id = w.sleeper(|_| {})?;
            let state = w.record(&id)?.state;
            equal("status", state.status, Status::Running)?;
            holds("it has a process", state.process.is_some())?;
            holds("it has a start time", state.started > Timestamp::NEVER)
        },
    ),
    Clause::docker(
        "CTR-LIFE-3",
        "A container whose first process ended has exited, with its code and times.",
        "Docker Engine API, ContainerState",
        |w| {
            let id = w.start(&["sh", "-c", "exit 7"], |_| {})?;
            equal("wait", w.wait(&id)?, 7)?;
            let state = w.record(&id)?.state;
            equal("status", state.status, Status::Exited)?;
            equal("exit code", state.exit_code, 7)?;
            equal("process", state.process, None)?;
            holds("it ended after it began", state.finished >= state.started && state.started > Timestamp::NEVER)
        },
    ),
    Clause::docker(
        "CTR-LIFE-4",
        "An exited container can be started again, and finds what it wrote before.",
        "Docker CLI reference, docker container start",
        |w| {
            let id = w.create(&["sh", "-c", "cat /f 2>/dev/null; echo x >>/f"], |_| {})?;
            for wanted in ["", "x\n", "x\nx\n"] {
                let mut script = Script::silent();
                w.engine().start_attached(&id, &Default::default(), &mut script)?;
                equal("stdout", String::from_utf8_lossy(&script.stdout).into_owned(), wanted)?;
            }
            Ok(())
        },
    ),
    Clause::docker(
        "CTR-LIFE-5",
        "Starting a running container is no error and changes nothing.",
        "Docker CLI reference, docker container start",
        |w| {
            let id = w.sleeper(|_| {})?;
            let before = w.record(&id)?.state;
            w.engine().start(&id)?;
            equal("state", w.record(&id)?.state, before)
        },
    ),
    Clause::docker(
        "CTR-LIFE-6",
        "Every operation on a container that is not there says so, and names it.",
        "Docker Engine API, 404",
        |w| {
            let e = w.engine();
            let refused = [
                ("start", e.start("nope").err()),
                ("stop", e.stop("nope", None, None).err()),
                ("kill", e.kill("nope", Signal::KILL).err()),
                ("pause", e.pause("nope").err()),
                ("unpause", e.unpause("nope").err()),
                ("wait", e.wait("nope", Some(Duration::ZERO)).err()),
                ("logs", e.logs("nope", &LogsRequest::default(), &mut |_| true).err()),
                ("remove", e.remove("nope", RemoveOptions::default()).err()),
                ("inspect", e.container("nope").err()),
                ("exec", w.try_exec("nope", &["true"], |_| {}, &mut Script::silent()).err()),
            ];
            for (what, error) in refused {
                let Some(error) = error else { return fail(format_args!("{what} was not refused")) };
                equal(what, error.kind(), ErrorKind::NotFound)?;
                contains(what, &error.to_string(), "No such container: nope")?;
            }
            Ok(())
        },
    ),
    Clause::docker("CTR-LIFE-7", "Stopping a container that does not run is no error.", cite::STOP, |w| {
        let id = w.create(&["true"], |_| {})?;
        w.engine().stop(&id, None, None)?;
        w.engine().start(&id)?;
        w.wait(&id)?;
        w.engine().stop(&id, None, None)?;
        Ok(())
    }),
    Clause::docker("CTR-LIFE-8", "Removing a running container is refused without force.", cite::RM, |w| {
        let id = w.sleeper(|_| {})?;
        let Err(error) = w.engine().remove(&id, RemoveOptions::default()) else { return fail("it was removed") };
        equal("HTTP status", error.http_status(), 409)?;
        let words = format!("You cannot remove a running container {id}. Stop the container before attempting removal or force remove");
        contains("message", &error.to_string(), &words)?;
        equal("status", w.status(&id)?, Status::Running)
    }),
    Clause::docker("CTR-LIFE-9", "Removing with force kills a running container and removes it.", cite::RM, |w| {
        let id = w.sleeper(|_| {})?;
        w.remove(&id)?;
        match w.engine().container(&id) {
            Err(e) => equal("kind", e.kind(), ErrorKind::NotFound),
            Ok(_) => fail("it is still there"),
        }
    }),
    Clause::docker(
        "CTR-LIFE-10",
        "A container to be removed at its end is gone when it has ended, also one started in the background.",
        cite::RUN,
        |w| {
            w.run_with(&["true"], |c| {
                c.name = Some("brief".to_owned());
                c.auto_remove = true;
            })?
            .exits(0)?;
            w.eventually("the foreground one is gone", || Ok(w.engine().container("brief").is_err()))?;
            let id = w.sleeper(|c| c.auto_remove = true)?;
            w.engine().stop(&id, None, Some(0))?;
            w.eventually("the background one is gone", || Ok(w.engine().container(&id).is_err()))
        },
    ),
    Clause::docker("CTR-LIFE-11", "To be removed at its end and to be restarted exclude each other.", cite::RUN, |w| {
        let error = w.refused(&["true"], |c| {
            c.auto_remove = true;
            c.restart = RestartPolicy::Always;
        })?;
        equal("kind", error.kind(), ErrorKind::InvalidInput)
    }),
    Clause::docker(
        "CTR-LIFE-12",
        "Waiting answers the exit code when the container ends, and at once for one that has ended.",
        "Docker CLI reference, docker container wait",
        |w| {
            let id = w.start(&["sh", "-c", "sleep 0.3; exit 5"], |_| {})?;
            equal("while it runs", w.wait(&id)?, 5)?;
            equal("afterwards", w.engine().wait(&id, Some(Duration::ZERO))?, 5)
        },
    ),
    Clause::law(
        "CTR-LIFE-13",
        "A wait with a time limit ends with TimedOut when the container outlives it.",
        "Drydock, Engine::wait",
        |w| {
            let id = w.sleeper(|_| {})?;
            match w.engine().wait(&id, Some(Duration::from_millis(200))) {
                Err(e) => equal("kind", e.kind(), ErrorKind::TimedOut),
                Ok(code) => fail(format_args!("it answered {code}")),
            }
        },
    ),
    Clause::docker("CTR-LIFE-14", "An operation on one container does not change another.", cite::RUN, |w| {
        let (one, two) = (w.sleeper(|_| {})?, w.sleeper(|_| {})?);
        let before = w.record(&two)?;
        w.engine().stop(&one, None, Some(0))?;
        w.remove(&one)?;
        equal("the other's record", w.record(&two)?, before)
    }),
    Clause::law(
        "CTR-LIFE-15",
        "Containers outlive the engine that started them: one opened over the same state sees and serves them.",
        "Drydock architecture, No daemon to be down",
        |w| {
            let id = w.sleeper(|_| {})?;
            let other = w.reopened()?;
            equal("status", other.container(&id)?.state.status, Status::Running)?;
            other.kill(&id, Signal::KILL)?;
            equal("exit code, from the first engine", w.wait(&id)?, 137)
        },
    ),
    Clause::docker(
        "CTR-LIFE-16",
        "Lists show running containers only, unless all are asked for, newest first.",
        "Docker CLI reference, docker container ls",
        |w| {
            let ended = w.create(&["true"], |_| {})?;
            w.engine().start(&ended)?;
            w.wait(&ended)?;
            w.sleep(Duration::from_millis(2));
            let running = w.sleeper(|_| {})?;
            w.sleep(Duration::from_millis(2));
            let created = w.create(&["true"], |_| {})?;
            let ids =
                |all| -> crate::Checked<Vec<String>> { Ok(w.engine().containers(all)?.iter().map(|c| c.id.as_str().to_owned()).collect()) };
            equal("running", ids(false)?, vec![running.clone()])?;
            equal("all", ids(true)?, vec![created, running, ended])
        },
    ),
    Clause::docker(
        "CTR-LIFE-17",
        "A list shows a container's image as it was asked for, its command, name and labels.",
        "Docker CLI reference, docker container ls",
        |w| {
            let id = w.create(&["echo", "a b"], |c| {
                c.name = Some("shown".to_owned());
                c.labels.insert("k".to_owned(), "v".to_owned());
            })?;
            let list = w.engine().containers(true)?;
            let Some(line) = list.iter().find(|c| c.id.as_str() == id) else { return fail("it is not listed") };
            equal("image", line.image.as_str(), "busybox")?;
            equal("name", line.name.as_str(), "shown")?;
            equal("label", line.labels.get("k").map(String::as_str), Some("v"))?;
            // Docker's API has it as one text.
            let words = vec!["echo".to_owned(), "a b".to_owned()];
            holds(format_args!("args {:?}", line.args), line.args == words || line.args == ["echo 'a b'"])
        },
    ),
    Clause::docker(
        "CTR-LIFE-18",
        "What a container writes to its root is gone with it, and no other container sees it.",
        "Docker storage drivers, Container and layers",
        |w| {
            w.sh("echo mine >/mine; cat /mine")?.prints("mine")?;
            w.run(&["ls", "/mine"])?.exits(1)?.done()
        },
    ),
    Clause::law("CTR-LIFE-19", "Explaining a run tells every step and takes none.", "Drydock, Engine::explain", |w| {
        let before = crate::residue::observe(w)?;
        let told = w.engine().explain(&w.config(&["true"]))?;
        let steps =
            told.before.iter().chain(&told.waiting).map(|p| p.steps.len()).sum::<usize>() + told.launch.map_or(0, |l| l.steps().count());
        holds(format_args!("{steps} steps are more than ten"), steps > 10)?;
        equal("containers", w.engine().containers(true)?.len(), 0)?;
        crate::residue::unchanged(w, &before)
    }),
    Clause::docker("CTR-LIFE-20", "Waiting for a container that is removed at its end gives its exit code.", cite::RUN, |w| {
        let id = w.start(&["sh", "-c", "sleep 0.3; exit 9"], |c| c.auto_remove = true)?;
        equal("exit code", w.wait(&id)?, 9)?;
        w.eventually("it is gone", || Ok(w.engine().container(&id).is_err()))
    }),
    Clause::docker("CTR-LIFE-21", "Removing by force one that is removed at its end is no error.", cite::RM, |w| {
        let id = w.sleeper(|c| c.auto_remove = true)?;
        w.remove(&id)?;
        holds("it is gone", w.engine().container(&id).is_err())
    }),
    Clause::law(
        "CTR-LIFE-22",
        "A pid file holds the number of the first process while it runs, and is gone with it.",
        "Podman manual, podman-run(1), --pidfile",
        |w| {
            let path = format!("{}/one.pid", w.scratch());
            w.host(&format!("mkdir -p {}", w.scratch()))?;
            let id = w.sleeper(|c| c.pid_file = Some(path.clone()))?;
            let number = |w: &crate::world::World<'_>| -> crate::Checked<Option<u32>> {
                Ok(w.host(&format!("cat {path}"))?.text().trim().parse().ok())
            };
            let process = |w: &crate::world::World<'_>| -> crate::Checked<Option<u32>> { Ok(w.record(&id)?.state.process.map(|p| p.pid)) };
            equal("number", number(w)?, process(w)?)?;
            w.engine().restart(&id, None, Some(0))?;
            equal("number after a restart", number(w)?, process(w)?)?;
            w.engine().stop(&id, None, Some(0))?;
            equal("after the end", w.host(&format!("cat {path}"))?.code, 1)?;
            w.host(&format!("rm -rf {}", w.scratch())).map(drop)
        },
    ),
];
