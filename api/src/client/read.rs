//! Docker's objects read back into the engine's own records: the inverse of [`drydock_core::docker`].

use super::json::{flag, list, map, number, seconds, signed, text, texts, time};
use drydock_core::container::health::{Health, Probe, Status as Healthy};
use drydock_core::container::{ContainerConfig, ContainerRecord, ContainerState, MountKind, MountRequest, NetworkMode, Status};
use drydock_core::docker::body::container_config;
use drydock_core::engine::{ContainerSummary, ImageSummary, Sizes, VolumeSummary};
use drydock_core::id::{ContainerId, Digest, ImageId, NetworkId};
use drydock_core::image::reference::Reference;
use drydock_core::image::{ImageDefaults, ImageRecord};
use drydock_core::kernel::{Process, Protocol};
use drydock_core::network::{Configuration, Driver, Endpoint, NetworkRecord, Place, Publish};
use drydock_core::time::Timestamp;
use drydock_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};
use std::time::Duration;

fn status(word: &str) -> Status {
    match word {
        "running" => Status::Running,
        "paused" => Status::Paused,
        "restarting" => Status::Restarting,
        "removing" => Status::Removing,
        "exited" => Status::Exited,
        "dead" => Status::Dead,
        _ => Status::Created,
    }
}

fn healthy(word: &str) -> Option<Healthy> {
    match word {
        "starting" => Some(Healthy::Starting),
        "healthy" => Some(Healthy::Healthy),
        "unhealthy" => Some(Healthy::Unhealthy),
        _ => None,
    }
}

fn health(value: &Value) -> Option<Health> {
    let probe = |p: &Value| Probe {
        start: time(p, "Start"),
        end: time(p, "End"),
        exit_code: i32::try_from(signed(p, "ExitCode")).unwrap_or(-1),
        output: text(p, "Output"),
    };
    Some(Health {
        status: healthy(&text(value, "Status"))?,
        failing_streak: u32::try_from(number(value, "FailingStreak")).unwrap_or(u32::MAX),
        log: list(value, "Log").iter().map(probe).collect(),
    })
}

/// A container from its inspection.
pub fn container(object: &Value) -> Result<ContainerRecord> {
    let nothing = Value::Null;
    let field = |name: &str| object.get(name).unwrap_or(&nothing);
    let id = ContainerId::new(text(object, "Id"));
    if id.as_str().is_empty() {
        return Err(Error::new(ErrorKind::System, "the engine's answer is no container"));
    }
    let s = field("State");
    let pid = u32::try_from(number(s, "Pid")).unwrap_or(0);
    let state = ContainerState {
        status: status(&text(s, "Status")),
        process: (pid > 0).then_some(Process { pid, born: 0 }),
        exit_code: i32::try_from(signed(s, "ExitCode")).unwrap_or(-1),
        oom_killed: flag(s, "OOMKilled"),
        error: text(s, "Error"),
        started: time(s, "StartedAt"),
        finished: time(s, "FinishedAt"),
        restarts: u32::try_from(number(object, "RestartCount")).unwrap_or(u32::MAX),
        health: s.get("Health").and_then(health),
        ..ContainerState::default()
    };
    let name = text(object, "Name");
    let path = text(object, "Path");
    let args = Some(path).filter(|p| !p.is_empty()).into_iter().chain(texts(object, "Args")).collect();
    let settings = field("NetworkSettings");
    Ok(ContainerRecord {
        name: name.strip_prefix('/').unwrap_or(&name).to_owned(),
        config: config(object),
        image: ImageId::new(text(object, "Image")),
        args,
        env: texts(field("Config"), "Env"),
        created: time(object, "Created"),
        state,
        places: places(settings.get("Networks")),
        endpoints: endpoints(&id, settings.get("Networks")),
        published: published(settings),
        id,
    })
}

/// What was asked for. What of it has no place here (links, a volume driver) is left out: it is read, not asked for again.
fn config(object: &Value) -> ContainerConfig {
    let mut body = object.get("Config").cloned().unwrap_or_default();
    let mut host = object.get("HostConfig").cloned().unwrap_or_default();
    let mut tmpfs = Value::Null;
    if let Value::Object(fields) = &mut host {
        tmpfs = fields.get("Tmpfs").cloned().unwrap_or_default();
        for other in ["Links", "StorageOpt", "VolumeDriver", "Binds", "Mounts", "Runtime", "DeviceRequests", "CgroupParent", "Isolation"] {
            fields.shift_remove(other);
        }
        // Only what differs from the usual lists would be a wish, and the lists are not the same everywhere.
        if fields.get("MaskedPaths").is_some_and(|paths| !paths.is_null()) {
            fields.shift_remove("MaskedPaths");
            fields.shift_remove("ReadonlyPaths");
        }
    }
    if let Value::Object(fields) = &mut body {
        fields.shift_remove("Volumes");
        fields.insert("HostConfig".to_owned(), host);
    }
    let plain = ContainerConfig {
        image: text(&body, "Image"),
        tty: flag(&body, "Tty"),
        open_stdin: flag(&body, "OpenStdin"),
        labels: map(&body, "Labels"),
        ..ContainerConfig::default()
    };
    let mut config = container_config(body, None).unwrap_or(plain);
    config.mounts.retain(|m| m.kind == MountKind::Tmpfs && tmpfs.get(&m.target).is_some());
    config.mounts.extend(list(object, "Mounts").iter().filter_map(|m| mount(m, &config)).collect::<Vec<_>>());
    config
}

fn mount(object: &Value, config: &ContainerConfig) -> Option<MountRequest> {
    let kind = match text(object, "Type").as_str() {
        "bind" => MountKind::Bind,
        "volume" => MountKind::Volume,
        "tmpfs" => MountKind::Tmpfs,
        "image" => MountKind::Image,
        _ => return None,
    };
    let target = text(object, "Destination");
    if kind == MountKind::Tmpfs && config.mounts.iter().any(|m| m.target == target) {
        return None;
    }
    let source = text(object, if matches!(kind, MountKind::Volume | MountKind::Image) { "Name" } else { "Source" });
    let read_only = object.get("RW").and_then(Value::as_bool) == Some(false);
    Some(MountRequest { source, target, read_only, propagation: text(object, "Propagation"), ..MountRequest::of(kind) })
}

fn endpoints(container: &ContainerId, networks: Option<&Value>) -> Vec<Endpoint> {
    let one = |(name, place): (&String, &Value)| {
        let address = format!("{}/{}", text(place, "IPAddress"), number(place, "IPPrefixLen")).parse().ok()?;
        Some(Endpoint {
            container: container.clone(),
            network: NetworkId::new(text(place, "NetworkID")),
            address,
            mac: text(place, "MacAddress"),
            host_link: String::new(),
            link: String::new(),
            name: name.clone(),
            gateway: text(place, "Gateway").parse().ok(),
            address6: format!("{}/{}", text(place, "GlobalIPv6Address"), number(place, "GlobalIPv6PrefixLen")).parse().ok(),
            gateway6: text(place, "IPv6Gateway").parse().ok(),
            link_local: Vec::new(),
            priority: 0,
            leads: false,
        })
    };
    networks.and_then(Value::as_object).map(|all| all.iter().filter_map(one).collect()).unwrap_or_default()
}

/// What was asked of a container's places in networks.
fn places(networks: Option<&Value>) -> Vec<Place> {
    let one = |(name, place): (&String, &Value)| {
        let id = text(place, "NetworkID");
        let asked = drydock_core::docker::body::place(name, place.clone()).unwrap_or_else(|_| Place::on(name));
        Place { id: (!id.is_empty()).then(|| NetworkId::new(id)), ..asked }
    };
    networks.and_then(Value::as_object).map(|all| all.iter().map(one).collect()).unwrap_or_default()
}

fn protocol(word: &str) -> Protocol {
    if word == "udp" { Protocol::Udp } else { Protocol::Tcp }
}

/// The published ports of an inspection.
fn published(settings: &Value) -> Vec<Publish> {
    let mut all = Vec::new();
    for (port, bindings) in settings.get("Ports").and_then(Value::as_object).into_iter().flatten() {
        let (number, word) = port.split_once('/').unwrap_or((port, "tcp"));
        let Ok(container_port) = number.parse() else { continue };
        for binding in bindings.as_array().into_iter().flatten() {
            if let (Ok(host_ip), Ok(host_port)) = (text(binding, "HostIp").parse(), text(binding, "HostPort").parse()) {
                all.push(Publish { protocol: protocol(word), host_ip, host_port, container_port });
            }
        }
    }
    all
}

/// A container from a list, at a moment of the engine's.
pub fn listed_container(object: &Value, now: Timestamp) -> ContainerSummary {
    let id = ContainerId::new(text(object, "Id"));
    let words = text(object, "Status");
    let status = status(&text(object, "State"));
    let (exit_code, health, age) = sentence(&words);
    let since = age.map_or(Timestamp::NEVER, |age| Timestamp(now.0.saturating_sub(u64::try_from(age.as_nanos()).unwrap_or(0))));
    let up = matches!(status, Status::Running | Status::Paused);
    let ports = list(object, "Ports");
    let port = |p: &Value, name: &str| u16::try_from(number(p, name)).unwrap_or(0);
    let public = |p: &&Value| p.get("PublicPort").is_some_and(|n| n.as_u64() != Some(0));
    let publish = |p: &Value| {
        Some(Publish {
            protocol: protocol(&text(p, "Type")),
            host_ip: text(p, "IP").parse().ok()?,
            host_port: port(p, "PublicPort"),
            container_port: port(p, "PrivatePort"),
        })
    };
    let places = object.pointer("/NetworkSettings/Networks");
    let named = list(object, "Names");
    // A name with another slash in it is one that a link gave.
    let name = named.iter().filter_map(Value::as_str).map(|n| n.strip_prefix('/').unwrap_or(n)).find(|n| !n.contains('/'));
    let mounts = list(object, "Mounts");
    let sized = object.get("SizeRw").is_some() || object.get("SizeRootFs").is_some();
    ContainerSummary {
        name: name.unwrap_or_default().to_owned(),
        image: text(object, "Image"),
        image_id: ImageId::new(text(object, "ImageID")),
        args: vec![text(object, "Command")],
        created: seconds(object, "Created"),
        status,
        health,
        exit_code,
        started: if up { since } else { Timestamp::NEVER },
        finished: if up { Timestamp::NEVER } else { since },
        published: ports.iter().filter(public).filter_map(publish).collect(),
        exposed: ports.iter().filter(|p| !public(p)).map(|p| format!("{}/{}", port(p, "PrivatePort"), text(p, "Type"))).collect(),
        labels: map(object, "Labels"),
        networks: places.and_then(Value::as_object).map(|all| all.keys().cloned().collect()).unwrap_or_default(),
        network_ids: places.and_then(Value::as_object).map(|all| all.values().map(|p| text(p, "NetworkID")).collect()).unwrap_or_default(),
        mounts: mounts.iter().map(|m| Some(text(m, "Name")).filter(|n| !n.is_empty()).unwrap_or_else(|| text(m, "Source"))).collect(),
        mount_targets: mounts.iter().map(|m| text(m, "Destination")).collect(),
        network: NetworkMode::Named(object.pointer("/HostConfig/NetworkMode").and_then(Value::as_str).unwrap_or_default().to_owned()),
        endpoints: endpoints(&id, places),
        places: self::places(places),
        points: mounts.iter().filter_map(|m| mount(m, &ContainerConfig::default())).collect(),
        sizes: sized.then(|| Sizes { writable: number(object, "SizeRw"), root: number(object, "SizeRootFs") }),
        reachable: true,
        id,
    }
}

/// What the STATUS of a list says: the exit code, what probes say, and how long ago it began or ended.
fn sentence(words: &str) -> (i32, Option<Healthy>, Option<Duration>) {
    let inside = words.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(inside, _)| inside);
    let code = inside.and_then(|i| i.parse().ok()).unwrap_or(0);
    let health = inside.and_then(|i| healthy(i.strip_prefix("health: ").unwrap_or(i)));
    let rest = words.strip_prefix("Up ").or_else(|| words.split_once(") ").map(|(_, rest)| rest));
    let age = rest.map(|r| r.split(" (").next().unwrap_or(r)).and_then(|r| age(r.trim_end_matches(" ago")));
    (code, health, age)
}

/// How long a duration in words is; the inverse of [`drydock_core::docker::duration::human`].
fn age(words: &str) -> Option<Duration> {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    let seconds = match words {
        "Less than a second" => 0,
        "1 second" => 1,
        "About a minute" => MINUTE,
        "About an hour" => HOUR,
        other => {
            let (count, unit) = other.split_once(' ')?;
            let count: u64 = count.parse().ok()?;
            let length = match unit {
                "seconds" => 1,
                "minutes" => MINUTE,
                "hours" => HOUR,
                "days" => 24 * HOUR,
                "weeks" => 7 * 24 * HOUR,
                "months" => 30 * 24 * HOUR,
                "years" => 365 * 24 * HOUR,
                _ => return None,
            };
            count.checked_mul(length)?
        }
    };
    Some(Duration::from_secs(seconds))
}

/// Names without those that only say that there is none.
fn given(names: Vec<String>) -> Vec<String> {
    names.into_iter().filter(|n| !n.starts_with("<none>")).collect()
}

/// An image from a list.
pub fn listed_image(object: &Value) -> ImageSummary {
    let parent = text(object, "ParentId");
    ImageSummary {
        id: ImageId::new(text(object, "Id")),
        tags: given(texts(object, "RepoTags")),
        created: seconds(object, "Created"),
        size: number(object, "Size"),
        labels: map(object, "Labels"),
        digests: given(texts(object, "RepoDigests")),
        parent: (!parent.is_empty()).then(|| ImageId::new(parent)),
    }
}

/// An image from its inspection.
pub fn image(object: &Value) -> ImageRecord {
    let layers = object.get("RootFS").map(|fs| texts(fs, "Layers")).unwrap_or_default();
    let diff_ids: Vec<Digest> = layers.iter().filter_map(|l| Digest::parse(l).ok()).collect();
    let normal = |name: String| match name.split_once('@') {
        Some((repository, digest)) => Reference::parse(repository).map(|r| format!("{}@{digest}", r.repository())).unwrap_or(name.clone()),
        None => Reference::parse(&name).map(|r| r.to_string()).unwrap_or(name),
    };
    let parent = text(object, "Parent");
    ImageRecord {
        id: ImageId::new(text(object, "Id")),
        layers: drydock_core::image::chain_ids(&diff_ids),
        diff_ids,
        size: number(object, "Size"),
        created: time(object, "Created"),
        os: text(object, "Os"),
        architecture: text(object, "Architecture"),
        author: text(object, "Author"),
        comment: text(object, "Comment"),
        defaults: defaults(object.get("Config")),
        tags: given(texts(object, "RepoTags")).into_iter().map(normal).collect(),
        manifest: None,
        manifest_type: String::new(),
        blobs: Vec::new(),
        digests: given(texts(object, "RepoDigests")).into_iter().map(normal).collect(),
        parent: (!parent.is_empty()).then(|| ImageId::new(parent)),
        hidden: false,
        tagged: None,
    }
}

/// What a container starts with. `null` is what is not there.
fn defaults(config: Option<&Value>) -> ImageDefaults {
    let fields: Map<String, Value> = config.and_then(Value::as_object).cloned().unwrap_or_default();
    let fields = fields.into_iter().filter(|(_, value)| !value.is_null()).collect();
    serde_json::from_value(Value::Object(fields)).unwrap_or_default()
}

/// A network. `None` for a kind that is not known here.
pub fn network(object: &Value) -> Option<NetworkRecord> {
    let driver = match text(object, "Driver").as_str() {
        "bridge" => Driver::Bridge,
        "host" => Driver::Host,
        "null" => Driver::None,
        _ => return None,
    };
    let pools = object.get("IPAM").map(|ipam| list(ipam, "Config")).unwrap_or_default();
    let pool = pools.iter().find(|p| !text(p, "Subnet").contains(':'));
    let pool6 = pools.iter().find(|p| text(p, "Subnet").contains(':'));
    let options = map(object, "Options");
    let record = serde_json::json!({
        "id": text(object, "Id"),
        "name": text(object, "Name"),
        "driver": driver,
        "bridge": options.get("com.docker.network.bridge.name").cloned().unwrap_or_default(),
        "subnet": pool.map(|p| text(p, "Subnet")).filter(|s| !s.is_empty()),
        "gateway": pool.map(|p| text(p, "Gateway")).filter(|s| !s.is_empty()),
        "internal": flag(object, "Internal"),
        "icc": options.get("com.docker.network.bridge.enable_icc").is_none_or(|v| v != "false"),
        "labels": map(object, "Labels"),
        "options": options,
        "attachable": flag(object, "Attachable"),
        "pool": {
            "chosen": true,
            "range": pool.map(|p| text(p, "IPRange")).filter(|s| !s.is_empty()),
            "range6": pool6.map(|p| text(p, "IPRange")).filter(|s| !s.is_empty()),
            "subnet6": pool6.map(|p| text(p, "Subnet")).filter(|s| !s.is_empty()),
            "gateway6": pool6.map(|p| text(p, "Gateway")).filter(|s| !s.is_empty()),
        },
        "created": time(object, "Created"),
    });
    let mut record: NetworkRecord = serde_json::from_value(record).ok()?;
    let from = object.get("ConfigFrom").map(|from| text(from, "Network")).unwrap_or_default();
    record.configuration = match (flag(object, "ConfigOnly"), from.as_str()) {
        (true, _) => Configuration::Only { ipv6: flag(object, "EnableIPv6") },
        (false, "") => Configuration::Own,
        (false, _) => Configuration::From(from),
    };
    Some(record)
}

/// A volume.
pub fn volume(object: &Value, users: Vec<String>) -> VolumeSummary {
    use drydock_core::container::volume::{ANONYMOUS, VolumeRecord};
    let labels = map(object, "Labels");
    let record = VolumeRecord {
        name: text(object, "Name"),
        created: time(object, "CreatedAt"),
        anonymous: labels.contains_key(ANONYMOUS),
        options: map(object, "Options"),
        labels,
    };
    VolumeSummary { record, mountpoint: text(object, "Mountpoint"), users }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_core::docker::duration::human;

    #[test]
    fn ages_are_read_as_they_are_said() {
        for seconds in [0, 1, 2, 59, 60, 119, 120, 3599, 3600, 7200, 86_400, 172_800, 1_209_600, 5_184_000, 63_072_000] {
            let words = human(Duration::from_secs(seconds));
            assert_eq!(human(age(&words).unwrap()), words);
        }
        assert_eq!(age("a while"), None);
    }

    #[test]
    fn sentences_are_taken_apart() {
        let minutes = Some(Duration::from_secs(300));
        assert_eq!(sentence("Up 5 minutes"), (0, None, minutes));
        assert_eq!(sentence("Up 5 minutes (health: starting)"), (0, Some(Healthy::Starting), minutes));
        assert_eq!(sentence("Up 5 minutes (Paused)"), (0, None, minutes));
        assert_eq!(sentence("Exited (137) 5 minutes ago"), (137, None, minutes));
        assert_eq!(sentence("Created"), (0, None, None));
    }
}
