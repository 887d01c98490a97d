//! Removing images and references.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::fixture::{Archive, Entry, tar};
use crate::outcome::{Checked, contains, equal, fail, holds};
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::engine::{CommitOptions, RemoveOptions};

fn refused(w: &World<'_>, name: &str, force: bool, words: &str) -> Checked {
    match w.engine().remove_image(name, force, true) {
        Ok(lines) => fail(format_args!("it was not refused: {lines:?}")),
        Err(e) => {
            equal("HTTP status", e.http_status(), 409)?;
            contains("message", &e.to_string(), words)
        }
    }
}

fn short(id: &str) -> &str {
    &id[7..19]
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("IMG-RM-1", "Removing the last reference untags and deletes the image, and says both.", cite::RMI, |w| {
        let id = w.import_busybox("gone:1", &["LABEL n=1"])?;
        let lines = w.engine().remove_image("gone:1", false, true)?;
        equal("first line", lines.first().map(String::as_str), Some("Untagged: gone:1"))?;
        holds(format_args!("it is deleted: {lines:?}"), lines.contains(&format!("Deleted: {id}")))?;
        holds("it is gone", w.engine().image(&id).is_err())
    }),
    Clause::docker("IMG-RM-2", "Removing what is not there says so.", cite::RMI, |w| {
        let Err(error) = w.engine().remove_image("nope", false, true) else { return fail("it was removed") };
        equal("kind", error.kind(), ErrorKind::NotFound)?;
        contains("message", &error.to_string(), "No such image: nope:latest")
    }),
    Clause::docker("IMG-RM-3", "Removing one of several references untags only.", cite::RMI, |w| {
        w.engine().load(&mut &*Archive::new(vec![w.busybox().to_vec(), tar(&[Entry::file("x", "x")])], &["both:1", "both:2"]).docker())?;
        equal("lines", w.engine().remove_image("both:1", false, true)?, vec!["Untagged: both:1".to_owned()])?;
        w.run_with(&["cat", "/x"], |c| c.image = "both:2".to_owned())?.prints("x")?.done()
    }),
    Clause::docker("IMG-RM-4", "Removing by id an image that several repositories name is refused without force.", cite::RMI, |w| {
        let image = Archive::new(vec![tar(&[Entry::file("x", "x")])], &["one:1", "other:1"]);
        w.engine().load(&mut &*image.docker())?;
        let words =
            format!("conflict: unable to delete {} (must be forced) - image is referenced in multiple repositories", short(&image.id()));
        refused(w, &image.id(), false, &words)?;
        let lines = w.engine().remove_image(&image.id(), true, true)?;
        holds(format_args!("with force both go: {lines:?}"), lines.iter().filter(|l| l.starts_with("Untagged: ")).count() == 2)
    }),
    Clause::docker("IMG-RM-5", "The reference of an image that a container is made from is not removed without force.", cite::RMI, |w| {
        let image = w.import_busybox("held:1", &["LABEL n=1"])?;
        let id = w.create(&["true"], |c| c.image = "held:1".to_owned())?;
        let words = format!(
            "conflict: unable to remove repository reference \"held:1\" (must force) - container {} is using its referenced image {}",
            &id[..12],
            short(&image)
        );
        refused(w, "held:1", false, &words)?;
        let words = format!(
            "conflict: unable to delete {} (must be forced) - image is being used by stopped container {}",
            short(&image),
            &id[..12]
        );
        refused(w, &image, false, &words)
    }),
    Clause::docker(
        "IMG-RM-6",
        "Removing with force takes the image from under a stopped container, which can be started all the same.",
        cite::RMI,
        |w| {
            w.import_busybox("pulled:1", &["LABEL n=1"])?;
            let id = w.create(&["echo", "alive"], |c| c.image = "pulled:1".to_owned())?;
            let lines = w.engine().remove_image("pulled:1", true, true)?;
            equal("first line", lines.first().map(String::as_str), Some("Untagged: pulled:1"))?;
            w.engine().start(&id)?;
            equal("exit code", w.wait(&id)?, 0)?;
            equal("log", w.log_text(&id)?, "alive\n")
        },
    ),
    Clause::docker(
        "IMG-RM-7",
        "An image that a running container is made from cannot be deleted by id, with force neither.",
        cite::RMI,
        |w| {
            let image = w.import_busybox("busy:1", &["LABEL n=1"])?;
            let id = w.sleeper(|c| c.image = "busy:1".to_owned())?;
            equal("by reference", w.engine().remove_image("busy:1", true, true)?, vec!["Untagged: busy:1".to_owned()])?;
            let words = format!(
                "conflict: unable to delete {} (cannot be forced) - image is being used by running container {}",
                short(&image),
                &id[..12]
            );
            refused(w, &image, true, &words)
        },
    ),
    Clause::docker("IMG-RM-8", "A layer that another image has too stays.", cite::RMI, |w| {
        let top = tar(&[Entry::file("top", "top")]);
        w.engine().load(&mut &*Archive::new(vec![w.busybox().to_vec(), top.clone()], &["lower:1"]).docker())?;
        w.engine()
            .load(&mut &*Archive::new(vec![w.busybox().to_vec(), top, tar(&[Entry::file("more", "more")])], &["upper:1"]).docker())?;
        w.engine().remove_image("upper:1", false, true)?;
        w.run_with(&["cat", "/top"], |c| c.image = "lower:1".to_owned())?.prints("top")?;
        w.run_with(&["ls", "/more"], |c| c.image = "lower:1".to_owned())?.exits(1)?.done()
    }),
    Clause::docker("IMG-RM-13", "An image that another was made from cannot be deleted by id, with force neither.", cite::RMI, |w| {
        let parent = w.import_busybox("below:1", &["LABEL n=1"])?;
        let id = w.create(&["true"], |c| c.image = "below:1".to_owned())?;
        let child = w.engine().commit(&id, &CommitOptions { reference: "above:1".to_owned(), ..CommitOptions::default() })?;
        w.engine().remove(&id, RemoveOptions::default())?;
        let words = format!("conflict: unable to delete {} (cannot be forced) - image has dependent child images", short(&parent));
        refused(w, &parent, false, &words)?;
        refused(w, &parent, true, &words)?;
        equal("by its reference", w.engine().remove_image("below:1", false, true)?, vec!["Untagged: below:1".to_owned()])?;
        holds("it is there for the other", w.engine().image(&parent).is_ok())?;
        let lines = w.engine().remove_image("above:1", false, true)?;
        holds(format_args!("it goes with the other: {lines:?}"), lines.contains(&format!("Deleted: {parent}")))?;
        holds("the other is gone", w.engine().image(child.as_str()).is_err())
    }),
    Clause::docker("IMG-RM-9", "Nothing a container does changes its image.", "Docker storage drivers, Images and layers", |w| {
        let before = w.engine().image("busybox")?;
        w.sh("rm /bin/ls /etc/passwd; echo x >/etc/group; mkdir /new")?;
        equal("record", w.engine().image("busybox")?, before)?;
        w.sh("ls /new; cat /etc/passwd | head -n 1")?.exits(0)?.says("root:x:0:0:")?.done()
    }),
];
