//! Memory limits.

use super::{control, unified};
use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{contains, equal, holds};
use drydock_core::ErrorKind;
use drydock_core::container::{ContainerConfig, Status};
use drydock_core::host::Capability;

const NEEDS: &[Capability] = &[Capability::Memory];
/// Takes so many mebibytes and gives them back.
const TAKES_150: [&str; 5] = ["dd", "if=/dev/zero", "of=/dev/null", "bs=150M", "count=1"];
const TAKES_32: [&str; 5] = ["dd", "if=/dev/zero", "of=/dev/null", "bs=32M", "count=1"];

fn of_64m(c: &mut ContainerConfig) {
    c.resources.memory = Some(64 << 20);
    // No swap, so that the verdict does not depend on how much the host has.
    c.resources.memory_swap = Some(64 << 20);
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "LIM-MEM-1",
        "A program that takes more than its container may is killed: 137, and the record says why.",
        cite::LIMITS,
        |w| {
            let id = w.start(&TAKES_150, of_64m)?;
            equal("exit code", w.wait(&id)?, 137)?;
            holds("it was killed for want of memory", w.record(&id)?.state.oom_killed)
        },
    )
    .needs(NEEDS),
    Clause::docker("LIM-MEM-2", "A program that takes less lives.", cite::LIMITS, |w| {
        let id = w.start(&TAKES_32, of_64m)?;
        equal("exit code", w.wait(&id)?, 0)?;
        holds("nothing was killed", !w.record(&id)?.state.oom_killed)
    })
    .needs(NEEDS),
    Clause::docker(
        "LIM-MEM-3",
        "When a child is killed for want of memory the container lives, and the record says that it happened.",
        cite::LIMITS,
        |w| {
            let id = w.start(&["sh", "-c", &format!("{} 2>/dev/null; echo code $?", TAKES_150.join(" "))], of_64m)?;
            equal("exit code", w.wait(&id)?, 0)?;
            contains("log", &w.log_text(&id)?, "code 137")?;
            holds("the record says so", w.record(&id)?.state.oom_killed)
        },
    )
    .needs(NEEDS),
    Clause::docker(
        "LIM-MEM-4",
        "The limit is the one the kernel has, and is seen in the container.",
        "cgroups v1 memory.txt; cgroup-v2.rst, memory.max",
        |w| equal("limit", control(w, "memory/memory.limit_in_bytes", "memory.max", of_64m)?.as_str(), "67108864"),
    )
    .needs(NEEDS),
    Clause::docker("LIM-MEM-5", "Less than 6 MB is refused.", cite::LIMITS, |w| {
        let error = w.refused(&["true"], |c| c.resources.memory = Some(5 << 20))?;
        equal("kind", error.kind(), ErrorKind::InvalidInput)?;
        contains("message", &error.to_string(), "Minimum memory limit allowed is 6MB")?;
        w.run_with(&["true"], |c| c.resources.memory = Some(6 << 20))?.exits(0)?.done()
    })
    .needs(NEEDS),
    Clause::docker("LIM-MEM-6", "Memory and swap together are not less than memory, and not without it.", cite::LIMITS, |w| {
        let error = w.refused(&["true"], |c| (c.resources.memory, c.resources.memory_swap) = (Some(64 << 20), Some(32 << 20)))?;
        contains("message", &error.to_string(), "Minimum memoryswap limit should be larger than memory limit, see usage")?;
        let error = w.refused(&["true"], |c| c.resources.memory_swap = Some(64 << 20))?;
        contains("message", &error.to_string(), "You should always set the Memory limit when using Memoryswap limit, see usage")
    })
    .needs(NEEDS),
    Clause::docker("LIM-MEM-7", "The soft limit is written where the kernel has it, and is not above the hard one.", cite::LIMITS, |w| {
        let soft = control(w, "memory/memory.soft_limit_in_bytes", "memory.low", |c| {
            (c.resources.memory, c.resources.memory_reservation) = (Some(64 << 20), Some(32 << 20));
        })?;
        equal("soft limit", soft.as_str(), "33554432")?;
        let error = w.refused(&["true"], |c| (c.resources.memory, c.resources.memory_reservation) = (Some(64 << 20), Some(128 << 20)))?;
        contains("message", &error.to_string(), "Minimum memory limit can not be less than memory reservation limit, see usage")
    })
    .needs(NEEDS),
    Clause::docker("LIM-MEM-8", "Without an option there is no limit.", cite::LIMITS, |w| {
        let limit = control(w, "memory/memory.limit_in_bytes", "memory.max", |_| {})?;
        let none = if unified(w) { limit == "max" } else { limit.parse::<u64>().is_ok_and(|l| l > 1 << 60) };
        holds(format_args!("{limit} is no limit"), none)
    })
    .needs(NEEDS),
    Clause::docker("LIM-MEM-9", "One container's want of memory is not another's.", cite::LIMITS, |w| {
        let other = w.sleeper(of_64m)?;
        w.run_with(&TAKES_150, of_64m)?.exits(137)?;
        equal("status", w.status(&other)?, Status::Running)?;
        holds("nothing was killed in it", !w.record(&other)?.state.oom_killed)
    })
    .needs(NEEDS),
    Clause::docker("LIM-MEM-10", "--oom-score-adj is the score of the program, and has a range.", cite::RUN, |w| {
        w.run_with(&["cat", "/proc/self/oom_score_adj"], |c| c.resources.oom_score_adj = Some(500))?.prints("500")?;
        let error = w.refused(&["true"], |c| c.resources.oom_score_adj = Some(2000))?;
        contains("message", &error.to_string(), "Invalid value 2000, range for oom score adj is [-1000, 1000]")
    }),
];
