//! What every program starts with: paths, devices, signals, session, and what options change of it.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, contains, equal, holds};
use crate::world::World;
use drydock_core::container::{ContainerConfig, NetworkMode};

const PATHS: &str = "runtime-spec config-linux.md, Readonly Paths";
const CAPS: &str = "Docker manual, docker container run, Runtime privilege and Linux capabilities; capabilities(7)";
const OPTIONS: &str = "Docker CLI reference, docker container run --security-opt";

fn effective(w: &World<'_>, tweak: impl FnOnce(&mut ContainerConfig)) -> Checked<String> {
    let out = w.run_with(&["grep", "^CapEff:", "/proc/self/status"], tweak)?.exits(0)?.text();
    Ok(out.split_whitespace().nth(1).unwrap_or_default().to_owned())
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "CTR-DEF-1",
        "What a write to /proc would change of the host is read-only: bus, fs, irq, sys, sysrq-trigger.",
        PATHS,
        |w| {
            let script = "for p in bus fs irq sys sysrq-trigger; do test ! -e /proc/$p || grep -q \"^proc /proc/$p proc ro\" /proc/mounts || echo $p can be written; done";
            w.sh(script)?.prints("")?.done()
        },
    ),
    Clause::docker("CTR-DEF-2", "With --read-only what is in memory can be written all the same: /dev, /dev/shm.", cite::RUN, |w| {
        let script =
            "touch /dev/shm/x && echo shm; touch /dev/x && echo dev; echo x >/dev/null && echo null; mkdir /new 2>/dev/null || echo root";
        w.sh_with(script, |c| c.read_only = true)?.prints("shm\ndev\nnull\nroot")?.done()
    }),
    Clause::docker("CTR-DEF-3", "Without an option the kernel's badness of a program is 0.", cite::RUN, |w| {
        w.run(&["cat", "/proc/self/oom_score_adj"])?.prints("0")?.done()
    }),
    Clause::docker(
        "CTR-DEF-4",
        "With a terminal there is a console, which is the terminal; without one there is none.",
        "runtime-spec config-linux.md, Default Devices",
        |w| {
            w.run(&["test", "-e", "/dev/console"])?.exits(1)?;
            let shown = w.run_with(&["stat", "-c", "%t %a %u:%g", "/dev/console"], |c| c.tty = true)?.exits(0)?;
            equal("kind, mode and owner", shown.text().trim().to_owned(), "88 620 0:5".to_owned())
        },
    ),
    Clause::docker(
        "CTR-DEF-5",
        "The program leads a session and a group of its own, and has no terminal.",
        "setsid(2); proc_pid_stat(5)",
        |w| w.sh("cut -d' ' -f5-7 /proc/1/stat")?.prints("1 1 0")?.done(),
    ),
    Clause::docker("CTR-DEF-6", "No signal is blocked or ignored, whatever the engine was started with.", "signal(7), execve(2)", |w| {
        for field in ["SigBlk", "SigIgn"] {
            let out = w.run(&["grep", &format!("^{field}:"), "/proc/self/status"])?.exits(0)?.text();
            equal(field, out.split_whitespace().nth(1).map(str::to_owned), Some("0000000000000000".to_owned()))?;
        }
        Ok(())
    }),
    Clause::docker("CTR-DEF-7", "no-new-privileges is written with a colon or an equals sign, and can be false.", OPTIONS, |w| {
        for (option, value) in [("no-new-privileges:true", "1"), ("no-new-privileges=true", "1"), ("no-new-privileges:false", "0")] {
            let out = w.run_with(&["grep", "NoNewPrivs", "/proc/self/status"], |c| c.security_opt = vec![option.to_owned()])?.exits(0)?;
            equal(option, out.text().split_whitespace().nth(1).map(str::to_owned), Some(value.to_owned()))?;
        }
        Ok(())
    }),
    Clause::docker(
        "CTR-DEF-8",
        "A sysctl of the network is refused with the host's network.",
        "Docker manual, docker container run --sysctl",
        |w| {
            let error = w.refused(&["true"], |c| {
                c.network = NetworkMode::Host;
                c.sysctls.insert("net.ipv4.ip_forward".to_owned(), "1".to_owned());
            })?;
            contains("message", &error.to_string(), "net.ipv4.ip_forward")?;
            contains("message", &error.to_string(), "not allowed in host network namespace")
        },
    ),
    Clause::docker(
        "CTR-DEF-9",
        "Capabilities are dropped before others are added, in any spelling; one in both lists is had.",
        CAPS,
        |w| {
            let list = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
            let only = effective(w, |c| (c.cap_drop, c.cap_add) = (list(&["all"]), list(&["net_bind_service"])))?;
            equal("only one", only.as_str(), "0000000000000400")?;
            let other = effective(w, |c| (c.cap_add, c.cap_drop) = (list(&["CAP_SYS_TIME"]), list(&["cap_mknod"])))?;
            equal("one more, one less", other.as_str(), "00000000a20425fb")?;
            let both = effective(w, |c| (c.cap_add, c.cap_drop) = (list(&["MKNOD"]), list(&["MKNOD"])))?;
            equal("in both lists", both.as_str(), "00000000a80425fb")
        },
    ),
    Clause::docker("CTR-DEF-10", "With --init the engine's own is process 1, and the program is its child.", cite::RUN, |w| {
        let out = w.sh_with("test $$ -ne 1 && cut -d' ' -f4 /proc/$$/stat; cat /proc/1/comm", |c| c.init = true)?.exits(0)?;
        let lines = out.lines();
        equal("parent", lines.first().map(String::as_str), Some("1"))?;
        holds(format_args!("{lines:?} names an init"), lines.get(1).is_some_and(|name| name.contains("init")))
    }),
    Clause::docker("CTR-DEF-11", "Further groups come once each, and a number that is none is refused.", cite::RUN, |w| {
        let out = w.run_with(&["id", "-G"], |c| (c.user, c.groups) = ("7:8".to_owned(), vec!["5".to_owned(), "5".to_owned()]))?.exits(0)?;
        let mut ids: Vec<String> = out.text().split_whitespace().map(str::to_owned).collect();
        ids.sort();
        equal("groups", ids, vec!["5".to_owned(), "8".to_owned()])?;
        let error = w.refused(&["true"], |c| c.groups = vec!["-1".to_owned()])?;
        contains("message", &error.to_string(), "uids and gids must be in range 0-2147483647")
    }),
    Clause::docker(
        "CTR-DEF-12",
        "The root and what the engine makes in it belong to root, and others may look.",
        "runtime-spec config.md, Root",
        |w| w.sh("stat -c '%a %u:%g' / /etc; grep ' / ' /proc/mounts | cut -d' ' -f3")?.prints("755 0:0\n755 0:0\noverlay")?.done(),
    ),
];
