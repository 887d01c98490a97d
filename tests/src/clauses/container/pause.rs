//! Freezing and thawing.

use crate::clause::Clause;
use crate::outcome::{Checked, contains, equal, fail, holds};
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::container::Status;
use drydock_core::host::Capability;
use std::time::Duration;

const CITE: &str = "Docker CLI reference, docker container pause; cgroups(7), freezer";
const NEEDS: &[Capability] = &[Capability::Freeze];
const TICKS: &str = "echo ready; while :; do echo tick; sleep 0.05; done";

fn ticks(w: &World<'_>, id: &str) -> Checked<usize> {
    Ok(w.log_text(id)?.len())
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-PAUSE-1", "No process of a paused container runs until it is unpaused; then all go on.", CITE, |w| {
        let id = w.ready(TICKS, |_| {})?;
        w.engine().pause(&id)?;
        equal("status", w.status(&id)?, Status::Paused)?;
        w.sleep(Duration::from_millis(100));
        let before = ticks(w, &id)?;
        w.sleep(Duration::from_millis(400));
        equal("ticks while paused", ticks(w, &id)?, before)?;
        w.engine().unpause(&id)?;
        equal("status", w.status(&id)?, Status::Running)?;
        w.eventually("it ticks again", || Ok(ticks(w, &id)? > before))
    })
    .needs(NEEDS),
    Clause::docker("CTR-PAUSE-2", "Pausing a paused container is refused, and so is unpausing one that is not.", CITE, |w| {
        let id = w.sleeper(|_| {})?;
        let Err(error) = w.engine().unpause(&id) else { return fail("unpause was not refused") };
        contains("message", &error.to_string(), &format!("Container {id} is not paused"))?;
        w.engine().pause(&id)?;
        let Err(error) = w.engine().pause(&id) else { return fail("pause was not refused") };
        contains("message", &error.to_string(), &format!("Container {id} is already paused"))
    })
    .needs(NEEDS),
    Clause::docker("CTR-PAUSE-3", "A container that does not run cannot be paused.", CITE, |w| {
        let id = w.create(&["true"], |_| {})?;
        let Err(error) = w.engine().pause(&id) else { return fail("pause was not refused") };
        contains("message", &error.to_string(), &format!("Container {id} is not running"))
    })
    .needs(NEEDS),
    Clause::docker("CTR-PAUSE-4", "Exec in a paused container is refused.", CITE, |w| {
        let id = w.sleeper(|c| c.name = Some("frozen".to_owned()))?;
        w.engine().pause(&id)?;
        let error = w.exec_refused("frozen", &["true"], |_| {})?;
        contains("message", &error.to_string(), "is paused, unpause the container before exec")
    })
    .needs(&[Capability::Freeze, Capability::Exec]),
    Clause::docker("CTR-PAUSE-5", "Removing a paused container is refused without force, and kills it with force.", CITE, |w| {
        let id = w.sleeper(|_| {})?;
        w.engine().pause(&id)?;
        let Err(error) = w.engine().remove(&id, Default::default()) else { return fail("it was removed") };
        let words = format!(
            "You cannot remove a paused container {id}. Unpause and then stop the container before attempting removal or force remove"
        );
        contains("message", &error.to_string(), &words)?;
        w.remove(&id)?;
        holds("it is gone", w.engine().container(&id).is_err())
    })
    .needs(NEEDS),
    Clause::docker("CTR-PAUSE-6", "Killing a paused container ends it.", CITE, |w| {
        let id = w.sleeper(|_| {})?;
        w.engine().pause(&id)?;
        w.kill(&id, "KILL")?;
        equal("exit code", w.wait(&id)?, 137)?;
        equal("status", w.status(&id)?, Status::Exited)
    })
    .needs(NEEDS),
    Clause::docker("CTR-PAUSE-7", "Stopping a paused container ends it.", CITE, |w| {
        let id = w.sleeper(|_| {})?;
        w.engine().pause(&id)?;
        w.engine().stop(&id, None, Some(1))?;
        equal("status", w.status(&id)?, Status::Exited)?;
        equal("exit code", w.record(&id)?.state.exit_code, 137)
    })
    .needs(NEEDS),
    Clause::docker(
        "CTR-PAUSE-8",
        "Restarting a paused container leaves it running, and not paused.",
        "Docker CLI reference, docker container restart",
        |w| {
            let id = w.sleeper(|_| {})?;
            w.engine().pause(&id)?;
            w.engine().restart(&id, None, Some(0))?;
            equal("status", w.status(&id)?, Status::Running)?;
            w.exec(&id, &["true"])?.exits(0)?.done()
        },
    )
    .needs(&[Capability::Freeze]),
    Clause::docker(
        "CTR-PAUSE-9",
        "A paused container has not ended: waiting for it goes on.",
        "Docker CLI reference, docker container wait",
        |w| {
            let id = w.sleeper(|_| {})?;
            w.engine().pause(&id)?;
            match w.engine().wait(&id, Some(Duration::from_millis(300))) {
                Err(e) => equal("kind", e.kind(), ErrorKind::TimedOut),
                Ok(code) => fail(format_args!("it answered {code}")),
            }
        },
    )
    .needs(&[Capability::Freeze]),
    Clause::docker(
        "CTR-PAUSE-10",
        "The log and the processes of a paused container can be looked at.",
        "Docker CLI reference, docker container pause",
        |w| {
            let id = w.ready("echo ready; exec sleep 1000", |_| {})?;
            w.engine().pause(&id)?;
            equal("log", w.log_text(&id)?, "ready\n")?;
            equal("processes", w.engine().top(&id)?.len(), 1)
        },
    )
    .needs(&[Capability::Freeze]),
];
