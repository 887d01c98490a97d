//! Instructions that change what the image says.

use super::{NAME, REFERENCE, build, build_with, image};
use crate::clause::Clause;
use crate::outcome::{equal, holds};

fn list(words: &[&str]) -> Option<Vec<String>> {
    Some(words.iter().map(|&w| w.to_owned()).collect())
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("BLD-PATH-1", "An image whose base names no PATH gets the one that containers have.", REFERENCE, |w| {
        for base in ["busybox", "scratch"] {
            let text = format!("FROM {base}\nLABEL a=b\nCOPY f /f\n");
            super::build(w, &text, &[crate::fixture::Entry::file("f", "1")])?;
            equal(base, w.engine().image(NAME)?.defaults.env, vec![drydock_core::engine::DEFAULT_PATH.to_owned()])?;
        }
        Ok(())
    }),
    Clause::docker(
        "BLD-PATH-2",
        "What is added to a PATH that the base does not name is added to that one, and programs are found.",
        REFERENCE,
        |w| {
            super::in_image(w, "FROM busybox\nENV PATH=/x:$PATH\nRUN true\n", &[], "echo $PATH")?
                .exits(0)?
                .prints("/x:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")?
                .done()
        },
    ),
    Clause::docker("BLD-CONF-1", "ENV sets variables, and containers of the image have them.", REFERENCE, |w| {
        build(w, "FROM busybox\nENV A=1 B=\"two words\" C=a\\ b\n", &[])?;
        let ran = w.run_with(&["sh", "-c", "echo $A,$B,$C"], |c| c.image = NAME.to_owned())?;
        ran.exits(0)?.prints("1,two words,a b")?.done()
    }),
    Clause::docker("BLD-CONF-2", "The values of one ENV are expanded with what was known before it.", REFERENCE, |w| {
        let env = image(w, "FROM busybox\nENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc\n")?.defaults.env;
        for wanted in ["abc=bye", "def=hello", "ghi=bye"] {
            holds(format_args!("{wanted} is in {env:?}"), env.iter().any(|e| e == wanted))?;
        }
        Ok(())
    }),
    Clause::docker("BLD-CONF-3", "The old form of ENV takes the rest of the line as the value.", REFERENCE, |w| {
        let env = image(w, "FROM busybox\nENV NAME World of words\n")?.defaults.env;
        holds(format_args!("{env:?}"), env.iter().any(|e| e == "NAME=World of words"))
    }),
    Clause::docker("BLD-CONF-4", "LABEL adds labels to those of the base image, and a later one of the same key counts.", REFERENCE, |w| {
        w.import_busybox("labelled:1", &["LABEL a=1 b=2"])?;
        let labels = image(w, "FROM labelled:1\nLABEL b=3 \"c d\"=\"e f\"\n")?.defaults.labels;
        equal("a", labels.get("a").map(String::as_str), Some("1"))?;
        equal("b", labels.get("b").map(String::as_str), Some("3"))?;
        equal("c d", labels.get("c d").map(String::as_str), Some("e f"))
    }),
    Clause::docker(
        "BLD-CONF-5",
        "A label given to the build counts before one of the Dockerfile.",
        "Docker CLI reference, docker build --label",
        |w| {
            build_with(w, "FROM busybox\nLABEL a=1\n", &[], |r| drop(r.labels.insert("a".to_owned(), "2".to_owned())))?;
            equal("a", w.engine().image(NAME)?.defaults.labels.get("a").map(String::as_str), Some("2"))
        },
    ),
    Clause::docker("BLD-CONF-6", "EXPOSE names ports with their protocol, TCP without one, and publishes none.", REFERENCE, |w| {
        let ports = image(w, "FROM busybox\nEXPOSE 22 80 53/udp\n")?.defaults.exposed_ports;
        equal("ports", ports.keys().cloned().collect::<Vec<_>>(), vec!["22/tcp", "53/udp", "80/tcp"])
    }),
    Clause::docker("BLD-CONF-7", "CMD as a list is executed as it is; as a line it goes to the shell.", REFERENCE, |w| {
        equal("list", image(w, "FROM busybox\nCMD [\"echo\", \"$A\"]\n")?.defaults.cmd, list(&["echo", "$A"]))?;
        equal("line", image(w, "FROM busybox\nCMD echo $A\n")?.defaults.cmd, list(&["/bin/sh", "-c", "echo $A"]))
    }),
    Clause::docker("BLD-CONF-8", "Of several CMD and ENTRYPOINT only the last counts.", REFERENCE, |w| {
        let text = "FROM busybox\nCMD [\"a\"]\nENTRYPOINT [\"x\"]\nENTRYPOINT [\"y\"]\nCMD [\"b\"]\n";
        let defaults = image(w, text)?.defaults;
        equal("command", defaults.cmd, list(&["b"]))?;
        equal("entry point", defaults.entrypoint, list(&["y"]))
    }),
    Clause::docker("BLD-CONF-9", "An ENTRYPOINT drops the base image's CMD, and keeps the Dockerfile's own.", REFERENCE, |w| {
        w.import_busybox("commanded:1", &["CMD [\"base\"]"])?;
        equal("dropped", image(w, "FROM commanded:1\nENTRYPOINT [\"echo\"]\n")?.defaults.cmd, None)?;
        equal("kept", image(w, "FROM commanded:1\nCMD [\"own\"]\nENTRYPOINT [\"echo\"]\n")?.defaults.cmd, list(&["own"]))
    }),
    Clause::docker("BLD-CONF-10", "Arguments of run replace CMD and are appended to ENTRYPOINT.", REFERENCE, |w| {
        build(w, "FROM busybox\nENTRYPOINT [\"echo\", \"E\"]\nCMD [\"C\"]\n", &[])?;
        let run = |args: &[&str]| w.run_with(args, |c| c.image = NAME.to_owned());
        run(&[])?.exits(0)?.prints("E C")?.done()?;
        run(&["a", "b"])?.exits(0)?.prints("E a b")?.done()
    }),
    Clause::law("BLD-CONF-11", "USER is who later RUN and containers of the image are.", REFERENCE, |w| {
        let trial = build(w, "FROM busybox\nUSER app\nRUN id -u\n", &[])?;
        equal("in RUN", trial.heard.output().trim(), "1000")?;
        w.run_with(&["id", "-u"], |c| c.image = NAME.to_owned())?.exits(0)?.prints("1000")?.done()
    }),
    Clause::docker("BLD-CONF-12", "WORKDIR is made if it is not there; a relative one is below the one before.", REFERENCE, |w| {
        let trial = build(w, "FROM busybox\nWORKDIR /a\nWORKDIR b\nRUN pwd\n", &[])?;
        equal("in RUN", trial.heard.output().trim(), "/a/b")?;
        equal("directory", w.engine().image(NAME)?.defaults.working_dir.as_str(), "/a/b")?;
        w.run_with(&["pwd"], |c| c.image = NAME.to_owned())?.exits(0)?.prints("/a/b")?.done()
    }),
    Clause::docker("BLD-CONF-13", "VOLUME is in the image's configuration, from a list or from words.", REFERENCE, |w| {
        let volumes = image(w, "FROM busybox\nVOLUME [\"/a\"]\nVOLUME /b /c\n")?.defaults.volumes;
        equal("volumes", volumes.keys().cloned().collect::<Vec<_>>(), vec!["/a", "/b", "/c"])
    }),
    Clause::docker("BLD-CONF-14", "STOPSIGNAL is the image's, by name or number.", REFERENCE, |w| {
        equal("name", image(w, "FROM busybox\nSTOPSIGNAL SIGQUIT\n")?.defaults.stop_signal.as_str(), "SIGQUIT")?;
        equal("number", image(w, "FROM busybox\nSTOPSIGNAL 9\n")?.defaults.stop_signal.as_str(), "9")
    }),
    Clause::docker("BLD-CONF-15", "SHELL is what later lines go to.", REFERENCE, |w| {
        let trial = build(w, "FROM busybox\nSHELL [\"/bin/echo\", \"say\"]\nRUN hello\nCMD there\n", &[])?;
        equal("RUN", trial.heard.output().as_str(), "say hello\n")?;
        equal("CMD", w.engine().image(NAME)?.defaults.cmd, list(&["/bin/echo", "say", "there"]))
    }),
    Clause::docker("BLD-CONF-16", "MAINTAINER is the image's author.", REFERENCE, |w| {
        equal("author", image(w, "FROM busybox\nMAINTAINER A. Person\n")?.author.as_str(), "A. Person")
    }),
    Clause::docker("BLD-CONF-17", "HEALTHCHECK is in the configuration: command and times.", REFERENCE, |w| {
        let health = image(w, "FROM busybox\nHEALTHCHECK --interval=5s --retries=2 CMD true\n")?.defaults.healthcheck;
        let text = format!("{health:?}");
        holds(format_args!("{text}"), health.is_some() && text.contains("CMD-SHELL") && text.contains('5'))
    }),
    Clause::docker("BLD-CONF-18", "Instructions that only change the configuration add no layer.", REFERENCE, |w| {
        let base = w.engine().image("busybox")?.diff_ids;
        let text = "FROM busybox\nENV a=1\nLABEL b=1\nEXPOSE 1\nUSER app\nCMD x\nVOLUME /v\nSTOPSIGNAL 9\nARG z\n";
        equal("layers", image(w, text)?.diff_ids, base)
    }),
    Clause::docker(
        "BLD-CONF-19",
        "Instructions are read in any case, and a comment is a line that begins with a number sign.",
        REFERENCE,
        |w| {
            let env = image(w, "# first\nfrom busybox\n  # second\nenv A=1 \\\n  # third\n  B=2\nEnv C=a#b\n")?.defaults.env;
            for wanted in ["A=1", "B=2", "C=a#b"] {
                holds(format_args!("{wanted} is in {env:?}"), env.iter().any(|e| e == wanted))?;
            }
            Ok(())
        },
    ),
    Clause::law("BLD-CONF-20", "Several references name one image.", "Docker CLI reference, docker build --tag", |w| {
        build_with(w, "FROM busybox\nENV a=1\n", &[], |r| r.tags.push("other:2".to_owned()))?;
        equal("id", w.engine().image("other:2")?.id, w.engine().image(NAME)?.id)
    }),
];
