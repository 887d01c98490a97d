//! Layers: what their entries mean, and what hostile ones must not do.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::fixture::{Archive, Entry, append, tar};
use crate::outcome::{Checked, Output, equal, holds};
use crate::residue;
use crate::world::World;

/// Loads busybox with these layers on top and runs a script in it.
fn layered(w: &World<'_>, layers: &[&[Entry]], script: &str) -> Checked<Output> {
    let mut all = vec![w.busybox().to_vec()];
    all.extend(layers.iter().map(|l| tar(l)));
    w.engine().load(&mut &*Archive::new(all, &["layered:1"]).docker())?;
    w.run_with(&["sh", "-c", script], |c| c.image = "layered:1".to_owned())
}

/// Imports busybox with these entries after it. Whether it is taken or refused: what is outside `DIR` must be untouched.
fn hostile(w: &World<'_>, entries: &dyn Fn(&str) -> Vec<Entry>) -> Checked {
    let dir = w.scratch();
    w.host(&format!("mkdir {dir}/outside && echo untouched >{dir}/outside/kept"))?.exits(0)?;
    let before = residue::observe(w)?;
    let archive = append(w.busybox().to_vec(), &entries(&format!("{dir}/outside")));
    if w.engine().import(&mut &*archive, &drydock_core::engine::ImportRequest::of("hostile:1", &[], "")).is_err() {
        residue::unchanged(w, &before)?;
    } else {
        w.run_with(&["true"], |c| c.image = "hostile:1".to_owned())?.exits(0)?;
    }
    w.host(&format!("cd {dir}/outside && cat kept && ls"))?.prints("untouched\nkept")?.done()
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::law(
        "IMG-LAYER-1",
        "A layer is there whole after a success, and nothing of it after an error.",
        "Drydock, Images::apply",
        |w| {
            let before = residue::observe(w)?;
            // The error comes late, when much has been unpacked.
            let archive = append(w.busybox().to_vec(), &[Entry::hard_link("h", "not/there")]);
            holds(
                "it is refused",
                w.engine().import(&mut &*archive, &drydock_core::engine::ImportRequest::of("late:1", &[], "")).is_err(),
            )?;
            residue::unchanged(w, &before)
        },
    ),
    Clause::docker(
        "IMG-LAYER-2",
        "No entry writes outside the layer: not by an absolute path, not by dots, not through a link.",
        cite::LAYER,
        |w| {
            hostile(w, &|outside| {
                vec![Entry::file(&format!("{outside}/a"), "x"), Entry::file(&format!("../../../../../../../../../../..{outside}/b"), "x")]
            })
        },
    ),
    Clause::docker("IMG-LAYER-3", "An entry behind a symbolic link that leads out of the layer does not get there.", cite::LAYER, |w| {
        hostile(w, &|outside| vec![Entry::symlink("out", outside), Entry::file("out/c", "x"), Entry::file("out/kept", "overwritten")])
    }),
    Clause::docker("IMG-LAYER-4", "A hard link to what is outside the layer is refused.", cite::LAYER, |w| {
        hostile(w, &|outside| {
            vec![Entry::hard_link("h", &format!("../../../../../../../../../..{outside}/kept")), Entry::file("h", "overwritten")]
        })
    }),
    Clause::docker(
        "IMG-LAYER-5",
        "A whiteout hides the entry of the layers below, and is not seen itself.",
        "image-spec layer.md, Whiteouts",
        |w| {
            let lower = [Entry::dir("d"), Entry::file("d/a", "a"), Entry::file("d/b", "b")];
            layered(w, &[&lower, &[Entry::file("d/.wh.a", "")]], "ls -A /d")?.prints("b")?.done()
        },
    ),
    Clause::docker(
        "IMG-LAYER-6",
        "An opaque whiteout hides everything below in its directory, and nothing of its own layer.",
        "image-spec layer.md, Opaque Whiteout",
        |w| {
            let lower = [Entry::dir("o"), Entry::file("o/x", "x"), Entry::dir("o/sub"), Entry::file("o/sub/z", "z")];
            let upper = [Entry::dir("o"), Entry::file("o/.wh..wh..opq", ""), Entry::file("o/y", "y")];
            layered(w, &[&lower, &upper], "ls -A /o")?.prints("y")?.done()
        },
    ),
    Clause::docker("IMG-LAYER-7", "An entry of a higher layer replaces that of a lower one, a file a directory too.", cite::LAYER, |w| {
        let lower = [Entry::file("f", "one"), Entry::dir("t"), Entry::file("t/k", "k")];
        let upper = [Entry::file("f", "two"), Entry::file("t", "now a file")];
        layered(w, &[&lower, &upper], "cat /f; echo; cat /t")?.prints("two\nnow a file")?.done()
    }),
    Clause::docker("IMG-LAYER-8", "A whiteout of what is not there is no error.", "image-spec layer.md, Whiteouts", |w| {
        layered(w, &[&[Entry::file(".wh.never", ""), Entry::file("g", "g")]], "cat /g; ls -A / | grep -c wh")?.exits(1)?.says("g0")?.done()
    }),
    Clause::docker(
        "IMG-LAYER-9",
        "What a whiteout took away can be there again in a layer above.",
        "image-spec layer.md, Whiteouts",
        |w| {
            layered(w, &[&[Entry::file("r", "one")], &[Entry::file(".wh.r", "")], &[Entry::file("r", "three")]], "cat /r")?
                .prints("three")?
                .done()
        },
    ),
    Clause::docker("IMG-LAYER-10", "Hard links of a layer are one file.", "image-spec layer.md, Hardlinks", |w| {
        let script = "stat -c %h /hl1; test $(stat -c %i /hl1) = $(stat -c %i /hl2) && cat /hl2";
        layered(w, &[&[Entry::file("hl1", "same"), Entry::hard_link("hl2", "hl1")]], script)?.prints("2\nsame")?.done()
    }),
    Clause::docker(
        "IMG-LAYER-11",
        "Symbolic links are kept as they are, and lead where they say inside the container.",
        cite::LAYER,
        |w| {
            let entries =
                [Entry::symlink("abs", "/etc/passwd"), Entry::symlink("rel", "etc/../etc/group"), Entry::symlink("none", "/not/there")];
            let script = "readlink /abs; readlink /rel; readlink /none; head -n 1 /abs";
            layered(w, &[&entries], script)?.prints("/etc/passwd\netc/../etc/group\n/not/there\nroot:x:0:0:root:/root:/bin/sh")?.done()
        },
    ),
    Clause::docker("IMG-LAYER-12", "Modes are kept, set-user-id and sticky too.", "image-spec layer.md, File Attributes", |w| {
        let entries = [Entry::file("su", "x").mode(0o4755), Entry::dir("st").mode(0o1777), Entry::file("none", "x").mode(0)];
        layered(w, &[&entries], "stat -c %a /su /st /none")?.prints("4755\n1777\n0")?.done()
    }),
    Clause::docker("IMG-LAYER-13", "Directories that the archive leaves out are made.", cite::LAYER, |w| {
        layered(w, &[&[Entry::file("x/y/z/f", "deep")]], "cat /x/y/z/f; echo; stat -c %a /x/y")?.prints("deep\n755")?.done()
    }),
    Clause::docker("IMG-LAYER-14", "Long names are kept.", "tar(5)", |w| {
        let deep = format!("{}f", "d/".repeat(60));
        let long = "n".repeat(200);
        let script = format!("cat /{deep}; echo; cat /{long}");
        layered(w, &[&[Entry::file(&deep, "deep"), Entry::file(&long, "long")]], &script)?.prints("deep\nlong")?.done()
    }),
    Clause::docker("IMG-LAYER-15", "Device nodes of a layer are made, and the device rules hold for them.", cite::LAYER, |w| {
        layered(w, &[&[Entry::device("nul", 1, 3), Entry::device("mem", 1, 1)]], "echo x >/nul && echo ok; head -c 1 /mem")?
            .exits(1)?
            .says("ok")?
            .done()
    }),
    Clause::docker(
        "IMG-LAYER-16",
        "What one container changes of an image's file, another does not see.",
        "Docker storage drivers, The copy-on-write strategy",
        |w| {
            let id = w.ready("echo mine >/etc/group; cat /etc/group; echo ready; sleep 1000", |_| {})?;
            w.run(&["head", "-n", "1", "/etc/group"])?.prints("root:x:0:")?;
            equal("its own", w.log_text(&id)?, "mine\nready\n")
        },
    ),
    Clause::docker("IMG-LAYER-17", "A directory's entries are those of all layers together.", cite::LAYER, |w| {
        let one = [Entry::dir("m"), Entry::file("m/a", "1")];
        let two = [Entry::dir("m"), Entry::file("m/b", "2"), Entry::file("m/a", "2")];
        layered(w, &[&one, &two], "ls /m; cat /m/a")?.prints("a\nb\n2")?.done()
    }),
];
