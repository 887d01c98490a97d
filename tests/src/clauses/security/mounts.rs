//! Mounts that are to end up elsewhere than where they were asked for.

use super::{canary, untouched};
use crate::ask;
use crate::clause::Clause;
use crate::fixture::{Archive, Entry, append};
use crate::outcome::{Checked, contains, fail, holds};
use crate::world::World;
use drydock_core::ErrorKind;
use serde_json::json;

const PROC: &str = "CVE-2019-16884; CVE-2019-19921; CVE-2023-27561; CVE-2025-52881";

/// Fails unless a container of this image was refused, or has a real procfs and sysfs.
fn true_proc(w: &World<'_>, image: &str) -> Checked {
    let script = "grep -c '^proc /proc proc ' /proc/mounts; test -d /proc/self/ns && test ! -L /proc && test ! -L /sys";
    match w.sh_with(script, |c| c.image = image.to_owned()) {
        Ok(out) => out.prints("1")?.done(),
        Err(failed) if failed.0.contains("unexpected error") => Ok(()),
        Err(failed) => Err(failed),
    }
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::law("SEC-PROC-1", "An image whose /proc or /sys is a link does not have the kernel's files written elsewhere.", PROC, |w| {
        let dir = canary(w)?;
        let up = "../".repeat(12);
        let cases: [(&str, String); 5] = [
            ("proc", "/fake".to_owned()),
            ("proc", dir.clone()),
            ("sys", format!("{up}{dir}")),
            ("proc", "self".to_owned()),
            ("sys", "../..".to_owned()),
        ];
        for (number, (name, to)) in cases.iter().enumerate() {
            let image = format!("procs:{number}");
            w.import(&append(w.busybox().to_vec(), &[Entry::dir("fake"), Entry::dir("fake/self"), Entry::symlink(name, to)]), &image, &[])?;
            true_proc(w, &image)?;
            untouched(w, &dir)?;
        }
        Ok(())
    }),
    Clause::law("SEC-PROC-2", "Nothing can be mounted over /proc or anything in it.", PROC, |w| {
        for target in ["/proc", "/proc/self/attr", "/proc/sys", "/proc/../proc", "/bin/../proc/self"] {
            let error = w.refused(&["true"], |c| c.mounts.push(ask::tmpfs(target)))?;
            contains(target, &error.to_string(), "/proc")?;
        }
        Ok(())
    }),
    Clause::law("SEC-PROC-3", "Nor by a link of the image that leads there.", PROC, |w| {
        w.import(&append(w.busybox().to_vec(), &[Entry::symlink("way", "/proc"), Entry::symlink("way2", "/proc/self")]), "way:1", &[])?;
        for target in ["/way/sys", "/way2/attr", "/way"] {
            match w.sh_with("cat /proc/sys/kernel/ostype && test -d /proc/self/ns", |c| {
                c.image = "way:1".to_owned();
                c.mounts.push(ask::tmpfs(target));
            }) {
                Ok(out) => out.exits(0)?.says("Linux")?.done()?,
                Err(failed) if failed.0.contains("unexpected error") => {}
                Err(failed) => return Err(failed),
            }
        }
        Ok(())
    }),
    Clause::law(
        "SEC-PROC-4",
        "What the engine writes to the kernel reaches the kernel: a volume over /sys does not take it.",
        "CVE-2025-52881",
        |w| {
            let out = w.sh_with(
                "cat /proc/self/oom_score_adj; cat /proc/sys/net/ipv4/ip_forward; cat /proc/1/attr/current 2>/dev/null; true",
                |c| {
                    c.mounts.push(ask::tmpfs("/sys"));
                    c.resources.oom_score_adj = Some(77);
                    c.sysctls.insert("net.ipv4.ip_forward".to_owned(), "1".to_owned());
                },
            )?;
            out.exits(0)?.says("77\n1")?.done()
        },
    ),
    Clause::law(
        "SEC-MNT-1",
        "A mount in a mount whose place is a link is not made on the host, nor the host seen in it.",
        "CVE-2021-30465",
        |w| {
            let dir = canary(w)?;
            let up = "../".repeat(12);
            for (number, to) in ["/".to_owned(), format!("{up}{dir}"), dir.clone()].iter().enumerate() {
                let (one, two) = (format!("{}/outer{number}", w.scratch()), format!("{}/inner{number}", w.scratch()));
                w.sh_with(&format!("rm -rf /a/b; ln -s {to} /a/b"), |c| c.mounts.push(ask::bind(&one, "/a")))?.exits(0)?;
                let out = w.sh_with(&format!("cat {dir}/secret /a/b{dir}/secret /a/b/secret 2>/dev/null; true"), |c| {
                    c.mounts.extend([ask::bind(&one, "/a"), ask::bind(&two, "/a/b")]);
                });
                if let Ok(out) = out {
                    holds("the secret is not seen", !out.text().contains("HOSTSECRET"))?;
                }
                untouched(w, &dir)?;
            }
            Ok(())
        },
    ),
    Clause::law(
        "SEC-MNT-2",
        "The place of a mount is made inside, whatever links lead there: nothing new is on the host.",
        "CVE-2024-45310",
        |w| {
            let dir = canary(w)?;
            let up = "../".repeat(12);
            w.import(
                &append(w.busybox().to_vec(), &[Entry::symlink("abs", &dir), Entry::symlink("rel", &format!("{up}{dir}"))]),
                "stray:1",
                &[],
            )?;
            for target in ["/abs/made", "/rel/made/deep", "/abs"] {
                let _ = w.run_with(&["true"], |c| {
                    c.image = "stray:1".to_owned();
                    c.mounts.push(ask::tmpfs(target));
                });
                untouched(w, &dir)?;
            }
            Ok(())
        },
    ),
    Clause::law("SEC-MNT-3", "A volume of the image whose path has dots stays in the container.", "CVE-2022-23648", |w| {
        let dir = canary(w)?;
        let up = "../".repeat(12);
        for (number, path) in [format!("/{up}{dir}"), format!("/x/{up}{dir}")].iter().enumerate() {
            let name = format!("dots:{number}");
            let config =
                json!({"Cmd": ["sh", "-c", "cat /secret /canary/secret 2>/dev/null; true"], "Env": ["PATH=/bin"], "Volumes": {path: {}}});
            w.engine().load(&mut &*Archive::new(vec![w.busybox().to_vec()], &[&name]).config(config).docker())?;
            if let Ok(out) = w.run_with(&[], |c| c.image = name) {
                holds("the secret is not seen", !out.text().contains("HOSTSECRET"))?;
            }
            untouched(w, &dir)?;
        }
        Ok(())
    }),
    Clause::law(
        "SEC-MNT-4",
        "What is mounted in one container is seen by no other and not by the host, whatever it asks to spread.",
        "mount_namespaces(7)",
        |w| {
            let before = w.host("wc -l </proc/self/mountinfo")?.text();
            let id = w.ready("grep -c master: /proc/self/mountinfo; echo ready; sleep 1000", |c| c.mounts.push(ask::tmpfs("/t")))?;
            if !w.log_text(&id)?.starts_with("0\n") {
                return fail("mounts of the container are slaves of the host's");
            }
            crate::outcome::equal("mounts of the host", w.host("wc -l </proc/self/mountinfo")?.text(), before)
        },
    ),
    Clause::law("SEC-MNT-5", "A volume's name is no path.", "Docker CLI reference, docker volume create", |w| {
        for name in ["../x", "a/b", ".", "..", "-x", "a\nb"] {
            match w.refused(&["true"], |c| c.mounts.push(ask::volume(name, "/v"))) {
                Ok(error) => crate::outcome::equal(name, error.kind(), ErrorKind::InvalidInput)?,
                Err(failed) => return Err(failed),
            }
        }
        Ok(())
    }),
];
