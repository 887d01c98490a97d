//! What is said about command lines that cannot be run, and the exit codes. Texts and codes are those of docker's client 28.2.2.

mod common;

use common::{Memory, StillLife};
use std::fmt::Write as _;
use std::sync::Arc;

#[test]
fn mistakes_are_told_in_dockers_words() {
    let mut told = String::new();
    for line in [
        "nope",
        "container nope",
        "--nope",
        "--host",
        "run",
        "run --nope x",
        "run -Z x",
        "run -p",
        "run --name",
        "run -m foo busybox",
        "run --cpus x busybox",
        "run --rm=maybe busybox",
        "run --pids-limit x busybox",
        "run --mount foo busybox",
        "run --ulimit foo busybox",
        "run -p foo busybox",
        "run --restart foo busybox",
        "run --env-file /nope busybox",
        "run --rm --restart always busybox",
        "run -d -a stdout busybox",
        "run -it busybox",
        "run -a foo busybox",
        "run --add-host foo busybox",
        "run --dns foo busybox",
        "run --pull sometimes busybox",
        "run missing",
        "run --cidfile /nope/x busybox",
        "run --no-healthcheck --health-cmd x busybox",
        "run --health-cmd x --health-interval -1s busybox",
        "run --health-on-failure panic busybox",
        "run --log-driver nope busybox",
        "run --log-opt max-file=0 busybox",
        "start",
        "start --restore x",
        "ps x",
        "ps -f foo",
        "ps -f nope=1",
        "ps --format {{.Nope",
        "ps -a --format {{.Nope}}",
        "logs",
        "logs a b",
        "exec c",
        "images a b",
        "port",
        "stop -t x c",
        "kill -s FOO c",
        "rm nope also",
        "inspect nope",
        "inspect --type x nope",
        "inspect -f {{.Nope nope",
        "start -a a b",
        "attach nope",
        "import /nope",
        "completion powershell",
        "explain stop",
    ] {
        let mut memory = Memory::new(Arc::new(StillLife { containers: vec![common::web()], ..StillLife::default() }));
        let (code, out, err) = memory.run(line);
        assert_ne!(code, 0, "{line}: {out}");
        let _ = writeln!(told, "$ drydock {line}\n{out}{err}[{code}]\n");
    }
    insta::assert_snapshot!(told);
}

#[test]
fn an_unknown_flag_is_125_whatever_the_command() {
    for definition in drydock::command::COMMANDS.iter().filter(|d| !d.name.is_empty()) {
        let (code, _, err) = Memory::new(Arc::new(StillLife::default())).run(&format!("{} --nope x y z", definition.name));
        assert_eq!(code, 125, "{}", definition.name);
        assert!(err.starts_with("unknown flag: --nope\n"), "{err}");
    }
}
