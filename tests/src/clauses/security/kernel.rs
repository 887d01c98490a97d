//! What a container asks of the kernel: control groups, system calls, settings.

use crate::clause::Clause;
use crate::outcome::{equal, holds};
use drydock_core::container::{ContainerConfig, NamespaceMode, UserRange};
use drydock_core::host::Capability;
use std::time::Duration;

const AGENT: &str = "CVE-2022-0492; cgroups(7), release_agent";

/// Every file of the control groups that lets a process out or the host act.
const WRITABLE: &str = "for f in $(find /sys/fs/cgroup -name release_agent -o -name cgroup.procs -o -name tasks -o -name notify_on_release -o -name devices.allow); do (: >>$f) 2>/dev/null && echo $f; done; (mkdir /sys/fs/cgroup/x || mkdir /sys/fs/cgroup/*/x) 2>/dev/null && echo made; true";

pub(super) const CLAUSES: &[Clause] = &[
    Clause::law("SEC-CGROUP-1", "No file of the control groups can be written, neither a release agent nor a list of processes.", AGENT, |w| {
        let looked = w.sh("find /sys/fs/cgroup -name cgroup.procs | wc -l")?.exits(0)?.text();
        holds(format_args!("there is something to look at: {looked}"), looked.trim() != "0")?;
        w.sh(WRITABLE)?.prints("")?.done()
    }),
    Clause::docker("SEC-CGROUP-2", "Nor can a control group file system be mounted anew, nor a namespace made in which it could.", AGENT, |w| {
        let script = "mkdir /cg; mount -t cgroup -o memory x /cg 2>/dev/null && echo mounted; mount -t cgroup2 x /cg 2>/dev/null && echo mounted; unshare -U true 2>/dev/null && echo unshared; unshare -m true 2>/dev/null && echo unshared; true";
        w.sh(script)?.prints("")?.done()
    }),
    Clause::law("SEC-CGROUP-3", "Nor in a user namespace of the container's own with the host's control groups.", "CVE-2023-25809", |w| {
        let tweak = |c: &mut ContainerConfig| {
            c.user_range = Some(UserRange { start: 100_000, size: 65_536 });
            c.cgroupns = NamespaceMode::Host;
        };
        match w.sh_with(WRITABLE, tweak) {
            Ok(out) => out.prints("")?.done(),
            // It may be refused as a whole.
            Err(failed) if failed.0.contains("unexpected error") => Ok(()),
            Err(failed) => Err(failed),
        }
    })
    .needs(&[Capability::UserNamespaces]),
    Clause::law("SEC-CGROUP-4", "A mount of the control groups shows the container's own group as its root, and no other container's.", "cgroup_namespaces(7)", |w| {
        let id = w.sleeper(|_| {})?;
        let out = w.sh("find /sys/fs/cgroup -type d")?.exits(0)?.text();
        holds(format_args!("another container's group is not seen: {id}"), !out.contains(&id))
    }),
    Clause::docker("SEC-SET-1", "A processor or memory node that the machine does not have is refused at once.", "CVE-2018-20699", |w| {
        let cases: [fn(&mut ContainerConfig); 5] = [
            |c| c.resources.cpuset_mems = Some("1-2147483647".to_owned()),
            |c| c.resources.cpuset_cpus = Some("0-99999".to_owned()),
            |c| c.resources.cpuset_cpus = Some("0,".to_owned()),
            |c| c.resources.cpuset_cpus = Some("4294967296".to_owned()),
            |c| c.resources.cpuset_cpus = Some("1-0".to_owned()),
        ];
        for (number, tweak) in cases.into_iter().enumerate() {
            let took = w.timed(|| w.refused(&["true"], tweak).map(drop))?;
            holds(format_args!("case {number} took {took:?}"), took < Duration::from_millis(500))?;
        }
        Ok(())
    }),
    Clause::law("SEC-FORK-1", "With --pids-limit a fork bomb stops at the limit, and the host goes on.", "cgroups v1, pids.rst", |w| {
        let script = "i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); done 2>/dev/null; true";
        let id = w.create(&["sh", "-c", &format!("{script}; sleep 1000")], |c| c.resources.pids = Some(16))?;
        w.engine().start(&id)?;
        w.sleep(Duration::from_millis(500));
        let alive = w.engine().observe()?.processes.iter().filter(|p| p.contains("sleep 1000")).count();
        holds(format_args!("{alive} processes are at most 16"), alive <= 16)?;
        w.remove(&id)
    })
    .needs(&[Capability::Pids]),
    Clause::law("SEC-CALL-1", "New namespaces and mounts are refused by the filter.", "Docker manual, Seccomp security profiles", |w| {
        let script = "unshare -U true 2>/dev/null && echo user; unshare -n true 2>/dev/null && echo net; unshare -p true 2>/dev/null && echo pid; mkdir -p /m; mount --bind / /m 2>/dev/null && echo bind; umount /proc 2>/dev/null && echo umount; true";
        w.sh(script)?.prints("")?.done()
    })
    .needs(&[Capability::Seccomp]),
    Clause::law("SEC-CALL-2", "A container may not look into processes of another, nor send them a signal.", "ptrace(2); pid_namespaces(7)", |w| {
        let id = w.sleeper(|_| {})?;
        let pid = w.record(&id)?.state.process.map_or(0, |p| p.pid);
        let out = w.sh(&format!("kill -9 {pid} 2>/dev/null && echo killed; cat /proc/{pid}/environ 2>/dev/null; ls /proc/{pid}/root 2>/dev/null; true"))?;
        out.prints("")?;
        equal("the other", w.status(&id)?, drydock_core::container::Status::Running)
    }),
];
