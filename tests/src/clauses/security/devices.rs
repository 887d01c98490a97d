//! What an image or a volume puts where a device is to be.

use super::{canary, untouched};
use crate::ask;
use crate::clause::Clause;
use crate::fixture::{Entry, append};
use crate::outcome::{Checked, contains, holds};
use crate::world::World;
use drydock_core::container::ContainerConfig;

/// A directory that containers share and that holds these links: another container made them.
fn links(w: &World<'_>, name: &str, script: &str) -> Checked<String> {
    let shared = format!("{}/{name}", w.scratch());
    w.sh_with(&format!("cd /v && {script}"), |c| c.mounts.push(ask::bind(&shared, "/v")))?.exits(0)?;
    Ok(shared)
}

/// What came of a container: its output, or why it was refused. Either may be right; the check is what else happened.
fn attempt(w: &World<'_>, script: &str, tweak: impl FnOnce(&mut ContainerConfig)) -> String {
    match w.sh_with(script, tweak) {
        Ok(out) => out.text(),
        Err(failed) => failed.0,
    }
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::law(
        "SEC-DEV-1",
        "A device is not put where the image has a link, and what the link leads to keeps its mode.",
        "symlink(7)",
        |w| {
            let dir = canary(w)?;
            let up = "../".repeat(12);
            for (number, to) in [format!("{dir}/victim"), format!("{up}{dir}/victim")].iter().enumerate() {
                let name = format!("link:{number}");
                w.import(&append(w.busybox().to_vec(), &[Entry::dir("opt"), Entry::symlink("opt/fuse", to)]), &name, &[])?;
                let error = w.refused(&["true"], |c| (c.image, c.devices) = (name, vec![ask::device("/dev/null", "/opt/fuse", "rwm")]))?;
                contains("message", &error.to_string(), "/opt/fuse")?;
                untouched(w, &dir)?;
            }
            Ok(())
        },
    ),
    Clause::law(
        "SEC-DEV-2",
        "Links in what is mounted at /dev lead no device, no mask and no terminal to a file of the host.",
        "CVE-2025-31133; CVE-2025-52565",
        |w| {
            let dir = canary(w)?;
            for name in ["null", "tty", "console", "full"] {
                let shared = links(w, &format!("dev-{name}"), &format!("ln -s {dir}/victim {name}"))?;
                attempt(w, "echo x >/dev/null; head -c 1 /proc/kcore; echo y >/dev/console; cat /dev/console", |c| {
                    c.mounts.push(ask::bind(&shared, "/dev"));
                    (c.tty, c.open_stdin) = (name == "console", false);
                });
                untouched(w, &dir)?;
            }
            Ok(())
        },
    ),
    Clause::law(
        "SEC-DEV-3",
        "With a false null device nothing is masked by it: the start is refused.",
        "CVE-2025-31133; CVE-2025-62161",
        |w| {
            let before = w.host("cat /proc/sys/kernel/core_pattern")?.text();
            let shared = links(w, "false-null", "ln -s /proc/sys/kernel/core_pattern null")?;
            let error = w.refused(&["sh", "-c", "echo '|/evil' >/proc/kcore"], |c| c.mounts.push(ask::bind(&shared, "/dev")))?;
            contains("message", &error.to_string(), "/dev/null")?;
            crate::outcome::equal("core_pattern", w.host("cat /proc/sys/kernel/core_pattern")?.text(), before)
        },
    ),
    Clause::law(
        "SEC-DEV-4",
        "An image whose /dev is a link has a /dev of its own, and the host's directory stays as it is.",
        "CVE-2026-41579; CVE-2026-47766",
        |w| {
            let dir = canary(w)?;
            let up = "../".repeat(12);
            for (number, to) in [dir.clone(), format!("{up}{dir}"), "/etc".to_owned()].iter().enumerate() {
                let name = format!("dev:{number}");
                w.import(&append(w.busybox().to_vec(), &[Entry::symlink("dev", to)]), &name, &[])?;
                attempt(w, "ls /dev; echo x >/dev/null", |c| c.image = name);
                untouched(w, &dir)?;
            }
            Ok(())
        },
    ),
    Clause::law(
        "SEC-DEV-5",
        "The device files of a layer that are no standard devices cannot be opened.",
        "runtime-spec config-linux.md, Allowed Device list",
        |w| {
            let nodes = [
                Entry::dir("nodes"),
                Entry::device("nodes/mem", 1, 1),
                Entry::device("nodes/kmsg", 1, 11),
                Entry::block_device("nodes/disk", 8, 0),
                Entry::block_device("nodes/loop", 7, 0),
                Entry::device("nodes/tun", 10, 200),
                Entry::device("nodes/fuse", 10, 229),
            ];
            w.import(&append(w.busybox().to_vec(), &nodes), "nodes:1", &[])?;
            let out = w.sh_with("for n in /nodes/*; do head -c 1 $n >/dev/null && echo $n opened; done; true", |c| {
                c.image = "nodes:1".to_owned()
            })?;
            let refused = out.error_text().matches("not permitted").count();
            holds(format_args!("{refused} of 6 are refused, {:?} opened", out.text()), out.text().is_empty() && refused == 6)
        },
    ),
];
