//! What a container uses, as `GET /containers/ID/stats` answers it.

use crate::engine::ContainerStats;
use crate::time::Timestamp;
use serde_json::{Map, Value, json};

fn cpu(stats: Option<&ContainerStats>) -> Value {
    let Some(s) = stats.filter(|s| s.running) else {
        return json!({
            "cpu_usage": { "total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0 },
            "throttling_data": { "periods": 0, "throttled_periods": 0, "throttled_time": 0 },
        });
    };
    // Clients take `system_cpu_usage` for the time that all processors together had: what they compute from it is a share of that.
    let system = s.time.0.saturating_mul(u64::from(s.cpus));
    json!({
        "cpu_usage": { "total_usage": s.usage.cpu, "usage_in_kernelmode": 0, "usage_in_usermode": s.usage.cpu },
        "system_cpu_usage": system,
        "online_cpus": s.cpus,
        "throttling_data": { "periods": 0, "throttled_periods": 0, "throttled_time": 0 },
    })
}

fn memory(s: &ContainerStats) -> Value {
    let mut object = json!({
        "usage": s.usage.memory,
        "stats": { "total_inactive_file": s.usage.memory_cache, "inactive_file": s.usage.memory_cache },
        "limit": s.usage.memory_limit.unwrap_or(s.host_memory).min(s.host_memory),
    });
    if let (Some(peak), Value::Object(fields)) = (s.usage.memory_peak, &mut object) {
        fields.insert("max_usage".to_owned(), peak.into());
    }
    object
}

fn block(s: &ContainerStats) -> Value {
    let (read, written) = s.usage.block;
    let entry = |op: &str, value: u64| json!({ "major": 0, "minor": 0, "op": op, "value": value });
    let bytes = if read + written == 0 { Value::Null } else { json!([entry("read", read), entry("write", written)]) };
    json!({
        "io_service_bytes_recursive": bytes,
        "io_serviced_recursive": null,
        "io_queue_recursive": null,
        "io_service_time_recursive": null,
        "io_wait_time_recursive": null,
        "io_merged_recursive": null,
        "io_time_recursive": null,
        "sectors_recursive": null,
    })
}

/// The figures of one moment, with those of the moment `before` as `precpu_stats`.
pub fn stats(now: &ContainerStats, before: Option<&ContainerStats>) -> Value {
    let read = |s: Option<&ContainerStats>| s.filter(|s| s.running).map_or(Timestamp::NEVER, |s| s.time).rfc3339();
    let mut object = json!({
        "read": read(Some(now)),
        "preread": read(before),
        "pids_stats": if now.running { json!({ "current": now.usage.pids }) } else { json!({}) },
        "blkio_stats": block(now),
        "num_procs": 0,
        "storage_stats": {},
        "cpu_stats": cpu(Some(now)),
        "precpu_stats": cpu(before),
        "memory_stats": if now.running { memory(now) } else { json!({}) },
        "name": format!("/{}", now.name),
        "id": now.id.as_str(),
    });
    if let (Value::Object(fields), true) = (&mut object, now.running && !now.networks.is_empty()) {
        let one = |received: u64, sent: u64| {
            json!({
                "rx_bytes": received, "rx_packets": 0, "rx_errors": 0, "rx_dropped": 0,
                "tx_bytes": sent, "tx_packets": 0, "tx_errors": 0, "tx_dropped": 0,
            })
        };
        let all: Map<String, Value> = now.networks.iter().map(|(name, n)| (name.clone(), one(n.received, n.sent))).collect();
        fields.insert("networks".to_owned(), Value::Object(all));
    }
    object
}
