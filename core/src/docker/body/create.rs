//! The body of `POST /containers/create`.

use super::host::HostConfig;
use crate::container::health::Healthcheck;
use crate::container::{ContainerConfig, NetworkMode};
use crate::error::{Error, Result};
use crate::network::{Place, ports};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A command: a list of words, or one word (Docker: `strslice`).
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    Many(Vec<String>),
}

impl Words {
    fn list(self) -> Vec<String> {
        match self {
            Self::One(word) if word.is_empty() => Vec::new(),
            Self::One(word) => vec![word],
            Self::Many(words) => words,
        }
    }
}

/// What is asked for: `Config`, with `HostConfig` and `NetworkingConfig` inside.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[allow(clippy::struct_excessive_bools, reason = "Docker's own switches")]
pub struct CreateBody {
    hostname: String,
    domainname: String,
    user: String,
    attach_stdin: bool,
    attach_stdout: bool,
    attach_stderr: bool,
    exposed_ports: BTreeMap<String, Value>,
    tty: bool,
    open_stdin: bool,
    stdin_once: bool,
    env: Vec<String>,
    cmd: Option<Words>,
    healthcheck: Option<Healthcheck>,
    image: String,
    volumes: BTreeMap<String, Value>,
    working_dir: String,
    entrypoint: Option<Words>,
    network_disabled: bool,
    labels: BTreeMap<String, String>,
    stop_signal: String,
    stop_timeout: Option<i64>,
    host_config: HostConfig,
    networking_config: NetworkingConfig,
    mac_address: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct NetworkingConfig {
    endpoints_config: BTreeMap<String, Value>,
}

/// Reads a body: what the container is to be, and its places in networks as the body has them.
///
/// # Errors
/// Docker's words for what it refuses too.
pub fn container_config(body: Value, name: Option<&str>) -> Result<ContainerConfig> {
    let body: CreateBody = super::read(body)?;
    config(body, name)
}

fn config(body: CreateBody, name: Option<&str>) -> Result<ContainerConfig> {
    if body.image.is_empty() && body.cmd.is_none() && body.entrypoint.is_none() {
        return Err(Error::invalid("Config cannot be empty in order to create a container"));
    }
    let mut config = ContainerConfig {
        image: body.image,
        name: name.filter(|n| !n.is_empty()).map(|n| n.strip_prefix('/').unwrap_or(n).to_owned()),
        command: body.cmd.map(Words::list).unwrap_or_default(),
        // A client that clears the entry point sends one empty word.
        entrypoint: body.entrypoint.map(Words::list).map(|words| if words == [""] { Vec::new() } else { words }),
        env: body.env,
        workdir: body.working_dir,
        user: body.user,
        hostname: body.hostname,
        domainname: body.domainname,
        tty: body.tty,
        open_stdin: body.open_stdin,
        stdin_once: body.stdin_once,
        attached: Some([body.attach_stdin, body.attach_stdout, body.attach_stderr]),
        labels: body.labels,
        stop_signal: body.stop_signal,
        stop_timeout: body.stop_timeout,
        health: body.healthcheck,
        ..ContainerConfig::default()
    };
    let links = body.host_config.links.clone();
    body.host_config.apply(&mut config)?;
    for text in body.exposed_ports.keys() {
        let parsed = ports::parse_expose(text).map_err(|e| Error::invalid(format!("invalid exposed port: {}", e.message())))?;
        let asked = |port, protocol| config.ports.iter().any(|p| p.container_port == port && p.protocol == protocol);
        let new = parsed.into_iter().filter(|(port, protocol)| !asked(*port, *protocol));
        let names: Vec<String> = new.map(|(port, protocol)| ports::name(port, protocol)).collect();
        config.expose.extend(names);
    }
    for target in body.volumes.keys() {
        // `-v /data` comes as one of these; a place that something else is mounted at already is no second one.
        if !config.mounts.iter().any(|m| m.target == *target) {
            config.mounts.push(crate::container::mounts::parse_volume(target, "/")?);
        }
    }
    for (network, asked) in body.networking_config.endpoints_config {
        let network = if network == "default" { "bridge" } else { network.as_str() };
        let place = super::endpoint::place(network, asked)?;
        // A client says the network of the mode once more, with nothing that it asks of the place there.
        if place != Place::on(network) || config.network != NetworkMode::Named(network.to_owned()) {
            config.places.push(place);
        }
    }
    if let (NetworkMode::Named(mode), false) = (&config.network, links.is_empty()) {
        let place = match config.places.iter_mut().find(|p| p.network == *mode) {
            Some(place) => place,
            None => {
                config.places.push(Place::on(mode));
                config.places.last_mut().ok_or_else(|| Error::invalid("links without a network"))?
            }
        };
        place.links.extend(links);
    }
    // Of before API 1.44: that of the place in the network of the mode.
    if let (NetworkMode::Named(mode), false) = (&config.network, body.mac_address.is_empty()) {
        match config.places.iter_mut().find(|p| p.network == *mode) {
            Some(place) if place.mac.is_empty() => place.mac = body.mac_address,
            Some(place) if place.mac != body.mac_address => {
                return Err(Error::invalid(
                    "conflicting options: the container-wide MAC address must match the endpoint-specific MAC address for the main network, \
                     or be empty",
                ));
            }
            Some(_) => {}
            None => config.places.push(Place { mac: body.mac_address, ..Place::on(mode) }),
        }
    }
    if body.network_disabled {
        config.network = NetworkMode::None;
    }
    Ok(config)
}
