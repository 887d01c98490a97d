//! A volume, as `docker volume inspect` and the Engine API show it.

use crate::engine::VolumeSummary;
use serde_json::{Value, json};

/// The object of one volume.
pub fn volume(volume: &VolumeSummary) -> Value {
    let record = &volume.record;
    // To the second, as dockerd reads it from the directory.
    let created = record.created.rfc3339();
    let created = created.split_once('.').map_or(created.clone(), |(seconds, _)| format!("{seconds}Z"));
    let or_null = |map: &std::collections::BTreeMap<String, String>| if map.is_empty() { Value::Null } else { json!(map) };
    json!({
        "CreatedAt": created,
        "Driver": "local",
        "Labels": or_null(&record.labels),
        "Mountpoint": volume.mountpoint,
        "Name": record.name,
        "Options": or_null(&record.options),
        "Scope": "local",
    })
}
