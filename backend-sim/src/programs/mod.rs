//! The simulated programs, by name.
//!
//! Each is an async function over the system calls of its process ([`Sys`]), with the options, output, messages and exit
//! codes of busybox, or of the program whose name it has. An option that the real one has and this one has not ends the engine's
//! call with the typed "not modelled" error and status 120.
//!
//! Four are the simulator's own, for limits and signals to be seen at work: `stress` has the options of the program of that name;
//! `eat-memory SIZE [SECONDS]` takes so much memory and keeps it; `crash [SIGNAL]` dies by a signal; `ignore-term` ignores
//! SIGTERM and sleeps.

pub mod cmd;
mod echo;
mod escape;
mod files;
mod kill;
mod mode;
mod network;
mod printf;
pub mod shell;
mod system;
mod test;
mod text;
mod time;
mod users;

use crate::sys::Sys;
use cmd::Cmd;
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;

/// What a running program is: a future that ends with its exit status.
pub type Running = Pin<Box<dyn Future<Output = i32> + Send>>;

/// A program: its process's system calls and its arguments, the first being its own name.
pub type Program = fn(Sys, Vec<String>) -> Running;

/// Makes a [`Program`] of an `async fn(&mut Cmd) -> Exit`.
macro_rules! utility {
    ($path:path) => {
        |sys, args| {
            Box::pin(async move {
                let mut cmd = Cmd::new(sys, args);
                let exit = $path(&mut cmd).await;
                cmd.finish(exit).await
            })
        }
    };
}

/// The programs that are modelled, sorted by name.
static PROGRAMS: &[(&str, Program)] = &[
    ("[", utility!(test::test)),
    ("[[", utility!(test::test)),
    ("addgroup", utility!(system::accounts::addgroup)),
    ("adduser", utility!(system::accounts::adduser)),
    ("arch", utility!(system::identity::arch)),
    ("arp", utility!(network::legacy::arp)),
    ("ash", shell::sh),
    ("base64", utility!(text::digest::base64)),
    ("basename", utility!(files::paths::basename)),
    ("brctl", utility!(network::bridge::brctl)),
    ("busybox", busybox),
    ("cat", utility!(text::cat::cat)),
    ("chgrp", utility!(files::attributes::chgrp)),
    ("chmod", utility!(files::attributes::chmod)),
    ("chown", utility!(files::attributes::chown)),
    ("chroot", utility!(system::run::chroot)),
    ("clear", utility!(system::terminal::clear)),
    ("cp", utility!(files::copy::cp)),
    ("crash", utility!(system::stress::crash)),
    ("curl", utility!(network::client::curl)),
    ("cut", utility!(text::columns::cut)),
    ("date", utility!(time::date)),
    ("dd", utility!(files::disk::dd)),
    ("delgroup", utility!(system::accounts::delete)),
    ("deluser", utility!(system::accounts::delete)),
    ("df", utility!(files::disk::df)),
    ("dirname", utility!(files::paths::dirname)),
    ("dmesg", utility!(system::info::dmesg)),
    ("du", utility!(files::disk::du)),
    ("eat-memory", utility!(system::stress::eat_memory)),
    ("echo", utility!(echo::echo)),
    ("egrep", utility!(text::grep::grep)),
    ("env", utility!(system::environment::env)),
    ("expr", utility!(system::expr::expr)),
    ("false", utility!(system::environment::no)),
    ("fgrep", utility!(text::grep::grep)),
    ("find", utility!(files::find::find)),
    ("free", utility!(system::info::free)),
    ("grep", utility!(text::grep::grep)),
    ("groups", utility!(system::identity::groups)),
    ("head", utility!(text::ends::head)),
    ("hostname", utility!(system::identity::hostname)),
    ("httpd", utility!(network::httpd::httpd)),
    ("id", utility!(system::identity::id)),
    ("ifconfig", utility!(network::legacy::ifconfig)),
    ("ignore-term", utility!(system::stress::ignore_term)),
    ("ip", utility!(network::ip::ip)),
    ("kill", utility!(kill::kill)),
    ("killall", utility!(system::ps::killall)),
    ("less", utility!(text::cat::more)),
    ("ln", utility!(files::make::ln)),
    ("ls", utility!(files::ls::ls)),
    ("lsns", utility!(system::namespaces::lsns)),
    ("md5sum", utility!(text::digest::sums)),
    ("mkdir", utility!(files::make::mkdir)),
    ("mkfifo", utility!(files::make::mkfifo)),
    ("mknod", utility!(files::make::mknod)),
    ("mktemp", utility!(files::make::mktemp)),
    ("more", utility!(text::cat::more)),
    ("mount", utility!(system::mount::mount)),
    ("mountpoint", utility!(system::mount::mountpoint)),
    ("mv", utility!(files::copy::mv)),
    ("nc", utility!(network::nc::nc)),
    ("netstat", utility!(network::netstat::netstat)),
    ("nft", utility!(network::bridge::nft)),
    ("nginx", utility!(network::httpd::nginx)),
    ("nl", utility!(text::columns::nl)),
    ("nohup", utility!(system::run::nohup)),
    ("nproc", utility!(system::identity::nproc)),
    ("nsenter", utility!(system::namespaces::nsenter)),
    ("nslookup", utility!(network::resolve::nslookup)),
    ("paste", utility!(text::columns::paste)),
    ("pgrep", utility!(system::ps::pgrep)),
    ("pidof", utility!(system::ps::pidof)),
    ("ping", utility!(network::ping::ping)),
    ("pivot_root", utility!(system::mount::pivot_root)),
    ("pkill", utility!(system::ps::pkill)),
    ("printenv", utility!(system::environment::printenv)),
    ("printf", utility!(printf::printf)),
    ("ps", utility!(system::ps::ps)),
    ("pwd", utility!(files::paths::pwd)),
    ("readlink", utility!(files::paths::readlink)),
    ("realpath", utility!(files::paths::realpath)),
    ("reset", utility!(system::terminal::clear)),
    ("rev", utility!(text::cat::rev)),
    ("rm", utility!(files::remove::rm)),
    ("rmdir", utility!(files::remove::rmdir)),
    ("route", utility!(network::legacy::route)),
    ("sed", utility!(text::sed::sed)),
    ("seq", utility!(text::streams::seq)),
    ("setpriv", utility!(system::run::setpriv)),
    ("setsid", utility!(system::run::setsid)),
    ("sh", shell::sh),
    ("sha1sum", utility!(text::digest::sums)),
    ("sha256sum", utility!(text::digest::sums)),
    ("sha512sum", utility!(text::digest::sums)),
    ("sleep", utility!(time::sleep)),
    ("sort", utility!(text::sort::sort)),
    ("stat", utility!(files::attributes::stat)),
    ("stress", utility!(system::stress::stress)),
    ("stty", utility!(system::terminal::stty)),
    ("sync", utility!(files::disk::sync)),
    ("sysctl", utility!(system::info::sysctl)),
    ("tac", utility!(text::cat::tac)),
    ("tail", utility!(text::ends::tail)),
    ("tar", utility!(files::tar::tar)),
    ("tee", utility!(text::streams::tee)),
    ("test", utility!(test::test)),
    ("time", utility!(time::time)),
    ("timeout", utility!(time::timeout)),
    ("top", utility!(system::ps::top)),
    ("touch", utility!(files::make::touch)),
    ("tr", utility!(text::tr::tr)),
    ("true", utility!(system::environment::yes)),
    ("truncate", utility!(files::make::truncate)),
    ("tty", utility!(system::identity::tty)),
    ("umount", utility!(system::mount::umount)),
    ("uname", utility!(system::identity::uname)),
    ("uniq", utility!(text::sort::uniq)),
    ("unlink", utility!(files::remove::unlink)),
    ("unshare", utility!(system::namespaces::unshare)),
    ("uptime", utility!(time::uptime)),
    ("usleep", utility!(time::usleep)),
    ("wc", utility!(text::columns::wc)),
    ("wget", utility!(network::client::wget)),
    ("which", utility!(files::paths::which)),
    ("whoami", utility!(system::identity::whoami)),
    ("xargs", utility!(text::streams::xargs)),
    ("yes", utility!(text::streams::yes)),
];

/// Applets that busybox has and the simulator does not model: there, so that asking for one is answered so.
static NOT_MODELLED: &[&str] = &[
    "acpid",
    "ar",
    "arping",
    "ascii",
    "awk",
    "bc",
    "blkdiscard",
    "blockdev",
    "bunzip2",
    "bzcat",
    "bzip2",
    "cal",
    "chvt",
    "cmp",
    "cpio",
    "crc32",
    "crond",
    "crontab",
    "dc",
    "deallocvt",
    "depmod",
    "devmem",
    "diff",
    "dnsdomainname",
    "dos2unix",
    "dpkg",
    "dumpkmap",
    "ed",
    "expand",
    "factor",
    "fallocate",
    "fdisk",
    "findfs",
    "fold",
    "fsfreeze",
    "fstrim",
    "ftpget",
    "ftpput",
    "getopt",
    "getty",
    "gunzip",
    "gzip",
    "halt",
    "hexdump",
    "hostid",
    "hwclock",
    "ifdown",
    "ifup",
    "init",
    "insmod",
    "ionice",
    "ipcalc",
    "klogd",
    "last",
    "link",
    "linux32",
    "linux64",
    "loadfont",
    "logger",
    "login",
    "logname",
    "logread",
    "losetup",
    "lsmod",
    "lsof",
    "lsscsi",
    "lzcat",
    "mdev",
    "mesg",
    "microcom",
    "mkfs.ext2",
    "mkpasswd",
    "mkswap",
    "modinfo",
    "modprobe",
    "mt",
    "nologin",
    "nuke",
    "od",
    "partprobe",
    "passwd",
    "patch",
    "ping6",
    "poweroff",
    "rdate",
    "reboot",
    "renice",
    "rpm",
    "run-parts",
    "script",
    "setkeycodes",
    "setlogcons",
    "sha3sum",
    "shred",
    "shuf",
    "split",
    "ssl_client",
    "start-stop-daemon",
    "strings",
    "su",
    "sulogin",
    "svc",
    "swapoff",
    "swapon",
    "switch_root",
    "syslogd",
    "taskset",
    "tc",
    "telnet",
    "telnetd",
    "tftp",
    "tftpd",
    "traceroute",
    "traceroute6",
    "ts",
    "ttysize",
    "tunctl",
    "udhcpc",
    "udhcpd",
    "uevent",
    "uncompress",
    "unexpand",
    "unix2dos",
    "unlzma",
    "unxz",
    "unzip",
    "users",
    "uudecode",
    "uuencode",
    "vconfig",
    "vi",
    "w",
    "watch",
    "watchdog",
    "who",
    "xxd",
    "xz",
    "xzcat",
    "zcat",
];

/// An applet that busybox has and the simulator does not model.
async fn not_modelled(cmd: &mut Cmd) -> cmd::Exit {
    Err(cmd.not_modelled("(the whole program)").await)
}

/// `busybox [applet [argument…]]`, `busybox --list`
fn busybox(sys: Sys, args: Vec<String>) -> Running {
    Box::pin(async move {
        match args.get(1).map(String::as_str) {
            Some("--list") => {
                let names: String = registry().iter().filter(|(name, _)| *name != "busybox").map(|(name, _)| format!("{name}\n")).collect();
                i32::from(sys.print(&names).await.is_err())
            }
            None | Some("--help") => {
                let text = "BusyBox v1.36.1 multi-call binary.\n\nUsage: busybox [function [arguments]...]\n   or: busybox --list\n";
                i32::from(sys.print(text).await.is_err())
            }
            Some(name) => match find(name) {
                Some(program) => program(sys, args[1..].to_vec()).await,
                None => {
                    sys.eprint(&format!("{name}: applet not found\n")).await;
                    127
                }
            },
        }
    })
}

/// Every program, sorted by name.
pub fn registry() -> &'static [(&'static str, Program)] {
    static ALL: OnceLock<Vec<(&'static str, Program)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let missing = NOT_MODELLED.iter().map(|name| (*name, utility!(not_modelled) as Program));
        let mut all: Vec<(&'static str, Program)> = PROGRAMS.iter().copied().chain(missing).collect();
        all.sort_by_key(|(name, _)| *name);
        all
    })
}

/// A program by name.
pub fn find(name: &str) -> Option<Program> {
    let all = registry();
    all.binary_search_by_key(&name, |(known, _)| known).ok().map(|at| all[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once() {
        let names: Vec<&str> = registry().iter().map(|(name, _)| *name).collect();
        assert!(names.windows(2).all(|w| w[0] < w[1]), "{names:?}");
        assert!(names.iter().all(|name| find(name).is_some()) && find("nosuch").is_none());
    }

    /// The lists that a reader looks up: what there is, and what is only known by name.
    #[test]
    fn programs_and_what_is_not_modelled_are_listed() {
        let modelled: Vec<&str> = PROGRAMS.iter().map(|(name, _)| *name).collect();
        insta::assert_snapshot!(format!("modelled: {}\n\nnot modelled: {}", modelled.join(" "), NOT_MODELLED.join(" ")));
    }
}
