//! What system calls take and answer.

use drydock_core::kernel::Signal;
use drydock_core::time::Timestamp;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// A file descriptor.
pub type Fd = i32;
/// A process id, as the asking process's pid namespace numbers it.
pub type Pid = u32;

/// Descriptor 0.
pub const STDIN: Fd = 0;
/// Descriptor 1.
pub const STDOUT: Fd = 1;
/// Descriptor 2.
pub const STDERR: Fd = 2;

/// The kinds of file (inode(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileType {
    /// `-`
    Regular,
    /// `d`
    Directory,
    /// `l`
    Symlink,
    /// `c`
    Char,
    /// `b`
    Block,
    /// `p`
    Fifo,
    /// `s`
    Socket,
}

/// What stat(2) answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Number of the file system.
    pub dev: u64,
    /// Number of the inode.
    pub ino: u64,
    /// Kind of file.
    pub kind: FileType,
    /// Permission bits with set-id and sticky bits: 0 to 0o7777.
    pub mode: u32,
    /// Hard links.
    pub nlink: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Major and minor number of a device.
    pub rdev: (u32, u32),
    /// Bytes.
    pub size: u64,
    /// Last read.
    pub atime: Timestamp,
    /// Last change of content.
    pub mtime: Timestamp,
    /// Last change of the inode.
    pub ctime: Timestamp,
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirEntry {
    /// Its name, never `.` or `..`.
    pub name: String,
    /// Number of its inode.
    pub ino: u64,
    /// Kind of file.
    pub kind: FileType,
}

/// How to open a file (open(2)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenFlags {
    /// For reading.
    pub read: bool,
    /// For writing.
    pub write: bool,
    /// O_APPEND
    pub append: bool,
    /// O_CREAT
    pub create: bool,
    /// O_TRUNC
    pub truncate: bool,
    /// O_EXCL
    pub exclusive: bool,
    /// O_DIRECTORY
    pub directory: bool,
    /// O_NOFOLLOW
    pub nofollow: bool,
    /// O_NONBLOCK
    pub nonblock: bool,
}

impl OpenFlags {
    /// For reading.
    pub const READ: OpenFlags = OpenFlags {
        read: true,
        write: false,
        append: false,
        create: false,
        truncate: false,
        exclusive: false,
        directory: false,
        nofollow: false,
        nonblock: false,
    };
    /// For writing from the start, made if missing, emptied if not: the shell's `>`.
    pub const REPLACE: OpenFlags = OpenFlags { read: false, write: true, create: true, truncate: true, ..Self::READ };
    /// For writing at the end, made if missing: the shell's `>>`.
    pub const APPEND: OpenFlags = OpenFlags { read: false, write: true, create: true, append: true, ..Self::READ };
    /// For reading and writing, made if missing: the shell's `<>`.
    pub const READ_WRITE: OpenFlags = OpenFlags { write: true, create: true, ..Self::READ };
}

/// From where lseek(2) counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whence {
    /// The start.
    Set,
    /// Here.
    Current,
    /// The end.
    End,
}

/// How a child changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitStatus {
    /// It ended with this status, 0 to 255.
    Exited(i32),
    /// A signal killed it.
    Signaled(Signal),
    /// A signal stopped it.
    Stopped(Signal),
}

impl WaitStatus {
    /// The exit code a shell shows for it.
    pub fn code(self) -> i32 {
        match self {
            WaitStatus::Exited(code) => code,
            WaitStatus::Signaled(signal) | WaitStatus::Stopped(signal) => signal.exit_code(),
        }
    }
}

/// Which children to wait for (waitpid(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// Any.
    Any,
    /// This one.
    Pid(Pid),
    /// Any of this process group.
    Group(Pid),
}

/// Whom kill(2) sends to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// One process.
    Pid(Pid),
    /// A process group.
    Group(Pid),
    /// Everything the caller may signal except itself and process 1 (`kill -1`).
    All,
}

/// What happens on a signal (signal(7)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disposition {
    /// What the kernel does by default.
    #[default]
    Default,
    /// Nothing.
    Ignore,
    /// It is kept for [`super::Sys::take_signal`], and blocking calls answer EINTR.
    Catch,
}

/// How to start another program: posix_spawn(3). The child has exactly the descriptors of `fds`.
#[derive(Clone, Debug, Default)]
pub struct Spawn {
    /// Path of the program; one without a slash is looked up in PATH of `env`.
    pub program: String,
    /// Arguments, the program's name first.
    pub args: Vec<String>,
    /// `KEY=value`.
    pub env: Vec<String>,
    /// Child's descriptor → parent's descriptor.
    pub fds: BTreeMap<Fd, Fd>,
    /// Working directory; `None` for the parent's.
    pub cwd: Option<String>,
    /// `Some(0)` makes a new process group, another number joins that one.
    pub group: Option<Pid>,
    /// Makes a new session (setsid(2)).
    pub session: bool,
    /// Signals that are ignored in the child; caught ones are reset to their default as execve(2) does, ignored ones stay so.
    pub ignore: Vec<Signal>,
}

/// Who a process is (credentials(7)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Real user.
    pub uid: u32,
    /// Effective user.
    pub euid: u32,
    /// Saved user.
    pub suid: u32,
    /// Real group.
    pub gid: u32,
    /// Effective group.
    pub egid: u32,
    /// Saved group.
    pub sgid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Effective capabilities, a bit each.
    pub effective: u64,
    /// Permitted capabilities.
    pub permitted: u64,
    /// Inheritable capabilities.
    pub inheritable: u64,
    /// Ambient capabilities.
    pub ambient: u64,
    /// Bounding set.
    pub bounding: u64,
    /// PR_SET_NO_NEW_PRIVS
    pub no_new_privs: bool,
    /// PR_SET_KEEPCAPS
    pub keep_caps: bool,
}

/// What uname(2) answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uname {
    /// `Linux`
    pub system: String,
    /// Host name.
    pub node: String,
    /// `6.1.0-sim`
    pub release: String,
    /// `#1 SMP …`
    pub version: String,
    /// `x86_64`
    pub machine: String,
    /// NIS domain name.
    pub domain: String,
}

/// Families of sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// AF_INET
    Inet,
    /// AF_INET6
    Inet6,
    /// AF_UNIX
    Unix,
}

/// Kinds of sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketKind {
    /// SOCK_STREAM
    Stream,
    /// SOCK_DGRAM
    Datagram,
}

/// Address of a socket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// Internet address and port.
    Inet(IpAddr, u16),
    /// Path of a Unix socket; empty for an unnamed one.
    Unix(String),
}

/// Which half of a connection to close (shutdown(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// SHUT_RD
    Read,
    /// SHUT_WR
    Write,
    /// SHUT_RDWR
    Both,
}

/// A descriptor to watch, and what became of it (poll(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poll {
    /// Which.
    pub fd: Fd,
    /// On asking: wait until it can be read. In the answer: it can (or has ended).
    pub read: bool,
    /// The same for writing.
    pub write: bool,
}

/// An answer to an echo request (icmp(7)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    /// Who answered.
    pub from: IpAddr,
    /// Time to live left on arrival.
    pub ttl: u8,
    /// Round trip.
    pub time: Duration,
}

/// A network link as `ip link` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkInfo {
    /// Index in its namespace.
    pub index: u32,
    /// Name.
    pub name: String,
    /// `loopback`, `bridge`, `veth`, `ether`.
    pub kind: String,
    /// Set up by an administrator.
    pub up: bool,
    /// Its other end or a port is up too.
    pub lower_up: bool,
    /// Bytes a packet.
    pub mtu: u32,
    /// `02:42:ac:1e:00:02`
    pub mac: String,
    /// The bridge that it belongs to.
    pub master: Option<String>,
    /// Index of a veth's other end.
    pub peer: Option<u32>,
    /// Whether the other end is in another network namespace.
    pub peer_elsewhere: bool,
    /// Bytes and packets received.
    pub received: (u64, u64),
    /// Bytes and packets sent.
    pub sent: (u64, u64),
}

/// An address of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressInfo {
    /// The link's name.
    pub link: String,
    /// Address and prefix.
    pub address: IpNet,
    /// `global`, `host`, `link`.
    pub scope: String,
    /// Broadcast address, if it has one.
    pub broadcast: Option<IpAddr>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteInfo {
    /// `None` is the default route.
    pub to: Option<IpNet>,
    /// Next hop; `None` for a directly connected network.
    pub via: Option<IpAddr>,
    /// The link's name.
    pub link: String,
    /// Preferred source address.
    pub source: Option<IpAddr>,
    /// Made by the kernel with an address (`proto kernel`).
    pub kernel: bool,
}

/// A neighbour (arp(7)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeighbourInfo {
    /// Its address.
    pub address: IpAddr,
    /// The link's name.
    pub link: String,
    /// Its MAC address; `None` where it was asked for and did not answer.
    pub mac: Option<String>,
    /// `REACHABLE`, `STALE`, `FAILED`.
    pub state: String,
}

/// A socket as netstat(8) shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketInfo {
    /// `tcp`, `tcp6`, `udp`, `udp6`, `unix`.
    pub protocol: String,
    /// Its own address.
    pub local: Address,
    /// The other end's.
    pub remote: Option<Address>,
    /// `LISTEN`, `ESTABLISHED`… ; empty for udp.
    pub state: String,
    /// Who holds it, in the asker's pid namespace.
    pub pid: Option<Pid>,
    /// Program of the holder.
    pub program: String,
}

/// A link to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewLink {
    /// `ip link add NAME type bridge`
    Bridge {
        /// Its name.
        name: String,
    },
    /// `ip link add NAME type veth peer name PEER`
    Veth {
        /// One end.
        name: String,
        /// The other.
        peer: String,
    },
    /// `ip link add NAME type dummy`
    Dummy {
        /// Its name.
        name: String,
    },
}

/// A change of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkChange {
    /// `up` or `down`
    Up(bool),
    /// `name NEW`
    Rename(String),
    /// `master BRIDGE`, or `nomaster`
    Master(Option<String>),
    /// `netns PID`
    Namespace(Pid),
    /// `address MAC`
    Mac(String),
    /// `mtu N`
    Mtu(u32),
}

/// What mount(2) is asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MountOptions {
    /// Flags of the mount.
    pub flags: drydock_core::kernel::MountFlags,
    /// MS_BIND
    pub bind: bool,
    /// MS_REC
    pub recursive: bool,
    /// MS_REMOUNT
    pub remount: bool,
    /// MS_MOVE
    pub move_mount: bool,
    /// MS_PRIVATE, MS_SHARED, MS_SLAVE: change how mounts spread, and nothing else.
    pub propagation: Option<Propagation>,
}

/// How mounts spread to other namespaces (mount_namespaces(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Propagation {
    /// Not at all.
    Private,
    /// Both ways.
    Shared,
    /// Inwards only.
    Slave,
}

/// What statfs(2) answers, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FsStat {
    /// `overlay`, `tmpfs`, `ext4`…
    pub kind: String,
    /// Size.
    pub total: u64,
    /// Taken.
    pub used: u64,
    /// Inodes in all.
    pub inodes: u64,
    /// Inodes taken.
    pub inodes_used: u64,
}

/// The settings of a terminal that stty(1) changes (termios(3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Termios {
    /// ICANON: input comes line by line.
    pub canonical: bool,
    /// ECHO
    pub echo: bool,
    /// ISIG: Ctrl-C and its like send signals.
    pub signals: bool,
    /// OPOST with ONLCR: a line feed is sent as carriage return and line feed.
    pub newline: bool,
    /// ICRNL: a carriage return is read as a line feed.
    pub carriage_return: bool,
}
