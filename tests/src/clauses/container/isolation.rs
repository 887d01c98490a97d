//! What a container cannot see: the host's processes, files, names and mounts.

use crate::ask;
use crate::clause::Clause;
use crate::outcome::{Checked, equal, holds};
use crate::world::World;
use drydock_core::container::{NamespaceMode, NetworkMode};

const NAMESPACES: &str = "runtime-spec config-linux.md, Namespaces; namespaces(7)";
const KINDS: [&str; 5] = ["ipc", "mnt", "net", "pid", "uts"];

fn script() -> String {
    KINDS.map(|n| format!("readlink /proc/self/ns/{n}")).join("; ")
}

fn inside(w: &World<'_>) -> Checked<Vec<String>> {
    Ok(w.sh(&script())?.exits(0)?.lines())
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-ISO-1", "The program is process 1 of its own pid namespace.", NAMESPACES, |w| w.sh("echo $$")?.prints("1")?.done()),
    Clause::docker("CTR-ISO-2", "A container sees its own processes and no others.", NAMESPACES, |w| {
        let script = "for p in /proc/[0-9]*; do echo ${p#/proc/}; done; true";
        equal("processes", w.sh(script)?.exits(0)?.lines(), vec!["1".to_owned()])
    }),
    Clause::docker("CTR-ISO-3", "A container has pid, mount, network, ipc and uts namespaces that are not the host's.", NAMESPACES, |w| {
        let (own, host) = (inside(w)?, w.host(&script())?.exits(0)?.lines());
        equal("how many", (own.len(), host.len()), (KINDS.len(), KINDS.len()))?;
        for ((kind, own), host) in KINDS.iter().zip(own).zip(host) {
            holds(format_args!("{kind}: {own} is not the host's"), own != host)?;
        }
        Ok(())
    }),
    Clause::docker("CTR-ISO-4", "Two containers share no namespace.", NAMESPACES, |w| {
        let id = w.ready(&format!("{}; echo ready; sleep 1000", script()), |_| {})?;
        let (one, two) = (w.log_text(&id)?, inside(w)?);
        for (one, two) in one.lines().zip(two) {
            holds(format_args!("{one} is not shared"), one != two)?;
        }
        Ok(())
    }),
    Clause::docker(
        "CTR-ISO-5",
        "With the host's pid, ipc and uts namespaces asked for, it has those.",
        "Docker CLI reference, docker container run --pid, --ipc, --uts",
        |w| {
            let out = w
                .sh_with(&script(), |c| (c.pid, c.ipc, c.uts) = (NamespaceMode::Host, NamespaceMode::Host, NamespaceMode::Host))?
                .exits(0)?;
            let host = w.host(&script())?.lines();
            for (own, host) in out.lines().iter().zip(&host) {
                let shared = !own.starts_with("mnt") && !own.starts_with("net");
                holds(format_args!("{own} and {host}"), (own == host) == shared)?;
            }
            Ok(())
        },
    ),
    Clause::docker(
        "CTR-ISO-6",
        "The program has descriptors 0, 1 and 2, and no others.",
        "runtime-spec runtime-linux.md, File descriptors",
        |w| w.sh("ls /proc/1/fd; true")?.prints("0\n1\n2")?.done(),
    ),
    Clause::docker("CTR-ISO-7", "The host's files are out of reach.", "pivot_root(2)", |w| {
        let scratch = w.scratch();
        w.host(&format!("echo secret >{scratch}/marker"))?.exits(0)?;
        let script = format!("ls {scratch}/marker /proc/1/root{scratch}/marker /..{scratch}/marker 2>/dev/null; echo end");
        w.sh(&script)?.prints("end")?.done()
    }),
    Clause::law("CTR-ISO-8", "A container's mounts are not the host's: none of them is seen there.", "mount_namespaces(7)", |w| {
        let before = w.host("cat /proc/self/mounts")?.exits(0)?;
        let id = w.sleeper(|c| c.mounts.push(ask::tmpfs("/t")))?;
        let after = w.host("cat /proc/self/mounts")?.exits(0)?;
        equal("mounts of the host", after.lines(), before.lines())?;
        w.remove(&id)
    }),
    Clause::docker("CTR-ISO-9", "Shared memory of one container is not another's, nor the host's.", "ipc_namespaces(7)", |w| {
        let id = w.ready("echo x >/dev/shm/mine; echo ready; sleep 1000", |_| {})?;
        w.run(&["ls", "/dev/shm"])?.prints("")?;
        holds("it runs", w.status(&id)? == drydock_core::container::Status::Running)
    }),
    Clause::docker(
        "CTR-ISO-10",
        "A container's host name is its own: two have two, and the host keeps its own.",
        "uts_namespaces(7)",
        |w| {
            let before = w.host("hostname")?.text();
            w.sh_with("hostname", |c| c.hostname = "one".to_owned())?.prints("one")?;
            w.sh_with("hostname", |c| c.hostname = "two".to_owned())?.prints("two")?;
            equal("the host's", w.host("hostname")?.text(), before)
        },
    ),
    Clause::docker("CTR-ISO-11", "Two containers listen on the same port of their own networks.", "network_namespaces(7)", |w| {
        let serve = "mkdir /www; echo page >/www/index.html; httpd -p 80 -h /www; echo ready; sleep 1000";
        let none = |c: &mut drydock_core::container::ContainerConfig| c.network = NetworkMode::None;
        let (one, two) = (w.ready(serve, none)?, w.ready(serve, none)?);
        for id in [one, two] {
            w.exec(&id, &["wget", "-q", "-O", "-", "http://127.0.0.1/"])?.prints("page")?;
        }
        Ok(())
    }),
];
