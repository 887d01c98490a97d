//! The simulated programs, by name.
//!
//! Each is an async function over the system calls of its process ([`Sys`]), with the options, output, messages and exit
//! codes of busybox, or of the program whose name it has. An option that the real one has and this one has not ends the engine's
//! call with the typed "not modelled" error.

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

/// Every program, sorted by name.
static PROGRAMS: &[(&str, Program)] = &[
    ("[", utility!(test::test)),
    ("[[", utility!(test::test)),
    ("acpid", utility!(not_modelled)),
    ("addgroup", utility!(system::accounts::addgroup)),
    ("adduser", utility!(system::accounts::adduser)),
    ("ar", utility!(not_modelled)),
    ("arch", utility!(system::identity::arch)),
    ("arp", utility!(network::legacy::arp)),
    ("arping", utility!(not_modelled)),
    ("ascii", utility!(not_modelled)),
    ("ash", shell::sh),
    ("awk", utility!(not_modelled)),
    ("base64", utility!(text::digest::base64)),
    ("basename", utility!(files::paths::basename)),
    ("bc", utility!(not_modelled)),
    ("blkdiscard", utility!(not_modelled)),
    ("blockdev", utility!(not_modelled)),
    ("brctl", utility!(network::bridge::brctl)),
    ("bunzip2", utility!(not_modelled)),
    ("busybox", busybox),
    ("bzcat", utility!(not_modelled)),
    ("bzip2", utility!(not_modelled)),
    ("cal", utility!(not_modelled)),
    ("cat", utility!(text::cat::cat)),
    ("chgrp", utility!(files::attributes::chgrp)),
    ("chmod", utility!(files::attributes::chmod)),
    ("chown", utility!(files::attributes::chown)),
    ("chroot", utility!(system::run::chroot)),
    ("chvt", utility!(not_modelled)),
    ("clear", utility!(system::terminal::clear)),
    ("cmp", utility!(not_modelled)),
    ("cp", utility!(files::copy::cp)),
    ("cpio", utility!(not_modelled)),
    ("crash", utility!(system::stress::crash)),
    ("crc32", utility!(not_modelled)),
    ("crond", utility!(not_modelled)),
    ("crontab", utility!(not_modelled)),
    ("curl", utility!(network::client::curl)),
    ("cut", utility!(text::columns::cut)),
    ("date", utility!(time::date)),
    ("dc", utility!(not_modelled)),
    ("dd", utility!(files::disk::dd)),
    ("deallocvt", utility!(not_modelled)),
    ("delgroup", utility!(system::accounts::delete)),
    ("deluser", utility!(system::accounts::delete)),
    ("depmod", utility!(not_modelled)),
    ("devmem", utility!(not_modelled)),
    ("df", utility!(files::disk::df)),
    ("diff", utility!(not_modelled)),
    ("dirname", utility!(files::paths::dirname)),
    ("dmesg", utility!(system::info::dmesg)),
    ("dnsdomainname", utility!(not_modelled)),
    ("dos2unix", utility!(not_modelled)),
    ("dpkg", utility!(not_modelled)),
    ("du", utility!(files::disk::du)),
    ("dumpkmap", utility!(not_modelled)),
    ("eat-memory", utility!(system::stress::eat_memory)),
    ("echo", utility!(echo::echo)),
    ("ed", utility!(not_modelled)),
    ("egrep", utility!(text::grep::grep)),
    ("env", utility!(system::environment::env)),
    ("expand", utility!(not_modelled)),
    ("expr", utility!(system::expr::expr)),
    ("factor", utility!(not_modelled)),
    ("fallocate", utility!(not_modelled)),
    ("false", utility!(system::environment::no)),
    ("fdisk", utility!(not_modelled)),
    ("fgrep", utility!(text::grep::grep)),
    ("find", utility!(files::find::find)),
    ("findfs", utility!(not_modelled)),
    ("fold", utility!(not_modelled)),
    ("free", utility!(system::info::free)),
    ("fsfreeze", utility!(not_modelled)),
    ("fstrim", utility!(not_modelled)),
    ("ftpget", utility!(not_modelled)),
    ("ftpput", utility!(not_modelled)),
    ("getopt", utility!(not_modelled)),
    ("getty", utility!(not_modelled)),
    ("grep", utility!(text::grep::grep)),
    ("groups", utility!(system::identity::groups)),
    ("gunzip", utility!(not_modelled)),
    ("gzip", utility!(not_modelled)),
    ("halt", utility!(not_modelled)),
    ("head", utility!(text::ends::head)),
    ("hexdump", utility!(not_modelled)),
    ("hostid", utility!(not_modelled)),
    ("hostname", utility!(system::identity::hostname)),
    ("httpd", utility!(network::httpd::httpd)),
    ("hwclock", utility!(not_modelled)),
    ("id", utility!(system::identity::id)),
    ("ifconfig", utility!(network::legacy::ifconfig)),
    ("ifdown", utility!(not_modelled)),
    ("ifup", utility!(not_modelled)),
    ("ignore-term", utility!(system::stress::ignore_term)),
    ("init", utility!(not_modelled)),
    ("insmod", utility!(not_modelled)),
    ("ionice", utility!(not_modelled)),
    ("ip", utility!(network::ip::ip)),
    ("ipcalc", utility!(not_modelled)),
    ("kill", utility!(kill::kill)),
    ("killall", utility!(system::ps::killall)),
    ("klogd", utility!(not_modelled)),
    ("last", utility!(not_modelled)),
    ("less", utility!(text::cat::more)),
    ("link", utility!(not_modelled)),
    ("linux32", utility!(not_modelled)),
    ("linux64", utility!(not_modelled)),
    ("ln", utility!(files::make::ln)),
    ("loadfont", utility!(not_modelled)),
    ("logger", utility!(not_modelled)),
    ("login", utility!(not_modelled)),
    ("logname", utility!(not_modelled)),
    ("logread", utility!(not_modelled)),
    ("losetup", utility!(not_modelled)),
    ("ls", utility!(files::ls::ls)),
    ("lsmod", utility!(not_modelled)),
    ("lsns", utility!(system::namespaces::lsns)),
    ("lsof", utility!(not_modelled)),
    ("lsscsi", utility!(not_modelled)),
    ("lzcat", utility!(not_modelled)),
    ("md5sum", utility!(text::digest::sums)),
    ("mdev", utility!(not_modelled)),
    ("mesg", utility!(not_modelled)),
    ("microcom", utility!(not_modelled)),
    ("mkdir", utility!(files::make::mkdir)),
    ("mkfifo", utility!(files::make::mkfifo)),
    ("mkfs.ext2", utility!(not_modelled)),
    ("mknod", utility!(files::make::mknod)),
    ("mkpasswd", utility!(not_modelled)),
    ("mkswap", utility!(not_modelled)),
    ("mktemp", utility!(files::make::mktemp)),
    ("modinfo", utility!(not_modelled)),
    ("modprobe", utility!(not_modelled)),
    ("more", utility!(text::cat::more)),
    ("mount", utility!(system::mount::mount)),
    ("mountpoint", utility!(system::mount::mountpoint)),
    ("mt", utility!(not_modelled)),
    ("mv", utility!(files::copy::mv)),
    ("nc", utility!(network::nc::nc)),
    ("netstat", utility!(network::netstat::netstat)),
    ("nft", utility!(network::bridge::nft)),
    ("nginx", utility!(network::httpd::nginx)),
    ("nl", utility!(text::columns::nl)),
    ("nohup", utility!(system::run::nohup)),
    ("nologin", utility!(not_modelled)),
    ("nproc", utility!(system::identity::nproc)),
    ("nsenter", utility!(system::namespaces::nsenter)),
    ("nslookup", utility!(network::resolve::nslookup)),
    ("nuke", utility!(not_modelled)),
    ("od", utility!(not_modelled)),
    ("partprobe", utility!(not_modelled)),
    ("passwd", utility!(not_modelled)),
    ("paste", utility!(text::columns::paste)),
    ("patch", utility!(not_modelled)),
    ("pgrep", utility!(system::ps::pgrep)),
    ("pidof", utility!(system::ps::pidof)),
    ("ping", utility!(network::ping::ping)),
    ("ping6", utility!(not_modelled)),
    ("pivot_root", utility!(system::mount::pivot_root)),
    ("pkill", utility!(system::ps::pkill)),
    ("poweroff", utility!(not_modelled)),
    ("printenv", utility!(system::environment::printenv)),
    ("printf", utility!(printf::printf)),
    ("ps", utility!(system::ps::ps)),
    ("pwd", utility!(files::paths::pwd)),
    ("rdate", utility!(not_modelled)),
    ("readlink", utility!(files::paths::readlink)),
    ("realpath", utility!(files::paths::realpath)),
    ("reboot", utility!(not_modelled)),
    ("renice", utility!(not_modelled)),
    ("reset", utility!(system::terminal::clear)),
    ("rev", utility!(text::cat::rev)),
    ("rm", utility!(files::remove::rm)),
    ("rmdir", utility!(files::remove::rmdir)),
    ("route", utility!(network::legacy::route)),
    ("rpm", utility!(not_modelled)),
    ("run-parts", utility!(not_modelled)),
    ("script", utility!(not_modelled)),
    ("sed", utility!(text::sed::sed)),
    ("seq", utility!(text::streams::seq)),
    ("setkeycodes", utility!(not_modelled)),
    ("setlogcons", utility!(not_modelled)),
    ("setpriv", utility!(system::run::setpriv)),
    ("setsid", utility!(system::run::setsid)),
    ("sh", shell::sh),
    ("sha1sum", utility!(text::digest::sums)),
    ("sha256sum", utility!(text::digest::sums)),
    ("sha3sum", utility!(not_modelled)),
    ("sha512sum", utility!(text::digest::sums)),
    ("shred", utility!(not_modelled)),
    ("shuf", utility!(not_modelled)),
    ("sleep", utility!(time::sleep)),
    ("sort", utility!(text::sort::sort)),
    ("split", utility!(not_modelled)),
    ("ssl_client", utility!(not_modelled)),
    ("start-stop-daemon", utility!(not_modelled)),
    ("stat", utility!(files::attributes::stat)),
    ("stress", utility!(system::stress::stress)),
    ("strings", utility!(not_modelled)),
    ("stty", utility!(system::terminal::stty)),
    ("su", utility!(not_modelled)),
    ("sulogin", utility!(not_modelled)),
    ("svc", utility!(not_modelled)),
    ("swapoff", utility!(not_modelled)),
    ("swapon", utility!(not_modelled)),
    ("switch_root", utility!(not_modelled)),
    ("sync", utility!(files::disk::sync)),
    ("sysctl", utility!(system::info::sysctl)),
    ("syslogd", utility!(not_modelled)),
    ("tac", utility!(text::cat::tac)),
    ("tail", utility!(text::ends::tail)),
    ("tar", utility!(not_modelled)),
    ("taskset", utility!(not_modelled)),
    ("tc", utility!(not_modelled)),
    ("tee", utility!(text::streams::tee)),
    ("telnet", utility!(not_modelled)),
    ("telnetd", utility!(not_modelled)),
    ("test", utility!(test::test)),
    ("tftp", utility!(not_modelled)),
    ("tftpd", utility!(not_modelled)),
    ("time", utility!(time::time)),
    ("timeout", utility!(time::timeout)),
    ("top", utility!(system::ps::top)),
    ("touch", utility!(files::make::touch)),
    ("tr", utility!(text::tr::tr)),
    ("traceroute", utility!(not_modelled)),
    ("traceroute6", utility!(not_modelled)),
    ("true", utility!(system::environment::yes)),
    ("truncate", utility!(files::make::truncate)),
    ("ts", utility!(not_modelled)),
    ("tty", utility!(system::identity::tty)),
    ("ttysize", utility!(not_modelled)),
    ("tunctl", utility!(not_modelled)),
    ("udhcpc", utility!(not_modelled)),
    ("udhcpd", utility!(not_modelled)),
    ("uevent", utility!(not_modelled)),
    ("umount", utility!(system::mount::umount)),
    ("uname", utility!(system::identity::uname)),
    ("uncompress", utility!(not_modelled)),
    ("unexpand", utility!(not_modelled)),
    ("uniq", utility!(text::sort::uniq)),
    ("unix2dos", utility!(not_modelled)),
    ("unlink", utility!(files::remove::unlink)),
    ("unlzma", utility!(not_modelled)),
    ("unshare", utility!(system::namespaces::unshare)),
    ("unxz", utility!(not_modelled)),
    ("unzip", utility!(not_modelled)),
    ("uptime", utility!(time::uptime)),
    ("users", utility!(not_modelled)),
    ("usleep", utility!(time::usleep)),
    ("uudecode", utility!(not_modelled)),
    ("uuencode", utility!(not_modelled)),
    ("vconfig", utility!(not_modelled)),
    ("vi", utility!(not_modelled)),
    ("w", utility!(not_modelled)),
    ("watch", utility!(not_modelled)),
    ("watchdog", utility!(not_modelled)),
    ("wc", utility!(text::columns::wc)),
    ("wget", utility!(network::client::wget)),
    ("which", utility!(files::paths::which)),
    ("who", utility!(not_modelled)),
    ("whoami", utility!(system::identity::whoami)),
    ("xargs", utility!(text::streams::xargs)),
    ("xxd", utility!(not_modelled)),
    ("xz", utility!(not_modelled)),
    ("xzcat", utility!(not_modelled)),
    ("yes", utility!(text::streams::yes)),
    ("zcat", utility!(not_modelled)),
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
    PROGRAMS
}

/// A program by name.
pub fn find(name: &str) -> Option<Program> {
    PROGRAMS.binary_search_by_key(&name, |(known, _)| known).ok().map(|at| PROGRAMS[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_sorted_and_listed() {
        let names: Vec<&str> = registry().iter().map(|(name, _)| *name).collect();
        assert!(names.is_sorted(), "{names:?}");
        insta::assert_snapshot!(names.join(" "));
    }
}
