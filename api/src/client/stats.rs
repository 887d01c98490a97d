//! What containers use.

use super::json::{list, number, text, time};
use super::{DockerEngine, Parameters, part};
use drydock_core::engine::ContainerStats;
use drydock_core::id::ContainerId;
use drydock_core::limits::Usage;
use drydock_core::network::LinkCounters;
use drydock_core::{Error, ErrorKind, Result};
use serde_json::Value;

impl DockerEngine {
    pub(super) fn container_stats(&self, name: &str) -> Result<ContainerStats> {
        let parameters = Parameters::new().with("stream", "0").with_flag("one-shot", self.version.since(41));
        let object = self.get(&format!("/containers/{}/stats", part(name)), parameters)?;
        Ok(stats(&object, self.known_facts().memory))
    }

    pub(super) fn usage_of(&self, name: &str) -> Result<Usage> {
        let stats = self.container_stats(name)?;
        if stats.running {
            Ok(stats.usage)
        } else {
            Err(Error::new(ErrorKind::NotRunning, format!("Container {} is not running", stats.id)))
        }
    }
}

fn stats(object: &Value, host: u64) -> ContainerStats {
    let nothing = Value::Null;
    let at = |path: &str| object.pointer(path).unwrap_or(&nothing);
    let memory = at("/memory_stats");
    let details = at("/memory_stats/stats");
    let cache = ["total_inactive_file", "inactive_file"].iter().find_map(|name| details.get(*name)?.as_u64()).unwrap_or(0);
    let block = |wanted: &str| -> u64 {
        let all = list(at("/blkio_stats"), "io_service_bytes_recursive");
        all.iter().filter(|e| text(e, "op").eq_ignore_ascii_case(wanted)).map(|e| number(e, "value")).sum()
    };
    let cpus = number(at("/cpu_stats"), "online_cpus");
    let limit = number(memory, "limit");
    let name = text(object, "name");
    let link = |(name, n): (&String, &Value)| (name.clone(), LinkCounters { received: number(n, "rx_bytes"), sent: number(n, "tx_bytes") });
    ContainerStats {
        id: ContainerId::new(text(object, "id")),
        name: name.strip_prefix('/').unwrap_or(&name).to_owned(),
        // One that does not run has no memory to tell of.
        running: memory.get("usage").is_some(),
        time: time(object, "read"),
        usage: Usage {
            cpu: number(at("/cpu_stats/cpu_usage"), "total_usage"),
            memory: number(memory, "usage"),
            memory_peak: memory.get("max_usage").and_then(Value::as_u64),
            memory_cache: cache,
            memory_limit: Some(limit).filter(|l| *l > 0 && (host == 0 || *l < host)),
            pids: number(at("/pids_stats"), "current"),
            block: (block("read"), block("write")),
        },
        networks: at("/networks").as_object().map(|all| all.iter().map(link).collect()).unwrap_or_default(),
        cpus: u32::try_from(cpus).unwrap_or(1).max(1),
        host_memory: if host == 0 { limit } else { host },
    }
}
