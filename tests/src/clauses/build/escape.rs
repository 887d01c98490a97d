//! What no build can do: reach out of its context, its stages, its mounts. Each clause is an attack that once worked somewhere.

use super::{BUILDKIT, NAME, attempt, build, in_image, refused};
use crate::clause::Clause;
use crate::fixture::{Entry, tar};
use crate::outcome::{Checked, contains, equal, holds, lacks};
use crate::residue;
use crate::world::World;

/// A file of the host that must stay as it is, and must not be read.
fn canary(w: &World<'_>) -> Checked<String> {
    let path = format!("{}/canary", w.scratch());
    w.host(&format!("echo canary > {path}"))?.exits(0)?;
    Ok(path)
}

fn intact(w: &World<'_>, path: &str) -> Checked {
    w.host(&format!("cat {path}"))?.exits(0)?.prints("canary")?.done()
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("BLD-SAFE-1", "A source above the context is refused.", "Dockerfile reference, COPY", |w| {
        for text in ["FROM busybox\nCOPY ../x /x\n", "FROM busybox\nCOPY a/../../x /x\n", "FROM busybox\nADD ../../etc/passwd /x\n"] {
            let error = refused(w, text, &[Entry::file("f", "x")])?;
            contains("message", &error.to_string(), "forbidden path outside the build context")?;
        }
        Ok(())
    }),
    Clause::law(
        "BLD-SAFE-2",
        "A link of the context that leads out of it leads nowhere (CVE-2019-13139 and its kin).",
        "Dockerfile reference, COPY",
        |w| {
            let path = canary(w)?;
            let files = [Entry::symlink("out", &path), Entry::symlink("up", "../../../../../../etc")];
            let error = refused(w, "FROM busybox\nCOPY out /x\n", &files)?;
            lacks("message", &error.to_string(), "canary\n")?;
            holds("nothing was copied", refused(w, "FROM busybox\nCOPY up/hostname /x\n", &files).is_ok())
        },
    ),
    Clause::law("BLD-SAFE-3", "A context whose names lead out of it is refused.", "Docker manual, Build context", |w| {
        for name in ["../x", "a/../../x", "/../x"] {
            let error = refused(w, "FROM busybox\nCOPY . /x\n", &[Entry::file(name, "x")])?;
            contains("message", &error.to_string(), "context")?;
        }
        Ok(())
    }),
    Clause::law(
        "BLD-SAFE-4",
        "A link of a stage leads where it leads in that stage, never to the host.",
        "Dockerfile reference, COPY --from",
        |w| {
            let path = canary(w)?;
            let text = format!("FROM busybox AS s\nRUN ln -s {path} /link && ln -s / /root2\nFROM busybox\nCOPY --from=s /link /x\n");
            let error = refused(w, &text, &[])?;
            contains("message", &error.to_string(), "/link")?;
            let text =
                "FROM busybox AS s\nRUN ln -s / /r && echo mine > /f\nFROM busybox\nCOPY --from=s /r/r/r/f /x\nCOPY --from=s ../../f /y\n";
            in_image(w, text, &[], "cat /x /y")?.exits(0)?.prints("mine\nmine")?.done()
        },
    ),
    Clause::law("BLD-SAFE-5", "An archive that ADD extracts writes nowhere but below its destination.", "Dockerfile reference, ADD", |w| {
        let path = canary(w)?;
        for bad in [
            vec![Entry::file("../../../../escaped", "x")],
            vec![Entry::symlink("l", &path), Entry::file("l", "changed")],
            vec![Entry::symlink("l", "/"), Entry::file("l/etc/x", "x")],
            vec![Entry::hard_link("h", "/etc/passwd")],
        ] {
            let _ = attempt(w, "FROM busybox\nADD a.tar /d/\n", &[Entry::file("a.tar", tar(&bad))], |_| {});
            intact(w, &path)?;
        }
        let error = refused(w, "FROM busybox\nADD a.tar /d/\n", &[Entry::file("a.tar", tar(&[Entry::file("../e", "x")]))])?;
        contains("message", &error.to_string(), "..")
    }),
    Clause::law(
        "BLD-SAFE-6",
        "An archive put behind an absolute link of the image goes where the link leads in the image.",
        "Dockerfile reference, ADD",
        |w| {
            let inner = tar(&[Entry::dir("p"), Entry::file("p/f", "x\n")]);
            let text = "FROM busybox\nRUN mkdir -p /opt/real && ln -s /opt/real /srv\nADD a.tar /srv/\n";
            in_image(w, text, &[Entry::file("a.tar", inner)], "cat /opt/real/p/f; readlink /srv")?.exits(0)?.prints("x\n/opt/real")?.done()
        },
    ),
    Clause::law("BLD-SAFE-7", "A name that means a removal is not put into a layer.", "image-spec layer.md, Whiteouts", |w| {
        let error = refused(w, "FROM busybox\nCOPY d /etc\n", &[Entry::dir("d"), Entry::file("d/.wh.passwd", "")])?;
        contains("message", &error.to_string(), "its name means that something was removed")
    }),
    Clause::law(
        "BLD-SAFE-8",
        "The source of a mount is what its path leads to in its stage, whatever links are there (CVE-2024-1753, CVE-2024-9407).",
        "Dockerfile reference, RUN --mount=type=bind",
        |w| {
            let path = canary(w)?;
            let text = format!(
                "FROM busybox AS s\nRUN ln -s {path} /l && ln -s / /up && echo mine > /f\nFROM busybox\n\
                 RUN --mount=type=bind,from=s,source=/up/up/f,target=/m cat /m\n"
            );
            equal("output", build(w, &text, &[])?.heard.output().as_str(), "mine\n")?;
            let text =
                format!("FROM busybox AS s\nRUN ln -s {path} /l\nFROM busybox\nRUN --mount=type=bind,from=s,source=/l,target=/m cat /m\n");
            let error = refused(w, &text, &[])?;
            lacks("message", &error.to_string(), "canary\n")?;
            intact(w, &path)
        },
    )
    .needs(BUILDKIT),
    Clause::law(
        "BLD-SAFE-9",
        "The name of a cache is only a name (CVE-2024-9675), and its content is only what builds put there (CVE-2024-23651).",
        "Dockerfile reference, RUN --mount=type=cache",
        |w| {
            let path = canary(w)?;
            let text = format!(
                "FROM busybox\nRUN --mount=type=cache,id=../../../..{path},target=/c ls /c | wc -l; rm -rf /c/*; echo x > /c/canary\n\
                 RUN --mount=type=cache,id=a,target=/c ln -s {path} /c/l; echo changed > /c/l || true\n"
            );
            build(w, &text, &[])?;
            intact(w, &path)
        },
    )
    .needs(BUILDKIT),
    Clause::law(
        "BLD-SAFE-10",
        "Places made to mount on are in no layer, and nothing of the host goes with them (CVE-2024-23652).",
        "Dockerfile reference, RUN --mount",
        |w| {
            let path = canary(w)?;
            let text = format!(
                "FROM busybox\nRUN mkdir /d\n\
                 RUN --mount=type=tmpfs,target=/new/place --mount=type=tmpfs,target=/d/sub rm -rf /d/sub /new; ln -s {path} /l; true\n"
            );
            in_image(w, &text, &[], "ls -d /new /d/sub 2>/dev/null | wc -l; ls -d /d")?.exits(0)?.prints("0\n/d")?.done()?;
            intact(w, &path)
        },
    )
    .needs(BUILDKIT),
    Clause::law("BLD-SAFE-11", "A step that fails leaves nothing on the host.", "Drydock, build", |w| {
        let before = residue::observe(w)?;
        let text = "FROM busybox\nRUN --mount=type=bind,target=/ctx --mount=type=secret,id=s --mount=type=tmpfs,target=/t false\n";
        let (built, _) = attempt(w, text, &[Entry::file("f", "x")], |r| {
            r.secrets.insert("s".to_owned(), drydock_core::build::request::Secret { content: b"secret".to_vec() });
        });
        holds("it fails", built.is_err())?;
        w.clean()?;
        residue::unchanged(w, &before)
    }),
    Clause::law(
        "BLD-SAFE-12",
        "Addresses of repositories are never handed to a program: they are refused.",
        "Dockerfile reference, ADD",
        |w| {
            for source in ["https://host/x.git#--upload-pack=touch", "git@host:x", "git://host/file"] {
                let error = refused(w, &format!("FROM busybox\nADD {source} /x\n"), &[])?;
                equal("kind", error.kind(), drydock_core::ErrorKind::Unsupported)?;
            }
            holds("there is no image", w.engine().image(NAME).is_err())
        },
    ),
];
