//! Volumes: what is asked for, what is recorded, and what the options of the `local` driver mean for mount(2).

use super::mounts::check_volume_name;
use crate::container::MountRequest;
use crate::error::{Error, Result};
use crate::kernel::MountFlags;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The label that Docker gives volumes nobody named.
pub const ANONYMOUS: &str = "com.docker.volume.anonymous";

/// What `volume create` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeRequest {
    /// Its name; empty for one that is made up.
    pub name: String,
    /// Its driver; empty for `local`, which is the only one.
    pub driver: String,
    /// Options of the driver: `type`, `device`, `o`.
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// A volume as the store keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeRecord {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// It was made for a container that named none: it goes with the last container that has it, if that is removed with its volumes.
    pub anonymous: bool,
    /// Options of the driver.
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// What is mounted at a volume's place while containers that have it run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeMount {
    /// The file system; of no matter for a bind.
    pub kind: String,
    /// What is mounted.
    pub device: String,
    /// A bind, and whether with the mounts below it.
    pub bind: Option<bool>,
    /// Flags.
    pub flags: MountFlags,
    /// The rest, for the file system itself.
    pub data: String,
}

impl VolumeRequest {
    /// What a container's mount says of a volume that it may have to make.
    pub fn of(mount: &MountRequest) -> Self {
        let pairs = |key: &str| {
            let pair = |text: &str| text.split_once('=').map_or((text.to_owned(), String::new()), |(k, v)| (k.to_owned(), v.to_owned()));
            mount.words(key).map(pair).collect()
        };
        Self {
            name: mount.source.clone(),
            driver: mount.words("volume-driver").last().unwrap_or_default().to_owned(),
            options: pairs("volume-opt"),
            labels: pairs("volume-label"),
        }
    }

    /// Refuses what could never be a volume, in Docker's words.
    pub fn check(&self) -> Result<()> {
        let name = &self.name;
        let shown = name.escape_debug();
        let wrong = |words: String| Err(Error::invalid(format!("create {shown}: {words}")).subject(name.clone()));
        if !self.driver.is_empty() && self.driver != "local" {
            let driver = self.driver.escape_debug();
            let words = format!("create {shown}: error looking up volume plugin {driver}: plugin \"{driver}\" not found");
            return Err(Error::not_found(words).subject(name.clone()));
        }
        if name.chars().count() == 1 {
            return wrong("volume name is too short, names should be at least two alphanumeric characters".to_owned());
        }
        if !name.is_empty() {
            check_volume_name(name)?;
        }
        for key in self.options.keys() {
            if !matches!(key.as_str(), "type" | "device" | "o" | "size") {
                return wrong(format!("invalid option: \"{}\"", key.escape_debug()));
            }
        }
        if self.options.contains_key("size") {
            return wrong("quota size requested but no quota support".to_owned());
        }
        let has = |key: &str| self.options.get(key).is_some_and(|v| !v.is_empty());
        if (has("type") || has("o")) && !has("device") {
            return wrong("missing required option: \"device\"".to_owned());
        }
        if (has("device") || has("o")) && !has("type") {
            return wrong("missing required option: \"type\"".to_owned());
        }
        Ok(())
    }
}

impl VolumeRecord {
    /// What is mounted at its place, if its options say so.
    pub fn mount(&self) -> Option<VolumeMount> {
        let option = |key: &str| self.options.get(key).cloned().unwrap_or_default();
        let mut mount = VolumeMount { kind: option("type"), device: option("device"), ..VolumeMount::default() };
        if mount.device.is_empty() {
            return None;
        }
        let (mut data, words) = (Vec::new(), option("o"));
        for word in words.split(',').filter(|w| !w.is_empty()) {
            match word {
                flag if mount.flags.set(flag) => {}
                "defaults" | "async" => {}
                "bind" => mount.bind = Some(false),
                "rbind" => mount.bind = Some(true),
                other => data.push(other),
            }
        }
        mount.data = data.join(",");
        Some(mount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(options: &[(&str, &str)]) -> VolumeRecord {
        VolumeRecord { options: options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(), ..VolumeRecord::default() }
    }

    #[test]
    fn options_become_what_mount_takes() {
        assert_eq!(record(&[]).mount(), None);
        let tmpfs = record(&[("type", "tmpfs"), ("device", "tmpfs"), ("o", "size=1m,noexec,uid=7")]).mount().unwrap();
        assert_eq!((tmpfs.kind.as_str(), tmpfs.data.as_str(), tmpfs.bind), ("tmpfs", "size=1m,uid=7", None));
        assert!(tmpfs.flags.noexec && !tmpfs.flags.read_only);
        let bind = record(&[("type", "none"), ("device", "/srv"), ("o", "bind,ro")]).mount().unwrap();
        assert_eq!((bind.bind, bind.flags.read_only, bind.data.as_str()), (Some(false), true, ""));
    }

    #[test]
    fn what_is_no_volume_is_refused_in_dockers_words() {
        let request = |name: &str, options: &[(&str, &str)]| VolumeRequest {
            name: name.to_owned(),
            options: record(options).options,
            ..VolumeRequest::default()
        };
        let words = |r: &VolumeRequest| r.check().map_err(|e| e.to_string());
        assert_eq!(words(&request("v1", &[])), Ok(()));
        assert_eq!(words(&request("", &[])), Ok(()));
        let missing = |key| Err(format!("create v1: missing required option: \"{key}\""));
        assert_eq!(words(&request("v1", &[("type", "tmpfs")])), missing("device"));
        assert_eq!(words(&request("v1", &[("o", "bind")])), missing("device"));
        assert_eq!(words(&request("v1", &[("device", "x")])), missing("type"));
        assert_eq!(words(&request("v1", &[("foo", "x")])), Err("create v1: invalid option: \"foo\"".to_owned()));
        let short = "create a: volume name is too short, names should be at least two alphanumeric characters";
        assert_eq!(words(&request("a", &[])), Err(short.to_owned()));
    }
}
