//! An image as `docker image inspect` shows it.

use crate::engine::HistoryEntry;
use crate::id::Digest;
use crate::image::ImageRecord;
use crate::time::Timestamp;
use serde_json::{Value, json};

/// The object of one image.
pub fn image(record: &ImageRecord) -> Value {
    let defaults = &record.defaults;
    let mut config = json!({
        "User": defaults.user,
        "ExposedPorts": defaults.exposed_ports,
        "Env": defaults.env,
        "Cmd": defaults.cmd,
        "Volumes": defaults.volumes,
        "WorkingDir": defaults.working_dir,
        "Entrypoint": defaults.entrypoint,
        "OnBuild": null,
        "Labels": defaults.labels,
        "StopSignal": defaults.stop_signal,
    });
    if let Value::Object(fields) = &mut config {
        // Docker leaves these out when they are empty, and says null for labels.
        let empty = |value: &Value| value.as_object().map_or_else(|| value.as_str() == Some(""), serde_json::Map::is_empty);
        fields.retain(|name, value| !(matches!(name.as_str(), "ExposedPorts" | "Volumes" | "StopSignal") && empty(value)));
        if defaults.labels.is_empty() {
            fields.insert("Labels".to_owned(), Value::Null);
        }
        if let Some(check) = &defaults.healthcheck {
            fields.insert("Healthcheck".to_owned(), json!(check));
        }
        if !defaults.shell.is_empty() {
            fields.insert("Shell".to_owned(), json!(defaults.shell));
        }
    }
    json!({
        "Id": record.id.as_str(),
        "RepoTags": record.tags.iter().map(|t| familiar(t)).collect::<Vec<_>>(),
        "RepoDigests": record.digests.iter().map(|d| familiar(d)).collect::<Vec<_>>(),
        "Parent": record.parent.as_ref().map_or("", |parent| parent.as_str()),
        "Comment": record.comment,
        "Created": record.created.rfc3339(),
        "DockerVersion": "",
        "Author": record.author,
        "Config": config,
        "Architecture": record.architecture,
        "Os": record.os,
        "Size": record.size,
        "GraphDriver": { "Data": null, "Name": "overlay2" },
        "RootFS": { "Type": "layers", "Layers": record.diff_ids.iter().map(Digest::as_str).collect::<Vec<_>>() },
        "Metadata": { "LastTagTime": record.tagged.unwrap_or(Timestamp::NEVER).rfc3339() },
    })
}

/// One step of how an image was made, as `GET /images/NAME/history` answers it.
pub fn past(step: &HistoryEntry) -> Value {
    json!({
        "Comment": step.comment,
        "Created": step.created.0 / 1_000_000_000,
        "CreatedBy": step.created_by,
        "Id": step.id.as_ref().map_or("<missing>", |id| id.as_str()),
        "Size": step.size,
        "Tags": if step.tags.is_empty() { Value::Null } else { json!(step.tags) },
    })
}

/// A normalised reference as people write it: `busybox:latest`.
fn familiar(reference: &str) -> &str {
    let short = reference.strip_prefix("docker.io/").unwrap_or(reference);
    short.strip_prefix("library/").unwrap_or(short)
}
