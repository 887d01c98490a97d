//! Devices: which nodes a container finds, and which it may open.

use super::incomplete;
use crate::container::{ContainerConfig, DeviceRequest, defaults};
use crate::error::{Error, Result};
use crate::kernel::Device;
use oci_spec::runtime as oci;

/// A device of the host that a container gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The node, with the path that it has in the container.
    pub device: Device,
    /// What may be done with it, of `rwm`.
    pub access: String,
}

/// Reads one `--device HOST[:CONTAINER[:ACCESS]]`. A second part that can only be an access is one.
///
/// # Errors
/// Docker's own words.
pub fn parse_device(text: &str) -> Result<DeviceRequest> {
    let invalid = || Error::invalid(format!("invalid device specification: {}", text.escape_debug()));
    let parts: Vec<&str> = text.split(':').collect();
    let (host, container, access) = match parts[..] {
        [host] => (host, host, "rwm"),
        [host, access] if is_access(access) => (host, host, access),
        [host, container] => (host, container, "rwm"),
        [host, container, access] => (host, container, access),
        _ => return Err(invalid()),
    };
    if host.is_empty() {
        return Err(invalid());
    }
    if !is_access(access) {
        return Err(Error::invalid(format!("bad mode specified: {}", access.escape_debug())));
    }
    let container = if container.is_empty() { host } else { container };
    for path in [host, container] {
        if !path.starts_with('/') {
            return Err(Error::invalid(format!("{} is not an absolute path", path.escape_debug())));
        }
    }
    let clean = super::super::mounts::clean;
    Ok(DeviceRequest { host: clean(host), container: clean(container), access: access.to_owned() })
}

/// One to three of `r`, `w` and `m`, each once.
fn is_access(text: &str) -> bool {
    let once = |c: char| text.chars().filter(|x| *x == c).count() <= 1;
    !text.is_empty() && text.chars().all(|c| matches!(c, 'r' | 'w' | 'm') && once(c))
}

/// Reads one `--device-cgroup-rule`: `c 1:3 mr`, `b *:* rwm`, `a *:* r`.
///
/// # Errors
/// `invalid device cgroup format '…'`.
pub fn parse_rule(text: &str) -> Result<oci::LinuxDeviceCgroup> {
    let invalid = || Error::invalid(format!("invalid device cgroup format '{}'", text.escape_debug()));
    let words: Vec<&str> = text.split(' ').collect();
    let [kind, numbers, access] = words[..] else { return Err(invalid()) };
    let kind = kind_of(kind.chars().next().filter(|_| kind.len() == 1).ok_or_else(invalid)?).ok_or_else(invalid)?;
    let (major, minor) = numbers.split_once(':').ok_or_else(invalid)?;
    let number = |text: &str| match text {
        "*" => Ok(None),
        digits if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().map(Some).map_err(|_| invalid()),
        _ => Err(invalid()),
    };
    if !is_access(access) {
        return Err(invalid());
    }
    rule(true, kind, (number(major)?, number(minor)?), access)
}

fn kind_of(letter: char) -> Option<oci::LinuxDeviceType> {
    match letter {
        'a' => Some(oci::LinuxDeviceType::A),
        'b' => Some(oci::LinuxDeviceType::B),
        'c' => Some(oci::LinuxDeviceType::C),
        _ => None,
    }
}

fn rule(allow: bool, kind: oci::LinuxDeviceType, numbers: (Option<i64>, Option<i64>), access: &str) -> Result<oci::LinuxDeviceCgroup> {
    let mut rule = oci::LinuxDeviceCgroupBuilder::default().allow(allow).typ(kind).access(access).build().map_err(incomplete)?;
    rule.set_major(numbers.0);
    rule.set_minor(numbers.1);
    Ok(rule)
}

/// Which devices may be opened: the harmless ones, those given, and those that rules name; with `--privileged` all.
pub(super) fn rules(config: &ContainerConfig, devices: &[Granted]) -> Result<Vec<oci::LinuxDeviceCgroup>> {
    const EVERYTHING: [defaults::DeviceRule; 1] = [(true, 'a', -1, -1, "rwm")];
    let standard: &[defaults::DeviceRule] = if config.privileged { &EVERYTHING } else { &defaults::DEVICE_RULES };
    let mut all = Vec::new();
    for (allow, kind, major, minor, access) in standard {
        let number = |n: i64| Some(n).filter(|n| *n >= 0);
        all.push(rule(*allow, kind_of(*kind).unwrap_or_default(), (number(*major), number(*minor)), access)?);
    }
    if !config.privileged {
        for Granted { device, access } in devices {
            let kind = kind_of(device.kind).unwrap_or_default();
            all.push(rule(true, kind, (Some(device.major.into()), Some(device.minor.into())), access)?);
        }
        for text in &config.device_rules {
            all.push(parse_rule(text)?);
        }
    }
    Ok(all)
}

/// The nodes of the configuration. What every container has, and what its own devpts gives it, is not among them.
pub(super) fn nodes(devices: &[Granted]) -> Result<Vec<oci::LinuxDevice>> {
    let standard = |path: &str| path == "/dev/ptmx" || defaults::DEVICES.iter().any(|(own, ..)| *own == path);
    let node = |Device { path, kind, major, minor, mode, uid, gid }: &Device| {
        oci::LinuxDeviceBuilder::default()
            .path(path)
            .typ(kind_of(*kind).unwrap_or_default())
            .major(i64::from(*major))
            .minor(i64::from(*minor))
            .file_mode(*mode)
            .uid(*uid)
            .gid(*gid)
            .build()
            .map_err(incomplete)
    };
    devices.iter().map(|granted| &granted.device).filter(|device| !standard(&device.path)).map(node).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices() {
        for (text, host, container, access) in [
            ("/dev/fuse", "/dev/fuse", "/dev/fuse", "rwm"),
            ("/dev/fuse:r", "/dev/fuse", "/dev/fuse", "r"),
            ("/dev/fuse:/dev/x", "/dev/fuse", "/dev/x", "rwm"),
            ("/dev/fuse:/dev/x:mr", "/dev/fuse", "/dev/x", "mr"),
            ("/dev/../dev/fuse", "/dev/fuse", "/dev/fuse", "rwm"),
        ] {
            let request = parse_device(text).unwrap();
            assert_eq!((request.host.as_str(), request.container.as_str(), request.access.as_str()), (host, container, access), "{text}");
        }
        for (text, message) in [
            ("/dev/null:/dev/x:q", "bad mode specified: q"),
            ("/dev/null:/dev/x:rr", "bad mode specified: rr"),
            ("/dev/null:dev", "dev is not an absolute path"),
            ("null", "null is not an absolute path"),
            ("/a:/b:r:w", "invalid device specification: /a:/b:r:w"),
            ("", "invalid device specification: "),
        ] {
            assert_eq!(parse_device(text).unwrap_err().message(), message);
        }
    }

    #[test]
    fn rules_of_devices() {
        for text in ["c 1:3 mr", "b *:* rwm", "a 7:* r", "c 10:229 m"] {
            parse_rule(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        }
        for text in ["", "c", "x 1:3 r", "c 1 r", "c 1:3", "c 1:3 q", "c 1:3 rr", "c -1:3 r", "c 1:3 r x", "cc 1:3 r", "c 1: r"] {
            assert_eq!(parse_rule(text).unwrap_err().message(), format!("invalid device cgroup format '{text}'"));
        }
    }
}
