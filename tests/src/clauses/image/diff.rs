//! Diff: what a container changed of its image.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::fixture::{Archive, Entry, tar};
use crate::outcome::{Checked, equal, holds};
use crate::world::World;

/// What a script in a container changes, a line each: `A /path`.
fn changes(w: &World<'_>, script: &str) -> Checked<Vec<String>> {
    let id = w.create(&["sh", "-c", script], |_| {})?;
    w.engine().start(&id)?;
    equal("exit code", w.wait(&id)?, 0)?;
    lines(w, &id)
}

fn lines(w: &World<'_>, id: &str) -> Checked<Vec<String>> {
    Ok(w.engine().diff(id)?.into_iter().map(|c| format!("{} {}", c.kind.letter(), c.path)).collect())
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "IMG-DIFF-1",
        "Diff tells what was added, changed and deleted, and each directory in which that was.",
        cite::DIFF,
        |w| {
            let all = changes(w, "echo x >/new; echo y >>/etc/passwd; mkdir /d; echo z >/d/e; rm /etc/group")?;
            equal("lines", all, vec!["A /d", "A /d/e", "C /etc", "D /etc/group", "C /etc/passwd", "A /new"])
        },
    ),
    Clause::docker("IMG-DIFF-2", "A container that changed nothing shows nothing, whatever its start made to mount on.", cite::DIFF, |w| {
        let id = w.create(&["true"], |_| {})?;
        equal("before its start", lines(w, &id)?, Vec::<String>::new())?;
        w.engine().start(&id)?;
        equal("exit code", w.wait(&id)?, 0)?;
        equal("after its end", lines(w, &id)?, Vec::<String>::new())
    }),
    Clause::docker("IMG-DIFF-3", "What is made and removed again is no change.", cite::DIFF, |w| {
        equal("lines", changes(w, "mkdir /home/d; echo x >/home/d/f; rm -r /home/d")?, Vec::<String>::new())
    }),
    Clause::docker("IMG-DIFF-4", "A directory whose mode was changed is a change, without what is in it.", cite::DIFF, |w| {
        equal("lines", changes(w, "chmod 700 /home")?, vec!["C /home"])
    }),
    Clause::docker("IMG-DIFF-5", "Diff of a running container shows what it did up to now.", cite::DIFF, |w| {
        let id = w.ready("echo x >/one; echo ready; sleep 1000", |_| {})?;
        equal("lines", lines(w, &id)?, vec!["A /one"])
    }),
    Clause::docker("IMG-DIFF-6", "A link and a named pipe are added like files.", cite::DIFF, |w| {
        equal("lines", changes(w, "ln -s /x /home/l; mkfifo /home/p")?, vec!["C /home", "A /home/l", "A /home/p"])
    }),
    Clause::docker("IMG-DIFF-7", "What is in a volume is no change of the container; the place it is mounted on is.", cite::DIFF, |w| {
        let volume = |c: &mut drydock_core::container::ContainerConfig| {
            c.mounts.push(drydock_core::container::MountRequest {
                kind: drydock_core::container::MountKind::Volume,
                target: "/vol".to_owned(),
                ..super::plain_mount()
            });
        };
        let id = w.create(&["sh", "-c", "echo x >/vol/f"], volume)?;
        w.engine().start(&id)?;
        equal("exit code", w.wait(&id)?, 0)?;
        equal("lines", lines(w, &id)?, vec!["A /vol"])
    }),
    Clause::docker("IMG-DIFF-8", "Something else in a directory's place is a change of it.", cite::DIFF, |w| {
        let all = changes(w, "rm -r /home; echo file >/home")?;
        equal("lines", all, vec!["C /home"])
    }),
    Clause::law(
        "IMG-DIFF-9",
        "A directory that was removed and made again hides what it had: each of that is deleted.",
        "kernel Documentation/filesystems/overlayfs.rst",
        |w| {
            let layer = tar(&[Entry::dir("o"), Entry::file("o/old", "old"), Entry::file("o/kept", "kept")]);
            w.engine().load(&mut &*Archive::new(vec![w.busybox().to_vec(), layer], &["opaque:1"]).docker())?;
            let id = w.create(&["sh", "-c", "rm -r /o; mkdir /o; echo x >/o/kept; echo y >/o/new"], |c| c.image = "opaque:1".to_owned())?;
            w.engine().start(&id)?;
            equal("exit code", w.wait(&id)?, 0)?;
            let all = lines(w, &id)?;
            for line in ["C /o", "D /o/old", "A /o/new"] {
                holds(format_args!("{line} in {all:?}"), all.iter().any(|l| l == line))?;
            }
            equal("lines", all.len(), 4)
        },
    ),
    Clause::docker("IMG-DIFF-10", "Diff of a container that is not there says so.", cite::DIFF, |w| {
        super::refusal(w.engine().diff("nope"), drydock_core::ErrorKind::NotFound, "No such container: nope")
    }),
];
