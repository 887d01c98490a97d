//! A cache that goes elsewhere: what `--cache-to` writes and `--cache-from` reads.
//!
//! It is an image like any other: its configuration says beside the layers which step, by its key, made each of them. An image that
//! was built with `type=inline` says so too, and so one form is all there is.

use crate::error::{Error, Result};
use crate::id::Digest;
use crate::image::Blob;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The field of a configuration.
pub const FIELD: &str = "drydock.build.cache";
/// The version of what is in it. Another one is none of ours, and is passed over.
const VERSION: u64 = 1;

/// Where a cache comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheFrom {
    /// An image of the store, or if there is none of the name, of its registry: a name alone.
    Image(String),
    /// An image of its registry: `type=registry,ref=NAME`.
    Registry(String),
    /// An OCI layout: the next of [`super::request::Surface::caches`]. Its name, for people.
    Layout(String),
}

/// Where a cache goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheTo {
    /// Into the image's own configuration: `type=inline`.
    Inline,
    /// To a registry: `type=registry,ref=NAME`.
    Registry {
        /// The name.
        reference: String,
        /// `mode=max`: the steps of every stage, not only of the target.
        max: bool,
    },
    /// An OCI layout in a tar archive, to [`super::request::Surface::cache_sink`].
    Layout {
        /// `mode=max`
        max: bool,
    },
}

/// Which step made a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it depended on.
    pub key: String,
    /// Its layer, by its number among the image's.
    pub layer: usize,
    /// When.
    pub created: Timestamp,
    /// The step, for people.
    pub by: String,
    /// Bytes of files in the layer.
    pub size: u64,
}

/// A layer that some step elsewhere has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The step.
    pub step: Step,
    /// The layer's archive, compressed or not.
    pub blob: Blob,
    /// The digest of what is in it, which is what is believed.
    pub diff_id: Digest,
}

/// The field's value.
pub fn field(steps: &[Step]) -> Value {
    json!({"version": VERSION, "steps": steps})
}

/// Reads what a configuration and the layers of its manifest offer. One that offers nothing has no field, or one of another version.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`] for a field that cannot be read.
pub fn offers(config: &Value, layers: &[Blob]) -> Result<Vec<Offer>> {
    let Some(field) = config.get(FIELD).filter(|f| f.get("version").and_then(Value::as_u64) == Some(VERSION)) else {
        return Ok(Vec::new());
    };
    let wrong = |what: String| Error::invalid(format!("the cache cannot be read: {what}"));
    let steps: Vec<Step> = serde_json::from_value(field.get("steps").cloned().unwrap_or_default()).map_err(|e| wrong(e.to_string()))?;
    let diff_ids: Vec<Digest> = config
        .pointer("/rootfs/diff_ids")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|id| Digest::parse(id.as_str().unwrap_or_default()))
        .collect::<Result<_>>()?;
    let offer = |step: Step| {
        let (blob, diff_id) = (layers.get(step.layer)?.clone(), diff_ids.get(step.layer)?.clone());
        Some(Offer { step, blob, diff_id })
    };
    Ok(steps.into_iter().filter_map(offer).collect())
}

/// The value of a key of `key=value,key=value`.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.split(',').filter_map(|part| part.split_once('=')).find(|(k, _)| *k == key).map(|(_, v)| v)
}

/// Refuses what would be passed over in silence: a key that is none of these, or one that asks for another form than there is.
fn only(flag: &str, text: &str, keys: &[&str]) -> Result<()> {
    for part in text.split(',') {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        if !keys.contains(&key) {
            let hint = format!("there are {}", keys.join(", "));
            return Err(Error::invalid(format!("{flag} {text}: unknown option {}", key.escape_debug())).hint(hint));
        }
        // Layers are kept as they came or were made: a manifest of the OCI's, uncompressed unless they came otherwise.
        let other = match key {
            "compression" => value != "uncompressed",
            "oci-mediatypes" | "image-manifest" => value != "true",
            _ => false,
        };
        if other {
            return Err(Error::invalid(format!("{flag} {text}: there is no {key}={}", value.escape_debug())).hint("leave it out"));
        }
    }
    Ok(())
}

/// Reads `--cache-from`. Answers the directory too, if it is one.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`], in buildx's words.
pub fn parse_from(text: &str) -> Result<(CacheFrom, Option<String>)> {
    let missing = |key: &str| Error::invalid(format!("--cache-from {text}: {key} is required"));
    if !text.contains('=') {
        return Ok((CacheFrom::Image(text.to_owned()), None));
    }
    only("--cache-from", text, &["type", "ref", "src"])?;
    match value(text, "type").unwrap_or("registry") {
        "registry" => Ok((CacheFrom::Registry(value(text, "ref").ok_or_else(|| missing("ref"))?.to_owned()), None)),
        "local" => {
            let path = value(text, "src").ok_or_else(|| missing("src"))?.to_owned();
            Ok((CacheFrom::Layout(path.clone()), Some(path)))
        }
        other => Err(Error::invalid(format!("unknown cache importer: {other}")).hint("there are registry and local")),
    }
}

/// Reads `--cache-to`. Answers the directory too, if it is one.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`], in buildx's words.
pub fn parse_to(text: &str) -> Result<(CacheTo, Option<String>)> {
    let missing = |key: &str| Error::invalid(format!("--cache-to {text}: {key} is required"));
    if !text.contains('=') {
        return Ok((CacheTo::Registry { reference: text.to_owned(), max: false }, None));
    }
    only("--cache-to", text, &["type", "ref", "dest", "mode", "compression", "oci-mediatypes", "image-manifest"])?;
    let max = match value(text, "mode") {
        None | Some("min") => false,
        Some("max") => true,
        Some(other) => return Err(Error::invalid(format!("--cache-to {text}: invalid mode {other}")).hint("there are min and max")),
    };
    match value(text, "type").unwrap_or("registry") {
        "inline" => Ok((CacheTo::Inline, None)),
        "registry" => Ok((CacheTo::Registry { reference: value(text, "ref").ok_or_else(|| missing("ref"))?.to_owned(), max }, None)),
        "local" => Ok((CacheTo::Layout { max }, Some(value(text, "dest").ok_or_else(|| missing("dest"))?.to_owned()))),
        other => Err(Error::invalid(format!("unknown cache exporter: {other:?}")).hint("there are inline, registry and local")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let digest = Digest::of(b"layer");
        let step = Step { key: "k".to_owned(), layer: 1, created: Timestamp(5), by: "RUN x".to_owned(), size: 3 };
        let config = json!({"rootfs": {"diff_ids": [Digest::of(b"base"), digest]}, FIELD: field(std::slice::from_ref(&step))});
        let blob = |digest: &Digest| Blob { digest: digest.clone(), size: 9 };
        let whole = offers(&config, &[blob(&Digest::of(b"base")), blob(&digest)]).unwrap();
        assert_eq!(whole, [Offer { step: step.clone(), blob: blob(&digest), diff_id: digest.clone() }]);
        // A layer that was compressed on its way, and a manifest that has fewer of them.
        let gzip = blob(&Digest::of(b"gzip"));
        assert_eq!(offers(&config, &[blob(&digest), gzip.clone()]).unwrap(), [Offer { step, blob: gzip, diff_id: digest }]);
        assert_eq!(offers(&config, &[]).unwrap(), []);
        assert_eq!(offers(&json!({FIELD: {"version": 2, "steps": 7}}), &[]).unwrap(), []);
        assert!(offers(&json!({FIELD: {"version": 1, "steps": 7}}), &[]).is_err());
    }

    #[test]
    fn flags() {
        assert_eq!(parse_from("app:1").unwrap().0, CacheFrom::Image("app:1".to_owned()));
        assert_eq!(parse_from("type=registry,ref=r/a").unwrap().0, CacheFrom::Registry("r/a".to_owned()));
        assert_eq!(parse_from("type=local,src=d").unwrap(), (CacheFrom::Layout("d".to_owned()), Some("d".to_owned())));
        assert_eq!(parse_from("type=gha").unwrap_err().message(), "unknown cache importer: gha");
        assert_eq!(parse_to("type=inline").unwrap(), (CacheTo::Inline, None));
        assert_eq!(parse_to("type=local,dest=d,mode=max").unwrap(), (CacheTo::Layout { max: true }, Some("d".to_owned())));
        assert_eq!(parse_to("r/a").unwrap().0, CacheTo::Registry { reference: "r/a".to_owned(), max: false });
        assert!(parse_to("type=local").unwrap_err().message().contains("dest is required"));
        assert!(parse_to("type=registry,ref=a,mode=all").is_err());
        assert!(parse_to("type=registry,ref=a,oci-mediatypes=true,image-manifest=true,compression=uncompressed").is_ok());
        for asked in ["compression=zstd", "oci-mediatypes=false", "image-manifest=false", "ignore-error=true"] {
            assert!(parse_to(&format!("type=registry,ref=a,{asked}")).is_err(), "{asked}");
        }
        assert!(parse_from("type=local,src=d,tag=x").unwrap_err().message().ends_with("unknown option tag"));
    }
}
