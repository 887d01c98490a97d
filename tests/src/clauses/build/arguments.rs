//! ARG: where it is known, and what it leaves.

use super::{BUILDKIT, NAME, REFERENCE, build, build_with, refused_with};
use crate::clause::Clause;
use crate::outcome::{contains, equal, holds, lacks};
use drydock_core::build::request::BuildRequest;

fn given(name: &str, value: &str) -> impl FnOnce(&mut BuildRequest) {
    let (name, value) = (name.to_owned(), value.to_owned());
    move |r| drop(r.arguments.insert(name, value))
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("BLD-ARG-1", "An argument has its default, or the value it is given, in the instructions after it.", REFERENCE, |w| {
        let text = "FROM busybox\nARG A=1\nRUN echo $A\n";
        equal("default", build(w, text, &[])?.heard.output().trim(), "1")?;
        equal("given", build_with(w, text, &[], given("A", "2"))?.heard.output().trim(), "2")
    }),
    Clause::docker("BLD-ARG-2", "An argument is not in the environment of containers of the image.", REFERENCE, |w| {
        build_with(w, "FROM busybox\nARG A\nRUN test $A = 2\n", &[], given("A", "2"))?;
        let ran = w.run_with(&["env"], |c| c.image = NAME.to_owned())?.exits(0)?;
        lacks("environment", &ran.text(), "A=2")
    }),
    Clause::docker("BLD-ARG-3", "A variable of ENV goes before an argument of the same name.", REFERENCE, |w| {
        let trial = build_with(w, "FROM busybox\nARG A\nENV A=v1.0.0\nRUN echo $A\n", &[], given("A", "v2.0.1"))?;
        equal("value", trial.heard.output().trim(), "v1.0.0")
    }),
    Clause::docker(
        "BLD-ARG-4",
        "An argument before FROM is known in FROM, and in a stage only where that asks for it again.",
        REFERENCE,
        |w| {
            let text = "ARG V=latest\nFROM busybox:$V\nRUN echo \"<$V>\"\nARG V\nRUN echo \"<$V>\"\n";
            equal("values", build(w, text, &[])?.heard.output().as_str(), "<>\n<latest>\n")
        },
    ),
    Clause::docker("BLD-ARG-5", "An argument is not known before the line that declares it.", REFERENCE, |w| {
        let text = "FROM busybox\nENV X=${A:-none}\nARG A\nRUN echo $X $A\n";
        equal("values", build_with(w, text, &[], given("A", "1"))?.heard.output().trim(), "none 1")
    }),
    Clause::law("BLD-ARG-6", "The platform is told by arguments that only need to be asked for.", REFERENCE, |w| {
        let trial = build(w, "FROM busybox\nARG TARGETARCH\nARG TARGETOS\nRUN echo $TARGETOS/$TARGETARCH\n", &[])?;
        equal("platform", trial.heard.output().trim().to_owned(), format!("linux/{}", w.engine().facts().architecture))
    })
    .needs(BUILDKIT),
    Clause::docker("BLD-ARG-7", "Proxies may be given without ARG, reach RUN, and are in no history.", REFERENCE, |w| {
        let trial = build_with(w, "FROM busybox\nRUN echo $HTTP_PROXY\n", &[], given("HTTP_PROXY", "http://u:p@proxy"))?;
        equal("in RUN", trial.heard.output().trim(), "http://u:p@proxy")?;
        equal("nothing is unused", trial.built.unused.len(), 0)?;
        let history = format!("{:?}", w.engine().history(NAME)?);
        lacks("history", &history, "u:p@proxy")
    }),
    Clause::docker("BLD-ARG-8", "An argument that no ARG asks for is told of.", "Docker CLI reference, docker build --build-arg", |w| {
        let trial = build_with(w, "FROM busybox\nARG A\nENV x=1\n", &[], given("B", "1"))?;
        equal("unused", trial.built.unused, vec!["B".to_owned()])
    }),
    Clause::law("BLD-ARG-9", "A base image whose name is empty once its arguments are known is refused.", REFERENCE, |w| {
        let error = refused_with(w, "ARG V\nFROM $V\n", &[], |_| {})?;
        contains("message", &error.to_string(), "should not be blank")
    }),
    Clause::law("BLD-ARG-10", "Values that stand in for others: unset, empty, set, required.", REFERENCE, |w| {
        let text =
            "FROM busybox\nARG E=\nARG S=s\nENV X=\"${U:-a}${E:-b}${E-c}${S:-d}${S:+e}${U:+f}\" Y=${S#x} Z=${S/s/t}\nRUN echo $X $Y $Z\n";
        equal("values", build(w, text, &[])?.heard.output().trim(), "abse s t")?;
        let error = refused_with(w, "FROM busybox\nENV A=\"${U:?say what}\"\n", &[], |_| {})?;
        holds(format_args!("{error}"), error.to_string().contains("U: say what"))
    })
    .needs(BUILDKIT),
];
