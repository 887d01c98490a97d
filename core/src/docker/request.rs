//! What a client of Docker's API sends: the body of `POST /containers/create`, as [`super::body`] reads it.

use super::body::endpoint_config;
use super::host_config::{bindings, host_config};
use crate::container::log::LogConfig;
use crate::container::{ContainerConfig, MountKind, MountRequest, NamespaceMode};
use crate::engine::ContainerUpdate;
use crate::limits::ThrottleKind;
use crate::network::ports::name as port_name;
use serde_json::{Map, Value, json};

/// The word that clients say in another way: by lists of paths that are empty.
pub(super) const ALL_PATHS: &str = "systempaths=unconfined";

/// The body that asks for such a container.
pub fn create_body(config: &ContainerConfig) -> Value {
    let [stdin, stdout, stderr] = config.attached.unwrap_or([config.stdin_once, true, true]);
    let mut exposed: Map<String, Value> = config.expose.iter().map(|port| (exposed_name(port), json!({}))).collect();
    exposed.extend(config.ports.iter().map(|p| (port_name(p.container_port, p.protocol), json!({}))));
    // One empty word clears the image's entry point; an empty list would leave it.
    let entrypoint = config.entrypoint.as_ref().map(|words| if words.is_empty() { vec![String::new()] } else { words.clone() });
    json!({
        "Hostname": config.hostname,
        "Domainname": config.domainname,
        "User": config.user,
        "AttachStdin": stdin,
        "AttachStdout": stdout,
        "AttachStderr": stderr,
        "ExposedPorts": exposed,
        "Tty": config.tty,
        "OpenStdin": config.open_stdin,
        "StdinOnce": config.stdin_once,
        "Env": config.env,
        "Cmd": if config.command.is_empty() { Value::Null } else { json!(config.command) },
        "Healthcheck": config.health,
        "Image": config.image,
        "Volumes": config.mounts.iter().filter(|m| unnamed(m)).map(|m| (m.target.clone(), json!({}))).collect::<Map<_, _>>(),
        "WorkingDir": config.workdir,
        "Entrypoint": entrypoint,
        "Labels": config.labels,
        "StopSignal": config.stop_signal,
        "StopTimeout": config.stop_timeout,
        "HostConfig": host(config),
        "NetworkingConfig": { "EndpointsConfig":
            config.places.iter().map(|p| (p.network.clone(), endpoint_config(p))).collect::<Map<_, _>>() },
    })
}

/// A port is TCP's unless it says otherwise; engines take what they are told.
fn exposed_name(port: &str) -> String {
    if port.contains('/') { port.to_owned() } else { format!("{port}/tcp") }
}

/// `-v /path`
fn unnamed(m: &MountRequest) -> bool {
    m.kind == MountKind::Volume && m.source.is_empty() && m.create_source && m.options.is_empty() && !m.read_only
}

/// `HostConfig` as it is asked for: what inspection fills in by itself is left for the engine to fill in.
fn host(config: &ContainerConfig) -> Value {
    let mut object = host_config(config);
    let Value::Object(fields) = &mut object else { return object };
    for filled in ["Runtime", "MaskedPaths", "ReadonlyPaths", "ContainerIDFile", "Cgroup", "Mounts", "Tmpfs", "Binds"] {
        fields.shift_remove(filled);
    }
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    // On the default network links are the container's own.
    let links: Vec<&String> = config.places.iter().filter(|p| p.network == "bridge").flat_map(|p| &p.links).collect();
    set("Links", json!(links));
    set("Runtime", config.runtime.clone().into());
    set("Isolation", config.isolation.clone().into());
    set("LogConfig", log(&config.log));
    set("PortBindings", Value::Object(bindings(config)));
    set("ShmSize", config.shm_size.unwrap_or(0).into());
    set("MemorySwap", config.resources.memory_swap.unwrap_or(0).into());
    for (name, mode) in [("IpcMode", &config.ipc), ("CgroupnsMode", &config.cgroupns)] {
        if *mode == NamespaceMode::Private {
            set(name, "".into());
        }
    }
    let words: Vec<&String> = config.security_opt.iter().filter(|word| *word != ALL_PATHS).collect();
    if words.len() < config.security_opt.len() {
        set("MaskedPaths", json!([]));
        set("ReadonlyPaths", json!([]));
    }
    for (name, chosen) in [("MaskedPaths", &config.masked_paths), ("ReadonlyPaths", &config.readonly_paths)] {
        if let Some(chosen) = chosen {
            set(name, json!(chosen));
        }
    }
    set("SecurityOpt", json!(words));
    for (name, kind) in [
        ("BlkioDeviceReadBps", ThrottleKind::ReadBps),
        ("BlkioDeviceWriteBps", ThrottleKind::WriteBps),
        ("BlkioDeviceReadIOps", ThrottleKind::ReadIops),
        ("BlkioDeviceWriteIOps", ThrottleKind::WriteIops),
    ] {
        let of_kind = config.resources.throttles.iter().filter(|t| t.kind == kind);
        set(name, of_kind.map(|t| json!({ "Path": t.device, "Rate": t.rate })).collect());
    }
    let by_flag = |m: &&MountRequest| m.kind != MountKind::Tmpfs && !unnamed(m) && by_volume_flag(m);
    set("Binds", config.mounts.iter().filter(by_flag).map(bind).collect());
    let by_mount = |m: &&MountRequest| m.kind != MountKind::Tmpfs && !unnamed(m) && !by_volume_flag(m);
    set("Mounts", config.mounts.iter().filter(by_mount).map(mount).collect());
    let memory = config.mounts.iter().filter(|m| m.kind == MountKind::Tmpfs);
    set("Tmpfs", Value::Object(memory.map(|m| (m.target.clone(), tmpfs(m).into())).collect()));
    object
}

/// Whether `-v` can say it. A volume with a name is the same either way, but two mounts at one place are seen only in what `-v` says.
fn by_volume_flag(m: &MountRequest) -> bool {
    let sayable = !m.options.iter().any(|o| o.starts_with("bind-") || o.starts_with("volume-"));
    sayable && (m.create_source || m.kind == MountKind::Volume && !m.source.is_empty())
}

/// Where output is kept; a driver that nobody named is the engine's to choose.
fn log(log: &LogConfig) -> Value {
    json!({ "Type": log.driver, "Config": log.options })
}

/// `-v`
fn bind(m: &MountRequest) -> String {
    let mut modes: Vec<&str> = m.options.iter().map(String::as_str).collect();
    modes.extend(m.read_only.then_some("ro"));
    modes.extend(Some(m.propagation.as_str()).filter(|p| !p.is_empty()));
    let modes = if modes.is_empty() { String::new() } else { format!(":{}", modes.join(",")) };
    if m.source.is_empty() { format!("{}{modes}", m.target) } else { format!("{}:{}{modes}", m.source, m.target) }
}

/// `--mount`
fn mount(m: &MountRequest) -> Value {
    let mut object = Map::new();
    let kind = if m.kind == MountKind::Bind { "bind" } else { "volume" };
    object.insert("Type".to_owned(), kind.into());
    object.insert("Source".to_owned(), m.source.clone().into());
    object.insert("Target".to_owned(), m.target.clone().into());
    object.insert("ReadOnly".to_owned(), m.read_only.into());
    let has = |word: &str| m.options.iter().any(|option| option == word);
    if m.kind == MountKind::Bind {
        let mut options = Map::new();
        if m.create_source {
            options.insert("CreateMountpoint".to_owned(), true.into());
        }
        if !m.propagation.is_empty() {
            options.insert("Propagation".to_owned(), m.propagation.clone().into());
        }
        if has("bind-recursive=disabled") {
            options.insert("NonRecursive".to_owned(), true.into());
        }
        object.insert("BindOptions".to_owned(), Value::Object(options));
    } else {
        let pairs =
            |key: &str| m.words(key).filter_map(|w| w.split_once('=')).map(|(k, v)| (k.to_owned(), v.into())).collect::<Map<_, _>>();
        let mut options = Map::new();
        if has("volume-nocopy") || has("nocopy") {
            options.insert("NoCopy".to_owned(), true.into());
        }
        options.insert("Labels".to_owned(), Value::Object(pairs("volume-label")));
        if let Some(path) = m.words("volume-subpath").next() {
            options.insert("Subpath".to_owned(), path.into());
        }
        let (driver, given) = (m.words("volume-driver").next().unwrap_or_default(), pairs("volume-opt"));
        if !driver.is_empty() || !given.is_empty() {
            options.insert("DriverConfig".to_owned(), json!({ "Name": driver, "Options": given }));
        }
        object.insert("VolumeOptions".to_owned(), Value::Object(options));
    }
    Value::Object(object)
}

/// The options of `--tmpfs`.
fn tmpfs(m: &MountRequest) -> String {
    let mut words = m.options.clone();
    words.extend(m.read_only.then(|| "ro".to_owned()));
    words.extend(m.size.map(|size| format!("size={size}")));
    words.extend(m.mode.map(|mode| format!("mode={mode:o}")));
    words.join(",")
}

/// The body of `POST /containers/ID/update`. What is not to change is nothing there.
pub fn update_body(change: &ContainerUpdate) -> Value {
    let config =
        ContainerConfig { resources: change.resources.clone(), restart: change.restart.unwrap_or_default(), ..ContainerConfig::default() };
    let mut body = host(&config);
    if let Value::Object(fields) = &mut body {
        const WANTED: [&str; 12] = [
            "CpuShares",
            "Memory",
            "NanoCpus",
            "BlkioWeight",
            "CpuPeriod",
            "CpuQuota",
            "CpusetCpus",
            "CpusetMems",
            "MemoryReservation",
            "MemorySwap",
            "PidsLimit",
            "RestartPolicy",
        ];
        fields.retain(|name, _| WANTED.contains(&name.as_str()));
        if change.restart.is_none() {
            fields.shift_remove("RestartPolicy");
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::mounts::{parse_mount, parse_tmpfs, parse_volume};
    use crate::container::{NetworkMode, RestartPolicy};
    use crate::docker::body::{container_config, container_update};
    use crate::limits::{Resources, Throttle};
    use crate::network::ports;

    /// What was asked for arrives; a body says of some things more than nothing.
    fn arrives(config: &ContainerConfig) {
        let mut read = container_config(create_body(config), config.name.as_deref()).unwrap();
        let mut expected = config.clone();
        expected.attached = Some(config.attached.unwrap_or([config.stdin_once, true, true]));
        // The body has mounts by the way they were asked for, and their options by name.
        for config in [&mut read, &mut expected] {
            config.mounts.sort_by(|a, b| a.target.cmp(&b.target));
            config.mounts.iter_mut().for_each(|m| {
                m.options.sort();
                m.create_source &= m.kind != MountKind::Tmpfs;
            });
        }
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_asked_for_arrives() {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let plain = ContainerConfig { image: "busybox".to_owned(), ..ContainerConfig::default() };
        arrives(&plain);
        arrives(&ContainerConfig {
            name: Some("box".to_owned()),
            command: words(&["sh", "-c", "true"]),
            entrypoint: Some(Vec::new()),
            env: words(&["A=b"]),
            workdir: "/w".to_owned(),
            tty: true,
            open_stdin: true,
            stdin_once: true,
            ports: ports::parse("127.0.0.1:8080:80/tcp").unwrap(),
            expose: words(&["443/tcp"]),
            network: NetworkMode::Host,
            restart: RestartPolicy::OnFailure(Some(3)),
            auto_remove: true,
            security_opt: words(&["no-new-privileges", ALL_PATHS]),
            ipc: NamespaceMode::Shareable,
            pid: NamespaceMode::Host,
            ulimits: words(&["nofile=10:20"]),
            shm_size: Some(1 << 20),
            init: true,
            ..plain.clone()
        });
        arrives(&ContainerConfig {
            mounts: vec![
                parse_volume("/host:/there:ro", "/").unwrap(),
                parse_volume("data:/data", "/").unwrap(),
                parse_mount("type=bind,source=/a,target=/b,readonly").unwrap(),
                parse_mount("type=volume,source=vol,target=/v,volume-opt=type=tmpfs,volume-label=a=b").unwrap(),
                parse_tmpfs("/run:noexec").unwrap(),
                parse_volume("/unnamed", "/").unwrap(),
            ],
            ..plain.clone()
        });
        let device = Throttle { kind: ThrottleKind::ReadBps, device: "/dev/sda".to_owned(), rate: 10 };
        arrives(&ContainerConfig {
            resources: Resources {
                memory: Some(64 << 20),
                nano_cpus: Some(5),
                pids: Some(7),
                throttles: vec![device],
                ..Default::default()
            },
            ..plain
        });
    }

    #[test]
    fn an_update_says_only_what_changes() {
        let change = ContainerUpdate {
            resources: Resources { memory: Some(64 << 20), ..Resources::default() },
            restart: Some(RestartPolicy::Always),
            ..ContainerUpdate::default()
        };
        assert_eq!(container_update(update_body(&change)).unwrap(), change);
        let nothing = container_update(update_body(&ContainerUpdate::default())).unwrap();
        assert!(nothing.is_empty(), "{nothing:?}");
    }
}
