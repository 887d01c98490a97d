//! What is asked for is what an inspection shows, and what Docker refuses is refused in its words.

use super::*;
use crate::container::{ContainerConfig, MountKind, NamespaceMode, NetworkMode, RestartPolicy};
use crate::docker::host_config::host_config;
use crate::limits::ThrottleKind;
use serde_json::json;

fn config(body: Value) -> ContainerConfig {
    container_config(body, Some("/web")).unwrap()
}

/// Creates from a body whose `HostConfig` this is, and answers what an inspection shows.
fn shown(host: &Value) -> Value {
    host_config(&config(json!({ "Image": "busybox", "Tty": true, "HostConfig": host })))
}

#[test]
fn an_inspection_shows_what_was_asked_for() {
    let asked = r#"{
        "Binds": ["/srv:/data:ro", "/etc/x:/x"],
        "LogConfig": { "Type": "local", "Config": { "max-size": "1m" } },
        "NetworkMode": "front",
        "PortBindings": { "80/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "8080" }], "53/udp": [{ "HostIp": "::1", "HostPort": "" }] },
        "RestartPolicy": { "Name": "on-failure", "MaximumRetryCount": 3 },
        "AutoRemove": false,
        "VolumesFrom": ["other:ro"],
        "ConsoleSize": [24, 80],
        "Annotations": { "a": "b" },
        "CapAdd": ["NET_ADMIN"], "CapDrop": ["ALL"],
        "CgroupnsMode": "host",
        "Dns": ["1.1.1.1"], "DnsOptions": ["ndots:1"], "DnsSearch": ["example.org"],
        "ExtraHosts": ["db:10.0.0.2"], "GroupAdd": ["audio"],
        "IpcMode": "shareable", "PidMode": "container:other", "UTSMode": "host", "UsernsMode": "host",
        "OomScoreAdj": 100,
        "Privileged": true, "PublishAllPorts": true, "ReadonlyRootfs": true,
        "SecurityOpt": ["no-new-privileges"],
        "Tmpfs": { "/run": "noexec" },
        "Mounts": [{ "Type": "bind", "Source": "/opt", "Target": "/opt", "ReadOnly": true, "BindOptions": { "Propagation": "rslave" } }],
        "ShmSize": 1048576,
        "Sysctls": { "net.ipv4.ip_forward": "1" },
        "CpuShares": 512, "Memory": 67108864, "NanoCpus": 1500000000, "BlkioWeight": 300,
        "CpuPeriod": 50000, "CpuQuota": 25000, "CpusetCpus": "0-1", "CpusetMems": "0",
        "Devices": [{ "PathOnHost": "/dev/null", "PathInContainer": "/dev/nil", "CgroupPermissions": "r" }],
        "DeviceCgroupRules": ["c 1:3 rwm"],
        "MemoryReservation": 33554432, "MemorySwap": -1, "MemorySwappiness": 10, "OomKillDisable": true, "PidsLimit": 50,
        "Ulimits": [{ "Name": "nofile", "Soft": 1024, "Hard": 2048 }],
        "Init": true
    }"#;
    let asked: Value = serde_json::from_str(asked).unwrap();
    let shown = shown(&asked);
    for (field, value) in asked.as_object().unwrap() {
        assert_eq!(shown.get(field), Some(value), "{field}");
    }
}

#[test]
fn what_a_client_of_dockers_sends_for_a_plain_run() {
    // Every field that docker 28 sends, as it sends them.
    let body = r#"{
        "Hostname": "", "Domainname": "", "User": "", "AttachStdin": false, "AttachStdout": true, "AttachStderr": true, "Tty": false,
        "OpenStdin": false, "StdinOnce": false, "Env": null, "Cmd": ["true"], "Image": "busybox", "Volumes": {}, "WorkingDir": "",
        "Entrypoint": null, "Labels": {},
        "HostConfig": {
            "Binds": null, "ContainerIDFile": "", "LogConfig": { "Type": "", "Config": {} }, "NetworkMode": "bridge", "PortBindings": {},
            "RestartPolicy": { "Name": "no", "MaximumRetryCount": 0 }, "AutoRemove": true, "VolumeDriver": "", "VolumesFrom": null,
            "ConsoleSize": [0, 0], "CapAdd": null, "CapDrop": null, "CgroupnsMode": "", "Dns": [], "DnsOptions": [], "DnsSearch": [],
            "ExtraHosts": null, "GroupAdd": null, "IpcMode": "", "Cgroup": "", "Links": null, "OomScoreAdj": 0, "PidMode": "",
            "Privileged": false, "PublishAllPorts": false, "ReadonlyRootfs": false, "SecurityOpt": null, "UTSMode": "", "UsernsMode": "",
            "ShmSize": 0, "Isolation": "", "CpuShares": 0, "Memory": 0, "NanoCpus": 0, "CgroupParent": "", "BlkioWeight": 0,
            "BlkioWeightDevice": [], "BlkioDeviceReadBps": [], "BlkioDeviceWriteBps": [], "BlkioDeviceReadIOps": [],
            "BlkioDeviceWriteIOps": [], "CpuPeriod": 0, "CpuQuota": 0, "CpuRealtimePeriod": 0, "CpuRealtimeRuntime": 0, "CpusetCpus": "",
            "CpusetMems": "", "Devices": [], "DeviceCgroupRules": null, "DeviceRequests": null, "MemoryReservation": 0, "MemorySwap": 0,
            "MemorySwappiness": -1, "OomKillDisable": false, "PidsLimit": 0, "Ulimits": [], "CpuCount": 0, "CpuPercent": 0,
            "IOMaximumIOps": 0, "IOMaximumBandwidth": 0, "MaskedPaths": null, "ReadonlyPaths": null
        },
        "NetworkingConfig": { "EndpointsConfig": { "bridge": {} } },
        "SomethingNew": { "Of": "next year" }
    }"#;
    let plain = ContainerConfig {
        image: "busybox".to_owned(),
        name: Some("web".to_owned()),
        command: vec!["true".to_owned()],
        auto_remove: true,
        attached: Some([false, true, true]),
        ..ContainerConfig::default()
    };
    assert_eq!(config(serde_json::from_str(body).unwrap()), plain);
}

#[test]
fn words_come_in_several_shapes() {
    let of = |entrypoint: Value| config(json!({ "Image": "i", "Entrypoint": entrypoint, "Cmd": "echo" }));
    assert_eq!(of(Value::Null).entrypoint, None);
    assert_eq!(of(json!([])).entrypoint, Some(Vec::new()));
    assert_eq!(of(json!([""])).entrypoint, Some(Vec::new()));
    assert_eq!(of(json!("/bin/sh")).entrypoint, Some(vec!["/bin/sh".to_owned()]));
    assert_eq!(of(Value::Null).command, ["echo"]);
}

#[test]
fn ports_and_volumes_that_nobody_names() {
    let asked = config(json!({
        "Image": "i",
        "ExposedPorts": { "80/tcp": {}, "443": {}, "9000-9001/udp": {} },
        "Volumes": { "/data": {}, "/srv": {} },
        "HostConfig": { "PortBindings": { "80/tcp": [] }, "Binds": ["/x:/srv"] },
    }));
    assert_eq!(asked.expose, ["443/tcp", "9000/udp", "9001/udp"]);
    assert_eq!(asked.ports.len(), 1);
    let mounts: Vec<_> = asked.mounts.iter().map(|m| (m.kind, m.target.as_str())).collect();
    assert_eq!(mounts, [(MountKind::Bind, "/srv"), (MountKind::Volume, "/data")]);
}

#[test]
fn modes_and_defaults() {
    let of = |host: Value| config(json!({ "Image": "i", "HostConfig": host }));
    assert_eq!(of(json!({ "NetworkMode": "default" })).network, NetworkMode::default());
    assert_eq!(of(json!({ "NetworkMode": "container:db" })).network, NetworkMode::Container("db".to_owned()));
    assert_eq!(of(json!({ "IpcMode": "none" })).ipc, NamespaceMode::None);
    assert_eq!(of(json!({ "RestartPolicy": { "Name": "always" } })).restart, RestartPolicy::Always);
    assert_eq!(of(json!({ "MaskedPaths": [], "ReadonlyPaths": [] })).security_opt, ["systempaths=unconfined"]);
    let rates = of(json!({ "BlkioDeviceWriteIOps": [{ "Path": "/dev/sda", "Rate": 9 }] })).resources.throttles;
    assert_eq!((rates[0].kind, rates[0].device.as_str(), rates[0].rate), (ThrottleKind::WriteIops, "/dev/sda", 9));
    let tmpfs = json!([{ "Type": "tmpfs", "Target": "/t", "TmpfsOptions": { "SizeBytes": 4096, "Mode": 511 } }]);
    assert_eq!(of(json!({ "Mounts": tmpfs })).mounts[0].size, Some(4096));
    let odd = json!([{ "Type": "bind", "Source": "/a,b\"c", "Target": "/t" }]);
    assert_eq!(of(json!({ "Mounts": odd })).mounts[0].source, "/a,b\"c");
}

#[test]
fn what_docker_refuses() {
    for (body, message) in [
        (json!({}), "Config cannot be empty in order to create a container"),
        (json!({ "HostConfig": { "RestartPolicy": { "Name": "foo" } } }), "invalid restart policy 'foo'"),
        (
            json!({ "HostConfig": { "RestartPolicy": { "Name": "always", "MaximumRetryCount": 2 } } }),
            "maximum retry count cannot be used with restart policy 'always'",
        ),
        (json!({ "HostConfig": { "IpcMode": "foo" } }), "Invalid IPC mode: foo"),
        (json!({ "HostConfig": { "PidMode": "foo" } }), "invalid PID mode: foo"),
        (json!({ "HostConfig": { "OomScoreAdj": 9999 } }), "Invalid value 9999, range for oom score adj is [-1000, 1000]"),
        (json!({ "HostConfig": { "ShmSize": -1 } }), "SHM size can not be less than 0"),
        (json!({ "HostConfig": { "Binds": ["a:b:c:d"] } }), "invalid volume specification: 'a:b:c:d'"),
        (
            json!({ "HostConfig": { "Mounts": [{ "Type": "bind", "Target": "/x" }] } }),
            "invalid mount config for type \"bind\": field Source must not be empty",
        ),
        (
            json!({ "HostConfig": { "Mounts": [{ "Type": "bind", "Source": "/x" }] } }),
            "invalid mount config for type \"bind\": field Target must not be empty",
        ),
        (json!({ "HostConfig": { "PortBindings": { "80/tcp": [{ "HostPort": "x" }] } } }), "invalid port specification: \"x\""),
    ] {
        let mut body = body;
        if body != json!({}) {
            body["Image"] = json!("i");
        }
        assert_eq!(container_config(body.clone(), None).unwrap_err().message(), message, "{body}");
    }
    for body in [json!({ "Image": 1 }), json!({ "Image": "i", "Env": "x" }), json!([]), json!("x")] {
        assert!(container_config(body.clone(), None).unwrap_err().message().starts_with("invalid JSON: "), "{body}");
    }
}

#[test]
fn an_update_names_what_changes() {
    let change = container_update(json!({ "Memory": 64 << 20, "RestartPolicy": { "Name": "always" }, "CpuShares": 0 })).unwrap();
    assert_eq!((change.resources.memory, change.resources.cpu_shares, change.restart), (Some(64 << 20), None, Some(RestartPolicy::Always)));
    assert!(container_update(json!({})).unwrap().is_empty());
}
