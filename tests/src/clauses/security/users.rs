//! Users and capabilities that turn out to be more than was asked for.

use crate::clause::Clause;
use crate::fixture::{Entry, append};
use crate::outcome::{Checked, equal, fail, holds};
use crate::script::Script;
use crate::world::World;
use drydock_core::container::ContainerConfig;
use drydock_core::host::Capability;

const CAPS: &str = "CVE-2022-24769; CVE-2022-27649; CVE-2022-27650; CVE-2022-29162";
const NUMBERS: &str = "CVE-2024-40635; CVE-2016-3697; CVE-2026-30892";

/// Words that look like a user and are not root. Whoever runs, it is not root.
const NOT_ROOT: [&str; 20] = [
    "-1",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "0x0",
    "00x",
    "1.0",
    " 0",
    "0 ",
    "٠",
    "1000",
    "wrap",
    "big",
    "1e3",
    "+0x",
    "0a",
    "root ",
    "\u{2460}",
];

/// An image with odd lines in its file of users.
fn odd_users(w: &World<'_>) -> Checked {
    let passwd = "root:x:0:0:root:/root:/bin/sh\n1000:x:0:0::/:/bin/sh\nwrap:x:4294967296:4294967296::/:\nbig:x:99999999999999999999:1::/:\nempty:x:::/:\n:x:0:0::/:\n";
    let group = "root:x:0:\n2000:x:0:root\nwrapped:x:4294967296:\n";
    w.import(
        &append(w.busybox().to_vec(), &[Entry::dir("etc"), Entry::file("etc/passwd", passwd), Entry::file("etc/group", group)]),
        "odd:1",
        &[],
    )
    .map(drop)
}

/// The numbers that a program runs with, or nothing if it was refused.
fn ids(w: &World<'_>, user: &str) -> Checked<Option<Vec<String>>> {
    match w.run_with(&["sh", "-c", "grep -E '^(Uid|Gid|Groups):' /proc/self/status"], |c| {
        (c.image, c.user) = ("odd:1".to_owned(), user.to_owned())
    }) {
        Ok(out) => Ok(Some(out.exits(0)?.lines())),
        Err(failed) if failed.0.contains("unexpected error") => Ok(None),
        Err(failed) => Err(failed),
    }
}

fn all_fields(status: &str) -> Checked {
    for field in ["CapInh", "CapAmb"] {
        let value = status.lines().find_map(|l| l.strip_prefix(field)).unwrap_or("gone").trim_start_matches(':').trim();
        equal(field, value, "0000000000000000")?;
    }
    Ok(())
}

const STATUS: [&str; 3] = ["grep", "^Cap", "/proc/self/status"];

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("SEC-CAP-1", "No program has inheritable or ambient capabilities, whatever it was given.", CAPS, |w| {
        let tweaks: [fn(&mut ContainerConfig); 5] = [
            |_| {},
            |c| c.cap_add = vec!["NET_ADMIN".to_owned()],
            |c| (c.user, c.cap_add) = ("1000".to_owned(), vec!["NET_ADMIN".to_owned()]),
            |c| c.cap_drop = vec!["ALL".to_owned()],
            |c| c.user = "app".to_owned(),
        ];
        for tweak in tweaks {
            all_fields(&w.run_with(&STATUS, tweak)?.exits(0)?.text())?;
        }
        Ok(())
    }),
    Clause::law(
        "SEC-CAP-2",
        "Nor has one that came in by exec, privileged or not; and privileged it has no more than the engine.",
        CAPS,
        |w| {
            let id = w.sleeper(|c| c.cap_drop = vec!["CHOWN".to_owned()])?;
            all_fields(&w.exec(&id, &STATUS)?.exits(0)?.text())?;
            all_fields(&w.exec_with(&id, &STATUS, |e| e.user = "1000".to_owned(), &mut Script::silent())?.exits(0)?.text())?;
            w.inside("the engine's own capabilities")?;
            let privileged = w.exec_with(&id, &STATUS, |e| e.privileged = true, &mut Script::silent())?.exits(0)?.text();
            all_fields(&privileged)?;
            let bound = privileged.lines().find_map(|l| l.strip_prefix("CapBnd:")).unwrap_or_default().trim().to_owned();
            equal("CapBnd", bound, format!("{:016x}", w.engine().facts().capabilities))
        },
    )
    .needs(&[Capability::Exec]),
    Clause::docker("SEC-USER-1", "Nobody becomes root who did not say root or 0: not by overflow, sign, base or blanks.", NUMBERS, |w| {
        odd_users(w)?;
        for user in NOT_ROOT {
            if let Some(ids) = ids(w, user)? {
                let uid = ids.first().cloned().unwrap_or_default();
                holds(format_args!("{user:?} is not root: {uid}"), !uid.split_whitespace().skip(1).any(|id| id == "0"))?;
            }
        }
        Ok(())
    }),
    Clause::law(
        "SEC-USER-2",
        "Nor does a group become root's: not by overflow, and not by a group whose name is a number.",
        NUMBERS,
        |w| {
            odd_users(w)?;
            for user in ["5:4294967296", "5:-1", "5:2000", "5:wrapped", "5:0x0", "5: 0", "5:2147483648"] {
                if let Some(ids) = ids(w, user)? {
                    let gid = ids.get(1).cloned().unwrap_or_default();
                    holds(format_args!("{user:?} has not root's group: {gid}"), !gid.split_whitespace().skip(1).any(|id| id == "0"))?;
                }
            }
            Ok(())
        },
    ),
    Clause::law("SEC-USER-3", "A number is a number, even where the file of users has a user of that name.", "CVE-2026-46680", |w| {
        odd_users(w)?;
        match ids(w, "1000")? {
            Some(ids) => {
                equal("ids", ids.first().map(|l| l.split_whitespace().nth(1).unwrap_or_default().to_owned()), Some("1000".to_owned()))
            }
            None => fail("a number is refused"),
        }
    }),
    Clause::law("SEC-USER-4", "A file closed to a group is closed to a user whose group that is.", "CVE-2022-36109", |w| {
        let script = "cat /closed/f";
        let dir = [Entry::dir("closed").mode(0o705).owner(0, 1000), Entry::file("closed/f", "SECRET").mode(0o644)];
        w.import(&append(w.busybox().to_vec(), &dir), "closed:1", &[])?;
        for user in ["app", "1000", "1000:1000"] {
            let out = w.sh_with(script, |c| (c.image, c.user) = ("closed:1".to_owned(), user.to_owned()))?;
            out.exits(1)?.complains("ermission denied")?;
        }
        let out =
            w.sh_with(script, |c| (c.image, c.user, c.groups) = ("closed:1".to_owned(), "5:6".to_owned(), vec!["1000".to_owned()]))?;
        out.exits(1)?.complains("ermission denied")?.done()
    }),
    Clause::law("SEC-USER-5", "A named pipe or a device as the file of users is not waited for nor read.", "CVE-2024-9676", |w| {
        let id = w.ready("rm -f /etc/passwd && mkfifo /etc/passwd && echo ready; sleep 1000", |_| {})?;
        w.exec_refused(&id, &["true"], |e| e.user = "app".to_owned())?;
        w.exec_with(&id, &["true"], |e| e.user = "1000".to_owned(), &mut Script::silent())?.exits(0)?;
        w.import(&append(w.busybox().to_vec(), &[Entry::dir("etc"), Entry::device("etc/passwd", 1, 5)]), "zero:1", &[])?;
        w.refused(&["true"], |c| (c.image, c.user) = ("zero:1".to_owned(), "app".to_owned())).map(drop)
    })
    .needs(&[Capability::Exec]),
];
