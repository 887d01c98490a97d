//! What a person asks for: the options of `run`, `create` and `exec`, after parsing and before any host has seen them.

use super::health::{Healthcheck, OnFailure};
use super::log::LogConfig;
use crate::limits::Resources;
use crate::network::{Place, PortRequest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What happens when a container's program ends (Docker: `--restart`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    /// Nothing.
    #[default]
    No,
    /// Again if it failed, at most this often; `None` is without bound.
    OnFailure(Option<u32>),
    /// Always again, also after a reboot.
    Always,
    /// Always again, unless a person stopped it.
    UnlessStopped,
}

/// Which network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkMode {
    /// A network by name or id; `bridge` is the default one.
    Named(String),
    /// Loopback only.
    None,
    /// The host's.
    Host,
    /// That of another container.
    Container(String),
}

impl Default for NetworkMode {
    fn default() -> Self {
        Self::Named("bridge".to_owned())
    }
}

impl NetworkMode {
    /// Reads one as people and the Engine API's `NetworkMode` write it: `default`, `none`, `host`, `container:NAME`, or a network.
    pub fn parse(text: &str) -> Self {
        match text {
            "" | "default" => Self::default(),
            "none" => Self::None,
            "host" => Self::Host,
            other => match other.strip_prefix("container:") {
                Some(container) => Self::Container(container.to_owned()),
                None => Self::Named(other.to_owned()),
            },
        }
    }
}

/// Whose pid, ipc or uts namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamespaceMode {
    /// One of its own.
    #[default]
    Private,
    /// The host's.
    Host,
    /// That of another container.
    Container(String),
    /// One of its own that other containers may join (ipc only; the others can always be joined).
    Shareable,
    /// One of its own without its file system: no /dev/shm (ipc only).
    None,
}

/// A range of ids of the host, for users and groups alike: 0 in a container is `start` on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRange {
    /// The first.
    pub start: u32,
    /// How many.
    pub size: u32,
}

impl UserRange {
    /// Reads `START:SIZE`.
    ///
    /// # Errors
    /// What is none, would hold the host's own root, or would end beyond the last id.
    pub fn parse(text: &str) -> crate::Result<Self> {
        let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit()).then(|| t.parse::<u32>().ok()).flatten();
        let pair = text.split_once(':').and_then(|(start, size)| Some((digits(start)?, digits(size)?)));
        match pair {
            Some((start, size)) if start > 0 && size > 0 && start.checked_add(size).is_some_and(|end| end < u32::MAX) => {
                Ok(Self { start, size })
            }
            _ => Err(crate::Error::invalid(format!("invalid range of users \"{}\"", text.escape_debug()))
                .hint("START:SIZE, both above 0, as 100000:65536")),
        }
    }
}

/// One `--device`: a node of the host, or every node below a directory of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRequest {
    /// Path on the host.
    pub host: String,
    /// Path in the container.
    pub container: String,
    /// What may be done with it, of `rwm`.
    pub access: String,
}

/// What is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MountKind {
    /// A path of the host.
    Bind,
    /// A volume by name; anonymous without one.
    Volume,
    /// Memory.
    Tmpfs,
    /// The files of an image, by its name, as they are: nobody writes them.
    Image,
}

impl MountKind {
    /// Docker's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Volume => "volume",
            Self::Tmpfs => "tmpfs",
            Self::Image => "image",
        }
    }
}

/// One `-v`, `--mount` or `--tmpfs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountRequest {
    /// What kind.
    pub kind: MountKind,
    /// Host path or volume name.
    pub source: String,
    /// Path in the container.
    pub target: String,
    /// Cannot be written.
    pub read_only: bool,
    /// Make a missing source (`-v` does, `--mount` refuses).
    pub create_source: bool,
    /// `rprivate` and its like; empty for the default.
    pub propagation: String,
    /// tmpfs: size in bytes.
    pub size: Option<u64>,
    /// tmpfs: mode.
    pub mode: Option<u32>,
    /// tmpfs: further options as text (`--tmpfs /run:noexec`).
    pub options: Vec<String>,
}

impl MountRequest {
    /// The values of an option that is written `key=value`, in order: `volume-opt`, `volume-label`, `volume-driver`, `volume-subpath`.
    pub fn words<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.options.iter().filter_map(move |option| option.strip_prefix(key)?.strip_prefix('='))
    }

    /// A mount with nothing said about it but its kind.
    pub fn of(kind: MountKind) -> Self {
        Self {
            kind,
            source: String::new(),
            target: String::new(),
            read_only: false,
            create_source: false,
            propagation: String::new(),
            size: None,
            mode: None,
            options: Vec::new(),
        }
    }
}

/// What `run` and `create` ask for. Defaults are Docker's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerConfig {
    /// Image by reference or id.
    pub image: String,
    /// Name, or one is made up.
    pub name: Option<String>,
    /// Arguments after the image.
    pub command: Vec<String>,
    /// Replaces the image's entry point; `Some(vec![])` clears it.
    pub entrypoint: Option<Vec<String>>,
    /// `KEY=value`; later ones win.
    pub env: Vec<String>,
    /// Working directory; empty for the image's.
    pub workdir: String,
    /// `user[:group]`; empty for the image's.
    pub user: String,
    /// Additional groups.
    pub groups: Vec<String>,
    /// Host name; empty for the short id.
    pub hostname: String,
    /// NIS domain name.
    pub domainname: String,
    /// A terminal.
    pub tty: bool,
    /// Standard input stays open.
    pub open_stdin: bool,
    /// Close standard input when the first attached client leaves.
    pub stdin_once: bool,
    /// Whether whoever made it meant to attach to its standard input, output and error; `None` where nobody said. Nothing follows from
    /// it: it is told to who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attached: Option<[bool; 3]>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Signal that stops it; empty for the image's, or SIGTERM.
    pub stop_signal: String,
    /// Seconds before SIGKILL; `None` is 10, negative is for ever.
    pub stop_timeout: Option<i64>,
    /// Published ports.
    pub ports: Vec<PortRequest>,
    /// Further exposed ports: `80/tcp`.
    pub expose: Vec<String>,
    /// Publish every exposed port.
    pub publish_all: bool,
    /// Network.
    pub network: NetworkMode,
    /// What is asked of its places in networks; one that `network` does not name is a further network.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
    /// Lines for /etc/hosts: `name:ip`.
    pub extra_hosts: Vec<String>,
    /// Name servers; empty for the host's.
    pub dns: Vec<String>,
    /// Search domains.
    pub dns_search: Vec<String>,
    /// Options of the resolver.
    pub dns_options: Vec<String>,
    /// Mounts.
    pub mounts: Vec<MountRequest>,
    /// Containers whose binds and volumes are mounted too: `name[:ro|rw]`.
    pub volumes_from: Vec<String>,
    /// Limits.
    pub resources: Resources,
    /// Capabilities beyond the default, `ALL` or with or without `CAP_`.
    pub cap_add: Vec<String>,
    /// Capabilities taken from the default.
    pub cap_drop: Vec<String>,
    /// `no-new-privileges`, `seccomp=unconfined`, `seccomp=JSON`…
    pub security_opt: Vec<String>,
    /// Paths that show nothing, in place of Docker's own; `None` for those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masked_paths: Option<Vec<String>>,
    /// Paths that cannot be written, in place of Docker's own; `None` for those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readonly_paths: Option<Vec<String>>,
    /// Every capability and device, nothing masked.
    pub privileged: bool,
    /// Devices of the host.
    pub devices: Vec<DeviceRequest>,
    /// Further rules of which devices may be opened: `c 10:* rwm`.
    pub device_rules: Vec<String>,
    /// The root cannot be written.
    pub read_only: bool,
    /// Drydock's init as process 1.
    pub init: bool,
    /// What happens when it ends.
    pub restart: RestartPolicy,
    /// Remove it when it ends.
    pub auto_remove: bool,
    /// How its health is checked; `None` for the image's way.
    pub health: Option<Healthcheck>,
    /// What is done once it is unhealthy.
    pub on_unhealthy: OnFailure,
    /// Where its output is kept.
    pub log: LogConfig,
    /// Pid namespace.
    pub pid: NamespaceMode,
    /// IPC namespace.
    pub ipc: NamespaceMode,
    /// UTS namespace.
    pub uts: NamespaceMode,
    /// Control group namespace: private or the host's.
    pub cgroupns: NamespaceMode,
    /// User namespace: the engine's own choice, or the host's.
    pub userns: NamespaceMode,
    /// The ids of the host that the container's own stand for (`--userns-remap` of the engine), unless `userns` is the host's.
    pub user_range: Option<UserRange>,
    /// `name=soft[:hard]`
    pub ulimits: Vec<String>,
    /// Sysctls of its namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// Size of /dev/shm in bytes; `None` is 64 MiB.
    pub shm_size: Option<u64>,
    /// A file of the host that holds the number of its first process while it runs: an absolute path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid_file: Option<String>,
    /// Annotations of the runtime configuration.
    pub annotations: BTreeMap<String, String>,
    /// The OCI runtime; empty for Drydock itself, which is the only one.
    pub runtime: String,
    /// How containers are isolated; empty or `default`.
    pub isolation: String,
    /// Initial size of the terminal.
    pub console_size: Option<crate::io::Size>,
}

/// What `exec` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExecConfig {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Added to the container's environment.
    pub env: Vec<String>,
    /// `user[:group]`; empty for the container's.
    pub user: String,
    /// Working directory; empty for the container's.
    pub workdir: String,
    /// A terminal.
    pub tty: bool,
    /// Standard input is passed on.
    pub stdin: bool,
    /// Return at once.
    pub detach: bool,
    /// Every capability.
    pub privileged: bool,
    /// Initial size of the terminal.
    pub console_size: Option<crate::io::Size>,
    /// Somebody will want its standard output. What they get, [`crate::io::Attach`] says at the start; this is what inspect shows.
    pub attach_stdout: bool,
    /// The same for standard error.
    pub attach_stderr: bool,
    /// The keys that leave it, as they were asked for; empty for the usual ones.
    pub detach_keys: String,
}
