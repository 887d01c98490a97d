//! Volumes.

use crate::server::Shared;
use axum::Router;
use drydock_core::engine::{DiskUsage, Engine, VolumeUsage};
use serde_json::{Value, json};

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    Router::new()
}

/// The volumes of `GET /system/df`.
pub(crate) fn used(_: &dyn Engine, usage: &DiskUsage) -> drydock_core::Result<Vec<Value>> {
    let one = |v: &VolumeUsage| {
        json!({
            "Name": v.name, "Driver": "local", "Mountpoint": "", "Labels": null, "Options": null, "Scope": "local",
            "UsageData": { "RefCount": v.links, "Size": v.size },
        })
    };
    Ok(usage.volumes.iter().map(one).collect())
}
