//! What a container may not do: capabilities, the system call filter, masked and read-only paths, devices.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, contains, equal, holds};
use crate::world::World;
use drydock_core::host::Capability;

const CAPS: &str = "Docker manual, docker container run, Runtime privilege and Linux capabilities; capabilities(7)";
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
];
