//! Limits on processors.

use super::{control, unified};
use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{contains, equal, holds};
use drydock_core::host::Capability;

const NEEDS: &[Capability] = &[Capability::Cpu];

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("LIM-CPU-1", "--cpus is a quota of each period of 100 ms.", cite::LIMITS, |w| {
        if unified(w) {
            return equal("cpu.max", control(w, "", "cpu.max", |c| c.resources.nano_cpus = Some(500_000_000))?.as_str(), "50000 100000");
        }
        equal("quota", control(w, "cpu/cpu.cfs_quota_us", "", |c| c.resources.nano_cpus = Some(500_000_000))?.as_str(), "50000")?;
        equal("period", control(w, "cpu/cpu.cfs_period_us", "", |c| c.resources.nano_cpus = Some(500_000_000))?.as_str(), "100000")
    })
    .needs(NEEDS),
    Clause::docker("LIM-CPU-2", "More processors than there are, or fewer than a hundredth, are refused.", cite::LIMITS, |w| {
        let cpus = w.engine().facts().cpus;
        let words = format!("Range of CPUs is from 0.01 to {cpus}.00, as there are only {cpus} CPUs available");
        let error = w.refused(&["true"], |c| c.resources.nano_cpus = Some((u64::from(cpus) + 1) * 1_000_000_000))?;
        contains("message", &error.to_string().to_lowercase(), &words.to_lowercase())?;
        // dockerd 20.10.24 refuses it too, with the words of runc and the kernel.
        holds("too few are refused", w.refused(&["true"], |c| c.resources.nano_cpus = Some(1_000_000)).is_ok())
    })
    .needs(NEEDS),
    Clause::docker("LIM-CPU-3", "--cpus and --cpu-quota exclude each other.", cite::LIMITS, |w| {
        let error = w.refused(&["true"], |c| (c.resources.nano_cpus, c.resources.cpu_quota) = (Some(1_000_000_000), Some(1000)))?;
        contains("message", &error.to_string(), "Conflicting options: Nano CPUs and CPU Quota cannot both be set")
    })
    .needs(NEEDS),
    Clause::docker("LIM-CPU-4", "The weight is 1024 without an option, and --cpu-shares with it.", cite::LIMITS, |w| {
        if unified(w) {
            equal("default", control(w, "", "cpu.weight", |_| {})?.as_str(), "100")?;
            let (low, high) = (
                control(w, "", "cpu.weight", |c| c.resources.cpu_shares = Some(2))?,
                control(w, "", "cpu.weight", |c| c.resources.cpu_shares = Some(262_144))?,
            );
            return equal("lowest and highest", (low.as_str(), high.as_str()), ("1", "10000"));
        }
        equal("default", control(w, "cpu/cpu.shares", "", |_| {})?.as_str(), "1024")?;
        equal("512", control(w, "cpu/cpu.shares", "", |c| c.resources.cpu_shares = Some(512))?.as_str(), "512")
    })
    .needs(NEEDS),
    Clause::docker("LIM-CPU-5", "A weight below 2 or above 262144 is refused.", cite::LIMITS, |w| {
        let error = w.refused(&["true"], |c| c.resources.cpu_shares = Some(1))?;
        contains("message", &error.to_string(), "minimum allowed cpu-shares is 2")?;
        let error = w.refused(&["true"], |c| c.resources.cpu_shares = Some(300_000))?;
        contains("message", &error.to_string(), "maximum allowed cpu-shares is 262144")
    })
    .needs(NEEDS),
    Clause::docker("LIM-CPU-6", "--cpuset-cpus is the set of processors the program may run on.", cite::LIMITS, |w| {
        let out = w.run_with(&["grep", "Cpus_allowed_list", "/proc/self/status"], |c| c.resources.cpuset_cpus = Some("0".to_owned()))?;
        out.prints("Cpus_allowed_list:\t0")?.done()
    })
    .needs(NEEDS),
    Clause::docker("LIM-CPU-7", "A processor that is not there, or a set that cannot be read, is refused.", cite::LIMITS, |w| {
        let error = w.refused(&["true"], |c| c.resources.cpuset_cpus = Some("900".to_owned()))?;
        contains("message", &error.to_string(), "Requested CPUs are not available - requested 900, available: 0")?;
        let error = w.refused(&["true"], |c| c.resources.cpuset_cpus = Some("x".to_owned()))?;
        contains("message", &error.to_string(), "Invalid value x for cpuset cpus")
    })
    .needs(NEEDS),
    Clause::docker("LIM-CPU-8", "A quota without --cpus is written as it is.", cite::LIMITS, |w| {
        let quota = |c: &mut drydock_core::container::ContainerConfig| {
            (c.resources.cpu_quota, c.resources.cpu_period) = (Some(20_000), Some(50_000))
        };
        if unified(w) {
            return equal("cpu.max", control(w, "", "cpu.max", quota)?.as_str(), "20000 50000");
        }
        equal("quota", control(w, "cpu/cpu.cfs_quota_us", "", quota)?.as_str(), "20000")?;
        equal("period", control(w, "cpu/cpu.cfs_period_us", "", quota)?.as_str(), "50000")
    })
    .needs(NEEDS),
];
