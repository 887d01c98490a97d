//! From an OCI runtime configuration to the making of a process: which namespaces, and every step inside them, in order.

use super::{Planned, options};
use crate::container::{UserRange, defaults, oci};
use crate::error::{Error, Result};
use crate::kernel::{Launch, Namespace, NamespaceFrom, NamespaceKind, Process, Step, Streams};
use oci_spec::runtime::{LinuxNamespaceType, Mount, Process as Program, Spec};
use std::collections::BTreeMap;

/// What the root of a container is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Root {
    /// Read-only layers, top first, under a writable one.
    Overlay { lower: Vec<String>, upper: String, work: String },
    /// A directory, as an OCI bundle has one.
    Directory(String),
}

/// How a container's first process is made.
pub(super) fn launch(name: &str, spec: &Spec, root: &Root, cgroup: &str, streams: Streams) -> Result<Launch> {
    let program = spec.process().as_ref().ok_or_else(|| Error::invalid("the runtime configuration has no process"))?;
    let at = spec
        .root()
        .as_ref()
        .map(|r| r.path().display().to_string())
        .ok_or_else(|| Error::invalid("the runtime configuration has no root"))?;
    Ok(Launch {
        name: name.to_owned(),
        namespaces: namespaces(spec)?,
        cgroup: Some(cgroup.to_owned()),
        user: user_range(spec),
        streams,
        inside: inside(spec, program, root, &at, streams)?,
        last: last(spec, program)?,
    })
}

/// How another process is made in a running container: the same namespaces, nothing mounted.
pub(super) fn exec(name: &str, spec: &Spec, of: &Process, cgroup: &str, streams: Streams) -> Result<Launch> {
    let program = spec.process().as_ref().ok_or_else(|| Error::invalid("the runtime configuration has no process"))?;
    let joined = namespaces(spec)?.into_iter().map(|n| Namespace { kind: n.kind, from: NamespaceFrom::Of(of.clone()) }).collect();
    let mut inside = Vec::new();
    if matches!(streams, Streams::Terminal { .. }) {
        inside.push(set_terminal("/"));
    }
    Ok(Launch {
        name: name.to_owned(),
        namespaces: joined,
        cgroup: Some(cgroup.to_owned()),
        user: user_range(spec),
        streams,
        inside,
        last: last(spec, program)?,
    })
}

/// The namespaces of a configuration, in the order in which they must be entered.
pub(super) fn namespaces(spec: &Spec) -> Result<Vec<Namespace>> {
    let listed = spec.linux().as_ref().and_then(|l| l.namespaces().as_ref()).map(Vec::as_slice).unwrap_or_default();
    let mut all = Vec::new();
    for namespace in listed {
        let kind = match namespace.typ() {
            LinuxNamespaceType::Mount => NamespaceKind::Mount,
            LinuxNamespaceType::Cgroup => NamespaceKind::Cgroup,
            LinuxNamespaceType::Uts => NamespaceKind::Uts,
            LinuxNamespaceType::Ipc => NamespaceKind::Ipc,
            LinuxNamespaceType::User => NamespaceKind::User,
            LinuxNamespaceType::Pid => NamespaceKind::Pid,
            LinuxNamespaceType::Network => NamespaceKind::Network,
            LinuxNamespaceType::Time => return Err(Error::unsupported("time namespaces")),
        };
        let from = match namespace.path() {
            None => NamespaceFrom::New,
            Some(path) => {
                let path = path.display().to_string();
                let pid = path.strip_prefix("/proc/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
                NamespaceFrom::Of(joined(spec, pid, &path)?)
            }
        };
        all.push(Namespace { kind, from });
    }
    all.sort_by_key(|n| n.kind);
    Ok(all)
}

/// The ids of the host that a user namespace of its own maps, as the configuration has them: one range, from 0.
fn user_range(spec: &Spec) -> Option<UserRange> {
    let mapping = spec.linux().as_ref()?.uid_mappings().as_ref()?.first()?;
    Some(UserRange { start: mapping.host_id(), size: mapping.size() })
}

/// The process of this pid whose namespaces the configuration joins; `path` names it in errors.
fn joined(spec: &Spec, pid: &str, path: &str) -> Result<Process> {
    let unknown = || Error::unsupported(format!("a namespace at {path}"));
    let born = spec.annotations().as_ref().and_then(|a| a.get(&format!("{}{pid}", oci::BORN))).and_then(|b| b.parse().ok());
    Ok(Process { pid: pid.parse().map_err(|_| unknown())?, born: born.ok_or_else(unknown)? })
}

/// Right after the clone: the root, everything in it, and the way into it.
fn inside(spec: &Spec, program: &Program, root: &Root, at: &str, streams: Streams) -> Result<Vec<Planned>> {
    let mut steps = vec![Planned::new(
        Step::MakePrivate,
        "Nothing mounted in here may be seen by the host, and nothing the host mounts later in here.",
        "mount_namespaces(7)",
    )];
    steps.push(match root {
        Root::Overlay { lower, upper, work } => Planned::new(
            Step::MountOverlay { lower: lower.clone(), upper: upper.clone(), work: work.clone(), target: at.to_owned() },
            "The root: the image's layers, read-only and shared, under one writable layer of the container's own.",
            "overlayfs, runtime-spec config.md \"Root\"",
        ),
        Root::Directory(source) => Planned::new(
            Step::Bind {
                source: source.clone(),
                root: None,
                target: at.to_owned(),
                recursive: true,
                flags: Default::default(),
                propagation: None,
            },
            "The root must be a mount point of its own before it can be pivoted to.",
            "pivot_root(2)",
        ),
    });
    if matches!(root, Root::Overlay { .. }) {
        // Before anything is mounted: what a person mounts on /etc is not to be written to.
        steps.push(Planned::new(
            Step::MakeSymlink { root: at.to_owned(), path: "/etc/mtab".to_owned(), to: "/proc/mounts".to_owned() },
            "Programs of old look there for what is mounted.",
            "moby daemon/initlayer",
        ));
    }
    for wanted in spec.mounts().iter().flatten() {
        steps.push(mount(spec, wanted, at)?);
    }
    for device in spec.linux().iter().filter_map(|l| l.devices().as_ref()).flatten() {
        let path = device.path().display().to_string();
        steps.push(Planned::new(
            Step::MakeNode {
                root: at.to_owned(),
                kind: device.typ().as_str().chars().next().unwrap_or('c'),
                major: u32::try_from(device.major()).unwrap_or_default(),
                minor: u32::try_from(device.minor()).unwrap_or_default(),
                mode: device.file_mode().unwrap_or(0o660) & 0o7777,
                uid: device.uid().unwrap_or(0),
                gid: device.gid().unwrap_or(0),
                path: path.clone(),
            },
            format!("Asked for: {path} of the host."),
            "runtime-spec config-linux.md \"Devices\"",
        ));
    }
    for (path, major, minor) in defaults::DEVICES {
        steps.push(Planned::new(
            Step::MakeNode { root: at.to_owned(), path: path.to_owned(), kind: 'c', major, minor, mode: 0o666, uid: 0, gid: 0 },
            format!("Programs expect {path}."),
            "runtime-spec config-linux.md \"Default Devices\"",
        ));
    }
    for (path, to) in defaults::DEVICE_LINKS {
        steps.push(Planned::new(
            Step::MakeSymlink { root: at.to_owned(), path: path.to_owned(), to: to.to_owned() },
            format!("Programs expect {path}."),
            "runtime-spec runtime-linux.md \"Dev symbolic links\"",
        ));
    }
    let directory = program.cwd().display().to_string();
    if directory != "/" {
        steps.push(Planned::new(
            Step::MakeDirInside { root: at.to_owned(), path: directory, mode: 0o755, uid: 0, gid: 0 },
            "The working directory is made while the process is still root, if the image has none.",
            "Docker, \"WORKDIR\"",
        ));
    }
    if matches!(streams, Streams::Terminal { .. }) {
        steps.push(set_terminal(at));
    }
    steps.push(Planned::new(
        Step::PivotRoot { root: at.to_owned() },
        "The new root becomes the root, and the host's is unmounted: from here on no path leads to a file of the host.",
        "pivot_root(2)",
    ));
    names(spec, &mut steps);
    confine(spec, &mut steps);
    Ok(steps)
}

fn set_terminal(root: &str) -> Planned {
    Planned::new(
        Step::SetTerminal { root: root.to_owned() },
        "A terminal of the container's own devpts becomes its standard streams.",
        "pty(7), runtime-spec config.md \"Process\"",
    )
}

/// One mount of the configuration.
fn mount(spec: &Spec, wanted: &Mount, at: &str) -> Result<Planned> {
    let target = wanted.destination().display().to_string();
    let source = wanted.source().as_ref().map(|s| s.display().to_string()).unwrap_or_default();
    let kind = wanted.typ().as_deref().unwrap_or("bind");
    let options = options::parse(wanted.options().as_deref().unwrap_or_default());
    let root = Some(at.to_owned());
    let see = "runtime-spec config.md \"Mounts\"";
    if let Some((pid, source)) = source.strip_prefix("/proc/").and_then(|rest| rest.split_once("/root/")) {
        let of = joined(spec, pid, source)?;
        return Ok(Planned::new(
            Step::BindOf { of, source: format!("/{source}"), root: at.to_owned(), target },
            "The memory that goes with the other container's ipc namespace.",
            "ipc_namespaces(7), shm_overview(7)",
        ));
    }
    if options.bind || kind == "bind" {
        let why = format!("{source} of the host is {target} in the container.");
        let propagation = Some(options.propagation.unwrap_or_else(|| "rprivate".to_owned()));
        let step = Step::Bind { source, root, target, recursive: options.recursive, flags: options.flags, propagation };
        return Ok(Planned::new(step, why, see));
    }
    let why = match kind {
        "proc" => "The processes of the new pid namespace, and of no other.".to_owned(),
        "devpts" => "Terminals of the container's own.".to_owned(),
        "sysfs" => "What the kernel tells of devices, read-only, since it is the host's.".to_owned(),
        "mqueue" => "POSIX message queues of the new ipc namespace.".to_owned(),
        "cgroup" | "cgroup2" => "A container may look at its own limits and not change them.".to_owned(),
        "overlay" => format!("The files of an image are {target}, its layers stacked, and nobody writes them."),
        _ if target == "/dev" => "A /dev of its own, in memory, with the few harmless devices.".to_owned(),
        _ => format!("{target} in memory."),
    };
    if kind == "cgroup" || kind == "cgroup2" {
        let step = Step::MountCgroups { root: at.to_owned(), target, read_only: options.flags.read_only };
        return Ok(Planned::new(step, why, "cgroups(7)"));
    }
    Ok(Planned::new(Step::Mount { kind: kind.to_owned(), source, root, target, flags: options.flags, data: options.data }, why, see))
}

/// Names and sysctls of the new namespaces.
fn names(spec: &Spec, steps: &mut Vec<Planned>) {
    if let Some(name) = spec.hostname() {
        steps.push(Planned::new(Step::SetHostname { name: name.clone() }, "Its own name, in its own uts namespace.", "uts_namespaces(7)"));
    }
    if let Some(name) = spec.domainname() {
        steps.push(Planned::new(Step::SetDomainname { name: name.clone() }, "Its own NIS domain name.", "uts_namespaces(7)"));
    }
    let sysctls: BTreeMap<&String, &String> = spec.linux().iter().filter_map(|l| l.sysctl().as_ref()).flatten().collect();
    for (key, value) in sysctls {
        steps.push(Planned::new(
            Step::SetSysctl { key: key.clone(), value: value.clone() },
            format!("{key} of its own namespaces."),
            "runtime-spec config-linux.md \"Sysctl\"",
        ));
    }
}

/// What is hidden and what cannot be written.
fn confine(spec: &Spec, steps: &mut Vec<Planned>) {
    let Some(linux) = spec.linux() else { return };
    for path in linux.readonly_paths().iter().flatten() {
        let why = format!("{path} changes the host when it is written.");
        steps.push(Planned::new(Step::ReadOnlyPath { path: path.clone() }, why, "runtime-spec config-linux.md \"Readonly Paths\""));
    }
    for path in linux.masked_paths().iter().flatten() {
        let why = format!("{path} tells of the host.");
        steps.push(Planned::new(Step::MaskPath { path: path.clone() }, why, "runtime-spec config-linux.md \"Masked Paths\""));
    }
    if spec.root().as_ref().and_then(|r| r.readonly()).unwrap_or(false) {
        steps.push(Planned::new(Step::ReadOnlyRoot, "Asked for: the root cannot be written.", "runtime-spec config.md \"Root\""));
    }
}

/// After the start: from root with everything to the program with what it may have.
fn last(spec: &Spec, program: &Program) -> Result<Vec<Planned>> {
    let mut steps = vec![Planned::new(Step::NewSession, "Signals of the starter's terminal are not for the container.", "setsid(2)")];
    if let Some(limits) = program.rlimits().as_ref().filter(|l| !l.is_empty()) {
        steps.push(Planned::new(Step::SetRlimits { limits: limits.clone() }, "Limits of single processes, as asked.", "getrlimit(2)"));
    }
    if let Some(score) = program.oom_score_adj() {
        steps.push(Planned::new(
            Step::SetOomScore { score },
            "How soon the kernel kills it for want of memory.",
            "proc_pid_oom_score_adj(5)",
        ));
    }
    let user = program.user();
    steps.push(Planned::new(
        Step::OwnStreams { uid: user.uid(), gid: user.gid() },
        "The user must be able to open its own standard streams again.",
        "runtime-spec runtime-linux.md \"File descriptors\"",
    ));
    if let Some(sets) = program.capabilities() {
        steps.push(Planned::new(
            Step::SetCapabilities { sets: sets.clone() },
            "Root in here has a few of root's powers, and can never get the others back.",
            "capabilities(7)",
        ));
    }
    let filter = spec.linux().as_ref().and_then(|l| l.seccomp().as_ref()).map(|filter| {
        Planned::new(
            Step::SetSeccomp { filter: Box::new(filter.clone()) },
            "System calls that a container needs, and no others.",
            "seccomp(2), Docker \"Seccomp security profiles\"",
        )
    });
    let no_new_privileges = program.no_new_privileges().unwrap_or(false);
    // Without no_new_privs, installing a filter needs CAP_SYS_ADMIN, and so comes before the capabilities go; with it, it comes
    // last, so that the filter need not allow what the steps between call.
    if let Some(filter) = filter.as_ref().filter(|_| !no_new_privileges) {
        steps.push(filter.clone());
    }
    steps.push(Planned::new(
        Step::SetUser { uid: user.uid(), gid: user.gid(), groups: user.additional_gids().clone().unwrap_or_default(), umask: user.umask() },
        "The user that the image or the command line names; groups first, while that is still allowed.",
        "credentials(7)",
    ));
    let directory = program.cwd().display().to_string();
    steps.push(Planned::new(
        Step::ChangeDir { path: directory },
        "The working directory, as the user: it must be one the user may enter.",
        "chdir(2)",
    ));
    if no_new_privileges {
        steps.push(Planned::new(
            Step::SetNoNewPrivs,
            "Asked for: no set-user-id program gives more than it has now.",
            "PR_SET_NO_NEW_PRIVS(2const)",
        ));
        steps.extend(filter);
    }
    let args = program.args().clone().unwrap_or_default();
    if args.is_empty() {
        return Err(Error::invalid("No command specified"));
    }
    let init = spec.annotations().as_ref().is_some_and(|a| a.get(oci::INIT).is_some_and(|v| v == "true"));
    let why = if init { "Drydock's init runs the program, and reaps what it leaves behind." } else { "The program itself." };
    steps.push(Planned::new(Step::Execute { args, env: program.env().clone().unwrap_or_default(), init }, why, "execve(2)"));
    Ok(steps)
}
