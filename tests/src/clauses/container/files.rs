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
    Clause::docker("CTR-FILES-13", "With --read-only the engine's files in /etc cannot be written either.", cite::RUN, |w| {
        for file in ["hosts", "hostname", "resolv.conf"] {
            w.sh_with(&format!("echo x >>/etc/{file}"), |c| c.read_only = true)?.complains("Read-only file system")?;
        }
        Ok(())
    }),
    Clause::docker("CTR-FILES-14", "The engine's files in /etc are root's, and all may read them.", cite::RUN, |w| {
        w.sh("cd /etc && stat -c '%n %a %u' hosts hostname resolv.conf")?.prints("hosts 644 0\nhostname 644 0\nresolv.conf 644 0")?.done()
    }),
    Clause::docker("CTR-FILES-15", "/dev, what is in it, /proc and /sys have the modes and owners that programs expect.", DEFAULTS, |w| {
        let script = "stat -c '%n %a %u:%g' /dev /dev/shm /dev/pts /dev/mqueue /dev/null /dev/tty /proc /sys";
        let wanted = "/dev 755 0:0\n/dev/shm 1777 0:0\n/dev/pts 755 0:0\n/dev/mqueue 1777 0:0\n/dev/null 666 0:0\n/dev/tty 666 0:0\n/proc 555 0:0\n/sys 555 0:0";
        w.sh(script)?.prints(wanted)?.done()
    }),
    Clause::docker("CTR-FILES-16", "--add-host adds lines to /etc/hosts, of both families.", cite::RUN, |w| {
        let out = w.run_with(&["cat", "/etc/hosts"], |c| c.extra_hosts = vec!["a:1.2.3.4".to_owned(), "b:::1".to_owned()])?.exits(0)?;
        out.says("127.0.0.1\tlocalhost")?.says("1.2.3.4\ta")?.says("::1\tb")?.done()
    }),
    Clause::docker("CTR-FILES-17", "--dns, --dns-search and --dns-option are what /etc/resolv.conf says.", cite::RUN, |w| {
        let out = w.run_with(&["cat", "/etc/resolv.conf"], |c| {
            c.dns = vec!["1.1.1.1".to_owned()];
            c.dns_search = vec!["x.y".to_owned()];
            c.dns_options = vec!["ndots:2".to_owned()];
        })?;
        let out = out.exits(0)?;
        equal(
            "name servers",
            out.lines().iter().filter(|l| l.starts_with("nameserver")).cloned().collect::<Vec<_>>(),
            vec!["nameserver 1.1.1.1"],
        )?;
        out.says("search x.y")?.says("options ndots:2")?.done()
    }),
    Clause::docker("CTR-FILES-18", "A search domain of one dot is none.", cite::RUN, |w| {
        let out = w.run_with(&["cat", "/etc/resolv.conf"], |c| c.dns_search = vec![".".to_owned()])?.exits(0)?;
        holds("no search", !out.text().contains("search"))
    }),
    // Docker lets line ends in an option for the resolver through (seen on 20.10), and with them further lines.
    Clause::law("CTR-FILES-19", "Values for the engine's files cannot add lines to them.", "resolv.conf(5), hosts(5)", |w| {
        let cases: [fn(&mut drydock_core::container::ContainerConfig); 4] = [
            |c| c.dns_options = vec!["a\nnameserver 6.6.6.6".to_owned()],
            |c| c.dns_search = vec!["a\nnameserver 6.6.6.6".to_owned()],
            |c| c.extra_hosts = vec!["a\n6.6.6.6 evil:1.2.3.4".to_owned()],
            |c| c.hostname = "a\n6.6.6.6 evil".to_owned(),
        ];
        for (number, tweak) in cases.into_iter().enumerate() {
            let error = w.refused(&["true"], tweak)?;
            equal(number, error.kind(), drydock_core::ErrorKind::InvalidInput)?;
        }
        Ok(())
    }),
    Clause::docker(
        "CTR-FILES-20",
        "There is an empty /.dockerenv, and /etc/mtab leads to /proc/mounts; neither is a change.",
        cite::RUN,
        |w| {
            let id = w.sleeper(|_| {})?;
            let seen = w.exec(&id, &["sh", "-c", "stat -c '%a %s %u' /.dockerenv; readlink /etc/mtab"])?.exits(0)?;
            equal("what is there", seen.text().as_str(), "755 0 0\n/proc/mounts")?;
            let changed: Vec<String> = w.engine().diff(&id)?.into_iter().map(|change| change.path).collect();
            equal("changes", changed, Vec::<String>::new())
        },
    ),
];
