//! The step vocabulary: one step is one thing the kernel does, in the kernel's own words.
//!
//! Steps are plain data. They are recorded before they run, carried out by both kernels, printed by `drydock explain` as
//! shell commands, and counted against budgets. Paths are absolute; inside a new process they are paths in its own mount
//! namespace, before `pivot_root` those of the host.

use super::Process;
use crate::container::volume::VolumeMount;
use ipnet::IpNet;
use oci_spec::runtime::{LinuxCapabilities, LinuxDeviceCgroup, LinuxSeccomp, PosixRlimit};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Whose network namespace a step works in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Where {
    /// The host's.
    Host,
    /// That of the process being launched.
    Child,
}

/// A transport protocol of a published port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP
    Tcp,
    /// UDP
    Udp,
    /// SCTP
    Sctp,
}

/// Flags of mount(2), by the names that mount(8) gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MountFlags {
    /// MS_RDONLY
    pub read_only: bool,
    /// MS_NOSUID
    pub nosuid: bool,
    /// MS_NODEV
    pub nodev: bool,
    /// MS_NOEXEC
    pub noexec: bool,
    /// MS_RELATIME
    pub relatime: bool,
    /// MS_STRICTATIME
    pub strictatime: bool,
    /// MS_NOATIME
    pub noatime: bool,
}

impl MountFlags {
    /// Sets or clears the flag that a word of mount(8)'s `-o` names; of two that contradict each other the later one wins. Answers
    /// whether it names one.
    pub fn set(&mut self, word: &str) -> bool {
        let (flag, value) = match word {
            "ro" => (&mut self.read_only, true),
            "rw" => (&mut self.read_only, false),
            "nosuid" => (&mut self.nosuid, true),
            "suid" => (&mut self.nosuid, false),
            "nodev" => (&mut self.nodev, true),
            "dev" => (&mut self.nodev, false),
            "noexec" => (&mut self.noexec, true),
            "exec" => (&mut self.noexec, false),
            "relatime" => (&mut self.relatime, true),
            "norelatime" => (&mut self.relatime, false),
            "strictatime" => (&mut self.strictatime, true),
            "nostrictatime" => (&mut self.strictatime, false),
            "noatime" => (&mut self.noatime, true),
            "atime" => (&mut self.noatime, false),
            _ => return false,
        };
        *flag = value;
        true
    }
}

/// Whether the options of a tmpfs say its mode. One without takes that of the directory it hides ([`Step::Mount`]).
pub fn tmpfs_has_mode(data: &str) -> bool {
    data.split(',').any(|option| option.starts_with("mode="))
}

/// What Drydock's own packet filter table holds. `owner` names what a rule belongs to, so that all of it can be removed at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case")]
pub enum Firewall {
    /// Packets from the subnet that leave by another link than the bridge get the host's address; packets to the subnet from
    /// outside, and packets to 127.0.0.0/8 from any link but loopback, are dropped before anything rewrites them.
    Bridge {
        /// The network's bridge.
        bridge: String,
        /// Its subnet.
        subnet: IpNet,
        /// Whether containers on it may talk to each other.
        icc: bool,
        /// No way out and none in.
        internal: bool,
    },
    /// Packets to a local address and this port go to the container instead (destination NAT).
    Publish {
        /// Transport.
        protocol: Protocol,
        /// The host's address; unspecified means every one of the family.
        host_ip: IpAddr,
        /// The host's port.
        host_port: u16,
        /// The container's address.
        to: IpAddr,
        /// The container's port.
        to_port: u16,
        /// The container's bridge.
        bridge: String,
    },
}

/// Bytes that are never shown and never recorded: a record has an empty one in their place.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden(#[serde(skip)] pub Vec<u8>);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden")
    }
}

/// One thing the kernel does.
///
/// Each `Remove…` is the undo of its opposite, and succeeds when there is nothing to remove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "fields are named as the system call's manual page names them; each variant says what they mean")]
pub enum Step {
    // -- files of the host
    /// mkdir(2) with parents (those 0755); there already is no error. Owner 0:0.
    MakeDir { path: String, mode: u32 },
    /// Writes a whole file: under another name, then rename(2), so that nobody sees half of it.
    WriteFile { path: String, mode: u32, content: String },
    /// Writes over a file that is there, in place: one that is bound elsewhere is the same file there. Readers may see half of it.
    RewriteFile { path: String, content: String },
    /// Writes a whole file whose content is nobody's business: it is in no record, no plan and no trace.
    WriteHidden { path: String, mode: u32, uid: u32, gid: u32, content: Hidden },
    /// Removes a file or a tree, never following a link and never crossing a mount.
    RemoveTree { path: String },
    /// fsync(2) of a directory: what was made, renamed or removed in it is so after a power cut too. Not there is no error.
    SyncDir { path: String },
    /// Unpacks a layer archive (tar, gzip or zstd) into a directory that does not exist yet: in a scratch place, with whiteouts turned
    /// into overlayfs's own, verified against its diff id, then renamed into place. `undo` is [`Step::RemoveTree`].
    UnpackLayer {
        archive: String,
        diff_id: String,
        into: String,
        /// Where the same content was unpacked and verified while it was taken in. If it is still there it is renamed, nothing is read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ahead: Option<String>,
    },

    /// Copies what an overlay of `lower` (from top to bottom) shows at `path` into the directory `into`, if that is empty: files, links,
    /// owners, modes, times and attributes, and the owner and mode of the directory itself. Whole or not at all. No directory there,
    /// or something in `into` already, is no error.
    FillVolume { lower: Vec<String>, path: String, into: String },

    /// Mounts what a volume's options say at its directory, on the host; mounted there already is no error. `undo` is
    /// [`Step::UnmountVolume`].
    MountVolume { target: String, mount: VolumeMount },
    /// Takes every mount at a volume's directory away; none, and no directory, is no error.
    UnmountVolume { target: String },

    /// Takes every mount at a path of the host away; none, and nothing there, is no error.
    Unmount { path: String },
    /// Mounts at `target` in the mount namespace of a running process, inside its root, made if it is not there: for `bind` what is at
    /// `source` on the host, for `tmpfs` new memory, of the mode that [`Step::Mount`] would give it. `undo` is [`Step::UnmountIn`].
    MountIn { of: Process, kind: String, source: String, target: String, recursive: bool, flags: MountFlags, data: String },
    /// Takes a mount in the mount namespace of a running process away. None there is no error; one that is in use there stays, and is
    /// [`crate::ErrorKind::Conflict`].
    UnmountIn { of: Process, target: String },
    /// Kills a process that nothing owns, if it still is the one that a snapshot showed with this line (`PID ARGUMENTS`): its number
    /// may be another's by now.
    EndStray { seen: String },

    // -- control groups (cgroups(7)). Paths are relative to each hierarchy's root: `drydock/ID`
    /// Makes the group in every usable hierarchy (v1) or in the tree (v2, enabling the controllers on the way).
    MakeCgroup { path: String },
    /// Writes one file of the group: controller `memory`, file `memory.max`. On v2 the controller only says where a missing one is missed.
    WriteCgroup { path: String, controller: String, file: String, value: String },
    /// The device rules of the group: devices.allow and devices.deny on v1, a BPF program on v2.
    DeviceRules { path: String, rules: Vec<LinuxDeviceCgroup> },
    /// Kills what is in the group and removes it in every hierarchy, with what is below it.
    RemoveCgroup { path: String },
    /// Freezes (`true`) or thaws every process of the group.
    Freeze { path: String, frozen: bool },

    // -- network, on the host or in the child (rtnetlink(7), veth(4))
    /// Adds a bridge with this address; there already is no error.
    AddBridge { name: String, address: IpNet, mac: Option<String> },
    /// Adds a pair of virtual Ethernet links: `name` stays on the host and joins `bridge`, `peer` goes to the child as `rename` with this MAC address.
    /// An isolated port of the bridge passes packets to and from the host only, and to no other isolated port (bridge(8), "isolated on").
    AddVeth { name: String, bridge: String, peer: String, rename: String, mac: String, isolated: bool },
    /// Removes a link of the host. A veth's other end goes with it.
    RemoveLink { name: String },
    /// Brings a link up.
    LinkUp { at: Where, name: String },
    /// Gives a link an address.
    AddAddress { at: Where, link: String, address: IpNet },
    /// Adds a route; `None` is the default route, and takes the place of the one that is there.
    AddRoute { at: Where, to: Option<IpNet>, via: IpAddr },
    /// Writes a network sysctl in a network namespace: `net.ipv4.ip_forward`.
    NetSysctl { at: Where, key: String, value: String },
    /// Adds a rule to Drydock's own table (nftables), creating the table and its chains if need be. The same rule twice is one rule.
    AddRule { owner: String, rule: Firewall },
    /// Removes every rule of an owner. The table goes with its last rule.
    RemoveRules { owner: String },
    /// Answers DNS at port 53 of 127.0.0.11 in the child's network namespace, in the place of whoever answered there for this container:
    /// what containers on its networks are called is answered from the records, everything else is passed on to these servers, asked
    /// from the host. It ends with the caller.
    ServeNames { container: String, servers: Vec<IpAddr> },
    /// Nobody answers DNS for this container any more.
    StopNames { container: String },

    // -- inside the new process: identity and file system
    /// Makes every mount of this namespace private (MS_REC|MS_PRIVATE on /), so that nothing done here is seen by the host.
    MakePrivate,
    /// Mounts an overlay: `lower` from top to bottom.
    MountOverlay { lower: Vec<String>, upper: String, work: String, target: String },
    /// Mounts a new file system. `target` is resolved inside `root` when there is one, and made if it is not there. Inside a `root` a
    /// `tmpfs` without `mode=` takes the mode of the directory it hides; where it hides none it keeps the kernel's 1777.
    Mount { kind: String, source: String, root: Option<String>, target: String, flags: MountFlags, data: String },
    /// Binds a file or directory of the host at `target` (resolved inside `root`, made if missing), with `recursive` the mounts below it too, then sets flags and propagation.
    Bind { source: String, root: Option<String>, target: String, recursive: bool, flags: MountFlags, propagation: Option<String> },
    /// Binds what another process sees at `source` in its own mount namespace at `target` inside `root`: memory that two containers share.
    BindOf { of: Process, source: String, root: String, target: String },
    /// Mounts the control groups at `target`: v2's tree, or a tmpfs with one directory a v1 hierarchy, seen from the process's own group.
    MountCgroups { root: String, target: String, read_only: bool },
    /// Makes a device node inside `root`: `c` or `b`.
    MakeNode { root: String, path: String, kind: char, major: u32, minor: u32, mode: u32, uid: u32, gid: u32 },
    /// Makes a symbolic link inside `root`; there already is no error.
    MakeSymlink { root: String, path: String, to: String },
    /// Makes a directory inside `root`, following links only inside it.
    MakeDirInside { root: String, path: String, mode: u32, uid: u32, gid: u32 },
    /// Opens a terminal of `root`/dev/pts as the standard streams and as the controlling terminal of a session of its own, and binds it
    /// on `root`/dev/console if the mount namespace is the process's own: an exec has a terminal and no console.
    SetTerminal { root: String },
    /// pivot_root(2) to `root` and unmount of the old one: the host's files are out of reach from here on.
    PivotRoot { root: String },
    /// Makes the root read-only.
    ReadOnlyRoot,
    /// Hides a path: a file under /dev/null, a directory under an empty read-only tmpfs. A missing path is no error.
    MaskPath { path: String },
    /// Makes a path read-only by a bind on itself. A missing path is no error.
    ReadOnlyPath { path: String },
    /// sethostname(2)
    SetHostname { name: String },
    /// setdomainname(2)
    SetDomainname { name: String },
    /// Writes a sysctl under /proc/sys of the new process.
    SetSysctl { key: String, value: String },
    /// setsid(2): a session of its own. One that leads a session already is no error.
    NewSession,
    /// setrlimit(2), cut to the hard limit where CAP_SYS_RESOURCE is missing.
    SetRlimits { limits: Vec<PosixRlimit> },
    /// Writes /proc/self/oom_score_adj.
    SetOomScore { score: i32 },
    /// Gives the standard streams to the user that the process will be.
    OwnStreams { uid: u32, gid: u32 },
    /// capset(2) and the bounding set: what is not listed is dropped, except the effective set, which follows after [`Step::SetUser`].
    SetCapabilities { sets: LinuxCapabilities },
    /// setgroups(2), setresgid(2), setresuid(2), keeping the capabilities to set.
    SetUser { uid: u32, gid: u32, groups: Vec<u32>, umask: Option<u32> },
    /// PR_SET_NO_NEW_PRIVS
    SetNoNewPrivs,
    /// Installs a system call filter.
    SetSeccomp { filter: Box<LinuxSeccomp> },
    /// Changes to the working directory, and refuses one that is not there or not below the root.
    ChangeDir { path: String },
    /// execve(2). A name without a slash is looked up in PATH of `env`. With `init`, Drydock's own init runs it as its child, and reaps.
    Execute { args: Vec<String>, env: Vec<String>, init: bool },
}

impl Step {
    /// Its name, as its record has it: `mount-overlay`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::MakeDir { .. } => "make-dir",
            Self::WriteFile { .. } => "write-file",
            Self::RewriteFile { .. } => "rewrite-file",
            Self::WriteHidden { .. } => "write-hidden",
            Self::RemoveTree { .. } => "remove-tree",
            Self::SyncDir { .. } => "sync-dir",
            Self::UnpackLayer { .. } => "unpack-layer",
            Self::FillVolume { .. } => "fill-volume",
            Self::MountVolume { .. } => "mount-volume",
            Self::UnmountVolume { .. } => "unmount-volume",
            Self::Unmount { .. } => "unmount",
            Self::MountIn { .. } => "mount-in",
            Self::UnmountIn { .. } => "unmount-in",
            Self::EndStray { .. } => "end-stray",
            Self::MakeCgroup { .. } => "make-cgroup",
            Self::WriteCgroup { .. } => "write-cgroup",
            Self::DeviceRules { .. } => "device-rules",
            Self::RemoveCgroup { .. } => "remove-cgroup",
            Self::Freeze { .. } => "freeze",
            Self::AddBridge { .. } => "add-bridge",
            Self::AddVeth { .. } => "add-veth",
            Self::RemoveLink { .. } => "remove-link",
            Self::LinkUp { .. } => "link-up",
            Self::AddAddress { .. } => "add-address",
            Self::AddRoute { .. } => "add-route",
            Self::NetSysctl { .. } => "net-sysctl",
            Self::AddRule { .. } => "add-rule",
            Self::RemoveRules { .. } => "remove-rules",
            Self::ServeNames { .. } => "serve-names",
            Self::StopNames { .. } => "stop-names",
            Self::MakePrivate => "make-private",
            Self::MountOverlay { .. } => "mount-overlay",
            Self::Mount { .. } => "mount",
            Self::Bind { .. } => "bind",
            Self::BindOf { .. } => "bind-of",
            Self::MountCgroups { .. } => "mount-cgroups",
            Self::MakeNode { .. } => "make-node",
            Self::MakeSymlink { .. } => "make-symlink",
            Self::MakeDirInside { .. } => "make-dir-inside",
            Self::SetTerminal { .. } => "set-terminal",
            Self::PivotRoot { .. } => "pivot-root",
            Self::ReadOnlyRoot => "read-only-root",
            Self::MaskPath { .. } => "mask-path",
            Self::ReadOnlyPath { .. } => "read-only-path",
            Self::SetHostname { .. } => "set-hostname",
            Self::SetDomainname { .. } => "set-domainname",
            Self::SetSysctl { .. } => "set-sysctl",
            Self::NewSession => "new-session",
            Self::SetRlimits { .. } => "set-rlimits",
            Self::SetOomScore { .. } => "set-oom-score",
            Self::OwnStreams { .. } => "own-streams",
            Self::SetCapabilities { .. } => "set-capabilities",
            Self::SetUser { .. } => "set-user",
            Self::SetNoNewPrivs => "set-no-new-privs",
            Self::SetSeccomp { .. } => "set-seccomp",
            Self::ChangeDir { .. } => "change-dir",
            Self::Execute { .. } => "execute",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_named_as_its_record_names_it() {
        for step in
            [Step::MakePrivate, Step::SetNoNewPrivs, Step::RemoveTree { path: "/x".to_owned() }, Step::MaskPath { path: "/x".to_owned() }]
        {
            let record = serde_json::to_value(&step).unwrap();
            assert_eq!(record["step"], step.name());
        }
    }
}
