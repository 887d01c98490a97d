//! `HostConfig.Mounts` and `HostConfig.Tmpfs`.

use crate::container::mounts::{parse_mount, parse_tmpfs};
use crate::container::{MountKind, MountRequest};
use crate::error::{Error, Result};
use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Mount {
    r#type: String,
    source: String,
    target: String,
    read_only: bool,
    bind_options: Option<BindOptions>,
    volume_options: Option<VolumeOptions>,
    tmpfs_options: Option<TmpfsOptions>,
    image_options: Option<ImageOptions>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct BindOptions {
    propagation: String,
    non_recursive: bool,
    create_mountpoint: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct VolumeOptions {
    no_copy: bool,
    labels: std::collections::BTreeMap<String, String>,
    subpath: String,
    driver_config: Driver,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Driver {
    name: String,
    options: std::collections::BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ImageOptions {
    subpath: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct TmpfsOptions {
    size_bytes: u64,
    mode: u32,
}

/// A word of the grammar of `--mount`, in quotes where it holds what that grammar uses.
fn word(key: &str, value: &str) -> String {
    let field = format!("{key}={value}");
    if field.contains([',', '"']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

/// Reads one mount. It is written as `--mount` would have it and read by that grammar, so that both refuse the same.
pub(super) fn request(mount: Mount) -> Result<MountRequest> {
    let kind = mount.r#type.as_str();
    let wrong = |why: &str| Error::invalid(format!("invalid mount config for type \"{}\": {why}", kind.escape_debug()));
    if kind.is_empty() {
        return Err(wrong("mount type unknown"));
    }
    if mount.target.is_empty() {
        return Err(wrong("field Target must not be empty"));
    }
    for (given, name, of) in [
        (mount.bind_options.is_some(), "BindOptions", "bind"),
        (mount.volume_options.is_some(), "VolumeOptions", "volume"),
        (mount.tmpfs_options.is_some(), "TmpfsOptions", "tmpfs"),
        (mount.image_options.is_some(), "ImageOptions", "image"),
    ] {
        if given && kind != of {
            return Err(wrong(&format!("field {name} must not be specified")));
        }
    }
    let mut words = vec![word("type", kind), word("target", &mount.target)];
    if !mount.source.is_empty() {
        words.push(word("source", &mount.source));
    }
    if mount.read_only {
        words.push("readonly".to_owned());
    }
    if let Some(bind) = &mount.bind_options {
        if !bind.propagation.is_empty() {
            words.push(word("bind-propagation", &bind.propagation));
        }
        if bind.non_recursive {
            words.push("bind-recursive=disabled".to_owned());
        }
        if bind.create_mountpoint {
            words.push("bind-create-src=true".to_owned());
        }
    }
    if let Some(volume) = &mount.volume_options {
        if volume.no_copy {
            words.push("volume-nocopy".to_owned());
        }
        words.extend(volume.labels.iter().map(|(k, v)| word("volume-label", &format!("{k}={v}"))));
        if !volume.subpath.is_empty() {
            words.push(word("volume-subpath", &volume.subpath));
        }
        if !volume.driver_config.name.is_empty() {
            words.push(word("volume-driver", &volume.driver_config.name));
        }
        words.extend(volume.driver_config.options.iter().map(|(k, v)| word("volume-opt", &format!("{k}={v}"))));
    }
    if let Some(image) = mount.image_options.as_ref().filter(|image| !image.subpath.is_empty()) {
        words.push(word("image-subpath", &image.subpath));
    }
    let mut request = parse_mount(&words.join(","))?;
    if let (Some(options), MountKind::Tmpfs) = (&mount.tmpfs_options, request.kind) {
        request.size = Some(options.size_bytes).filter(|s| *s > 0);
        request.mode = Some(options.mode & 0o7777).filter(|m| *m > 0);
    }
    Ok(request)
}

/// Reads one `--tmpfs`.
pub(super) fn tmpfs(target: &str, options: &str) -> Result<MountRequest> {
    parse_tmpfs(&if options.is_empty() { target.to_owned() } else { format!("{target}:{options}") })
}
