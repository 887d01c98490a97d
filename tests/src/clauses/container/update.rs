//! Changing a container that exists.

use crate::ask::{bridge, port};
use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, contains, equal, fail, holds};
use crate::world::World;
use drydock_core::container::{ContainerConfig, MountKind, MountRequest, RestartPolicy, Status};
use drydock_core::engine::ContainerUpdate;
use drydock_core::host::Capability;
use drydock_core::limits::{CgroupMode, Resources};
use drydock_core::{Error, ErrorKind};

const MIB: u64 = 1 << 20;
const MEMORY: &[Capability] = &[Capability::Memory];
const CPU: &[Capability] = &[Capability::Cpu];
const PIDS: &[Capability] = &[Capability::Pids];
const PORTS: &[Capability] = &[Capability::Bridge, Capability::Publish];

fn limits(resources: Resources) -> ContainerUpdate {
    ContainerUpdate { resources, ..ContainerUpdate::default() }
}

fn policy(restart: RestartPolicy) -> ContainerUpdate {
    ContainerUpdate { restart: Some(restart), ..ContainerUpdate::default() }
}

fn mounts(add: &[&str], remove: &[&str]) -> ContainerUpdate {
    let add = add.iter().filter_map(|text| drydock_core::container::mounts::parse_mount(text).ok());
    ContainerUpdate {
        mount_add: add.collect(),
        mount_remove: remove.iter().map(|at| (*at).to_owned()).collect(),
        ..ContainerUpdate::default()
    }
}

/// A volume at /v.
fn volume(name: &str) -> MountRequest {
    MountRequest { source: name.to_owned(), target: "/v".to_owned(), ..MountRequest::of(MountKind::Volume) }
}

/// A directory of the host with a file in it.
fn shared(w: &World<'_>) -> Checked<String> {
    let from = format!("{}/shared", w.scratch());
    w.host(&format!("mkdir -p {from}; echo of the host >{from}/file"))?;
    Ok(from)
}

fn memory(bytes: u64, swap: Option<i64>) -> Resources {
    Resources { memory: Some(bytes), memory_swap: swap, ..Resources::default() }
}

fn refused(w: &World<'_>, name: &str, change: &ContainerUpdate) -> Checked<Error> {
    match w.engine().update(name, change) {
        Err(error) => crate::outcome::refusal(error),
        Ok(()) => fail("it was not refused"),
    }
}

/// What a control file says inside a running container.
fn control(w: &World<'_>, id: &str, v1: &str, v2: &str) -> Checked<String> {
    let file = if w.engine().facts().cgroup == CgroupMode::V2 { v2 } else { v1 };
    Ok(w.exec(id, &["cat", &format!("/sys/fs/cgroup/{file}")])?.exits(0)?.text())
}

fn of_64m(c: &mut ContainerConfig) {
    c.resources = memory(64 * MIB, Some(64 << 20));
}

/// A web server that publishes these ports of its own.
fn server(w: &World<'_>, ports: &[(u16, u16)]) -> Checked<String> {
    let ports = ports.iter().map(|(host, own)| port(None, *host, *own)).collect();
    let script = "mkdir /www; echo page >/www/index.html; httpd -p 80 -h /www; httpd -p 81 -h /www; echo ready; exec sleep 1000";
    w.ready(script, |c| {
        bridge(c);
        c.ports = ports;
    })
}

fn answers(w: &World<'_>, host_port: u16) -> Checked<bool> {
    Ok(w.host(&format!("timeout 3 wget -q -O - http://127.0.0.1:{host_port}/"))?.code == 0)
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-UPDATE-1", "A memory limit of a running container changes at once, and in its record.", cite::UPDATE, |w| {
        let id = w.sleeper(of_64m)?;
        w.engine().update(&id, &limits(memory(32 * MIB, Some(32 << 20))))?;
        equal("inside", control(w, &id, "memory/memory.limit_in_bytes", "memory.max")?.as_str(), "33554432")?;
        equal("record", w.record(&id)?.config.resources.memory, Some(32 * MIB))
    })
    .needs(MEMORY),
    Clause::docker("CTR-UPDATE-2", "A limit that is raised and one that is lowered are taken in whatever order the kernel needs.", cite::UPDATE, |w| {
        let id = w.sleeper(of_64m)?;
        for (bytes, swap) in [(256 * MIB, 512 << 20), (16 * MIB, 16 << 20), (128 * MIB, 128 << 20)] {
            w.engine().update(&id, &limits(memory(bytes, Some(swap))))?;
            equal("inside", control(w, &id, "memory/memory.limit_in_bytes", "memory.max")?, bytes.to_string())?;
        }
        Ok(())
    })
    .needs(MEMORY),
    Clause::docker("CTR-UPDATE-3", "An update of memory alone leaves the sum of memory and swap as it is.", cite::UPDATE, |w| {
        let id = w.sleeper(of_64m)?;
        w.engine().update(&id, &limits(memory(32 * MIB, None)))?;
        let resources = w.record(&id)?.config.resources;
        equal("memory and sum", (resources.memory, resources.memory_swap), (Some(32 * MIB), Some(64 << 20)))
    })
    .needs(MEMORY),
    Clause::docker("CTR-UPDATE-4", "Memory beyond the sum with swap is refused unless that is changed too.", cite::UPDATE, |w| {
        let id = w.sleeper(of_64m)?;
        let error = refused(w, &id, &limits(memory(128 * MIB, None)))?;
        equal("kind", error.kind(), ErrorKind::Conflict)?;
        let words = format!("Cannot update container {id}: Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time");
        contains("message", &error.to_string(), &words)?;
        w.engine().update(&id, &limits(memory(128 * MIB, Some(256 << 20))))?;
        equal("record", w.record(&id)?.config.resources.memory, Some(128 * MIB))
    })
    .needs(MEMORY),
    Clause::docker("CTR-UPDATE-5", "A container without a memory limit gets one only together with its swap.", cite::UPDATE, |w| {
        let id = w.sleeper(|_| {})?;
        let error = refused(w, &id, &limits(memory(64 * MIB, None)))?;
        contains("message", &error.to_string(), "update the memoryswap at the same time")?;
        w.engine().update(&id, &limits(memory(64 * MIB, Some(64 << 20))))?;
        equal("inside", control(w, &id, "memory/memory.limit_in_bytes", "memory.max")?.as_str(), "67108864")
    })
    .needs(MEMORY),
    Clause::docker("CTR-UPDATE-6", "Less than 6 MB is refused, and nothing changes.", cite::UPDATE, |w| {
        let id = w.sleeper(of_64m)?;
        contains("message", &refused(w, &id, &limits(memory(MIB, None)))?.to_string(), "Minimum memory limit allowed is 6MB")?;
        equal("inside", control(w, &id, "memory/memory.limit_in_bytes", "memory.max")?.as_str(), "67108864")
    })
    .needs(MEMORY),
    Clause::docker("CTR-UPDATE-7", "The number of processes changes at once; -1 is none.", cite::UPDATE, |w| {
        let id = w.sleeper(|_| {})?;
        for (most, shown) in [(20, "20"), (-1, "max")] {
            w.engine().update(&id, &limits(Resources { pids: Some(most), ..Resources::default() }))?;
            equal("inside", control(w, &id, "pids/pids.max", "pids.max")?.as_str(), shown)?;
        }
        Ok(())
    })
    .needs(PIDS),
    Clause::docker("CTR-UPDATE-8", "Processors by number change the quota at once.", cite::UPDATE, |w| {
        let id = w.sleeper(|_| {})?;
        w.engine().update(&id, &limits(Resources { nano_cpus: Some(500_000_000), ..Resources::default() }))?;
        let quota = control(w, &id, "cpu/cpu.cfs_quota_us", "cpu.max")?;
        holds(format_args!("{quota} is half of a processor"), quota == "50000" || quota == "50000 100000")
    })
    .needs(CPU),
    Clause::docker("CTR-UPDATE-9", "Processors by number and by quota do not mix, now or with what was set before.", cite::UPDATE, |w| {
        let nano = limits(Resources { nano_cpus: Some(500_000_000), ..Resources::default() });
        let quota = limits(Resources { cpu_quota: Some(50_000), ..Resources::default() });
        let period = limits(Resources { cpu_period: Some(50_000), cpu_quota: Some(25_000), ..Resources::default() });
        let id = w.sleeper(|_| {})?;
        w.engine().update(&id, &nano)?;
        let words = "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set";
        contains("quota", &refused(w, &id, &quota)?.to_string(), &format!("Cannot update container {id}: {words}"))?;
        let other = w.sleeper(|_| {})?;
        w.engine().update(&other, &period)?;
        let words = "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set";
        contains("number", &refused(w, &other, &nano)?.to_string(), words)
    })
    .needs(CPU),
    Clause::docker("CTR-UPDATE-10", "More processors than there are, and processors that there are not, are refused.", cite::UPDATE, |w| {
        let cpus = w.engine().facts().cpus;
        let id = w.sleeper(|_| {})?;
        let many = limits(Resources { nano_cpus: Some(99_000_000_000), ..Resources::default() });
        let words = format!("Range of CPUs is from 0.01 to {cpus}.00, as there are only {cpus} CPUs available");
        contains("number", &refused(w, &id, &many)?.to_string(), &words)?;
        let set = |text: &str| limits(Resources { cpuset_cpus: Some(text.to_owned()), ..Resources::default() });
        contains("set", &refused(w, &id, &set("99"))?.to_string(), "Requested CPUs are not available - requested 99, available: 0-")?;
        contains("words", &refused(w, &id, &set("abc"))?.to_string(), "Invalid value abc for cpuset cpus")
    })
    .needs(CPU),
    Clause::docker("CTR-UPDATE-11", "Limits of a container that does not run hold when it starts.", cite::UPDATE, |w| {
        let id = w.create(&["sleep", "1000"], |_| {})?;
        w.engine().update(&id, &limits(memory(64 * MIB, Some(64 << 20))))?;
        equal("status", w.status(&id)?, Status::Created)?;
        w.engine().start(&id)?;
        equal("inside", control(w, &id, "memory/memory.limit_in_bytes", "memory.max")?.as_str(), "67108864")
    })
    .needs(MEMORY),
    Clause::docker("CTR-UPDATE-12", "A paused container can be changed, and stays paused.", cite::UPDATE, |w| {
        let id = w.sleeper(of_64m)?;
        w.engine().pause(&id)?;
        w.engine().update(&id, &limits(memory(32 * MIB, Some(32 << 20))))?;
        equal("status", w.status(&id)?, Status::Paused)?;
        w.engine().unpause(&id)?;
        equal("inside", control(w, &id, "memory/memory.limit_in_bytes", "memory.max")?.as_str(), "33554432")
    })
    .needs(MEMORY),
    Clause::docker("CTR-UPDATE-13", "A restart policy that is given to a running container holds from then on.", cite::UPDATE, |w| {
        let id = w.sleeper(|_| {})?;
        w.engine().update(&id, &policy(RestartPolicy::Always))?;
        let Some(process) = w.record(&id)?.state.process else { return fail("it has no process") };
        w.host(&format!("kill -9 {}", process.pid))?.exits(0)?;
        w.eventually("it was started again", || {
            let state = w.record(&id)?.state;
            Ok(state.status == Status::Running && state.restarts == 1)
        })
    }),
    Clause::docker("CTR-UPDATE-14", "A restart policy that is taken away leaves the container ended.", cite::UPDATE, |w| {
        let id = w.sleeper(|c| c.restart = RestartPolicy::Always)?;
        w.engine().update(&id, &policy(RestartPolicy::No))?;
        let Some(process) = w.record(&id)?.state.process else { return fail("it has no process") };
        w.host(&format!("kill -9 {}", process.pid))?.exits(0)?;
        equal("exit code", w.wait(&id)?, 137)?;
        let state = w.record(&id)?.state;
        equal("state", (state.status, state.restarts), (Status::Exited, 0))
    }),
    Clause::docker("CTR-UPDATE-15", "A container that removes itself cannot be given a restart policy.", cite::UPDATE, |w| {
        let id = w.sleeper(|c| c.auto_remove = true)?;
        let error = refused(w, &id, &policy(RestartPolicy::Always))?;
        let words = format!("Cannot update container {id}: Restart policy cannot be updated because AutoRemove is enabled for the container");
        contains("message", &error.to_string(), &words)
    }),
    Clause::docker("CTR-UPDATE-16", "A container that is not there cannot be changed.", cite::UPDATE, |w| {
        let error = refused(w, "nope", &policy(RestartPolicy::Always))?;
        equal("kind", error.kind(), ErrorKind::NotFound)?;
        contains("message", &error.to_string(), "No such container: nope")
    }),
    Clause::docker("CTR-UPDATE-17", "What an update does not name stays as it is.", cite::UPDATE, |w| {
        let id = w.create(&["true"], |c| {
            of_64m(c);
            c.restart = RestartPolicy::OnFailure(Some(3));
        })?;
        let mut before = w.record(&id)?.config;
        w.engine().update(&id, &limits(Resources { cpu_shares: Some(512), ..Resources::default() }))?;
        before.resources.cpu_shares = Some(512);
        equal("configuration", w.record(&id)?.config, before)
    })
    .needs(CPU),
    Clause::law("CTR-UPDATE-18", "A port is published of a container that runs, without another start.", "Drydock, Engine::update", |w| {
        let id = server(w, &[])?;
        holds("nothing answers before", !answers(w, 18_601)?)?;
        let process = w.record(&id)?.state.process;
        w.engine().update(&id, &ContainerUpdate { publish_add: vec![port(None, 18_601, 80)], ..ContainerUpdate::default() })?;
        holds("it answers", answers(w, 18_601)?)?;
        equal("process", w.record(&id)?.state.process, process)?;
        equal("ports", w.record(&id)?.published.len(), 1)
    })
    .needs(PORTS),
    Clause::law("CTR-UPDATE-19", "A port is taken back while the others go on, and is free for another container at once.", "Drydock, Engine::update", |w| {
        let id = server(w, &[(18_602, 80), (18_603, 81)])?;
        w.engine().update(&id, &ContainerUpdate { publish_remove: vec![port(None, 18_602, 80)], ..ContainerUpdate::default() })?;
        holds("it answers no more", !answers(w, 18_602)?)?;
        holds("the other answers", answers(w, 18_603)?)?;
        server(w, &[(18_602, 80)])?;
        holds("another answers there", answers(w, 18_602)?)
    })
    .needs(PORTS),
    Clause::law("CTR-UPDATE-20", "A port moves from one port of the container to another in one update.", "Drydock, Engine::update", |w| {
        let id = server(w, &[(18_604, 79)])?;
        holds("nobody listens there", !answers(w, 18_604)?)?;
        let change =
            ContainerUpdate { publish_remove: vec![port(None, 18_604, 79)], publish_add: vec![port(None, 18_604, 81)], ..ContainerUpdate::default() };
        w.engine().update(&id, &change)?;
        holds("it answers", answers(w, 18_604)?)
    })
    .needs(PORTS),
    Clause::law("CTR-UPDATE-21", "A port that another holds is refused, and everything stays as it was.", "Drydock, Engine::update", |w| {
        server(w, &[(18_605, 80)])?;
        let id = server(w, &[(18_606, 80)])?;
        let before = w.record(&id)?;
        let change =
            ContainerUpdate { publish_remove: vec![port(None, 18_606, 80)], publish_add: vec![port(None, 18_605, 80)], ..ContainerUpdate::default() };
        let error = refused(w, &id, &change)?;
        contains("message", &error.to_string(), "Bind for 0.0.0.0:18605 failed: port is already allocated")?;
        equal("ports", w.record(&id)?.published, before.published)?;
        equal("configuration", w.record(&id)?.config, before.config)?;
        holds("its own still answers", answers(w, 18_606)?)
    })
    .needs(PORTS),
    Clause::law("CTR-UPDATE-22", "Ports that were changed are those of the next start.", "Drydock, Engine::update", |w| {
        let id = server(w, &[(18_607, 80)])?;
        let change =
            ContainerUpdate { publish_remove: vec![port(None, 18_607, 80)], publish_add: vec![port(None, 18_608, 80)], ..ContainerUpdate::default() };
        w.engine().update(&id, &change)?;
        w.engine().restart(&id, None, Some(0))?;
        w.eventually("it answers where it was moved", || answers(w, 18_608))?;
        holds("it does not where it was", !answers(w, 18_607)?)
    })
    .needs(PORTS),
    Clause::law("CTR-UPDATE-23", "A container without a network of its own publishes nothing.", "Drydock, Engine::update", |w| {
        let id = w.sleeper(|_| {})?;
        let error = refused(w, &id, &ContainerUpdate { publish_add: vec![port(None, 18_609, 80)], ..ContainerUpdate::default() })?;
        equal("kind", error.kind(), ErrorKind::InvalidInput)
    }),
    Clause::law("CTR-UPDATE-24", "A mount is added to a running container, and taken away, without another start.", cite::ASKED, |w| {
        let id = w.sleeper(|_| {})?;
        let before = w.record(&id)?.state.process;
        let from = shared(w)?;
        w.engine().update(&id, &mounts(&[&format!("type=bind,src={from},dst=/late/here")], &[]))?;
        w.engine().update(&id, &mounts(&["type=tmpfs,dst=/memory,tmpfs-size=1m", "type=volume,src=late,dst=/kept"], &[]))?;
        equal("bind", w.exec(&id, &["cat", "/late/here/file"])?.exits(0)?.text().as_str(), "of the host")?;
        w.exec(&id, &["sh", "-c", "echo from inside >/late/here/back; echo kept >/kept/file; df /memory | grep -q tmpfs"])?.exits(0)?;
        equal("on the host", w.host(&format!("cat {from}/back"))?.text().as_str(), "from inside")?;
        equal("in its record", w.record(&id)?.config.mounts.len(), 3)?;
        w.engine().update(&id, &mounts(&[], &["/late/here", "/memory", "/kept"]))?;
        equal("after", w.exec(&id, &["sh", "-c", "ls /late/here /memory /kept"])?.text().contains("file"), false)?;
        equal("the process", w.record(&id)?.state.process, before)?;
        equal("mounts", w.record(&id)?.config.mounts.len(), 0)?;
        equal("the volume stays", w.run_with(&["cat", "/v/file"], |c| c.mounts = vec![volume("late")])?.text().as_str(), "kept")?;
        w.remove(&id)?;
        w.host(&format!("rm -rf {from}")).map(drop)
    })
    .needs(&[Capability::Exec]),
    Clause::law("CTR-UPDATE-25", "A mount that is in use in the container is not taken away, and nothing of that update is done.", cite::ASKED, |w| {
        let id = w.ready("cd /memory; echo ready; exec sleep 1000", |c| {
            c.mounts = ["/memory", "/other"].map(|at| drydock_core::container::mounts::parse_tmpfs(at).unwrap_or_else(|_| unreachable!())).to_vec();
        })?;
        let error = refused(w, &id, &mounts(&[], &["/other", "/memory"]))?;
        equal("kind", error.kind(), ErrorKind::Conflict)?;
        contains("message", &error.to_string(), "is in use in the container")?;
        w.exec(&id, &["sh", "-c", "grep -q ' /memory ' /proc/mounts && grep -q ' /other ' /proc/mounts"])?.exits(0)?;
        equal("mounts", w.record(&id)?.config.mounts.len(), 2)
    })
    .needs(&[Capability::Exec]),
    Clause::law("CTR-UPDATE-26", "A mount that is added read-only cannot be written, and does not lead out of the container.", cite::ASKED, |w| {
        let from = shared(w)?;
        let id = w.ready("ln -s /../../../../out /link; mkdir /out; echo ready; exec sleep 1000", |_| {})?;
        w.engine().update(&id, &mounts(&[&format!("type=bind,src={from},dst=/link,readonly")], &[]))?;
        equal("where the link leads", w.exec(&id, &["cat", "/out/file"])?.exits(0)?.text().as_str(), "of the host")?;
        holds("it cannot be written", w.exec(&id, &["sh", "-c", "echo >/out/new"])?.code != 0)?;
        w.engine().update(&id, &mounts(&[], &["/link"]))?;
        equal("after", w.exec(&id, &["ls", "/out"])?.exits(0)?.text().as_str(), "")?;
        w.host(&format!("rm -rf {from}")).map(drop)
    })
    .needs(&[Capability::Exec]),
    Clause::law("CTR-UPDATE-27", "A place that is taken, one that has no mount, and a source that is missing are refused; nothing changes.", cite::ASKED, |w| {
        let id = w.sleeper(|c| c.mounts = vec![volume("taken")])?;
        for (change, words) in [
            (mounts(&["type=tmpfs,dst=/v"], &[]), "Duplicate mount point: /v"),
            (mounts(&["type=tmpfs,dst=/x", "type=tmpfs,dst=/x"], &[]), "Duplicate mount point: /x"),
            (mounts(&["type=bind,src=/no/such,dst=/x"], &[]), "bind source path does not exist: /no/such"),
            (mounts(&[], &["/nothing"]), "No mount at '/nothing'"),
        ] {
            contains(words, &refused(w, &id, &change)?.to_string(), words)?;
        }
        equal("mounts", w.record(&id)?.config.mounts.len(), 1)?;
        w.engine().update(&id, &mounts(&["type=tmpfs,dst=/v"], &["/v"]))?;
        w.exec(&id, &["sh", "-c", "grep ' /v ' /proc/mounts | grep -q tmpfs"])?.exits(0)?.done()
    })
    .needs(&[Capability::Exec]),
    Clause::law("CTR-UPDATE-28", "A mount that is added to a container that does not run is there when it does.", cite::ASKED, |w| {
        let id = w.create(&["sh", "-c", "df /memory | grep -q tmpfs"], |_| {})?;
        w.engine().update(&id, &mounts(&["type=tmpfs,dst=/memory"], &[]))?;
        w.engine().start(&id)?;
        equal("code", w.wait(&id)?, 0)
    }),
];
