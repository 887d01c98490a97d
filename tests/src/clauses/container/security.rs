//! What a container may not do: capabilities, the system call filter, masked and read-only paths, devices.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, contains, equal, holds};
use crate::world::World;
use drydock_core::host::Capability;

const CAPS: &str = "Docker manual, docker container run, Runtime privilege and Linux capabilities; capabilities(7)";
const OPTIONS: &str = "Docker CLI reference, docker container run --security-opt";
const SECCOMP: &str = "Docker manual, Seccomp security profiles";
const MASKED: &str = "runtime-spec config-linux.md, Masked Paths, Readonly Paths";

fn status(w: &World<'_>, field: &str, tweak: impl FnOnce(&mut drydock_core::container::ContainerConfig)) -> Checked<String> {
    let out = w.run_with(&["grep", &format!("^{field}:"), "/proc/self/status"], tweak)?.exits(0)?;
    Ok(out.text().split_whitespace().nth(1).unwrap_or_default().to_owned())
}

/// Fails unless the script fails with these words.
fn refused(w: &World<'_>, script: &str, words: &str) -> Checked {
    let out = w.sh(script)?;
    holds(format_args!("{script} fails, with {words:?}: {:?}", out.error_text()), out.code != 0 && out.error_text().contains(words))
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-SEC-1", "Root in a container has fourteen capabilities, and none can be inherited.", CAPS, |w| {
        for (field, wanted) in [
            ("CapInh", "0000000000000000"),
            ("CapPrm", "00000000a80425fb"),
            ("CapEff", "00000000a80425fb"),
            ("CapBnd", "00000000a80425fb"),
            ("CapAmb", "0000000000000000"),
        ] {
            equal(field, status(w, field, |_| {})?.as_str(), wanted)?;
        }
        Ok(())
    }),
    Clause::docker("CTR-SEC-2", "--cap-drop takes capabilities away, ALL takes every one.", CAPS, |w| {
        equal("without CHOWN", status(w, "CapEff", |c| c.cap_drop = vec!["CHOWN".to_owned()])?.as_str(), "00000000a80425fa")?;
        equal("without any", status(w, "CapBnd", |c| c.cap_drop = vec!["ALL".to_owned()])?.as_str(), "0000000000000000")?;
        w.sh_with("chown 1:1 /tmp", |c| c.cap_drop = vec!["cap_chown".to_owned()])?.exits(1)?.complains("Operation not permitted")?.done()
    }),
    Clause::docker("CTR-SEC-3", "--cap-add gives capabilities.", CAPS, |w| {
        equal("with NET_ADMIN", status(w, "CapEff", |c| c.cap_add = vec!["NET_ADMIN".to_owned()])?.as_str(), "00000000a80435fb")
    }),
    Clause::docker("CTR-SEC-4", "A capability that does not exist is refused by name.", CAPS, |w| {
        let error = w.refused(&["true"], |c| c.cap_add = vec!["FROB".to_owned()])?;
        contains("message", &error.to_string(), "unknown capability: \"CAP_FROB\"")
    }),
    Clause::docker(
        "CTR-SEC-5",
        "A system call filter is in force, unless seccomp=unconfined is asked for.",
        "Docker manual, Seccomp security profiles",
        |w| {
            equal("default", status(w, "Seccomp", |_| {})?.as_str(), "2")?;
            equal("unconfined", status(w, "Seccomp", |c| c.security_opt = vec!["seccomp=unconfined".to_owned()])?.as_str(), "0")
        },
    )
    .needs(&[Capability::Seccomp]),
    Clause::docker(
        "CTR-SEC-6",
        "no_new_privs is set when it is asked for, and only then.",
        "Docker manual, docker container run --security-opt; prctl(2)",
        |w| {
            equal("default", status(w, "NoNewPrivs", |_| {})?.as_str(), "0")?;
            equal("asked for", status(w, "NoNewPrivs", |c| c.security_opt = vec!["no-new-privileges".to_owned()])?.as_str(), "1")
        },
    ),
    Clause::docker("CTR-SEC-7", "Mounting, a new mount namespace and a new host name are refused.", CAPS, |w| {
        refused(w, "mkdir /m; mount -t tmpfs x /m", "permi")?;
        refused(w, "unshare -m true", "Operation not permitted")?;
        refused(w, "hostname foo", "Operation not permitted")
    }),
    Clause::docker("CTR-SEC-8", "Links cannot be added, nor the kernel's messages read.", CAPS, |w| {
        refused(w, "ip link add x type bridge", "Operation not permitted")?;
        refused(w, "dmesg", "Operation not permitted")
    }),
    Clause::docker(
        "CTR-SEC-9",
        "A device node may be made, and only the standard devices can be opened.",
        "runtime-spec config-linux.md, Allowed Device list",
        |w| {
            w.sh("mknod /dev/n c 1 3 && echo x >/dev/n && echo ok")?.prints("ok")?;
            w.sh("mknod /dev/sdz b 8 0 && cat /dev/sdz")?.exits(1)?.complains("Operation not permitted")?.done()
        },
    ),
    Clause::docker("CTR-SEC-10", "Settings of the kernel are read-only: /proc/sys, /sys and the control groups.", MASKED, |w| {
        refused(w, "echo 1 >/proc/sys/net/ipv4/ip_forward", "Read-only file system")?;
        refused(w, "mkdir /sys/x", "Read-only file system")?;
        refused(w, "echo h >/proc/sysrq-trigger", "can't create /proc/sysrq-trigger")
    }),
    Clause::docker(
        "CTR-SEC-11",
        "What tells of the kernel and its devices is masked: /proc/kcore and its like, and /sys/firmware.",
        MASKED,
        |w| {
            let masked =
                "/proc/acpi /proc/kcore /proc/keys /proc/latency_stats /proc/scsi /proc/sched_debug /proc/timer_list /sys/firmware";
            // A mount hides each one that the kernel has.
            let script = format!(
                "for p in {masked}; do test ! -e $p || grep -q \" $p \" /proc/mounts || echo $p is bare; done; \
             cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null; ls -A /sys/firmware 2>/dev/null; true"
            );
            w.sh(&script)?.prints("")?.done()
        },
    ),
    Clause::docker("CTR-SEC-12", "Changing root and changing owners are allowed to root in a container.", CAPS, |w| {
        w.sh("chroot / true && touch /f && chown 5:6 /f && stat -c %u:%g /f")?.prints("5:6")?.done()
    }),
    Clause::docker("CTR-SEC-13", "--ulimit sets the soft and the hard limit.", cite::RUN, |w| {
        w.sh_with("ulimit -n; ulimit -Hn", |c| c.ulimits = vec!["nofile=64:128".to_owned()])?.prints("64\n128")?;
        w.sh_with("ulimit -n; ulimit -Hn", |c| c.ulimits = vec!["nofile=64".to_owned()])?.prints("64\n64")?.done()
    }),
    // Docker gives every capability the kernel has, and fails where the engine lacks one; Drydock gives those the engine has.
    Clause::law(
        "CTR-SEC-14",
        "A privileged container has every capability that the engine has, no filter, and nothing masked or read-only.",
        "Docker manual, docker container run --privileged",
        |w| {
            w.inside("the engine's own capabilities")?;
            let all = format!("{:016x}", w.engine().facts().capabilities);
            equal("CapEff", status(w, "CapEff", |c| c.privileged = true)?, all)?;
            equal("Seccomp", status(w, "Seccomp", |c| c.privileged = true)?.as_str(), "0")?;
            w.sh_with("mkdir /m && mount -t tmpfs x /m && grep -c ' /m ' /proc/mounts", |c| c.privileged = true)?.prints("1")?.done()
        },
    ),
    Clause::docker(
        "CTR-SEC-15",
        "A namespaced setting can be given; one of the whole kernel is refused.",
        "Docker manual, docker container run --sysctl",
        |w| {
            let set = |key: &str| {
                let key = key.to_owned();
                move |c: &mut drydock_core::container::ContainerConfig| drop(c.sysctls.insert(key, "1".to_owned()))
            };
            w.run_with(&["cat", "/proc/sys/net/ipv4/ip_forward"], set("net.ipv4.ip_forward"))?.prints("1")?;
            let error = w.refused(&["true"], set("kernel.panic"))?;
            contains("message", &error.to_string(), "kernel.panic")
        },
    ),
    Clause::docker("CTR-SEC-16", "A profile of its own replaces the default one, with the error that it names.", SECCOMP, |w| {
        let profile = r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}"#;
        equal("mode", status(w, "Seccomp", |c| c.security_opt = vec![format!("seccomp={profile}")])?.as_str(), "2")
    })
    .needs(&[Capability::Seccomp]),
    Clause::docker("CTR-SEC-17", "A profile that is none, or names an action that is none, is refused.", SECCOMP, |w| {
        for profile in ["{", "[]", r#"{"defaultAction":"SCMP_ACT_FOO"}"#] {
            let error = w.refused(&["true"], |c| c.security_opt = vec![format!("seccomp={profile}")])?;
            equal(profile, error.exit_code_of_run(), 125)?;
        }
        Ok(())
    })
    .needs(&[Capability::Seccomp]),
    Clause::docker("CTR-SEC-18", "A security option that is none is refused by its text.", OPTIONS, |w| {
        for text in ["foo=bar", "no-new-privileges=foo"] {
            let error = w.refused(&["true"], |c| c.security_opt = vec![text.to_owned()])?;
            contains("message", &error.to_string(), &format!("invalid --security-opt 2: \"{text}\""))?;
        }
        let error = w.refused(&["true"], |c| c.security_opt = vec!["foo".to_owned()])?;
        contains("message", &error.to_string(), "Invalid --security-opt: \"foo\"")
    }),
    Clause::docker("CTR-SEC-19", "Options of security modules are taken where there is no such module.", OPTIONS, |w| {
        for text in ["apparmor=unconfined", "label=disable", "label=type:foo", "label=level:s0:c1"] {
            w.run_with(&["true"], |c| c.security_opt = vec![text.to_owned()])?.exits(0)?;
        }
        Ok(())
    }),
    Clause::docker("CTR-SEC-20", "systempaths=unconfined masks nothing and makes nothing read-only.", OPTIONS, |w| {
        let count = "grep -c ' /proc/' /proc/mounts; true";
        w.sh_with(count, |c| c.security_opt = vec!["systempaths=unconfined".to_owned()])?.prints("0")?;
        let usual: u32 = w.sh(count)?.exits(0)?.text().parse().unwrap_or(0);
        holds(format_args!("otherwise some are: {usual}"), usual > 3)
    }),
    Clause::docker("CTR-SEC-21", "With every capability dropped, those added by name remain.", CAPS, |w| {
        let only = |c: &mut drydock_core::container::ContainerConfig| {
            c.cap_drop = vec!["ALL".to_owned()];
            c.cap_add = vec!["CHOWN".to_owned()];
        };
        for field in ["CapPrm", "CapEff", "CapBnd"] {
            equal(field, status(w, field, only)?.as_str(), "0000000000000001")?;
        }
        Ok(())
    }),
    Clause::docker("CTR-SEC-22", "A user who is not root can get back what the bounding set holds, and has none of it.", CAPS, |w| {
        let as_app = |c: &mut drydock_core::container::ContainerConfig| c.user = "1000".to_owned();
        for (field, wanted) in [("CapPrm", "0000000000000000"), ("CapEff", "0000000000000000"), ("CapBnd", "00000000a80425fb")] {
            equal(field, status(w, field, as_app)?.as_str(), wanted)?;
        }
        let with_more = |c: &mut drydock_core::container::ContainerConfig| {
            c.user = "1000".to_owned();
            c.cap_add = vec!["NET_ADMIN".to_owned()];
        };
        equal("CapEff", status(w, "CapEff", with_more)?.as_str(), "0000000000000000")?;
        equal("CapBnd", status(w, "CapBnd", with_more)?.as_str(), "00000000a80435fb")
    }),
    Clause::docker("CTR-SEC-23", "A capability to drop that does not exist is refused by name.", CAPS, |w| {
        let error = w.refused(&["true"], |c| c.cap_drop = vec!["NOPE".to_owned()])?;
        contains("message", &error.to_string(), "invalid CapDrop: unknown capability: \"CAP_NOPE\"")
    }),
    Clause::docker(
        "CTR-SEC-24",
        "Any user may listen on any port, and send echo requests.",
        "ip(7), ip_unprivileged_port_start; icmp(7), ping_group_range",
        |w| {
            let script = "cat /proc/sys/net/ipv4/ip_unprivileged_port_start; tr '\\t' ' ' </proc/sys/net/ipv4/ping_group_range";
            w.sh(script)?.prints("0\n0 2147483647")?.done()
        },
    ),
    Clause::docker("CTR-SEC-25", "--isolation and --runtime have one word each; others are refused.", cite::RUN, |w| {
        w.run_with(&["true"], |c| c.isolation = "default".to_owned())?.exits(0)?;
        let error = w.refused(&["true"], |c| c.isolation = "hyperv".to_owned())?;
        contains("isolation", &error.to_string(), "Invalid isolation: \"hyperv\" - linux only supports 'default'")?;
        let error = w.refused(&["true"], |c| c.runtime = "nope".to_owned())?;
        contains("runtime", &error.to_string(), "Unknown runtime specified nope")
    }),
    Clause::docker(
        "CTR-SEC-26",
        "A sysctl that no namespace of the container has is refused, in every spelling.",
        "Docker manual, docker container run --sysctl; CVE-2022-0811",
        |w| {
            for key in ["kernel.domainname", "kernel.core_pattern", "vm.swappiness", "fs.file-max", "net/ipv4/ip_forward", "a=b+kernel.x"] {
                let error = w.refused(&["true"], |c| drop(c.sysctls.insert(key.to_owned(), "1".to_owned())))?;
                equal(key, error.exit_code_of_run(), 125)?;
            }
            Ok(())
        },
    ),
    Clause::docker(
        "CTR-SEC-27",
        "Every kind of limit can be given, -1 is none, and a soft one above the hard one is refused.",
        "Docker CLI reference, docker container run --ulimit; getrlimit(2)",
        |w| {
            let ulimits = ["core=0", "nofile=64:128", "cpu=300", "fsize=1048576", "msgqueue=4096"].map(str::to_owned).to_vec();
            let out = w.run_with(&["cat", "/proc/self/limits"], |c| c.ulimits = ulimits)?.exits(0)?.text();
            for (row, soft, hard) in [
                ("Max core file size", "0", "0"),
                ("Max open files", "64", "128"),
                ("Max cpu time", "300", "300"),
                ("Max file size", "1048576", "1048576"),
                ("Max msgqueue size", "4096", "4096"),
            ] {
                let line = out.lines().find_map(|l| l.strip_prefix(row)).unwrap_or_default();
                let words: Vec<&str> = line.split_whitespace().collect();
                equal(row, (words.first().copied(), words.get(1).copied()), (Some(soft), Some(hard)))?;
            }
            w.sh_with("ulimit -c", |c| c.ulimits = vec!["core=-1".to_owned()])?.prints("unlimited")?;
            let error = w.refused(&["true"], |c| c.ulimits = vec!["nofile=10:5".to_owned()])?;
            contains("message", &error.to_string(), "ulimit soft limit must be less than or equal to hard limit: 10 > 5")
        },
    ),
    Clause::law("CTR-SEC-28", "What moby masks since then is masked too: /proc/interrupts, the powercap of the processors.", MASKED, |w| {
        let script = "for p in /proc/interrupts /proc/asound /sys/devices/virtual/powercap; do test ! -e $p || grep -q \" $p \" /proc/mounts || echo $p is bare; done; cat /proc/interrupts 2>/dev/null; ls /sys/devices/virtual/powercap 2>/dev/null; true";
        w.sh(script)?.prints("")?.done()
    }),
    Clause::law("CTR-SEC-29", "How often each processor was throttled is not told.", "CVE-2020-8694; moby, masked paths", |w| {
        w.sh("ls /sys/devices/system/cpu/cpu*/thermal_throttle/* 2>/dev/null; true")?.prints("")?.done()
    }),
];
