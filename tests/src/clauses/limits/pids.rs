//! Limits on the number of processes.

use super::control;
use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{contains, equal, holds};
use drydock_core::host::Capability;

const NEEDS: &[Capability] = &[Capability::Pids];

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("LIM-PIDS-1", "--pids-limit is the number the kernel has; -1 is none.", cite::RUN, |w| {
        equal("five", control(w, "pids/pids.max", "pids.max", |c| c.resources.pids = Some(5))?.as_str(), "5")?;
        equal("none", control(w, "pids/pids.max", "pids.max", |c| c.resources.pids = Some(-1))?.as_str(), "max")
    })
    .needs(NEEDS),
    Clause::docker("LIM-PIDS-2", "A fork beyond the limit fails, and the container can tell.", "fork(2), EAGAIN; cgroups pids.rst", |w| {
        let out = w.sh_with("for i in 1 2 3 4 5 6; do sleep 1 & done; echo all", |c| c.resources.pids = Some(4))?;
        holds(format_args!("it failed: {:?}", out.text()), out.code != 0 && !out.text().contains("all"))?;
        contains("stderr", &out.error_text(), "can't fork")
    })
    .needs(NEEDS),
    Clause::docker("LIM-PIDS-3", "Up to the limit forks succeed.", "cgroups pids.rst", |w| {
        w.sh_with("sleep 0.1 & sleep 0.1 & sleep 0.1 & wait; echo all", |c| c.resources.pids = Some(6))?.prints("all")?.done()
    })
    .needs(NEEDS),
    Clause::docker("LIM-PIDS-4", "One container at its limit does not keep another from forking.", "cgroups pids.rst", |w| {
        w.start(&["sh", "-c", "while :; do sleep 1000 & done"], |c| c.resources.pids = Some(4))?;
        w.sh("sleep 0.01 & sleep 0.01 & wait; echo fine")?.prints("fine")?.done()
    })
    .needs(NEEDS),
];
