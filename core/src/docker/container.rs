//! A container as `docker inspect` shows it.

use super::host_config::{host_config, network_mode};
use super::status;
use crate::container::health::{Health, Probe};
use crate::container::layout::Layout;
use crate::container::oci::mounts::IMAGE_ID;
use crate::container::{ContainerRecord, MountKind, MountRequest, NetworkMode, Status};
use crate::engine::{Engine, Sizes};
use crate::id::{ContainerId, Digest};
use crate::image::ImageRecord;
use crate::network::names::names;
use crate::network::ports::{self, name as port_name};
use crate::network::{Endpoint, Place};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The object of one container, with what it takes on disk where that was asked for.
pub fn container(record: &ContainerRecord, engine: &dyn Engine, sizes: Option<Sizes>) -> Value {
    let layout = Layout::of(&engine.facts());
    let image = engine.image(record.image.as_str()).ok();
    let id = &record.id;
    let lower = image.as_ref().map(|i| i.layers.iter().rev().map(|l| layout.layer(l)).collect::<Vec<_>>().join(":")).unwrap_or_default();
    let execs = Some(engine.execs(id.as_str()).unwrap_or_default()).filter(|all| !all.is_empty());
    let mut object = json!({
        "Id": id.as_str(),
        "Created": record.created.rfc3339(),
        "Path": record.args.first().cloned().unwrap_or_default(),
        "Args": record.args.get(1..).unwrap_or_default(),
        "State": state(record),
        "Image": record.image.as_str(),
        "ResolvConfPath": layout.resolv_conf(id),
        "HostnamePath": layout.hostname(id),
        "HostsPath": layout.hosts(id),
        "LogPath": layout.log(id),
        "Name": format!("/{}", record.name),
        "RestartCount": record.state.restarts,
        "Driver": "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": execs,
        "HostConfig": host_config(&record.config),
        "GraphDriver": {
            "Data": { "LowerDir": lower, "MergedDir": layout.merged(id), "UpperDir": layout.upper(id), "WorkDir": layout.work(id) },
            "Name": "overlay2",
        },
    });
    if let Value::Object(fields) = &mut object {
        if let Some(sizes) = sizes {
            fields.insert("SizeRw".to_owned(), sizes.writable.into());
            fields.insert("SizeRootFs".to_owned(), sizes.root.into());
        }
        fields.insert("Mounts".to_owned(), record.config.mounts.iter().map(|m| mounted(m, &layout)).collect());
        fields.insert("Config".to_owned(), config(record, image.as_ref()));
        fields.insert("NetworkSettings".to_owned(), network_settings(record, image.as_ref()));
    }
    object
}

fn state(record: &ContainerRecord) -> Value {
    let state = &record.state;
    let is = |status: Status| state.status == status;
    let mut object = json!({
        "Status": status::word(state.status),
        "Running": matches!(state.status, Status::Running | Status::Paused | Status::Restarting),
        "Paused": is(Status::Paused),
        "Restarting": is(Status::Restarting),
        "OOMKilled": state.oom_killed,
        "Dead": is(Status::Dead),
        "Pid": state.process.as_ref().filter(|_| is(Status::Running) || is(Status::Paused)).map_or(0, |p| p.pid),
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": state.started.rfc3339(),
        "FinishedAt": state.finished.rfc3339(),
    });
    if let (false, Value::Object(fields)) = (state.refused.is_empty(), &mut object) {
        fields.insert("RefusedCalls".to_owned(), json!(state.refused));
    }
    if let (Some(health), Value::Object(fields)) = (&state.health, &mut object) {
        fields.insert("Health".to_owned(), self::health(health));
    }
    object
}

/// What the probes of a container found.
fn health(health: &Health) -> Value {
    let probe = |probe: &Probe| {
        json!({
            "Start": probe.start.rfc3339(),
            "End": probe.end.rfc3339(),
            "ExitCode": probe.exit_code,
            "Output": probe.output,
        })
    };
    json!({
        "Status": health.status.word(),
        "FailingStreak": health.failing_streak,
        "Log": health.log.iter().map(probe).collect::<Vec<_>>(),
    })
}

fn config(record: &ContainerRecord, image: Option<&ImageRecord>) -> Value {
    let asked = &record.config;
    let defaults = image.map(|i| &i.defaults);
    let or = |own: &str, other: Option<&String>| if own.is_empty() { other.cloned().unwrap_or_default() } else { own.to_owned() };
    let entrypoint = asked.entrypoint.clone().or_else(|| defaults.and_then(|d| d.entrypoint.clone())).filter(|e| !e.is_empty());
    let command = if asked.command.is_empty() && asked.entrypoint.is_none() {
        defaults.and_then(|d| d.cmd.clone())
    } else {
        Some(asked.command.clone()).filter(|c| !c.is_empty())
    };
    let mut labels = defaults.map(|d| d.labels.clone()).unwrap_or_default();
    labels.extend(asked.labels.clone());
    let mut exposed: Map<String, Value> = defaults.iter().flat_map(|d| d.exposed_ports.keys().map(|k| (k.clone(), json!({})))).collect();
    exposed.extend(asked.expose.iter().map(|e| (e.clone(), json!({}))));
    exposed.extend(asked.ports.iter().map(|p| (port_name(p.container_port, p.protocol), json!({}))));
    let mut object = json!({
        "Hostname": if asked.hostname.is_empty() { record.id.short() } else { &asked.hostname },
        "Domainname": asked.domainname,
        "User": or(&asked.user, defaults.map(|d| &d.user)),
        "AttachStdin": asked.attached.map_or(asked.stdin_once, |[stdin, ..]| stdin),
        "AttachStdout": asked.attached.is_none_or(|[_, stdout, _]| stdout),
        "AttachStderr": asked.attached.is_none_or(|[.., stderr]| stderr),
        "ExposedPorts": exposed,
        "Tty": asked.tty,
        "OpenStdin": asked.open_stdin,
        "StdinOnce": asked.stdin_once,
        "Env": record.env,
        "Cmd": command,
        "Image": asked.image,
        "Volumes": volumes(record, image),
        "WorkingDir": or(&asked.workdir, defaults.map(|d| &d.working_dir)),
        "Entrypoint": entrypoint,
        "OnBuild": null,
        "Labels": labels,
        "StopSignal": or(&asked.stop_signal, defaults.map(|d| &d.stop_signal)),
        "StopTimeout": asked.stop_timeout,
        "Healthcheck": asked.health,
    });
    if let Value::Object(fields) = &mut object {
        // Docker leaves these out when there is nothing to say.
        fields.retain(|name, value| match name.as_str() {
            "ExposedPorts" => value.as_object().is_some_and(|ports| !ports.is_empty()),
            "StopSignal" => value.as_str() != Some(""),
            "StopTimeout" | "Healthcheck" => !value.is_null(),
            _ => true,
        });
    }
    object
}

/// The places of volumes that nobody named: the image's, and those of `-v PATH`.
fn volumes(record: &ContainerRecord, image: Option<&ImageRecord>) -> Value {
    let mut all: Map<String, Value> = image.into_iter().flat_map(|i| i.defaults.volumes.keys().map(|k| (k.clone(), json!({})))).collect();
    let unnamed = |m: &&MountRequest| m.kind == MountKind::Volume && is_anonymous(&m.source);
    all.extend(record.config.mounts.iter().filter(unnamed).map(|m| (m.target.clone(), json!({}))));
    if all.is_empty() { Value::Null } else { Value::Object(all) }
}

/// Whether a volume's name is one that was made up: 64 hexadecimal digits.
pub(super) fn is_anonymous(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit())
}

/// One entry of `Mounts`.
pub(super) fn mounted(m: &MountRequest, layout: &Layout) -> Value {
    let mode = if m.read_only { "ro" } else { "" };
    match m.kind {
        MountKind::Bind => json!({
            "Type": "bind",
            "Source": m.source,
            "Destination": m.target,
            "Mode": mode,
            "RW": !m.read_only,
            "Propagation": if m.propagation.is_empty() { "rprivate" } else { &m.propagation },
        }),
        MountKind::Volume => json!({
            "Type": "volume",
            "Name": m.source,
            "Source": layout.volume(&m.source),
            "Destination": m.target,
            "Driver": "local",
            "Mode": mode,
            "RW": !m.read_only,
            "Propagation": "",
        }),
        MountKind::Image => json!({
            "Type": "image",
            "Name": m.source,
            "Source": m.words(IMAGE_ID).next().unwrap_or_default(),
            "Destination": m.target,
            "Mode": "",
            "RW": false,
            "Propagation": "",
        }),
        MountKind::Tmpfs => json!({
            "Type": "tmpfs",
            "Source": "",
            "Destination": m.target,
            "Mode": "",
            "RW": !m.read_only,
            "Propagation": "",
        }),
    }
}

/// The places of a container in networks, by the names of those; `names` is what it is called in one.
pub(super) fn networks(
    mode: &NetworkMode,
    places: &[Place],
    endpoints: &[Endpoint],
    id: &ContainerId,
    names: &dyn Fn(&Endpoint) -> Value,
) -> Map<String, Value> {
    let mut networks = BTreeMap::new();
    for asked in places {
        let endpoint = endpoints.iter().find(|e| e.name == asked.network);
        networks.insert(asked.network.clone(), place(asked, endpoint, id, names));
    }
    if networks.is_empty() && *mode == NetworkMode::Host {
        networks.insert(network_mode(mode), place(&Place::default(), None, id, names));
    }
    networks.into_iter().collect()
}

fn network_settings(record: &ContainerRecord, image: Option<&ImageRecord>) -> Value {
    let mut published = Map::new();
    if record.endpoints.iter().any(Endpoint::publishes) {
        // What is exposed and not published has no port of the host.
        let of_image = image.into_iter().flat_map(|i| i.defaults.exposed_ports.keys()).filter_map(|word| ports::exposed(word));
        published.extend(record.config.expose.iter().cloned().chain(of_image).map(|port| (port, Value::Null)));
    }
    for p in &record.published {
        let key = port_name(p.container_port, p.protocol);
        let entry = json!({ "HostIp": p.host_ip.to_string(), "HostPort": p.host_port.to_string() });
        match published.entry(key).or_insert_with(|| json!([])) {
            Value::Array(all) => all.push(entry),
            other => *other = json!([entry]),
        }
    }
    let called = |e: &Endpoint| if e.name == "bridge" { Value::Null } else { json!(names(record, e)) };
    let networks = networks(&record.config.network, &record.places, &record.endpoints, &record.id, &called);
    // Beside the list, only the default network has its figures here, where they were before there were others.
    let first = record.endpoints.iter().find(|e| e.name == "bridge");
    // The namespace of networks of what runs, by a path that can be opened.
    let process = record.state.process.as_ref();
    json!({
        "Bridge": "",
        "SandboxID": process.map_or("", |_| record.id.as_str()),
        "SandboxKey": process.map(|p| format!("/proc/{}/ns/net", p.pid)).unwrap_or_default(),
        "Ports": published,
        "HairpinMode": false,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "SecondaryIPAddresses": null,
        "SecondaryIPv6Addresses": null,
        "EndpointID": first.map(endpoint_id).unwrap_or_default(),
        "Gateway": first.and_then(|e| e.gateway).map(|ip| ip.to_string()).unwrap_or_default(),
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "IPAddress": first.map(|e| e.address.addr().to_string()).unwrap_or_default(),
        "IPPrefixLen": first.map_or(0, |e| e.address.prefix_len()),
        "IPv6Gateway": "",
        "MacAddress": first.map(|e| e.mac.clone()).unwrap_or_default(),
        "Networks": networks,
    })
}

/// A container's place in one network: what was asked of it, and what it is while the container runs.
fn place(asked: &Place, endpoint: Option<&Endpoint>, id: &ContainerId, names: &dyn Fn(&Endpoint) -> Value) -> Value {
    let mut aliases = asked.aliases.clone();
    let own = !matches!(asked.network.as_str(), "" | "bridge" | "none");
    if own && asked.id.is_some() && !aliases.iter().any(|a| a == id.short()) {
        aliases.push(id.short().to_owned());
    }
    let mut addresses = Map::new();
    addresses.extend(asked.address.map(|ip| ("IPv4Address".to_owned(), json!(ip.to_string()))));
    addresses.extend(asked.address6.map(|ip| ("IPv6Address".to_owned(), json!(ip.to_string()))));
    addresses.extend((!asked.link_local.is_empty()).then(|| ("LinkLocalIPs".to_owned(), json!(asked.link_local))));
    let or_null = |empty: bool, value: Value| if empty { Value::Null } else { value };
    let shown = |ip: Option<String>| ip.unwrap_or_default();
    json!({
        "IPAMConfig": or_null(addresses.is_empty(), Value::Object(addresses)),
        "Links": or_null(asked.links.is_empty(), json!(asked.links)),
        "Aliases": or_null(aliases.is_empty(), json!(aliases)),
        "MacAddress": endpoint.map_or(asked.mac.as_str(), |e| &e.mac),
        "DriverOpts": or_null(asked.options.is_empty(), json!(asked.options)),
        "GwPriority": asked.priority,
        "NetworkID": asked.id.as_ref().map_or("", |id| id.as_str()),
        "EndpointID": endpoint.map(endpoint_id).unwrap_or_default(),
        "Gateway": shown(endpoint.and_then(|e| e.gateway).map(|ip| ip.to_string())),
        "IPAddress": shown(endpoint.map(|e| e.address.addr().to_string())),
        "IPPrefixLen": endpoint.map_or(0, |e| e.address.prefix_len()),
        "IPv6Gateway": shown(endpoint.and_then(|e| e.gateway6).map(|ip| ip.to_string())),
        "GlobalIPv6Address": shown(endpoint.and_then(|e| e.address6).map(|net| net.addr().to_string())),
        "GlobalIPv6PrefixLen": endpoint.and_then(|e| e.address6).map_or(0, |net| net.prefix_len()),
        "DNSNames": endpoint.map_or(Value::Null, names),
    })
}

/// An endpoint has no number of its own here; what makes it one is its container and its network.
pub(super) fn endpoint_id(endpoint: &Endpoint) -> String {
    Digest::of(format!("{}/{}", endpoint.container, endpoint.network).as_bytes()).hex().to_owned()
}
