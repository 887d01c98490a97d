//! Image configurations (OCI image-spec config.md): read strictly from a blob, written for an import.

use super::{ImageDefaults, ImageRecord};
use crate::error::{Error, Result};
use crate::id::{Digest, ImageId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The largest configuration that is read, in bytes.
pub const LARGEST: usize = 8 << 20;
/// The most layers an image may have (overlayfs takes 500 lower directories; Docker's bound is 127).
pub const MOST_LAYERS: usize = 127;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    author: Option<String>,
    architecture: String,
    os: String,
    #[serde(default)]
    config: Option<Value>,
    rootfs: RootFs,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    history: Option<Vec<History>>,
}

#[derive(Deserialize)]
struct RootFs {
    r#type: String,
    #[serde(default)]
    diff_ids: Vec<Digest>,
}

#[derive(Deserialize)]
struct History {
    #[serde(default)]
    comment: Option<String>,
}

/// Reads a configuration. Layers' chain ids and sizes are not in it, and are left empty.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`] where it is not a configuration, or is a manifest as well.
pub fn read(bytes: &[u8]) -> Result<ImageRecord> {
    let wrong = |what: String| Error::invalid(format!("invalid image configuration: {what}"));
    let value: Value = super::manifest::strict(bytes).map_err(|e| wrong(e.message().to_owned()))?;
    if ["manifests", "layers"].iter().any(|key| value.get(key).is_some()) {
        return Err(wrong("it is a manifest as well".to_owned()));
    }
    let document: Document = serde_json::from_value(value).map_err(|e| wrong(e.to_string()))?;
    if document.rootfs.r#type != "layers" {
        return Err(wrong(format!("rootfs of type {}", document.rootfs.r#type.escape_debug())));
    }
    if document.rootfs.diff_ids.len() > MOST_LAYERS {
        return Err(wrong(format!("{} layers, more than {MOST_LAYERS}", document.rootfs.diff_ids.len())));
    }
    if document.os != "linux" {
        return Err(wrong(format!("image operating system \"{}\" cannot be used on this platform", document.os.escape_debug())));
    }
    let created = document.created.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let last = document.history.unwrap_or_default().pop().and_then(|h| h.comment);
    Ok(ImageRecord {
        id: ImageId::new(Digest::of(bytes).as_str()),
        layers: Vec::new(),
        diff_ids: document.rootfs.diff_ids,
        size: 0,
        created: Timestamp(created.and_then(|t| u64::try_from(t.as_nanosecond()).ok()).unwrap_or(0)),
        os: document.os,
        architecture: document.architecture,
        author: document.author.unwrap_or_default(),
        comment: document.comment.filter(|c| !c.is_empty()).or(last).unwrap_or_default(),
        defaults: document.config.map(defaults).transpose().map_err(wrong)?.unwrap_or_default(),
        tags: Vec::new(),
        manifest: None,
        blobs: Vec::new(),
        digests: Vec::new(),
        parent: None,
        manifest_type: String::new(),
        hidden: false,
        tagged: None,
    })
}

/// The part that containers start with. Builders write `null` where they have nothing to say.
fn defaults(mut value: Value) -> Result<ImageDefaults, String> {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, v| !v.is_null());
    }
    if value.is_null() {
        return Ok(ImageDefaults::default());
    }
    let mut defaults: ImageDefaults = serde_json::from_value(value).map_err(|e| e.to_string())?;
    let mut lists = defaults.env.iter().chain(defaults.cmd.iter().flatten()).chain(defaults.entrypoint.iter().flatten());
    let words = [&defaults.user, &defaults.working_dir];
    if lists.any(|text| text.contains('\0')) || words.into_iter().chain(defaults.volumes.keys()).any(|text| text.contains('\0')) {
        return Err("a value contains a NUL byte".to_owned());
    }
    sensible(&defaults)?;
    // A set is written as an object of empty objects; some write nulls.
    defaults.exposed_ports.values_mut().chain(defaults.volumes.values_mut()).for_each(|value| *value = json!({}));
    Ok(defaults)
}

/// Refuses what could never be started: it is said when the image comes, to whoever brought it, and not to whoever runs it.
fn sensible(defaults: &ImageDefaults) -> Result<(), String> {
    let said = |e: Error| e.message().to_owned();
    if let Some(nameless) = defaults.env.iter().find(|variable| variable.starts_with('=')) {
        return Err(format!("invalid environment variable: {}", nameless.escape_debug()));
    }
    if defaults.user.chars().any(char::is_control) {
        return Err(format!("invalid user: {}", defaults.user.escape_debug()));
    }
    // Any name of a port is taken, as Docker takes it: images in the wild have `${PORT}/tcp`. One that is none is published by nobody.
    let sets = defaults.exposed_ports.iter().chain(&defaults.volumes);
    if let Some((name, _)) = sets.into_iter().find(|(_, value)| !(value.is_null() || value.is_object())) {
        return Err(format!("{:?}: an object is expected", name));
    }
    if !defaults.stop_signal.is_empty() {
        crate::kernel::Signal::parse(&defaults.stop_signal).map_err(said)?;
    }
    defaults.healthcheck.as_ref().map_or(Ok(()), |check| check.check().map_err(said))
}

/// One step of how an image was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// When, as RFC 3339 has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// By what: the command.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub created_by: String,
    /// By whom.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// What was said then.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// No layer came of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

/// What every configuration says of how its image was made, oldest first.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`] where it is no configuration.
pub fn history(bytes: &[u8]) -> Result<Vec<Made>> {
    let value = super::manifest::strict(bytes)?;
    match value.get("history") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(list) => {
            serde_json::from_value(list.clone()).map_err(|e| Error::invalid(format!("invalid image configuration: history: {e}")))
        }
    }
}

/// The configuration of an image that is another one and a step more: what containers start with becomes `config`, the layer of
/// the step comes on top unless there is none. Members that Drydock does not know are kept.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`] where the parent's is no configuration.
pub fn child(parent: &[u8], config: Value, layer: Option<&Digest>, step: &Made) -> Result<Value> {
    let mut document = super::manifest::strict(parent)?;
    let object = document.as_object_mut().ok_or_else(|| Error::invalid("invalid image configuration"))?;
    // Docker's own notes on the container it was made in say nothing true of the child.
    for gone in ["container", "container_config", "docker_version", "id", "parent", "comment", "author"] {
        object.shift_remove(gone);
    }
    let mut history = object.get("history").and_then(Value::as_array).cloned().unwrap_or_default();
    history.push(serde_json::to_value(step)?);
    let mut diff_ids = object.get("rootfs").and_then(|r| r.get("diff_ids")).and_then(Value::as_array).cloned().unwrap_or_default();
    diff_ids.extend(layer.map(|l| json!(l)));
    if !step.author.is_empty() {
        object.insert("author".to_owned(), json!(step.author));
    }
    object.insert("config".to_owned(), config);
    object.insert("created".to_owned(), json!(step.created));
    object.insert("history".to_owned(), Value::Array(history));
    object.insert("rootfs".to_owned(), json!({"type": "layers", "diff_ids": diff_ids}));
    Ok(document)
}

/// A new configuration.
pub fn document(defaults: &ImageDefaults, diff_ids: &[Digest], architecture: &str, comment: &str, now: Timestamp) -> Value {
    json!({
        "architecture": architecture,
        "comment": comment,
        "config": defaults,
        "created": now.rfc3339(),
        "history": [{"created": now.rfc3339(), "comment": comment}],
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(config: &Value) -> Result<ImageRecord> {
        let document = json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}, "config": config});
        read(document.to_string().as_bytes())
    }

    #[test]
    fn what_could_never_be_started_is_refused() {
        for bad in [
            json!({"Env": ["=x"]}),
            json!({"Env": ["A\0=1"]}),
            json!({"User": "a\nroot"}),
            json!({"User": "a\0"}),
            json!({"WorkingDir": "/a\0"}),
            json!({"Volumes": {"/a\0": {}}}),
            json!({"ExposedPorts": {"80/tcp": "x"}}),
            json!({"ExposedPorts": ["80/tcp"]}),
            json!({"ExposedPorts": "80"}),
            json!({"Volumes": {"/a": 1}}),
            json!({"StopSignal": "SIGNOPE"}),
            json!({"Healthcheck": {"Test": ["CMD", "true"], "Interval": -1}}),
            json!({"Healthcheck": {"Test": ["CMD", "true"], "Retries": -1}}),
            json!({"Healthcheck": {"Test": ["NOPE"]}}),
        ] {
            assert!(of(&bad).is_err(), "{bad}");
        }
        for odd in [
            json!(null),
            json!({"Env": null, "ExposedPorts": null}),
            json!({"Env": ["HOME", "*", "A=", "PATH=/bin"]}),
            json!({"ExposedPorts": {"80/tcp": {}, "53/udp": {}, "90": {}, "1000-1002/tcp": {}}}),
            json!({"ExposedPorts": {"${PORT}/tcp": {}, "0/x": {}, "65536/tcp": {}, "words": {}, "": null}}),
            json!({"StopSignal": "quit"}),
            json!({"StopSignal": "15"}),
            json!({"Healthcheck": {"Test": ["NONE"]}}),
            json!({"Volumes": {"data": {}, "/../x": {}}}),
            json!({"User": "1000:audio"}),
        ] {
            assert!(of(&odd).is_ok(), "{odd}: {:?}", of(&odd).err());
        }
    }
}
