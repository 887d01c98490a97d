//! Stages: which are built, what they hand on, and triggers.

use super::{BUILDKIT, NAME, REFERENCE, build, build_with, image, in_image, refused, refused_with};
use crate::clause::Clause;
use crate::fixture::Entry;
use crate::outcome::{contains, equal, holds};

pub(super) const CLAUSES: &[Clause] = &[
    Clause::law("BLD-STAGE-1", "Only the stages that the target needs are built.", "Docker manual, Multi-stage builds", |w| {
        let text = "FROM busybox AS a\nRUN echo a > /a\nFROM busybox AS b\nRUN exit 1\nFROM busybox\nCOPY --from=a /a /a\n";
        let trial = build(w, text, &[])?;
        holds("b is not begun", trial.heard.steps().iter().all(|s| !s.starts_with("[b ")))
    })
    .needs(BUILDKIT),
    Clause::docker(
        "BLD-STAGE-2",
        "A later stage has of an earlier one what it copies, and nothing else.",
        "Docker manual, Multi-stage builds",
        |w| {
            let text = "FROM busybox AS build\nRUN mkdir /out; echo x > /out/x; echo y > /y\nFROM busybox\nCOPY --from=build /out/x /x\n";
            in_image(w, text, &[], "cat /x; ls /y /out 2>/dev/null | wc -l")?.exits(0)?.prints("x\n0")?.done()
        },
    ),
    Clause::docker("BLD-STAGE-3", "A stage goes by its name in any case, or by its number.", REFERENCE, |w| {
        let text = "FROM busybox AS Build\nRUN echo x > /x\nFROM busybox\nCOPY --from=build /x /a\nCOPY --from=0 /x /b\n";
        in_image(w, text, &[], "cat /a /b")?.exits(0)?.prints("x\nx")?.done()
    }),
    Clause::docker("BLD-STAGE-4", "A stage can begin with another: it has its files and its configuration.", REFERENCE, |w| {
        let text = "FROM busybox AS one\nENV A=1\nWORKDIR /w\nRUN echo x > x\nFROM one\nRUN echo $A >> x\n";
        in_image(w, text, &[], "cat x")?.exits(0)?.prints("x\n1")?.done()
    }),
    Clause::docker("BLD-STAGE-5", "--target ends the build with a stage.", "Docker CLI reference, docker build --target", |w| {
        let text = "FROM busybox AS one\nENV A=1\nFROM one\nENV A=2\n";
        build_with(w, text, &[], |r| r.target = "one".to_owned())?;
        let env = w.engine().image(NAME)?.defaults.env;
        holds(format_args!("{env:?}"), env.iter().any(|e| e == "A=1"))
    }),
    Clause::law(
        "BLD-STAGE-6",
        "A target that is no stage is refused, and the nearest one is named.",
        "Docker CLI reference, docker build --target",
        |w| {
            let error = refused_with(w, "FROM busybox AS builder\n", &[], |r| r.target = "bulder".to_owned())?;
            contains("message", &error.to_string(), "target stage \"bulder\" could not be found")?;
            contains("hint", &error.to_string(), "did you mean builder?")
        },
    ),
    Clause::docker("BLD-STAGE-7", "scratch is nothing: the image has the files that are put there.", REFERENCE, |w| {
        build(w, "FROM scratch\nCOPY f /f\n", &[Entry::file("f", "x")])?;
        equal("layers", w.engine().image(NAME)?.diff_ids.len(), 1)?;
        let error = w.refused(&["/f"], |c| c.image = NAME.to_owned())?;
        equal("kind", error.kind(), drydock_core::ErrorKind::CommandNotExecutable)
    }),
    Clause::docker("BLD-STAGE-8", "A trigger runs in the image that builds on this one, and in no further one.", REFERENCE, |w| {
        let text = "FROM busybox\nONBUILD RUN echo triggered >> /t\nONBUILD ENV T=1\n";
        build_with(w, text, &[], |r| r.tags = vec!["parent:1".to_owned()])?;
        build_with(w, "FROM parent:1\n", &[], |r| r.tags = vec!["child:1".to_owned()])?;
        in_image(w, "FROM child:1\nRUN true\n", &[], "cat /t; echo $T")?.exits(0)?.prints("triggered\n1")?.done()
    }),
    Clause::docker("BLD-STAGE-9", "What is not to be a trigger is refused.", REFERENCE, |w| {
        for (text, words) in [
            ("FROM busybox\nONBUILD ONBUILD RUN true\n", "ONBUILD ONBUILD"),
            ("FROM busybox\nONBUILD FROM busybox\n", "FROM isn't allowed as an ONBUILD trigger"),
            ("FROM busybox\nONBUILD MAINTAINER x\n", "MAINTAINER isn't allowed"),
        ] {
            contains("message", &refused(w, text, &[])?.to_string(), words)?;
        }
        Ok(())
    }),
    Clause::law("BLD-STAGE-10", "A base image that is not there is refused by its name.", REFERENCE, |w| {
        let error = refused(w, "FROM no-such-image:9\nRUN true\n", &[])?;
        contains("message", &error.to_string(), "no-such-image:9")
    }),
    Clause::law(
        "BLD-STAGE-11",
        "The history has a line for each instruction, and says which of them made no layer.",
        "image-spec config.md, history",
        |w| {
            image(w, "FROM busybox\nENV A=1\nRUN echo x > /x\nCMD [\"a\"]\n")?;
            let history = w.engine().history(NAME)?;
            let text = format!("{history:?}");
            for part in ["ENV A=1", "echo x > /x", "CMD"] {
                contains("history", &text, part)?;
            }
            Ok(())
        },
    ),
    Clause::docker("BLD-STAGE-12", "An image can be built upon by its id.", REFERENCE, |w| {
        let id = w.engine().image("busybox")?.id;
        let hex = id.as_str().trim_start_matches("sha256:").to_owned();
        in_image(w, &format!("FROM {}\nRUN echo x > /x\n", &hex[..12]), &[], "cat /x")?.exits(0)?.prints("x")?.done()
    }),
    Clause::law(
        "BLD-STAGE-13",
        "A stage that fails ends the build with its own error, and no image is made.",
        "Docker manual, Multi-stage builds",
        |w| {
            let text =
                "FROM busybox AS a\nRUN exit 7\nFROM busybox AS b\nRUN echo b > /b\nFROM busybox\nCOPY --from=a /a /\nCOPY --from=b /b /\n";
            let error = refused(w, text, &[])?;
            contains("message", error.message(), "exit code: 7")?;
            holds("no image", w.engine().image(NAME).is_err())
        },
    ),
    Clause::law("BLD-STAGE-14", "The base of a stage that nothing needs is not looked for.", "Docker manual, Multi-stage builds", |w| {
        let text = "FROM no-such-image:9 AS a\nRUN true\nFROM busybox\nRUN echo x > /x\n";
        in_image(w, text, &[], "cat /x")?.exits(0)?.prints("x")?.done()
    })
    .needs(BUILDKIT),
    Clause::law("BLD-STAGE-15", "The same step of two stages is done once.", "Docker manual, Build cache", |w| {
        let text = "FROM busybox AS a\nRUN echo x > /x\nFROM busybox AS b\nRUN echo x > /x\nFROM busybox\nCOPY --from=a /x /a\nCOPY --from=b /x /b\n";
        equal("found in the cache", build(w, text, &[])?.built.cached, (1, 4))
    }),
    Clause::docker("BLD-STAGE-16", "A stage can copy from several others, and each of them from an earlier one.", REFERENCE, |w| {
        let text = "FROM busybox AS one\nRUN echo 1 > /f\nFROM busybox AS two\nCOPY --from=one /f /f\nRUN echo 2 >> /f\n\
                    FROM busybox AS three\nCOPY --from=one /f /f\nRUN echo 3 >> /f\nFROM busybox\nCOPY --from=two /f /2\nCOPY --from=three /f /3\n";
        in_image(w, text, &[], "cat /2 /3")?.exits(0)?.prints("1\n2\n1\n3")?.done()
    }),
    Clause::law(
        "BLD-STAGE-17",
        "A stage can copy from a later one, unless that needs it in turn.",
        "Docker manual, Multi-stage builds",
        |w| {
            let text = "FROM busybox AS one\nCOPY --from=two /f /f\nRUN echo 1 >> /f\nFROM busybox AS two\nRUN echo 2 > /f\nFROM one\n";
            in_image(w, text, &[], "cat /f")?.exits(0)?.prints("2\n1")?.done()?;
            let error = refused(w, "FROM busybox AS one\nCOPY --from=two /f /f\nFROM busybox AS two\nCOPY --from=one /f /f\n", &[])?;
            contains("message", &error.to_string(), "circular dependency detected on stage: one")
        },
    )
    .needs(BUILDKIT),
    Clause::docker("BLD-STAGE-18", "A stage that bears the name of its base begins with the image of that name.", REFERENCE, |w| {
        let text = "FROM busybox AS busybox\nRUN echo x > /x\nFROM busybox\nRUN echo y > /y\n";
        in_image(w, text, &[], "cat /x /y")?.exits(0)?.prints("x\ny")?.done()
    }),
];
