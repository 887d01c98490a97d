//! Manifests and indexes (OCI image-spec manifest.md, image-index.md) and `manifest.json` of a Docker archive, read strictly.
//!
//! A document that two readers could take for two things is refused: duplicate keys, a manifest that is an index as well, a media
//! type that contradicts the content (CVE-2021-41190).

use super::Blob;
use crate::error::{Error, Result};
use crate::id::Digest;
use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::collections::BTreeMap;
use std::fmt;

/// The media type of the OCI's manifests (image-spec media-types.md).
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The largest manifest or index that is read, in bytes.
pub const LARGEST: usize = 4 << 20;

/// One image of a Docker archive.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Archived {
    /// The path of its configuration in the archive.
    pub config: String,
    /// Its references.
    #[serde(default)]
    pub repo_tags: Option<Vec<String>>,
    /// The paths of its layers in the archive, lowest first.
    #[serde(default)]
    pub layers: Option<Vec<String>>,
}

/// A manifest: a configuration and layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The configuration.
    pub config: Blob,
    /// The layers, lowest first.
    pub layers: Vec<Blob>,
}

/// One entry of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// The manifest or index that it names.
    pub blob: Blob,
    /// Whether that is an index again.
    pub index: bool,
    /// For which machine: operating system and architecture.
    pub platform: Option<(String, String)>,
    /// The machine's variant: `v7`.
    pub variant: Option<String>,
    /// Notes.
    pub annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: Digest,
    size: u64,
    #[serde(default)]
    platform: Option<Platform>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Platform {
    os: String,
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
}

fn wrong(what: impl fmt::Display) -> Error {
    Error::invalid(format!("invalid manifest: {what}"))
}

/// Reads `manifest.json`.
pub fn archived(bytes: &[u8]) -> Result<Vec<Archived>> {
    serde_json::from_value(strict(bytes)?).map_err(wrong)
}

/// Reads an image manifest, of the OCI's or of Docker's schema 2.
pub fn manifest(bytes: &[u8]) -> Result<Manifest> {
    let value = document(bytes, "layers", "manifests")?;
    let one =
        |v: &Value, what: &str| -> Result<Descriptor> { serde_json::from_value(v.clone()).map_err(|e| wrong(format!("{what}: {e}"))) };
    let config = one(value.get("config").unwrap_or(&Value::Null), "config")?;
    if !["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"].contains(&config.media_type.as_str())
    {
        return Err(wrong(format!("a configuration of type {}", config.media_type.escape_debug())));
    }
    let layers = value.get("layers").and_then(Value::as_array).ok_or_else(|| wrong("layers is no list"))?;
    if layers.len() > super::config::MOST_LAYERS {
        return Err(wrong(format!("{} layers, more than {}", layers.len(), super::config::MOST_LAYERS)));
    }
    let layers = layers
        .iter()
        .map(|layer| {
            let layer = one(layer, "layer")?;
            let known = layer.media_type.starts_with("application/vnd.oci.image.layer.v1.tar")
                || layer.media_type.starts_with("application/vnd.docker.image.rootfs.diff.tar");
            if known {
                Ok(Blob { digest: layer.digest, size: layer.size })
            } else {
                Err(wrong(format!("a layer of type {}", layer.media_type.escape_debug())))
            }
        })
        .collect::<Result<_>>()?;
    Ok(Manifest { config: Blob { digest: config.digest, size: config.size }, layers })
}

/// Reads an index, of the OCI's or of Docker's manifest list.
pub fn index(bytes: &[u8]) -> Result<Vec<Indexed>> {
    let value = document(bytes, "manifests", "layers")?;
    let all: Vec<Descriptor> = serde_json::from_value(value.get("manifests").cloned().unwrap_or_default()).map_err(wrong)?;
    all.into_iter()
        .map(|d| {
            let index = match d.media_type.as_str() {
                "application/vnd.oci.image.index.v1+json" | "application/vnd.docker.distribution.manifest.list.v2+json" => true,
                "application/vnd.oci.image.manifest.v1+json" | "application/vnd.docker.distribution.manifest.v2+json" => false,
                other => return Err(wrong(format!("an entry of type {}", other.escape_debug()))),
            };
            let variant = d.platform.as_ref().and_then(|p| p.variant.clone());
            let platform = d.platform.map(|p| (p.os, p.architecture));
            Ok(Indexed { blob: Blob { digest: d.digest, size: d.size }, index, platform, variant, annotations: d.annotations })
        })
        .collect()
}

/// A document of schema 2 that has `own`, and nothing of the other kind.
fn document(bytes: &[u8], own: &str, other: &str) -> Result<Value> {
    let value = strict(bytes)?;
    if value.get("schemaVersion").and_then(Value::as_u64) != Some(2) {
        return Err(wrong("schemaVersion is not 2"));
    }
    if value.get(other).is_some() || (own == "manifests" && value.get("config").is_some()) {
        return Err(wrong("it is a manifest and an index at once"));
    }
    let said = value.get("mediaType").map(|m| m.as_str().unwrap_or_default());
    let fits = |said: &str| {
        if own == "manifests" { said.contains(".index.") || said.contains("manifest.list") } else { said.contains("manifest.v") }
    };
    if value.get(own).is_none() || said.is_some_and(|said| !fits(said)) {
        return Err(wrong("its media type is not what it is"));
    }
    Ok(value)
}

/// Reads JSON and refuses a key that comes twice in one object. Depth is bounded by the reader (128).
pub fn strict(bytes: &[u8]) -> Result<Value> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict::deserialize(&mut reader).and_then(|value| reader.end().map(|()| value)).map_err(wrong)?;
    Ok(value.0)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::from(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::from(v))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Number::from_f64(v).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::from(v))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Strict(value)) = seq.next_element()? {
            all.push(value);
        }
        Ok(Value::Array(all))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let Strict(value) = map.next_value()?;
            if all.insert(key.clone(), value).is_some() {
                return Err(serde::de::Error::custom(format!("the key {} comes twice", key.escape_debug())));
            }
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(kind: &str) -> String {
        format!(r#"{{"mediaType":"{kind}","digest":"sha256:{}","size":2}}"#, "a".repeat(64))
    }

    #[test]
    fn documents_that_two_readers_could_take_for_two_things_are_refused() {
        let config = descriptor("application/vnd.oci.image.config.v1+json");
        let layer = descriptor("application/vnd.oci.image.layer.v1.tar+gzip");
        let entry = descriptor("application/vnd.oci.image.manifest.v1+json");
        let good = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{layer}]}}"#);
        assert_eq!(manifest(good.as_bytes()).unwrap().layers.len(), 1);
        for bad in [
            format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{layer}],"manifests":[{entry}]}}"#),
            format!(r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","config":{config},"layers":[]}}"#),
            format!(r#"{{"schemaVersion":1,"config":{config},"layers":[]}}"#),
            format!(r#"{{"schemaVersion":2,"schemaVersion":2,"config":{config},"layers":[]}}"#),
            format!(r#"{{"schemaVersion":2,"config":{layer},"layers":[]}}"#),
            format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{config}]}}"#),
            good.replace("sha256:", "sha512:"),
            good.replace("\"size\":2", "\"size\":-2"),
            good.replace("\"size\":2", "\"size\":2.5"),
            good.replace(&"a".repeat(64), &"A".repeat(64)),
            good.replace(&"a".repeat(64), "../../x"),
            format!("{good}x"),
        ] {
            assert!(manifest(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(index(format!(r#"{{"schemaVersion":2,"manifests":[{entry}]}}"#).as_bytes()).is_ok());
        assert!(index(format!(r#"{{"schemaVersion":2,"manifests":[{entry}],"config":{config}}}"#).as_bytes()).is_err());
        assert!(strict("[".repeat(10_000).as_bytes()).is_err());
    }
}
