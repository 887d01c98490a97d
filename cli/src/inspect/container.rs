//! A container as `docker inspect` shows it.

use super::host_config::{host_config, network_mode};
use crate::format::{ports, status};
use drydock_core::container::health::{Health, Probe};
use drydock_core::container::layout::Layout;
use drydock_core::container::{ContainerRecord, MountKind, MountRequest, NetworkMode, Status};
use drydock_core::engine::Engine;
use drydock_core::image::ImageRecord;
use drydock_core::network::ports::name as port_name;
use serde_json::{Map, Value, json};

/// The object of one container.
pub fn container(record: &ContainerRecord, engine: &dyn Engine) -> Value {
    let layout = Layout::of(&engine.facts());
    let image = engine.image(record.image.as_str()).ok();
    let id = &record.id;
    json!({
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
        "ExecIDs": null,
        "HostConfig": host_config(&record.config),
        "GraphDriver": {
            "Data": { "MergedDir": layout.merged(id), "UpperDir": layout.upper(id), "WorkDir": layout.work(id) },
            "Name": "overlay2",
        },
        "Mounts": record.config.mounts.iter().map(|m| mounted(m, &layout)).collect::<Vec<_>>(),
        "Config": config(record, image.as_ref()),
        "NetworkSettings": network_settings(record),
    })
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
        "AttachStdin": asked.stdin_once,
        "AttachStdout": true,
        "AttachStderr": true,
        "ExposedPorts": exposed,
        "Tty": asked.tty,
        "OpenStdin": asked.open_stdin,
        "StdinOnce": asked.stdin_once,
        "Env": record.env,
        "Cmd": command,
        "Image": asked.image,
        "Volumes": defaults.map(|d| &d.volumes).filter(|v| !v.is_empty()),
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

fn mounted(m: &MountRequest, layout: &Layout) -> Value {
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

fn network_settings(record: &ContainerRecord) -> Value {
    let mut published = Map::new();
    for p in &record.published {
        let key = format!("{}/{}", p.container_port, ports::protocol(p.protocol));
        let entry = json!({ "HostIp": p.host_ip.to_string(), "HostPort": p.host_port.to_string() });
        if let Value::Array(all) = published.entry(key).or_insert_with(|| json!([])) {
            all.push(entry);
        }
    }
    let mut networks = Map::new();
    for endpoint in &record.endpoints {
        let name = match &record.config.network {
            NetworkMode::Named(name) => name.clone(),
            _ => endpoint.network.short().to_owned(),
        };
        let address = endpoint.address.addr().to_string();
        networks.insert(
            name,
            place(&endpoint.mac, endpoint.network.as_str(), &gateway(&endpoint.address), &address, endpoint.address.prefix_len()),
        );
    }
    if networks.is_empty() && !matches!(record.config.network, NetworkMode::Container(_)) {
        networks.insert(network_mode(&record.config.network), place("", "", "", "", 0));
    }
    let first = record.endpoints.first();
    json!({
        "Bridge": "",
        "SandboxID": "",
        "SandboxKey": "",
        "Ports": published,
        "HairpinMode": false,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "SecondaryIPAddresses": null,
        "SecondaryIPv6Addresses": null,
        "EndpointID": "",
        "Gateway": first.map(|e| gateway(&e.address)).unwrap_or_default(),
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "IPAddress": first.map(|e| e.address.addr().to_string()).unwrap_or_default(),
        "IPPrefixLen": first.map_or(0, |e| e.address.prefix_len()),
        "IPv6Gateway": "",
        "MacAddress": first.map(|e| e.mac.clone()).unwrap_or_default(),
        "Networks": networks,
    })
}

/// A container's place in one network.
fn place(mac: &str, network: &str, gateway: &str, address: &str, prefix: u8) -> Value {
    json!({
        "IPAMConfig": null,
        "Links": null,
        "Aliases": null,
        "MacAddress": mac,
        "DriverOpts": null,
        "GwPriority": 0,
        "NetworkID": network,
        "EndpointID": "",
        "Gateway": gateway,
        "IPAddress": address,
        "IPPrefixLen": prefix,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "DNSNames": null,
    })
}

/// The first address of an endpoint's subnet, which is the bridge's own.
fn gateway(address: &ipnet::IpNet) -> String {
    address.hosts().next().map(|ip| ip.to_string()).unwrap_or_default()
}
