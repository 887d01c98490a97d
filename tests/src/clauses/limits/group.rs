//! Control groups themselves.

use crate::clause::Clause;
use crate::outcome::{equal, holds};
use crate::script::Script;
use drydock_core::host::Capability;

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("LIM-GROUP-1", "Each running container has control groups of its own, which go when it ends.", "cgroups(7)", |w| {
        let id = w.sleeper(|_| {})?;
        let has = || -> crate::Checked<bool> { Ok(w.engine().observe()?.cgroups.iter().any(|g| g.contains(&id))) };
        holds("it has some", has()?)?;
        w.engine().stop(&id, None, Some(0))?;
        w.eventually("they are gone", || Ok(!has()?))
    }),
    Clause::docker("LIM-GROUP-2", "Every process of a container is in its groups, an exec's too.", "cgroups(7)", |w| {
        let id = w.ready("sleep 1000 & echo ready; exec sleep 1000", |_| {})?;
        w.try_exec(&id, &["sleep", "1000"], |e| e.detach = true, &mut Script::silent())?;
        w.eventually("three processes are listed", || Ok(w.engine().top(&id)?.len() == 3))
    })
    .needs(&[Capability::Exec]),
    Clause::docker(
        "LIM-GROUP-3",
        "The list of a container's processes has their arguments, users and numbers on the host.",
        "Docker CLI reference, docker container top",
        |w| {
            let id = w.sleeper(|c| c.user = "1000".to_owned())?;
            let tasks = w.engine().top(&id)?;
            equal("how many", tasks.len(), 1)?;
            let (task, process) = (&tasks[0], w.record(&id)?.state.process);
            equal("command", task.command.clone(), vec!["sleep".to_owned(), "1000".to_owned()])?;
            equal("user", task.uid, 1000)?;
            equal("number inside", task.inner_pid, 1)?;
            equal("number on the host", Some(task.pid), process.map(|p| p.pid))
        },
    ),
    Clause::docker(
        "LIM-GROUP-4",
        "A container that does not run has no processes to list.",
        "Docker CLI reference, docker container top",
        |w| {
            let id = w.create(&["true"], |_| {})?;
            let refused = w.engine().top(&id).err().map(|e| e.to_string());
            holds(format_args!("it says so: {refused:?}"), refused.as_ref().is_some_and(|m| m.contains("is not running")))
        },
    ),
];
