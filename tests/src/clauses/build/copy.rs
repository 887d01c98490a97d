//! COPY and ADD: which files, where to, whose they are.

use super::{BUILDKIT, NAME, REFERENCE, build, build_with, in_image, refused};
use crate::clause::Clause;
use crate::fixture::{Entry, tar};
use crate::outcome::{contains, equal};
use flate2::{Compression, write::GzEncoder};
use std::io::Write as _;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).and_then(|()| packed.finish()).unwrap_or_default()
}

fn some() -> Vec<Entry> {
    vec![
        Entry::file("one", "1\n"),
        Entry::program("tool", "#!/bin/sh\necho tool\n"),
        Entry::dir("d"),
        Entry::file("d/two", "2\n"),
        Entry::dir("d/e"),
        Entry::file("d/e/three", "3\n"),
        Entry::symlink("d/link", "two"),
    ]
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("BLD-COPY-1", "A file is copied to the name, or into the directory, that the destination is.", REFERENCE, |w| {
        let text = "FROM busybox\nCOPY one /new\nCOPY one /tmp\nCOPY one /x/y/\n";
        in_image(w, text, &some(), "cat /new /tmp/one /x/y/one")?.exits(0)?.prints("1\n1\n1")?.done()
    }),
    Clause::docker("BLD-COPY-2", "Of a directory its content is copied, links as links.", REFERENCE, |w| {
        let text = "FROM busybox\nCOPY d /dest\n";
        let script = "cat /dest/two /dest/e/three; readlink /dest/link; ls -d /dest/d 2>/dev/null | wc -l";
        in_image(w, text, &some(), script)?.exits(0)?.prints("2\n3\ntwo\n0")?.done()
    }),
    Clause::docker("BLD-COPY-3", "Files of the context are root's, and keep their modes.", REFERENCE, |w| {
        in_image(w, "FROM busybox\nCOPY tool one /x/\n", &some(), "stat -c '%u:%g %a' /x/tool /x/one; /x/tool")?
            .exits(0)?
            .prints("0:0 755\n0:0 644\ntool")?
            .done()
    }),
    Clause::law("BLD-COPY-4", "Directories on the way are made, root's and 755; those that are there stay as they are.", REFERENCE, |w| {
        in_image(w, "FROM busybox\nCOPY one /a/b/one\nCOPY one /tmp/one\n", &some(), "stat -c '%u:%g %a' /a /a/b /tmp")?
            .exits(0)?
            .prints("0:0 755\n0:0 755\n0:0 1777")?
            .done()
    }),
    Clause::docker("BLD-COPY-5", "Wildcards are those of Go: a star, a question mark, a class.", REFERENCE, |w| {
        in_image(w, "FROM busybox\nCOPY o* /a/\nCOPY t??l /b/\nCOPY d/[st]wo /c/\n", &some(), "ls /a /b /c | tr '\\n' ' '")?
            .exits(0)?
            .says("one")?
            .says("tool")?
            .says("two")?
            .done()
    }),
    Clause::docker("BLD-COPY-6", "Several sources need a destination that ends with a slash.", REFERENCE, |w| {
        let error = refused(w, "FROM busybox\nCOPY one tool /x\n", &some())?;
        contains("message", &error.to_string(), "the destination must be a directory and end with a /")
    }),
    Clause::docker("BLD-COPY-7", "A source that is not there is refused, and nothing is made.", REFERENCE, |w| {
        let error = refused(w, "FROM busybox\nCOPY nofile /x\n", &some())?;
        contains(
            "message",
            &error.to_string(),
            "file not found in build context or excluded by .dockerignore: stat nofile: file does not exist",
        )?;
        let error = refused(w, "FROM busybox\nCOPY no* /x/\n", &some())?;
        contains("message", &error.to_string(), "no*")
    }),
    Clause::docker("BLD-COPY-8", "--chown gives owner and group, by number or by the image's own names.", REFERENCE, |w| {
        let text = "FROM busybox\nCOPY --chown=app one /a\nCOPY --chown=app:extra one /b\nCOPY --chown=7:8 one /c\nCOPY --chown=9 one /d\n";
        in_image(w, text, &some(), "stat -c '%u:%g' /a /b /c /d")?.exits(0)?.prints("1000:1000\n1000:2000\n7:8\n9:9")?.done()
    }),
    Clause::law("BLD-COPY-9", "An owner that the image does not know is refused.", REFERENCE, |w| {
        let error = refused(w, "FROM busybox\nCOPY --chown=nobodyatall one /a\n", &some())?;
        contains("message", &error.to_string(), "nobodyatall")
    }),
    Clause::law("BLD-COPY-10", "--chmod sets modes, in octal or by letters.", REFERENCE, |w| {
        let text = "FROM busybox\nCOPY --chmod=4711 one /a\nCOPY --chmod=u=rwX,go=rX d /d/\nCOPY --chmod=u+x one /b\n";
        in_image(w, text, &some(), "stat -c %a /a /d/two /d/e /b")?.exits(0)?.prints("4711\n644\n755\n744")?.done()
    })
    .needs(BUILDKIT),
    Clause::docker("BLD-COPY-11", "A destination behind a link of the image is where the link leads.", REFERENCE, |w| {
        let text =
            "FROM busybox\nRUN mkdir -p /usr/real && ln -s usr/real /short && ln -s /usr/real /abs\nCOPY one /short/\nCOPY tool /abs/x/\n";
        in_image(w, text, &some(), "cat /usr/real/one; ls /usr/real/x; readlink /short")?.exits(0)?.prints("1\ntool\nusr/real")?.done()
    }),
    Clause::law("BLD-COPY-12", "A here-document is a file of its name, with variables or, quoted, without.", REFERENCE, |w| {
        let text = "FROM busybox\nENV A=1\nCOPY <<f1 <<\"f2\" /x/\na $A\nf1\na $A\nf2\nCOPY <<EOF /named\nhi\nEOF\n";
        in_image(w, text, &[], "cat /x/f1 /x/f2 /named")?.exits(0)?.prints("a 1\na $A\nhi")?.done()
    })
    .needs(BUILDKIT),
    Clause::docker("BLD-COPY-13", "--from takes files from an image, and keeps their owners.", REFERENCE, |w| {
        w.import(&tar(&[Entry::dir("etc"), Entry::file("etc/x", "from it\n")]), "other:1", &[])?;
        let text =
            "FROM busybox AS s\nRUN echo y > /y && chown app:app /y\nFROM busybox\nCOPY --from=other:1 /etc/x /x\nCOPY --from=s /y /y\n";
        in_image(w, text, &[], "cat /x; stat -c %u /y")?.exits(0)?.prints("from it\n1000")?.done()
    }),
    Clause::law("BLD-COPY-14", "--exclude leaves files out by pattern.", REFERENCE, |w| {
        in_image(w, "FROM busybox\nCOPY --exclude=e --exclude=link d /x/\n", &some(), "ls /x")?.exits(0)?.prints("two")?.done()
    })
    .needs(BUILDKIT),
    Clause::law("BLD-COPY-15", "--parents keeps the directories of a source, from /./ on if that is in it.", REFERENCE, |w| {
        let text = "FROM busybox\nCOPY --parents d/e/three /x/\nCOPY --parents d/./e/three /y/\n";
        in_image(w, text, &some(), "cat /x/d/e/three /y/e/three")?.exits(0)?.prints("3\n3")?.done()
    })
    .needs(BUILDKIT),
    Clause::law("BLD-COPY-16", "A linked copy is the same layer over another base.", REFERENCE, |w| {
        w.import_busybox("base:2", &["LABEL x=1"])?;
        w.import(&tar(&[Entry::file("other", "x")]), "base:3", &[])?;
        let last = |base: &str| {
            build(w, &format!("FROM {base}\nCOPY --link one /l/\n"), &some())?;
            Ok::<_, crate::Failed>(w.engine().image(NAME)?.diff_ids.last().cloned())
        };
        equal("layer", last("base:2")?, last("base:3")?)
    })
    .needs(BUILDKIT),
    Clause::docker(
        "BLD-COPY-17",
        "What .dockerignore leaves out is not there to be copied.",
        "Dockerfile reference, .dockerignore file",
        |w| {
            let ignore = |r: &mut drydock_core::build::request::BuildRequest| r.ignore = Some(b"# comment\nd\n!d/two\n*.md\n".to_vec());
            build_with(w, "FROM busybox\nCOPY . /x/\n", &some(), ignore)?;
            let ran = w.run_with(&["sh", "-c", "cd /x; find . -type f | sort"], |c| c.image = NAME.to_owned())?;
            ran.exits(0)?.prints("./d/two\n./one\n./tool")?.done()?;
            let error = super::refused_with(w, "FROM busybox\nCOPY d/e/three /x/\n", &some(), ignore)?;
            contains("message", &error.to_string(), ".dockerignore leaves it out")
        },
    ),
    Clause::docker(
        "BLD-COPY-18",
        "ADD extracts an archive, told by its content and not by its name; owners and modes are the archive's.",
        REFERENCE,
        |w| {
            let inner = tar(&[Entry::dir("pkg"), Entry::program("pkg/run", "x\n"), Entry::symlink("pkg/ln", "run")]);
            let files = [Entry::file("a.tar", &inner), Entry::file("named.txt", gzip(&inner)), Entry::file("empty.tar.gz", "")];
            let text = "FROM busybox\nADD a.tar /a\nADD named.txt /b/\nADD empty.tar.gz /c/\n";
            let script = "cat /a/pkg/run /b/pkg/run; readlink /b/pkg/ln; stat -c %a /a/pkg/run; ls /c";
            in_image(w, text, &files, script)?.exits(0)?.prints("x\nx\nrun\n755\nempty.tar.gz")?.done()
        },
    ),
    Clause::law("BLD-COPY-19", "COPY never extracts, and neither does ADD --unpack=false.", REFERENCE, |w| {
        let inner = tar(&[Entry::file("f", "x\n")]);
        let text = "FROM busybox\nCOPY a.tar /a/\nADD --unpack=false a.tar /b/\n";
        in_image(w, text, &[Entry::file("a.tar", &inner)], "ls /a /b | tr '\\n' ' '")?.exits(0)?.prints("/a: a.tar  /b: a.tar ")?.done()
    })
    .needs(BUILDKIT),
    Clause::docker("BLD-COPY-20", "Two names of one file are one file in the image.", "image-spec layer.md, Hardlinks", |w| {
        let files = [Entry::dir("d"), Entry::file("d/a", "x\n"), Entry::hard_link("d/b", "d/a")];
        in_image(w, "FROM busybox\nCOPY d /d\n", &files, "stat -c %h /d/a; cat /d/b")?.exits(0)?.prints("2\nx")?.done()
    }),
    Clause::docker("BLD-COPY-21", "A file takes the place of one that is there; a directory is merged.", REFERENCE, |w| {
        let text = "FROM busybox\nRUN mkdir /m && echo old > /m/two && echo kept > /m/kept\nCOPY d /m\n";
        in_image(w, text, &some(), "cat /m/two /m/kept")?.exits(0)?.prints("2\nkept")?.done()
    }),
    Clause::law("BLD-COPY-22", "A directory cannot take a file's place.", REFERENCE, |w| {
        let error = refused(w, "FROM busybox\nRUN echo x > /f\nCOPY one /f/\n", &some())?;
        contains("message", &error.to_string(), "cannot copy to non-directory: /f")
    }),
    Clause::docker("BLD-COPY-23", "Names with blanks are written as a list.", REFERENCE, |w| {
        in_image(w, "FROM busybox\nCOPY [\"a b\", \"/c d/\"]\n", &[Entry::file("a b", "x\n")], "cat '/c d/a b'")?
            .exits(0)?
            .prints("x")?
            .done()
    }),
    Clause::docker(
        "BLD-COPY-24",
        "A .dockerignore that names the Dockerfile and itself keeps neither from being used, and both from being copied.",
        "Dockerfile reference, .dockerignore file",
        |w| {
            let files = [
                Entry::file("Dockerfile", "FROM busybox\nCOPY . /x/\n"),
                Entry::file(".dockerignore", "Dockerfile*\n.dockerignore\n"),
                Entry::file("one", "1\n"),
            ];
            let own = |r: &mut drydock_core::build::request::BuildRequest| (r.dockerfile, r.ignore) = (None, None);
            build_with(w, "", &files, own)?;
            let ran = w.run_with(&["ls", "-A", "/x"], |c| c.image = NAME.to_owned())?;
            ran.exits(0)?.prints("one")?.done()
        },
    ),
];
