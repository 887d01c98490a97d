//! What a configuration holds, against what Docker's own containers have (features DX-01 to DX-25).

use super::*;
use crate::container::{ContainerConfig, ContainerState, MountKind, MountRequest};
use crate::id::{ContainerId, ImageId};
use crate::limits::CgroupMode;
use crate::time::Timestamp;

pub(crate) fn facts() -> Facts {
    Facts {
        host: "sim".to_owned(),
        release: "6.1.0".to_owned(),
        system: "Linux".to_owned(),
        hostname: "host".to_owned(),
        architecture: "amd64".to_owned(),
        cpus: 4,
        memory: 8 << 30,
        cgroup: CgroupMode::V2,
        controllers: vec!["cpu".to_owned(), "memory".to_owned(), "pids".to_owned()],
        cgroup_roots: BTreeMap::new(),
        capabilities: (1 << 41) - 1,
        max_open_files: 1 << 20,
        seccomp: true,
        idmapped_mounts: true,
        data_root: "/var/lib/drydock".to_owned(),
        run_root: "/run/drydock".to_owned(),
        boot_id: "boot".to_owned(),
    }
}

pub(crate) fn record(config: ContainerConfig) -> ContainerRecord {
    ContainerRecord {
        id: ContainerId::new("c".repeat(64)),
        name: "c".to_owned(),
        config,
        image: ImageId::new("sha256:i"),
        args: vec!["sh".to_owned()],
        env: vec!["PATH=/bin".to_owned(), "A=1".to_owned()],
        created: Timestamp(0),
        state: ContainerState::default(),
        places: Vec::new(),
        endpoints: Vec::new(),
        published: Vec::new(),
    }
}

fn spec(config: ContainerConfig) -> Result<oci::Spec> {
    let record = record(config);
    let identity = Identity { uid: 0, gid: 0, groups: vec![0, 10], home: "/root".to_owned() };
    specification(&Request {
        record: &record,
        image: &ImageDefaults::default(),
        identity: &identity,
        facts: &facts(),
        hostname: if record.config.network == NetworkMode::Host { "host" } else { record.id.short() },
        devices: &[],
        masked: &[],
        joins: &[],
    })
}

fn targets(spec: &oci::Spec) -> Vec<String> {
    spec.mounts().as_ref().unwrap().iter().map(|m| m.destination().display().to_string()).collect()
}

#[test]
fn a_plain_container_is_dockers() {
    let spec = spec(ContainerConfig::default()).unwrap();
    assert_eq!(
        targets(&spec),
        [
            "/proc",
            "/dev",
            "/dev/pts",
            "/sys",
            "/sys/fs/cgroup",
            "/dev/mqueue",
            "/dev/shm",
            "/etc/resolv.conf",
            "/etc/hostname",
            "/etc/hosts"
        ]
    );
    let process = spec.process().as_ref().unwrap();
    assert_eq!(process.env().as_ref().unwrap(), &["PATH=/bin", "HOSTNAME=cccccccccccc", "A=1", "HOME=/root"]);
    assert_eq!(process.user().additional_gids().as_ref().unwrap(), &[0, 10]);
    assert_eq!(process.no_new_privileges(), Some(false));
    assert_eq!(spec.hostname().as_deref(), Some("cccccccccccc"));
    let linux = spec.linux().as_ref().unwrap();
    assert_eq!(linux.namespaces().as_ref().unwrap().len(), 6);
    assert!(linux.seccomp().is_some());
    assert_eq!(linux.masked_paths().as_ref().unwrap().len(), 12);
}

#[test]
fn privileged_takes_everything_off() {
    let spec = spec(ContainerConfig { privileged: true, ..ContainerConfig::default() }).unwrap();
    let linux = spec.linux().as_ref().unwrap();
    assert!(linux.seccomp().is_none());
    assert!(linux.masked_paths().as_ref().unwrap().is_empty() && linux.readonly_paths().as_ref().unwrap().is_empty());
    let sys = spec.mounts().as_ref().unwrap().iter().find(|m| m.destination().to_str() == Some("/sys")).unwrap();
    assert!(sys.options().as_ref().unwrap().contains(&"rw".to_owned()));
}

#[test]
fn a_terminal_has_its_variable() {
    let spec = spec(ContainerConfig { tty: true, ..ContainerConfig::default() }).unwrap();
    let env = spec.process().as_ref().unwrap().env().clone().unwrap();
    assert_eq!(env, ["PATH=/bin", "HOSTNAME=cccccccccccc", "TERM=xterm", "A=1", "HOME=/root"]);
}

#[test]
fn a_mount_below_another_comes_after_it_and_a_standard_one_gives_way() {
    let bind = |target: &str| MountRequest {
        kind: MountKind::Bind,
        source: "/srv".to_owned(),
        target: target.to_owned(),
        read_only: true,
        create_source: true,
        propagation: String::new(),
        size: None,
        mode: None,
        options: Vec::new(),
    };
    let mounts = vec![bind("/a/b"), bind("/dev/shm"), bind("/a"), bind("/etc/hosts")];
    let spec = spec(ContainerConfig { mounts, ..ContainerConfig::default() }).unwrap();
    let targets = targets(&spec);
    assert_eq!(targets[targets.len() - 4..], ["/a", "/a/b", "/dev/shm", "/etc/hosts"].map(str::to_owned)[..]);
    assert_eq!(targets.iter().filter(|t| *t == "/dev/shm").count(), 1);
}

#[test]
fn the_hosts_namespaces_are_left_out() {
    let config = ContainerConfig { network: NetworkMode::Host, pid: NamespaceMode::Host, ..ContainerConfig::default() };
    let spec = spec(config).unwrap();
    let kinds: Vec<_> = spec.linux().as_ref().unwrap().namespaces().as_ref().unwrap().iter().map(|n| n.typ()).collect();
    assert!(!kinds.contains(&oci::LinuxNamespaceType::Network) && !kinds.contains(&oci::LinuxNamespaceType::Pid));
    assert_eq!(spec.hostname().as_deref(), Some("host"));
    assert!(spec.linux().as_ref().unwrap().sysctl().as_ref().unwrap().is_empty());
}

#[test]
fn sysctls_of_the_host_are_refused() {
    for key in
        ["kernel.core_pattern", "vm.swappiness", "net/ipv4/ip_forward", "net..x", "kernel.shmmax+kernel.core_pattern", "fs.file-max", ""]
    {
        let sysctls = [(key.to_owned(), "1".to_owned())].into();
        assert!(spec(ContainerConfig { sysctls, ..ContainerConfig::default() }).is_err(), "{key}");
    }
    let sysctls = [("net.core.somaxconn".to_owned(), "1".to_owned())].into();
    assert!(spec(ContainerConfig { sysctls, network: NetworkMode::Host, ..ContainerConfig::default() }).is_err());
}

#[test]
fn security_options_are_dockers_or_refused() {
    for (text, good) in [
        ("no-new-privileges", true),
        ("no-new-privileges=true", true),
        ("no-new-privileges:false", true),
        ("seccomp=unconfined", true),
        ("systempaths=unconfined", true),
        ("apparmor=unconfined", true),
        ("apparmor=x", true),
        ("label=type:x", true),
        ("no-new-privileges=x", false),
        ("seccomp=", false),
        ("seccomp", false),
        ("foo", false),
        ("", false),
    ] {
        let security_opt = vec![text.to_owned()];
        assert_eq!(spec(ContainerConfig { security_opt, ..ContainerConfig::default() }).is_ok(), good, "{text}");
    }
}
