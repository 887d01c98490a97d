//! What instructions make of a stage.

use super::*;
use crate::build::dockerfile::parse;
use serde_json::json;

struct Came {
    state: State,
    effects: Vec<Effect>,
}

fn of(text: &str, given: &[(&str, &str)]) -> Result<Came> {
    let file = parse("Dockerfile", format!("FROM a\n{text}").as_bytes())?;
    let given: BTreeMap<String, String> = given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let global = [("GLOBAL".to_owned(), Some("g".to_owned())), ("TARGETARCH".to_owned(), Some("amd64".to_owned()))].into();
    let scope = Scope { file: &file, given: &given, global: &global };
    let mut state = State::new(Settings::default());
    let effects = file.instructions[1..].iter().map(|i| state.take(&scope, i)).collect::<Result<_>>()?;
    Ok(Came { state, effects })
}

fn wrong(text: &str) -> String {
    match of(text, &[]) {
        Ok(_) => panic!("{text} was taken"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn the_configuration_is_what_the_instructions_say() {
    let text = "ENV A=1 B=$A\nENV A=2 C=$A\nLABEL x=\"y z\"\nEXPOSE 80 53/UDP 8000-8001\nVOLUME /d\nUSER u\nWORKDIR /a\nWORKDIR b\n\
        CMD run it\nSHELL [\"/bin/bash\",\"-ec\"]\nENTRYPOINT go\nSTOPSIGNAL SIGQUIT\nONBUILD RUN x\nMAINTAINER me\n\
        HEALTHCHECK --interval=1m --retries=2 CMD curl x\n";
    let came = of(text, &[]).unwrap();
    assert_eq!(
        came.state.settings.write(),
        json!({
            "ExposedPorts": {"53/udp": {}, "80/tcp": {}, "8000/tcp": {}, "8001/tcp": {}},
            "Volumes": {"/d": {}},
            "User": "u",
            "Env": ["A=2", "B=", "C=1"],
            "Entrypoint": ["/bin/bash", "-ec", "go"],
            "Cmd": ["/bin/sh", "-c", "run it"],
            "Healthcheck": {"Test": ["CMD-SHELL", "curl x"], "Interval": 60_000_000_000u64, "Retries": 2},
            "WorkingDir": "/a/b",
            "Labels": {"x": "y z"},
            "StopSignal": "SIGQUIT",
            "Shell": ["/bin/bash", "-ec"],
            "OnBuild": ["RUN x"],
        })
    );
    assert_eq!(came.state.settings.author, "me");
    assert!(came.state.history.iter().all(|d| d.empty));
    let read = Settings::read(&json!({"author": "me", "config": came.state.settings.write()})).unwrap();
    assert_eq!(read.write(), came.state.settings.write());
}

#[test]
fn arguments_by_the_rules_of_the_reference() {
    let env = |text: &str, given: &[(&str, &str)]| of(text, given).unwrap().state;
    assert_eq!(env("ARG A=1\nENV X=$A", &[]).settings.env, ["X=1"]);
    assert_eq!(env("ARG A=1\nENV X=$A", &[("A", "2")]).settings.env, ["X=2"]);
    // ENV before ARG, whichever comes first.
    assert_eq!(env("ENV A=e\nARG A=1\nENV X=$A", &[("A", "2")]).settings.env, ["A=e", "X=e"]);
    // Of the arguments before FROM a stage knows those that it asks for.
    assert_eq!(env("ENV X=$GLOBAL", &[]).settings.env, ["X="]);
    assert_eq!(env("ARG GLOBAL\nENV X=$GLOBAL", &[]).settings.env, ["X=g"]);
    assert_eq!(env("ARG TARGETARCH\nENV X=$TARGETARCH", &[]).settings.env, ["X=amd64"]);
    // The example of the reference: the default of the second line is taken when the argument is empty.
    assert_eq!(env("ARG V\nENV V=${V:-v1.0.0}", &[]).settings.env, ["V=v1.0.0"]);
    let state = env("ARG A=1\nARG B\nENV A=e", &[("HTTP_PROXY", "p")]);
    assert_eq!(state.run_environment(&[("HTTP_PROXY".to_owned(), "p".to_owned())].into()), ["HTTP_PROXY=p", "A=e"]);
    assert_eq!(state.run_arguments(), []);
}

#[test]
fn run_becomes_a_program() {
    let run = |text: &str| match of(text, &[]).unwrap().effects.pop() {
        Some(Effect::Run(run)) => run,
        other => panic!("{other:?}"),
    };
    assert_eq!(run("RUN a && b").args, ["/bin/sh", "-c", "a && b"]);
    assert_eq!(run("RUN [\"a\", \"$b\"]").args, ["a", "$b"]);
    assert_eq!(run("RUN <<EOF\na\nb\nEOF").args, ["/bin/sh", "-c", "a\nb\n"]);
    assert_eq!(run("RUN cat <<EOF > /x\na\nEOF").args, ["/bin/sh", "-c", "cat <<EOF > /x\na\nEOF\n"]);
    let script = run("RUN <<EOF\n#!/usr/bin/env python\nprint(1)\nEOF");
    assert_eq!((script.script.as_deref(), script.args[0].as_str()), (Some("#!/usr/bin/env python\nprint(1)\n"), "/dev/pipes/EOF"));
    assert_eq!(run("ARG A=1\nRUN x").by, "RUN |1 A=1 /bin/sh -c x");
    assert_eq!(run("WORKDIR /w\nRUN --mount=type=cache,target=c x").mounts[0].0.target, "/w/c");
}

#[test]
fn copy_is_expanded() {
    let copy = |text: &str| match of(text, &[]).unwrap().effects.pop() {
        Some(Effect::Copy(copy)) => copy,
        other => panic!("{other:?}"),
    };
    let came = copy("ENV d=/x u=me\nWORKDIR /w\nCOPY --chown=$u:$u a $d/b .\n");
    assert_eq!((came.chown.as_deref(), came.dest.as_str(), came.sources[1].0.as_str()), (Some("me:me"), "/w/", "/x/b"));
    let came = copy("ENV v=1\nCOPY <<A <<'B' /d/\n$v \\$v\nA\n$v\nB\n");
    assert_eq!(came.inline, [("A".to_owned(), "1 $v\n".to_owned()), ("B".to_owned(), "$v\n".to_owned())]);
}

#[test]
fn an_entry_point_drops_the_arguments_of_the_base() {
    let file = parse("D", b"FROM a\nENTRYPOINT [\"e\"]\n").unwrap();
    let (given, global) = (BTreeMap::new(), BTreeMap::new());
    let mut state = State::new(Settings { cmd: Some(vec!["base".to_owned()]), ..Settings::default() });
    state.take(&Scope { file: &file, given: &given, global: &global }, &file.instructions[1]).unwrap();
    assert_eq!(state.settings.cmd, None);
    assert_eq!(of("CMD [\"c\"]\nENTRYPOINT [\"e\"]", &[]).unwrap().state.settings.cmd, Some(vec!["c".to_owned()]));
}

#[test]
fn mistakes_that_show_while_building() {
    let texts = [
        "EXPOSE 99999",
        "EXPOSE 80/icmp",
        "EXPOSE 9-8",
        "STOPSIGNAL NOPE",
        "USER ${x?say who}",
        "RUN --mount=type=cash x",
        "RUN --network=bridge x",
        "RUN --security=insecure x",
        "COPY a $nothing",
        "VOLUME $nothing",
        "WORKDIR $nothing",
        "ENV A=${b",
        "RUN --mount=type=tmpfs,target=/ x",
    ];
    let shown: Vec<String> = texts.iter().map(|t| format!("{}\n=====\n", wrong(t))).collect();
    insta::assert_snapshot!(shown.concat());
}
