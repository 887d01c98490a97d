//! Control groups themselves.

use crate::clause::Clause;
use crate::outcome::{equal, holds};
use crate::script::Script;
use drydock_core::container::NamespaceMode;
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
            equal("number on the host", Some(task.pid), process.map(|p| p.pid))?;
            w.inside("the numbers that processes have in their container")?;
            equal("number inside", task.inner_pid, 1)
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
    // dockerd leaves the group above, as here.
    Clause::docker(
        "LIM-GROUP-5",
        "A container's group can be below another than the engine's, which stays when it goes.",
        "Docker CLI reference, docker container run, --cgroup-parent",
        |w| {
            let id = w.sleeper(|c| {
                c.resources.cgroup_parent = Some("drytrial/web".to_owned());
                c.cgroupns = NamespaceMode::Host;
            })?;
            let own = w.exec(&id, &["cat", "/proc/self/cgroup"])?.exits(0)?.text();
            holds(format_args!("it is there: {own}"), own.contains(&format!(":/drytrial/web/{id}")))?;
            equal("processes", w.engine().top(&id)?.len(), 1)?;
            w.remove(&id)?;
            let left = w.host("find /sys/fs/cgroup -maxdepth 4 -path '*drytrial/web*' -type d")?.text();
            holds(format_args!("only the group above is left: {left}"), left.contains("drytrial/web") && !left.contains(&id))?;
            w.host("for g in /sys/fs/cgroup/drytrial /sys/fs/cgroup/*/drytrial; do rmdir $g/web $g; done 2>/dev/null; true").map(drop)
        },
    ),
    // dockerd takes the dots out of it without a word.
    Clause::law("LIM-GROUP-6", "A group above that leads elsewhere, or into the engine's own, is refused.", "cgroups(7)", |w| {
        for wrong in ["../x", "a//b", "a/./b", "drydock", "drydock/x"] {
            let error = w.refused(&["true"], |c| c.resources.cgroup_parent = Some(wrong.to_owned()))?;
            holds(format_args!("{wrong}: {error}"), error.message().starts_with("invalid cgroup parent: "))?;
        }
        Ok(())
    }),
    Clause::law(
        "LIM-GROUP-7",
        "A container may make groups below its own where that is asked for, and nowhere else.",
        "Docker CLI reference, docker container run, --security-opt writable-cgroups",
        |w| {
            let make =
                "for at in /sys/fs/cgroup /sys/fs/cgroup/pids; do mkdir $at/own 2>/dev/null && rmdir $at/own && exit 0; done; exit 9";
            w.sh(make)?.exits(9)?;
            w.sh_with(make, |c| c.security_opt = vec!["writable-cgroups=true".to_owned()])?.exits(0)?;
            let error = w.refused(&["true"], |c| {
                c.security_opt = vec!["writable-cgroups=true".to_owned()];
                c.cgroupns = NamespaceMode::Host;
            })?;
            holds(format_args!("{error}"), error.message().contains("'WritableCgroups' conflicts"))
        },
    ),
];
