//! The file systems every container has: root, /proc, /sys, /dev, and the files the engine writes.

use crate::ask;
use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, equal, fail, holds};
use crate::world::World;

const DEFAULTS: &str = "runtime-spec config-linux.md, Default Filesystems; Docker's default mounts";

/// The kind and the options of the mount at a path.
fn mounted(w: &World<'_>, at: &str) -> Checked<(String, Vec<String>)> {
    let out = w.run(&["cat", "/proc/mounts"])?.exits(0)?;
    for line in out.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        if fields.get(1) == Some(&at) && fields.len() > 3 {
            return Ok((fields[2].to_owned(), fields[3].split(',').map(str::to_owned).collect()));
        }
    }
    fail(format_args!("nothing is mounted at {at}: {:?}", out.text()))
}

fn is_mounted(w: &World<'_>, at: &str, kind: &str, options: &[&str]) -> Checked {
    let (is, has) = mounted(w, at)?;
    equal(format_args!("the kind of {at}"), is.as_str(), kind)?;
    for option in options {
        holds(format_args!("{at} is {option}: {has:?}"), has.iter().any(|h| h == option))?;
    }
    Ok(())
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-FILES-1", "The root is an overlay that can be written.", "Docker storage drivers, OverlayFS", |w| {
        is_mounted(w, "/", "overlay", &["rw"])?;
        w.sh("echo x >/new && mkdir /dir && rm -r /dir /etc/passwd && cat /new")?.prints("x")?.done()
    }),
    Clause::docker(
        "CTR-FILES-2",
        "With --read-only the root cannot be written, while /dev/shm and the tmpfs asked for can.",
        cite::RUN,
        |w| {
            w.run_with(&["touch", "/x"], |c| c.read_only = true)?.exits(1)?.complains("Read-only file system")?;
            w.sh_with("echo a >/dev/shm/x && echo b >/t/x && cat /dev/shm/x /t/x", |c| {
                c.read_only = true;
                c.mounts.push(ask::tmpfs("/t"));
            })?
            .prints("a\nb")?
            .done()
        },
    ),
    Clause::docker(
        "CTR-FILES-3",
        "/proc is a proc file system that honours neither set-user-id nor devices nor programs.",
        DEFAULTS,
        |w| is_mounted(w, "/proc", "proc", &["nosuid", "nodev", "noexec"]),
    ),
    Clause::docker("CTR-FILES-4", "/sys is a read-only sysfs.", DEFAULTS, |w| {
        is_mounted(w, "/sys", "sysfs", &["ro", "nosuid", "nodev", "noexec"])
    }),
    Clause::docker(
        "CTR-FILES-5",
        "/dev is a tmpfs with the standard devices and links, and nothing of the host's.",
        "runtime-spec config-linux.md, Default Devices",
        |w| {
            is_mounted(w, "/dev", "tmpfs", &["nosuid", "mode=755"])?;
            let devices = "for d in null zero full random urandom tty; do test -c /dev/$d || echo no $d; done";
            let links = "for l in fd stdin stdout stderr ptmx; do echo $l $(readlink /dev/$l); done";
            let wanted = "fd /proc/self/fd\nstdin /proc/self/fd/0\nstdout /proc/self/fd/1\nstderr /proc/self/fd/2\nptmx pts/ptmx";
            w.sh(&format!("{devices}; {links}"))?.prints(wanted)?;
            let known = [
                "core", "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom",
                "zero",
            ];
            let there = w.run(&["ls", "/dev"])?.exits(0)?.lines();
            let odd: Vec<&String> = there.iter().filter(|f| !known.contains(&f.as_str())).collect();
            holds(format_args!("nothing else is in /dev: {odd:?}"), odd.is_empty())
        },
    ),
    Clause::docker("CTR-FILES-6", "The standard devices do what they are for.", "null(4), full(4), random(4)", |w| {
        w.sh("echo x >/dev/null && cat /dev/null && head -c 3 /dev/zero | tr '\\0' z && echo && head -c 64 /dev/urandom | wc -c")?
            .prints("zzz\n64")?;
        w.sh("echo x >/dev/full")?.exits(1)?.complains("No space left on device")?.done()
    }),
    Clause::docker("CTR-FILES-7", "/dev/pts is a devpts of the container's own.", DEFAULTS, |w| {
        is_mounted(w, "/dev/pts", "devpts", &["nosuid", "noexec", "gid=5", "mode=620", "ptmxmode=666"])
    }),
    Clause::docker("CTR-FILES-8", "/dev/shm is a tmpfs of 64 MiB, or of the size asked for.", cite::RUN, |w| {
        is_mounted(w, "/dev/shm", "tmpfs", &["nosuid", "nodev", "noexec", "size=65536k"])?;
        w.run_with(&["grep", " /dev/shm ", "/proc/mounts"], |c| c.shm_size = Some(1 << 20))?.exits(0)?.says("size=1024k")?.done()
    }),
    Clause::docker("CTR-FILES-9", "/dev/mqueue is a message queue file system.", DEFAULTS, |w| {
        is_mounted(w, "/dev/mqueue", "mqueue", &["nosuid", "nodev", "noexec"])
    }),
    Clause::docker(
        "CTR-FILES-10",
        "/tmp of the image keeps its mode, and new files have the usual mask.",
        "image-spec layer.md, File Attributes; umask(2)",
        |w| w.sh("stat -c %a /tmp; umask; touch /f; stat -c %a /f")?.prints("1777\n0022\n644")?.done(),
    ),
    Clause::docker(
        "CTR-FILES-11",
        "/etc/hosts, /etc/hostname and /etc/resolv.conf are the container's own: they can be edited, and are new after a restart.",
        "Docker manual, Networking overview, DNS services",
        |w| {
            let script = "grep -c hand /etc/hosts; echo 1.2.3.4 hand >>/etc/hosts; echo zz >/etc/hostname; grep -c hand /etc/hosts; cat /etc/hostname";
            let id = w.create(&["sh", "-c", script], |_| {})?;
            for _ in 0..2 {
                w.engine().start(&id)?;
                w.wait(&id)?;
            }
            equal("log", w.log_text(&id)?, "0\n1\nzz\n0\n1\nzz\n")
        },
    ),
    Clause::docker("CTR-FILES-12", "The control groups are mounted read-only.", DEFAULTS, |w| {
        let out = w.run(&["grep", "-E", " cgroup2? ", "/proc/mounts"])?.exits(0)?;
        for line in out.lines() {
            let options = line.split(' ').nth(3).unwrap_or_default().to_owned();
            holds(format_args!("{line} is read-only"), options.split(',').any(|o| o == "ro"))?;
        }
        Ok(())
    }),
];
