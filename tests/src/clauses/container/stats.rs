//! What containers use.

use crate::ask::bridge;
use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, equal, fail, holds};
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::container::RestartPolicy;
use drydock_core::engine::ContainerStats;
use drydock_core::host::Capability;
use std::time::Duration;

const NEEDS: &[Capability] = &[Capability::Memory, Capability::Cpu, Capability::Pids];

/// The share of one processor that was used over a while.
fn load(w: &World<'_>, id: &str, time: Duration) -> Checked<f64> {
    let before = w.engine().stats(id)?;
    w.sleep(time);
    let after = w.engine().stats(id)?;
    let used = Duration::from_nanos(after.usage.cpu.saturating_sub(before.usage.cpu));
    Ok(used.as_secs_f64() / after.time.since(before.time).as_secs_f64())
}

fn nothing(stats: &ContainerStats) -> bool {
    let usage = &stats.usage;
    !stats.running && usage.cpu == 0 && usage.memory == 0 && usage.pids == 0 && stats.networks.is_empty()
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-STATS-1", "A program that sleeps uses no processor, some memory, and is one process.", cite::STATS, |w| {
        let id = w.sleeper(|_| {})?;
        let stats = w.engine().stats(&id)?;
        holds("it runs", stats.running)?;
        equal("processes", stats.usage.pids, 1)?;
        holds("it has some memory", stats.usage.memory > 0)?;
        holds("it hardly uses a processor", load(w, &id, Duration::from_millis(300))? < 0.05)
    })
    .needs(NEEDS),
    Clause::docker("CTR-STATS-2", "A program that never rests uses a processor.", cite::STATS, |w| {
        let id = w.start(&["sh", "-c", "while :; do :; done"], |_| {})?;
        let load = load(w, &id, Duration::from_millis(500))?;
        holds(format_args!("{load} is some of one processor and no more"), load > 0.15 && load < 1.1)
    })
    .needs(NEEDS),
    Clause::docker("CTR-STATS-3", "A program that may use half a processor uses no more.", cite::STATS, |w| {
        let id = w.start(&["sh", "-c", "while :; do :; done"], |c| c.resources.nano_cpus = Some(500_000_000))?;
        let load = load(w, &id, Duration::from_secs(1))?;
        holds(format_args!("{load} is half of one processor at most"), load > 0.1 && load < 0.62)
    })
    .needs(NEEDS),
    Clause::docker("CTR-STATS-4", "The limit of memory is the container's, or the host's memory.", cite::STATS, |w| {
        let id = w.sleeper(|c| (c.resources.memory, c.resources.memory_swap) = (Some(64 << 20), Some(64 << 20)))?;
        equal("its own", w.engine().stats(&id)?.usage.memory_limit, Some(64 << 20))?;
        let free = w.engine().stats(&w.sleeper(|_| {})?)?;
        equal("none", free.usage.memory_limit, None)?;
        equal("the host's", free.host_memory, w.engine().facts().memory)
    })
    .needs(NEEDS),
    Clause::docker("CTR-STATS-5", "A container that does not run uses nothing, and asking is no error.", cite::STATS, |w| {
        let created = w.create(&["true"], |_| {})?;
        holds("created", nothing(&w.engine().stats(&created)?))?;
        let ended = w.start(&["true"], |_| {})?;
        w.wait(&ended)?;
        holds("ended", nothing(&w.engine().stats(&ended)?))
    }),
    Clause::docker("CTR-STATS-6", "A paused container keeps its memory and uses no processor.", cite::STATS, |w| {
        let id = w.start(&["sh", "-c", "while :; do :; done"], |_| {})?;
        w.engine().pause(&id)?;
        let load = load(w, &id, Duration::from_millis(300))?;
        let stats = w.engine().stats(&id)?;
        w.engine().unpause(&id)?;
        holds(format_args!("{load} is nothing"), load < 0.02)?;
        equal("processes", stats.usage.pids, 1)
    })
    .needs(NEEDS),
    Clause::docker("CTR-STATS-7", "What goes through its link is counted, from the container's side.", cite::STATS, |w| {
        let id = w.sleeper(bridge)?;
        let bytes = |w: &World<'_>| -> Checked<(u64, u64)> {
            let stats = w.engine().stats(&id)?;
            let Some(link) = stats.networks.get("eth0") else { return fail(format_args!("no eth0 in {:?}", stats.networks)) };
            Ok((link.received, link.sent))
        };
        let before = bytes(w)?;
        let gateway = w.record(&id)?.endpoints[0].address.trunc().hosts().next().map(|a| a.to_string()).unwrap_or_default();
        w.exec(&id, &["ping", "-c", "3", "-s", "1000", &gateway])?.exits(0)?;
        let after = bytes(w)?;
        let (received, sent) = (after.0 - before.0, after.1 - before.1);
        // Three times 1000 bytes, 8 of ICMP, 20 of IP and 14 of Ethernet each way.
        holds(format_args!("{received} bytes came and {sent} went"), (3_000..6_000).contains(&received) && (3_000..6_000).contains(&sent))
    })
    .needs(&[Capability::Bridge]),
    Clause::docker("CTR-STATS-8", "A container without a network of its own has no link.", cite::STATS, |w| {
        equal("links", w.engine().stats(&w.sleeper(|_| {})?)?.networks.len(), 0)
    }),
    Clause::docker("CTR-STATS-9", "A container that waits to be started again uses nothing.", cite::STATS, |w| {
        let id = w.start(&["sh", "-c", "exit 1"], |c| c.restart = RestartPolicy::Always)?;
        w.eventually("it waits", || Ok(w.record(&id)?.state.restarts >= 2 && !w.engine().stats(&id)?.running))
    }),
    Clause::docker("CTR-STATS-10", "A container that is not there has no figures.", cite::STATS, |w| {
        let Err(error) = w.engine().stats("nope") else { return fail("it was not refused") };
        equal("kind", error.kind(), ErrorKind::NotFound)
    }),
];
