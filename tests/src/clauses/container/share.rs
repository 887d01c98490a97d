//! Namespaces that containers share with each other and with the host.

use crate::clause::Clause;
use crate::outcome::{contains, equal, holds, lacks};
use drydock_core::container::NamespaceMode;

const IPC: &str = "Docker CLI reference, docker container run --ipc; ipc_namespaces(7)";
const PID: &str = "Docker CLI reference, docker container run --pid; pid_namespaces(7)";
const UTS: &str = "Docker CLI reference, docker container run --uts; uts_namespaces(7)";
const CGROUP: &str = "Docker CLI reference, docker container run --cgroupns; cgroup_namespaces(7)";

fn of(id: &str) -> NamespaceMode {
    NamespaceMode::Container(id.to_owned())
}

fn out_number(text: &str) -> u32 {
    text.trim().parse().unwrap_or(0)
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-SHARE-1", "--ipc container:X has X's namespace and X's shared memory.", IPC, |w| {
        let id =
            w.ready("echo hi >/dev/shm/f; readlink /proc/self/ns/ipc; echo ready; sleep 1000", |c| c.ipc = NamespaceMode::Shareable)?;
        let theirs = w.log_text(&id)?.lines().next().unwrap_or_default().to_owned();
        let out = w.sh_with("cat /dev/shm/f; readlink /proc/self/ns/ipc; echo back >/dev/shm/g", |c| c.ipc = of(&id))?;
        out.prints(&format!("hi\n{theirs}"))?;
        w.exec(&id, &["cat", "/dev/shm/g"])?.prints("back")?.done()
    }),
    Clause::docker("CTR-SHARE-2", "A container's ipc namespace is its own unless it says that others may join.", IPC, |w| {
        let id = w.sleeper(|_| {})?;
        let error = w.refused(&["true"], |c| c.ipc = of(&id))?;
        let words = format!("can't join IPC of container {id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)");
        contains("message", &error.to_string(), &words)?;
        equal("exit code", error.exit_code_of_run(), 125)
    }),
    Clause::docker("CTR-SHARE-3", "The ipc namespace of a container that does not run cannot be joined.", IPC, |w| {
        let id = w.create(&["true"], |c| c.ipc = NamespaceMode::Shareable)?;
        let error = w.refused(&["true"], |c| c.ipc = of(&id))?;
        contains("message", &error.to_string(), &format!("can't join IPC of container {id}: container {id} is not running"))
    }),
    Clause::docker("CTR-SHARE-4", "--ipc none has a namespace of its own and no /dev/shm.", IPC, |w| {
        let host = w.host("readlink /proc/self/ns/ipc")?.text();
        let out = w.sh_with("ls -d /dev/shm 2>/dev/null; readlink /proc/self/ns/ipc", |c| c.ipc = NamespaceMode::None)?.exits(0)?;
        lacks("the script's output", &out.text(), "/dev/shm")?;
        holds("the namespace is not the host's", out.text() != host && out.text().starts_with("ipc:"))
    }),
    Clause::docker("CTR-SHARE-5", "--ipc shareable has shared memory of its own, of the size asked for.", IPC, |w| {
        let out =
            w.run_with(&["grep", " /dev/shm ", "/proc/mounts"], |c| (c.ipc, c.shm_size) = (NamespaceMode::Shareable, Some(1 << 20)))?;
        out.exits(0)?.says("rw,nosuid,nodev,noexec")?.says("size=1024k")?.done()
    }),
    Clause::docker("CTR-SHARE-6", "With the host's ipc namespace it sees the host's shared memory.", IPC, |w| {
        w.host("echo ofhost >/dev/shm/drydock-clause")?.exits(0)?;
        let out = w.run_with(&["cat", "/dev/shm/drydock-clause"], |c| c.ipc = NamespaceMode::Host);
        w.host("rm /dev/shm/drydock-clause")?.exits(0)?;
        out?.prints("ofhost")?.done()
    }),
    Clause::docker("CTR-SHARE-7", "Settings of the ipc namespace are refused with the host's.", IPC, |w| {
        let error = w.refused(&["true"], |c| {
            c.ipc = NamespaceMode::Host;
            c.sysctls.insert("kernel.msgmax".to_owned(), "9000".to_owned());
        })?;
        contains("message", &error.to_string(), "kernel.msgmax")?;
        equal("exit code", error.exit_code_of_run(), 125)
    }),
    Clause::docker("CTR-SHARE-8", "A setting of the ipc namespace is the container's own.", IPC, |w| {
        let host = w.host("cat /proc/sys/kernel/msgmax")?.text();
        w.run_with(&["cat", "/proc/sys/kernel/msgmax"], |c| drop(c.sysctls.insert("kernel.msgmax".to_owned(), "9000".to_owned())))?
            .prints("9000")?;
        equal("the host's", w.host("cat /proc/sys/kernel/msgmax")?.text(), host)
    }),
    Clause::docker("CTR-SHARE-9", "--pid container:X sees X's processes, and X's first is process 1.", PID, |w| {
        let id = w.start(&["sleep", "4321"], |_| {})?;
        let out = w.sh_with("tr '\\0' ' ' </proc/1/cmdline; echo; echo $$", |c| c.pid = of(&id))?.exits(0)?;
        out.says("sleep 4321")?;
        // It is not process 1, and when it ends the other goes on.
        holds("it has another number", out_number(&w.sh_with("echo $$", |c| c.pid = of(&id))?.text()) > 1)?;
        equal("the other", w.status(&id)?, drydock_core::container::Status::Running)
    }),
    Clause::docker("CTR-SHARE-10", "The pid namespace of a container that does not run cannot be joined.", PID, |w| {
        let id = w.create(&["true"], |_| {})?;
        let error = w.refused(&["true"], |c| c.pid = of(&id))?;
        contains("message", &error.to_string(), &format!("container {id} is not running"))
    }),
    Clause::docker("CTR-SHARE-11", "A container that is not there cannot be joined, and nothing is made.", PID, |w| {
        for part in ["pid", "ipc"] {
            let error = w.refused(&["true"], |c| if part == "pid" { c.pid = of("nope") } else { c.ipc = of("nope") })?;
            contains(part, &error.to_string(), "No such container: nope")?;
        }
        equal("containers", w.engine().containers(true)?.len(), 0)
    }),
    Clause::docker("CTR-SHARE-12", "With the host's pid namespace it sees the host's processes.", PID, |w| {
        let host = w.host("readlink /proc/self/ns/pid")?.text();
        w.run_with(&["readlink", "/proc/self/ns/pid"], |c| c.pid = NamespaceMode::Host)?.prints(&host)?;
        w.sh_with("test -d /proc/$$ && test $$ -ne 1", |c| c.pid = NamespaceMode::Host)?.exits(0)?.done()
    }),
    Clause::docker("CTR-SHARE-13", "With the host's names it has the host's name.", UTS, |w| {
        let host = w.host("hostname")?.text();
        w.run_with(&["hostname"], |c| c.uts = NamespaceMode::Host)?.prints(&host)?.done()
    }),
    Clause::docker("CTR-SHARE-14", "A name of its own and the host's names exclude each other.", UTS, |w| {
        let error = w.refused(&["true"], |c| (c.uts, c.hostname) = (NamespaceMode::Host, "foo".to_owned()))?;
        contains("message", &error.to_string(), "conflicting options: hostname and the UTS mode")
    }),
    Clause::docker("CTR-SHARE-15", "In a control group namespace of its own its groups are the roots.", CGROUP, |w| {
        // It is the default here, and Docker's where there is only version 2.
        let out = w.run_with(&["cat", "/proc/self/cgroup"], |c| c.cgroupns = NamespaceMode::Private)?.exits(0)?;
        for line in out.lines() {
            holds(format_args!("{line} ends with the root"), line.ends_with(":/"))?;
        }
        Ok(())
    }),
    Clause::docker("CTR-SHARE-16", "In the host's control group namespace its groups have the names they have there.", CGROUP, |w| {
        let id = w.create(&["cat", "/proc/self/cgroup"], |c| c.cgroupns = NamespaceMode::Host)?;
        w.engine().start(&id)?;
        w.wait(&id)?;
        contains("the list of its groups", &w.log_text(&id)?, &id)
    }),
    Clause::docker(
        "CTR-SHARE-17",
        "With --userns host the user namespace is the host's: ids are the host's ids.",
        "user_namespaces(7)",
        |w| {
            let host = w.host("readlink /proc/self/ns/user")?.text();
            w.run_with(&["readlink", "/proc/self/ns/user"], |c| c.userns = NamespaceMode::Host)?.prints(&host)?;
            let map = w.run_with(&["cat", "/proc/self/uid_map"], |c| c.userns = NamespaceMode::Host)?.exits(0)?.text();
            equal("map", map.split_whitespace().collect::<Vec<_>>(), vec!["0", "0", "4294967295"])
        },
    ),
    Clause::docker("CTR-SHARE-18", "Exec joins the namespaces that a container shares.", PID, |w| {
        let donor = w.ready("echo x >/dev/shm/f; echo ready; sleep 1000", |c| c.ipc = NamespaceMode::Shareable)?;
        let id = w.sleeper(|c| (c.ipc, c.pid) = (of(&donor), of(&donor)))?;
        let names = "readlink /proc/self/ns/ipc; readlink /proc/self/ns/pid; cat /dev/shm/f";
        let one = w.exec(&id, &["sh", "-c", names])?.exits(0)?.text();
        let other = w.exec(&donor, &["sh", "-c", names])?.exits(0)?.text();
        equal("what exec sees", one, other)
    }),
];
