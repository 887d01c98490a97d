//! Commit: a container becomes an image.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::fixture::{Entry, tar};
use crate::outcome::{Checked, equal, holds};
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::container::ContainerConfig;
use drydock_core::engine::CommitOptions;
use drydock_core::image::ImageRecord;

/// Runs a script in a new container to its end, and commits it as `reference`.
fn committed(
    w: &World<'_>,
    reference: &str,
    script: &str,
    tweak: impl FnOnce(&mut ContainerConfig),
    options: impl FnOnce(&mut CommitOptions),
) -> Checked<ImageRecord> {
    let id = w.create(&["sh", "-c", script], tweak)?;
    w.engine().start(&id)?;
    w.wait(&id)?;
    let mut all = CommitOptions { reference: reference.to_owned(), ..CommitOptions::default() };
    options(&mut all);
    let made = w.engine().commit(&id, &all)?;
    Ok(w.engine().image(made.as_str())?)
}

fn run(w: &World<'_>, image: &str, script: &str) -> Checked<crate::Output> {
    w.run_with(&["sh", "-c", script], |c| c.image = image.to_owned())
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("IMG-COMMIT-1", "A commit is an image whose top layer is what the container changed.", cite::COMMIT, |w| {
        let image = committed(w, "made:1", "echo new >/new; echo changed >/etc/group", |_| {}, |_| {})?;
        let base = w.engine().image("busybox")?;
        equal("layers below", &image.diff_ids[..base.diff_ids.len()], &base.diff_ids[..])?;
        equal("layers", image.diff_ids.len(), base.diff_ids.len() + 1)?;
        run(w, "made:1", "cat /new /etc/group")?.prints("new\nchanged")?.done()
    }),
    Clause::docker("IMG-COMMIT-2", "A commit without a reference is an image without one.", cite::COMMIT, |w| {
        let image = committed(w, "", "echo x >/x", |_| {}, |_| {})?;
        equal("references", image.tags.len(), 0)?;
        run(w, image.id.as_str(), "cat /x")?.prints("x")?.done()
    }),
    Clause::docker("IMG-COMMIT-3", "Author, message and parent are kept, and the history says what was run.", cite::COMMIT, |w| {
        let image = committed(
            w,
            "said:1",
            "echo x >/x",
            |_| {},
            |o| {
                o.author = "somebody".to_owned();
                o.message = "a reason".to_owned();
            },
        )?;
        equal("author", image.author.as_str(), "somebody")?;
        equal("comment", image.comment.as_str(), "a reason")?;
        equal("parent", image.parent, Some(w.engine().image("busybox")?.id))?;
        let history = w.engine().history("said:1")?;
        let first = history.first().ok_or_else(|| crate::Failed("no history".to_owned()))?;
        equal("made by", first.created_by.as_str(), "sh -c echo x >/x")?;
        equal("said", first.comment.as_str(), "a reason")
    }),
    Clause::docker("IMG-COMMIT-4", "What a container deleted is not in the image of it.", cite::COMMIT, |w| {
        committed(w, "less:1", "rm /etc/group; rm -r /home", |_| {}, |_| {})?;
        run(w, "less:1", "ls /etc/group")?.exits(1)?;
        run(w, "less:1", "ls -d /home")?.exits(1)?.done()
    }),
    Clause::docker(
        "IMG-COMMIT-5",
        "The image starts what the container started, with its environment, directory, user and labels.",
        cite::COMMIT,
        |w| {
            let set = |c: &mut ContainerConfig| {
                c.env.push("A=1".to_owned());
                c.workdir = "/tmp".to_owned();
                c.user = "1000".to_owned();
                c.labels.insert("l".to_owned(), "v".to_owned());
                c.expose.push("81".to_owned());
            };
            let image = committed(w, "like:1", "true", set, |_| {})?.defaults;
            equal("command", image.cmd, Some(["sh", "-c", "true"].map(str::to_owned).to_vec()))?;
            holds("environment", image.env.iter().any(|e| e == "A=1"))?;
            equal("directory", image.working_dir.as_str(), "/tmp")?;
            equal("user", image.user.as_str(), "1000")?;
            equal("label", image.labels.get("l").map(String::as_str), Some("v"))?;
            holds("port", image.exposed_ports.contains_key("81/tcp"))
        },
    ),
    Clause::docker("IMG-COMMIT-6", "Changes come on top of what the container started with.", cite::COMMIT, |w| {
        let changes = ["CMD [\"echo\",\"from the image\"]", "ENV Q=2", "LABEL m=n", "WORKDIR /", "USER 0"].map(str::to_owned).to_vec();
        committed(w, "changed:2", "true", |c| c.env.push("A=1".to_owned()), |o| o.changes = changes)?;
        w.run_with(&[], |c| c.image = "changed:2".to_owned())?.prints("from the image")?;
        run(w, "changed:2", "echo $A $Q")?.prints("1 2")?.done()
    }),
    Clause::docker(
        "IMG-COMMIT-7",
        "A change that is no instruction, or cannot be one of a commit, is refused, and nothing is made.",
        cite::COMMIT,
        |w| {
            let id = w.create(&["true"], |_| {})?;
            let before = w.engine().images()?.len();
            for (change, words) in [("FROB x", "frob is not a valid change command"), ("RUN x", "run is not a valid change command")] {
                let options = CommitOptions { changes: vec![change.to_owned()], ..CommitOptions::default() };
                super::refusal(w.engine().commit(&id, &options), ErrorKind::InvalidInput, words)?;
            }
            equal("images", w.engine().images()?.len(), before)
        },
    ),
    Clause::docker("IMG-COMMIT-8", "A container that changed nothing gives an image without a layer more.", cite::COMMIT, |w| {
        let image = committed(w, "same:1", "true", |_| {}, |_| {})?;
        equal("layers", image.diff_ids, w.engine().image("busybox")?.diff_ids)?;
        equal("steps", w.engine().history("same:1")?.len(), w.engine().history("busybox")?.len() + 1)
    }),
    Clause::docker("IMG-COMMIT-9", "A running container is committed as it is, and goes on.", cite::COMMIT, |w| {
        let id = w.ready("echo now >/state; echo ready; sleep 1000", |_| {})?;
        let options = CommitOptions { reference: "live:1".to_owned(), ..CommitOptions::default() };
        w.engine().commit(&id, &options)?;
        equal("status", w.status(&id)?, drydock_core::container::Status::Running)?;
        run(w, "live:1", "cat /state")?.prints("now")?.done()
    }),
    Clause::docker("IMG-COMMIT-10", "A commit pauses a running container and lets it go on, unless told not to.", cite::COMMIT, |w| {
        let id = w.sleeper(|_| {})?;
        let told = |pause: bool| -> Checked<Vec<String>> {
            let last = w.engine().last_event()?;
            w.engine().commit(&id, &CommitOptions { pause, ..CommitOptions::default() })?;
            let new = w.engine().events(last, 100)?.into_iter().filter(|e| e.kind == "container" && e.id == id);
            let mut actions: Vec<String> = new.map(|e| e.action).collect();
            actions.sort();
            Ok(actions)
        };
        equal("with a pause", told(true)?, vec!["commit", "pause", "unpause"])?;
        equal("without", told(false)?, vec!["commit"])
    }),
    Clause::docker("IMG-COMMIT-11", "A reference with upper-case letters is refused, and nothing is made.", cite::COMMIT, |w| {
        let id = w.create(&["true"], |_| {})?;
        let before = w.engine().images()?.len();
        let options = CommitOptions { reference: "Bad/Name".to_owned(), ..CommitOptions::default() };
        super::refusal(w.engine().commit(&id, &options), ErrorKind::InvalidInput, "repository name (Name) must be lowercase")?;
        equal("images", w.engine().images()?.len(), before)
    }),
    Clause::docker("IMG-COMMIT-12", "Owners, modes and links of what was changed are in the image.", cite::COMMIT, |w| {
        let script = "echo x >/f; chown 12:34 /f; chmod 4751 /f; ln /f /g; ln -s f /l; mkfifo /p; mkdir -m 1777 /s";
        committed(w, "kept:1", script, |_| {}, |_| {})?;
        let look =
            "stat -c '%a %u %g %h' /f /g; readlink /l; stat -c %F /p; stat -c %a /s; test $(stat -c %i /f) = $(stat -c %i /g) && echo one";
        run(w, "kept:1", look)?.prints("4751 12 34 2\n4751 12 34 2\nf\nfifo\n1777\none")?.done()
    }),
    Clause::docker("IMG-COMMIT-13", "What is in a volume is not in the image.", cite::COMMIT, |w| {
        let mount = drydock_core::container::MountRequest {
            kind: drydock_core::container::MountKind::Tmpfs,
            target: "/mem".to_owned(),
            ..super::plain_mount()
        };
        committed(w, "without:1", "echo x >/mem/f; echo y >/y", |c| c.mounts.push(mount), |_| {})?;
        run(w, "without:1", "cat /y; ls -A /mem")?.prints("y")?.done()
    }),
    Clause::docker("IMG-COMMIT-14", "A commit of a commit has the layers of both, one on the other.", cite::COMMIT, |w| {
        committed(w, "first:1", "echo one >/one; echo one >/both", |_| {}, |_| {})?;
        let second = committed(w, "second:1", "echo two >/both; rm /one", |c| c.image = "first:1".to_owned(), |_| {})?;
        equal("layers", second.diff_ids.len(), w.engine().image("busybox")?.diff_ids.len() + 2)?;
        run(w, "second:1", "cat /both; ls /one")?.exits(1)?.says("two")?.done()
    }),
    Clause::law(
        "IMG-COMMIT-15",
        "With SOURCE_DATE_EPOCH the same changes give the same image twice.",
        "reproducible-builds.org, SOURCE_DATE_EPOCH",
        |w| {
            let script = "echo x >/x; mkdir /d; ln -s x /d/l; rm /etc/group";
            let epoch = |o: &mut CommitOptions| o.epoch = Some(1_000_000_000);
            let one = committed(w, "again:1", script, |_| {}, epoch)?;
            w.sleep(std::time::Duration::from_millis(1100));
            let two = committed(w, "again:2", script, |_| {}, epoch)?;
            equal("id", one.id, two.id)?;
            equal("manifest", one.manifest, two.manifest)
        },
    ),
    Clause::law(
        "IMG-COMMIT-16",
        "A name that a layer cannot hold is refused, and nothing is made.",
        "image-spec layer.md, Whiteouts",
        |w| {
            let id = w.create(&["sh", "-c", "echo x >/.wh.x"], |_| {})?;
            w.engine().start(&id)?;
            equal("exit code", w.wait(&id)?, 0)?;
            let before = w.engine().images()?.len();
            super::refusal(w.engine().commit(&id, &CommitOptions::default()), ErrorKind::InvalidInput, "/.wh.x cannot be in a layer")?;
            equal("images", w.engine().images()?.len(), before)
        },
    ),
    Clause::law(
        "IMG-COMMIT-17",
        "Attributes of files that a layer brought are in the image of a container that changed them.",
        "image-spec layer.md, File Attributes",
        |w| {
            let mut entry = Entry::file("tool", "x").mode(0o755);
            entry = entry.xattr("user.note", b"kept");
            w.engine().load(&mut &*crate::fixture::Archive::new(vec![w.busybox().to_vec(), tar(&[entry])], &["noted:1"]).docker())?;
            committed(w, "noted:2", "chmod 700 /tool", |c| c.image = "noted:1".to_owned(), |_| {})?;
            let mut archive = Vec::new();
            w.engine().save(&["noted:2".to_owned()], drydock_core::engine::ArchiveFormat::Oci, &mut archive)?;
            let twice = archive.windows(26).filter(|b| b == b"SCHILY.xattr.user.note=kep").count();
            equal("layers that have it", twice, 2)
        },
    ),
    Clause::docker("IMG-COMMIT-18", "Committing a container that is not there says so.", cite::COMMIT, |w| {
        super::refusal(w.engine().commit("nope", &CommitOptions::default()), ErrorKind::NotFound, "No such container: nope")
    }),
];
