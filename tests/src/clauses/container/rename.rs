//! Renaming.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, contains, equal, fail, holds};
use crate::world::World;
use drydock_core::container::{ContainerConfig, RestartPolicy, Status};
use drydock_core::{Error, ErrorKind};

fn named(name: &'static str) -> impl FnOnce(&mut ContainerConfig) {
    move |c| c.name = Some(name.to_owned())
}

fn refused(w: &World<'_>, old: &str, new: &str) -> Checked<Error> {
    match w.engine().rename(old, new) {
        Err(error) => Ok(error),
        Ok(()) => fail(format_args!("{old} was renamed to {new}")),
    }
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-RENAME-1", "A container answers to its new name, and to the old one no more.", cite::RENAME, |w| {
        let id = w.create(&["true"], named("before"))?;
        w.engine().rename("before", "after")?;
        equal("new name", w.record("after")?.id.as_str(), id.as_str())?;
        let Err(error) = w.engine().container("before") else { return fail("the old name still means it") };
        equal("kind", error.kind(), ErrorKind::NotFound)
    }),
    Clause::docker("CTR-RENAME-2", "A running container is renamed without its program noticing.", cite::RENAME, |w| {
        let id = w.sleeper(named("runs"))?;
        let before = w.record(&id)?.state;
        w.engine().rename("runs", "runs.on")?;
        equal("state", w.record("runs.on")?.state, before)
    }),
    Clause::docker("CTR-RENAME-3", "The old name is free at once.", cite::RENAME, |w| {
        w.create(&["true"], named("given"))?;
        w.engine().rename("given", "other")?;
        w.create(&["true"], named("given"))?;
        Ok(())
    }),
    Clause::docker("CTR-RENAME-4", "A name that belongs to another container is refused, and nothing changes.", cite::RENAME, |w| {
        let id = w.create(&["true"], named("first"))?;
        let holder = w.create(&["true"], named("second"))?;
        let error = refused(w, "first", "second")?;
        equal("kind", error.kind(), ErrorKind::Conflict)?;
        let words = format!(
            "Error when allocating new name: Conflict. The container name \"/second\" is already in use by container \"{holder}\". You have to remove (or rename) that container to be able to reuse that name."
        );
        contains("message", &error.to_string(), &words)?;
        equal("name", w.record(&id)?.name.as_str(), "first")
    }),
    Clause::docker("CTR-RENAME-5", "The name it has already is refused.", cite::RENAME, |w| {
        w.create(&["true"], named("same"))?;
        for new in ["same", "/same"] {
            let error = refused(w, "same", new)?;
            equal("kind", error.kind(), ErrorKind::InvalidInput)?;
            contains("message", &error.to_string(), "Renaming a container with the same name as its current name")?;
        }
        Ok(())
    }),
    Clause::docker("CTR-RENAME-6", "What is no name is refused, with the name after a slash.", cite::RENAME, |w| {
        w.create(&["true"], named("valid"))?;
        for bad in ["x/y", "-bad", "a", "/"] {
            let error = refused(w, "valid", bad)?;
            equal(bad, error.kind(), ErrorKind::InvalidInput)?;
            let shown = if bad == "/" { "/".to_owned() } else { format!("/{bad}") };
            let words =
                format!("Error when allocating new name: Invalid container name ({shown}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
            contains("message", &error.to_string(), &words)?;
        }
        Ok(())
    }),
    Clause::docker("CTR-RENAME-7", "A slash before the new name is taken off.", cite::RENAME, |w| {
        w.create(&["true"], named("plain"))?;
        w.engine().rename("plain", "/slashed")?;
        equal("name", w.record("slashed")?.name.as_str(), "slashed")
    }),
    Clause::docker("CTR-RENAME-8", "The container may be named by the beginning of its id.", cite::RENAME, |w| {
        let id = w.create(&["true"], |_| {})?;
        w.engine().rename(&id[..12], "by.id")?;
        equal("id", w.record("by.id")?.id.as_str(), id.as_str())
    }),
    Clause::docker("CTR-RENAME-9", "A container that waits to be started again can be renamed.", cite::RENAME, |w| {
        let id = w.start(&["sh", "-c", "exit 1"], |c| (c.name, c.restart) = (Some("again".to_owned()), RestartPolicy::Always))?;
        w.eventually("it waits", || Ok(w.status(&id)? == Status::Restarting))?;
        w.engine().rename("again", "and.again")?;
        w.eventually("it is started again", || Ok(w.record("and.again")?.state.restarts >= 2))
    }),
    Clause::law("CTR-RENAME-10", "An empty name is refused, old or new.", "Docker CLI, docker container rename", |w| {
        w.create(&["true"], named("full"))?;
        for (old, new) in [("full", ""), ("", "x1")] {
            let error = refused(w, old, new)?;
            equal("kind", error.kind(), ErrorKind::InvalidInput)?;
            contains("message", &error.to_string(), "Neither old nor new names may be empty")?;
        }
        Ok(())
    }),
    Clause::law("CTR-RENAME-11", "A rename is there for an engine that opens afterwards.", "Drydock, Engine::rename", |w| {
        let id = w.create(&["true"], named("kept"))?;
        w.engine().rename("kept", "kept.on")?;
        let again = w.reopened()?;
        equal("id", again.container("kept.on")?.id.as_str(), id.as_str())?;
        holds("the old name is gone", again.container("kept").is_err())
    }),
];
