//! Mistakes in a Dockerfile: refused with their line, or remarked on.

use super::{BUILDKIT, REFERENCE, build, refused, refused_with};
use crate::clause::Clause;
use crate::fixture::Entry;
use crate::outcome::{contains, equal};
use crate::residue;

/// Each must be refused with these words, and nothing may be left of it.
fn all_refused(w: &crate::world::World<'_>, table: &[(&str, &str)]) -> crate::outcome::Checked {
    let before = residue::observe(w)?;
    for (text, words) in table {
        contains(format_args!("{text:?}"), &refused(w, text, &[])?.to_string(), words)?;
    }
    residue::unchanged(w, &before)
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::law("BLD-ERR-1", "What is no instruction is refused with its line.", REFERENCE, |w| {
        all_refused(
            w,
            &[
                ("This my first Dockerfile\nFROM busybox\n", "line 1: unknown instruction: This"),
                ("FROM busybox\nRNU true\n", "line 2: unknown instruction: RNU"),
                ("FROM busybox\nRNU true\n", "did you mean RUN?"),
            ],
        )
    }),
    Clause::law("BLD-ERR-2", "A Dockerfile without a stage is refused.", REFERENCE, |w| {
        all_refused(
            w,
            &[
                ("", "cannot be empty"),
                ("# only a comment\n", "file with no instructions"),
                ("RUN true\n", "no build stage in current context"),
                ("ARG A=1\n", "no build stage in current context"),
            ],
        )
    }),
    Clause::law("BLD-ERR-3", "Instructions with too little or too much are refused by name.", REFERENCE, |w| {
        all_refused(
            w,
            &[
                ("FROM a b\n", "FROM requires either one or three arguments"),
                ("FROM busybox\nRUN\n", "RUN requires at least one argument"),
                ("FROM busybox\nCOPY a\n", "COPY requires at least two arguments"),
                ("FROM busybox\nENV A\n", "ENV must have two arguments"),
                ("FROM busybox\nENV A=1 B\n", "can't find = in \"B\""),
                ("FROM busybox\nSHELL sh -c\n", "SHELL requires the arguments to be in JSON form"),
                ("FROM busybox\nCOPY --chwon=1 a b\n", "unknown flag: --chwon"),
                ("FROM busybox\nRUN <<EOF\necho\n", "unterminated heredoc"),
            ],
        )
    }),
    Clause::law("BLD-ERR-4", "Values that mean nothing are refused by name.", REFERENCE, |w| {
        all_refused(
            w,
            &[
                ("FROM busybox\nEXPOSE 99999\n", "invalid containerPort: 99999"),
                ("FROM busybox\nSTOPSIGNAL NOPE\n", "Invalid signal: NOPE"),
                ("FROM busybox\nHEALTHCHECK --interval=5 CMD true\n", "invalid duration"),
                ("FROM busybox\nENV A=${b\n", "missing '}'"),
                ("FROM busybox AS 1x\n", "invalid name for build stage"),
                ("FROM busybox\nRUN --mount=type=cash,target=/x true\n", "unsupported mount type"),
            ],
        )
    }),
    Clause::law("BLD-ERR-5", "A stage that needs itself or a later one is refused.", REFERENCE, |w| {
        all_refused(
            w,
            &[
                ("FROM busybox AS x\nCOPY --from=x /a /b\n", "circular dependency"),
                ("FROM busybox\nCOPY --from=99 /a /b\n", "invalid stage index 99"),
            ],
        )
    }),
    Clause::docker("BLD-ERR-6", "A mark at the beginning and line ends of another system make no difference.", REFERENCE, |w| {
        let trial = build(w, "\u{feff}FROM busybox\r\nRUN echo a && \\\r\n  echo b\r\n", &[])?;
        equal("output", trial.heard.output().as_str(), "a\nb\n")
    }),
    Clause::law(
        "BLD-ERR-7",
        "What is remarkable about a Dockerfile is told, and does not stop the build.",
        "Docker manual, Build checks",
        |w| {
            let trial = build(w, "FROM busybox AS Base\nMAINTAINER me\nENV A 1\nCMD echo a\n", &[])?;
            let mut remarks = trial.heard.remarks();
            remarks.sort();
            equal("remarks", remarks, vec!["JSONArgsRecommended", "LegacyKeyValueFormat", "MaintainerDeprecated", "StageNameCasing"])
        },
    )
    .needs(BUILDKIT),
    Clause::law("BLD-ERR-8", "A remark stops the build where the Dockerfile says so.", "Docker manual, Build checks", |w| {
        let error = refused(w, "# check=error=true\nFROM busybox\nMAINTAINER me\n", &[])?;
        contains("message", &error.to_string(), "MaintainerDeprecated")
    })
    .needs(BUILDKIT),
    Clause::law("BLD-ERR-9", "A missing file is named, with the one that was meant.", REFERENCE, |w| {
        let error = refused(w, "FROM busybox\nCOPY supervisord /etc/\n", &[Entry::file("supervisord.conf", "x")])?;
        contains("message", &error.to_string(), "stat supervisord: file does not exist")?;
        contains("help", &error.to_string(), "did you mean supervisord.conf?")
    }),
    Clause::law("BLD-ERR-10", "A container's name in the place of an image's is told.", "Drydock, build", |w| {
        w.create(&["true"], |c| c.name = Some("mk_tomcat".to_owned()))?;
        let error = refused(w, "FROM mk_tomcat\n", &[])?;
        contains("message", &error.to_string(), "mk_tomcat is the name of a container")
    }),
    Clause::law(
        "BLD-ERR-11",
        "A reference that is none is refused before anything is built.",
        "Docker CLI reference, docker build --tag",
        |w| {
            let error = refused_with(w, "FROM busybox\nRUN true\n", &[], |r| r.tags = vec!["Not:A:Tag".to_owned()])?;
            contains("message", &error.to_string(), "invalid")
        },
    ),
    Clause::law("BLD-ERR-12", "A platform that the host is not is refused.", "Docker CLI reference, docker build --platform", |w| {
        let error = refused_with(w, "FROM busybox\n", &[], |r| r.platform = "linux/s390x".to_owned())?;
        contains("message", &error.to_string(), "linux/s390x")
    }),
];
