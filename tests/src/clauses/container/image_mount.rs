//! `--mount type=image`: the files of an image, in a container that is made from another.

use crate::clause::Clause;
use crate::fixture::{Entry, tar};
use crate::outcome::{Checked, contains, equal};
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::container::MountRequest;
use drydock_core::container::mounts::parse_mount;
use drydock_core::engine::CommitOptions;

const IMAGES: &str = "Docker manual, docker container run, --mount type=image";

/// An image of two layers: the second changes a file, adds one, and takes one away.
fn two_layers(w: &World<'_>, tag: &str) -> Checked<String> {
    let below = [Entry::dir("d"), Entry::file("d/same", "same"), Entry::file("d/old", "old"), Entry::file("gone", "x")];
    let files = tar(&below);
    let base = w.import_busybox(&format!("{tag}-base"), &[])?;
    let id = w.create(&["true"], |c| c.image.clone_from(&base))?;
    w.engine().copy_in(&id, "/", &mut files.as_slice(), false)?;
    let first = w.engine().commit(&id, &CommitOptions { reference: format!("{tag}-first"), ..CommitOptions::default() })?;
    w.remove(&id)?;
    let id = w.create(&["sh", "-c", "echo new >/d/old; echo more >/d/more; rm /gone"], |c| c.image = first.to_string())?;
    w.engine().start(&id)?;
    equal("the change", w.wait(&id)?, 0)?;
    let made = w.engine().commit(&id, &CommitOptions { reference: tag.to_owned(), ..CommitOptions::default() })?;
    w.remove(&id)?;
    Ok(made.to_string())
}

fn image(words: &str) -> Checked<MountRequest> {
    Ok(parse_mount(&format!("type=image,{words}"))?)
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::law(
        "CTR-MOUNT-40",
        "The files of an image are mounted as its layers together have them, and cannot be written.",
        IMAGES,
        |w| {
            two_layers(w, "two:1")?;
            let mount = image("source=two:1,target=/i")?;
            let out = w.sh_with("cat /i/d/same /i/d/old /i/d/more; ls /i/gone; echo x >/i/d/same", |c| c.mounts.push(mount))?;
            out.exits(1)?.says("same")?.says("new\nmore")?.complains("/i/gone")?.complains("Read-only file system")?.done()
        },
    ),
    Clause::law("CTR-MOUNT-41", "A part of an image is mounted alone: a directory of several layers, or one file.", IMAGES, |w| {
        two_layers(w, "two:1")?;
        let directory = image("source=two:1,target=/i,image-subpath=d")?;
        w.sh_with("cat /i/old; ls /i", |c| c.mounts.push(directory))?.prints("new\nmore\nold\nsame")?.done()?;
        let file = image("source=two:1,target=/one,image-subpath=d/more")?;
        w.run_with(&["cat", "/one"], |c| c.mounts.push(file))?.prints("more")?.done()
    }),
    Clause::law(
        "CTR-MOUNT-42",
        "An image stays while it is mounted in a container, whether that runs or not, and goes after it.",
        IMAGES,
        |w| {
            w.import(&tar(&[Entry::file("f", "kept")]), "mounted:1", &[])?;
            let mount = image("source=mounted:1,target=/i")?;
            let id = w.create(&["cat", "/i/f"], |c| c.mounts.push(mount))?;
            let error = w.engine().remove_image("mounted:1", false, true).err();
            equal("kind", error.map(|e| e.kind()), Some(ErrorKind::InUse))?;
            // By force the name goes, and the files stay.
            w.engine().remove_image("mounted:1", true, true)?;
            w.engine().start(&id)?;
            equal("exit code", w.wait(&id)?, 0)?;
            equal("what it read", w.log_text(&id)?.trim(), "kept")?;
            w.remove(&id)
        },
    ),
    Clause::law("CTR-MOUNT-43", "An image that is not there, and a part that it does not have, are refused by name.", IMAGES, |w| {
        let (none, part) = (image("source=nothing:1,target=/i")?, image("source=busybox,target=/i,image-subpath=no/where")?);
        let error = w.refused(&["true"], |c| c.mounts.push(none))?;
        equal("kind", error.kind(), ErrorKind::NotFound)?;
        contains("image", &error.to_string(), "No such image: nothing:1")?;
        contains("part", &w.refused(&["true"], |c| c.mounts.push(part))?.to_string(), "no such file or directory: no/where")?;
        let refused = |words: &str| parse_mount(words).err().map(|e| e.to_string()).unwrap_or_default();
        contains("source", &refused("type=image,target=/i"), "field Source must not be empty")?;
        contains("out of it", &refused("type=image,source=a,target=/i,image-subpath=../x"), "must be a relative path inside the image")?;
        contains(
            "other kinds",
            &refused("type=bind,source=/a,target=/i,image-subpath=x"),
            "cannot mix 'image-*' options with mount type 'bind'",
        )
    }),
];
