//! Limits of a container that runs, and what it uses.

use crate::ask;
use crate::clause::Clause;
use crate::outcome::{Checked, contains, equal, holds};
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::engine::ContainerUpdate;
use drydock_core::host::Capability;
use drydock_core::limits::{CgroupMode, Resources};

const UPDATE: &str = "Docker CLI reference, docker container update";
const STATS: &str = "Docker CLI reference, docker container stats; cgroups(7)";
const RUN: &str = "Docker CLI reference, docker container run";
const MIB: u64 = 1 << 20;

fn update(resources: Resources) -> ContainerUpdate {
    ContainerUpdate { resources, ..ContainerUpdate::default() }
}

/// What a control file of a running container says.
fn file(w: &World<'_>, id: &str, v1: &str, v2: &str) -> Checked<String> {
    let file = if super::unified(w) { v2 } else { v1 };
    Ok(w.exec(id, &["cat", &format!("/sys/fs/cgroup/{file}")])?.exits(0)?.text())
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("LIM-CHANGE-1", "A limit of a running container is changed in the kernel and in its record.", UPDATE, |w| {
        let id = w.sleeper(|c| c.resources.pids = Some(50))?;
        w.engine().update(&id, &update(Resources { pids: Some(20), ..Resources::default() }))?;
        equal("the kernel's", file(w, &id, "pids/pids.max", "pids.max")?.as_str(), "20")?;
        equal("the record's", w.record(&id)?.config.resources.pids, Some(20))
    })
    .needs(&[Capability::Pids, Capability::Exec]),
    Clause::docker("LIM-CHANGE-2", "Memory can be given more and less, and swap follows within what was asked.", UPDATE, |w| {
        let id = w.sleeper(|c| (c.resources.memory, c.resources.memory_swap) = (Some(64 * MIB), Some(128 << 20)))?;
        for megabytes in [32, 96] {
            w.engine().update(&id, &update(Resources { memory: Some(megabytes * MIB), ..Resources::default() }))?;
            let now = file(w, &id, "memory/memory.limit_in_bytes", "memory.max")?;
            equal("the limit", now, (megabytes * MIB).to_string())?;
        }
        Ok(())
    })
    .needs(&[Capability::Memory, Capability::Exec]),
    Clause::law("LIM-CHANGE-3", "If one limit cannot be changed, none is.", UPDATE, |w| {
        let id = w.sleeper(|c| (c.resources.pids, c.resources.cpu_shares) = (Some(50), Some(512)))?;
        let wrong = Resources { pids: Some(20), cpuset_cpus: Some("999".to_owned()), ..Resources::default() };
        holds("it is refused", w.engine().update(&id, &update(wrong)).is_err())?;
        equal("the kernel's", file(w, &id, "pids/pids.max", "pids.max")?.as_str(), "50")?;
        equal("the record's", w.record(&id)?.config.resources.pids, Some(50))
    })
    .needs(&[Capability::Pids, Capability::Exec]),
    Clause::docker("LIM-CHANGE-4", "A limit changed while it does not run holds when it starts.", UPDATE, |w| {
        let id = w.create(&["sleep", "1000"], |_| {})?;
        w.engine().update(&id, &update(Resources { pids: Some(33), ..Resources::default() }))?;
        w.engine().start(&id)?;
        equal("the kernel's", file(w, &id, "pids/pids.max", "pids.max")?.as_str(), "33")
    })
    .needs(&[Capability::Pids, Capability::Exec]),
    Clause::docker("LIM-USAGE-1", "The number of processes in use is counted, threads and those of exec too.", STATS, |w| {
        let id = w.ready("sleep 1000 & echo ready; sleep 1000; true", |_| {})?;
        w.eventually("three are counted", || Ok(w.engine().usage(&id)?.pids == 3))
    })
    .needs(&[Capability::Pids]),
    Clause::docker("LIM-USAGE-2", "Processor time grows while a program computes, and not while it sleeps.", STATS, |w| {
        let idle = w.sleeper(|_| {})?;
        let before = w.engine().usage(&idle)?.cpu;
        let busy = w.start(&["sh", "-c", "while true; do :; done"], |_| {})?;
        w.eventually("it has used a tenth of a second", || Ok(w.engine().usage(&busy)?.cpu > 100_000_000))?;
        let used = w.engine().usage(&idle)?.cpu - before;
        holds(format_args!("a sleeping program used {used} ns"), used < 50_000_000)?;
        w.remove(&busy)
    })
    .needs(&[Capability::Cpu]),
    Clause::docker("LIM-USAGE-3", "Memory in use is counted, and the limit in force is said with it.", STATS, |w| {
        // dd fills a buffer of that size and then waits for somebody to read it.
        let script = "mkfifo /p; dd if=/dev/zero of=/p bs=16M count=1 & exec sleep 1000 </p";
        let id = w.start(&["sh", "-c", script], |c| c.resources.memory = Some(64 * MIB))?;
        w.eventually("16 MiB are in use", || Ok((16 * MIB..64 * MIB).contains(&w.engine().usage(&id)?.memory)))?;
        equal("limit", w.engine().usage(&id)?.memory_limit, Some(64 * MIB))
    })
    .needs(&[Capability::Memory]),
    Clause::docker("LIM-USAGE-4", "Without a limit there is none in the figures.", STATS, |w| {
        let id = w.sleeper(|_| {})?;
        equal("limit", w.engine().usage(&id)?.memory_limit, None)
    })
    .needs(&[Capability::Memory]),
    Clause::docker("LIM-USAGE-5", "What goes through a container's link is counted for it.", STATS, |w| {
        let id = w.sleeper(ask::bridge)?;
        let first = |of: &dyn Fn(&drydock_core::network::LinkCounters) -> u64| -> Checked<u64> {
            Ok(w.engine().stats(&id)?.networks.values().next().map_or(0, of))
        };
        let (received, sent) = (first(&|c| c.received)?, first(&|c| c.sent)?);
        let gateway = w.exec(&id, &["sh", "-c", "ip route | grep default | cut -d' ' -f3"])?.exits(0)?.text();
        w.exec(&id, &["ping", "-c", "3", "-s", "1000", &gateway])?.exits(0)?;
        let (received, sent) = (first(&|c| c.received)? - received, first(&|c| c.sent)? - sent);
        holds(format_args!("three of 1000 bytes each way: {received}, {sent}"), received >= 3000 && sent >= 3000)
    })
    .needs(&[Capability::Bridge, Capability::Exec]),
    Clause::docker("LIM-USAGE-6", "A container that does not run uses nothing.", STATS, |w| {
        let id = w.create(&["true"], |_| {})?;
        let stats = w.engine().stats(&id)?;
        equal("figures", (stats.running, stats.usage.memory, stats.usage.cpu, stats.usage.pids), (false, 0, 0, 0))
    }),
    Clause::docker("LIM-NODE-1", "--cpuset-mems is the set of memory nodes, and one that is not there is refused.", RUN, |w| {
        let path = if super::unified(w) { "cpuset.mems" } else { "cpuset/cpuset.mems" };
        w.run_with(&["cat", &format!("/sys/fs/cgroup/{path}")], |c| c.resources.cpuset_mems = Some("0".to_owned()))?.prints("0")?;
        let error = w.refused(&["true"], |c| c.resources.cpuset_mems = Some("9".to_owned()))?;
        contains("message", &error.to_string(), "Requested memory nodes are not available - requested 9, available: 0")?;
        let error = w.refused(&["true"], |c| c.resources.cpuset_mems = Some("x".to_owned()))?;
        contains("message", &error.to_string(), "Invalid value x for cpuset mems: invalid format: x")
    })
    .needs(&[Capability::Cpu]),
    // Docker 20.10 drops the weight with a warning where blkio.weight is missing; Drydock writes the file that there is, or says so.
    Clause::law(
        "LIM-BLOCK-1",
        "A weight of block devices beyond its range is refused.",
        "kernel Documentation, block/bfq-iosched.rst",
        |w| {
            for weight in [5, 1001] {
                let error = w.refused(&["true"], |c| c.resources.blkio_weight = Some(weight))?;
                contains("message", &error.to_string(), "Range of blkio weight is from 10 to 1000")?;
            }
            Ok(())
        },
    ),
    Clause::law("LIM-SWAP-1", "--memory-swappiness is a percentage; where the kernel has no such setting, the engine says so.", RUN, |w| {
        let error = w.refused(&["true"], |c| c.resources.memory_swappiness = Some(101))?;
        contains("message", &error.to_string(), "valid memory swappiness range is 0-100")?;
        if w.engine().facts().cgroup == CgroupMode::V2 {
            let error = w.refused(&["true"], |c| c.resources.memory_swappiness = Some(50))?;
            return equal("kind", error.kind(), ErrorKind::Unsupported);
        }
        let path = "/sys/fs/cgroup/memory/memory.swappiness";
        w.run_with(&["cat", path], |c| c.resources.memory_swappiness = Some(50))?.prints("50")?.done()
    })
    .needs(&[Capability::Memory]),
];
