//! What is watched: `stats`, `events`, `top`, `ps -s`; and how errors are said to programs.

mod common;

use common::{Memory, NOON, StillLife, ago, three};
use drydock_core::engine::{ContainerStats, EventEntry};
use drydock_core::limits::Usage;
use drydock_core::network::LinkCounters;
use std::collections::BTreeMap;
use std::sync::Arc;

fn event(number: u64, seconds: u64, kind: &str, action: &str, id: &str, attributes: &[(&str, &str)]) -> EventEntry {
    EventEntry {
        number,
        time: ago(seconds),
        kind: kind.to_owned(),
        action: action.to_owned(),
        id: id.to_owned(),
        attributes: attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
    }
}

fn world() -> StillLife {
    let containers = three();
    let figures = |i: usize, running: bool, usage: Usage, link: Option<LinkCounters>| ContainerStats {
        id: containers[i].id.clone(),
        name: containers[i].name.clone(),
        running,
        time: NOON,
        usage,
        networks: link.into_iter().map(|l| ("eth0".to_owned(), l)).collect::<BTreeMap<_, _>>(),
        cpus: 4,
        host_memory: 8_344_000_000,
    };
    let busy = Usage {
        memory: 20 << 20,
        memory_cache: 4 << 20,
        memory_limit: Some(64 << 20),
        pids: 3,
        block: (4_096, 1_500_000),
        ..Usage::default()
    };
    let stats = vec![
        figures(0, true, busy, Some(LinkCounters { received: 1_234, sent: 56_789 })),
        figures(1, false, Usage::default(), None),
        figures(2, false, Usage::default(), None),
    ];
    let events = vec![
        event(1, 90, "image", "import", "sha256:aa", &[("name", "nginx:latest")]),
        event(2, 70, "container", "create", "0123", &[("image", "nginx"), ("name", "web"), ("tier", "front")]),
        event(3, 69, "network", "connect", "4567", &[("container", "0123"), ("name", "bridge"), ("type", "bridge")]),
        event(4, 69, "container", "start", "0123", &[("image", "nginx"), ("name", "web"), ("tier", "front")]),
        event(5, 9, "container", "exec_create: sh -c x", "0123", &[("execID", "9"), ("image", "nginx"), ("name", "web\u{1b}[2J")]),
        event(6, 0, "container", "prune", "", &[("reclaimed", "100000")]),
    ];
    StillLife { containers, stats, events, now: NOON, ..StillLife::default() }
}

fn told(lines: &[&str]) -> String {
    common::told(world(), lines)
}

#[test]
fn stats() {
    insta::assert_snapshot!(told(&[
        "stats --no-stream",
        "stats --no-stream --all --no-trunc",
        "stats --no-stream web",
        "container stats --no-stream --format json web",
        "stats --no-stream --format {{.Container}}|{{.Name}}|{{.ID}}|{{.CPUPerc}}|{{.MemUsage}}|{{.NetIO}}|{{.BlockIO}}|{{.MemPerc}}|{{.PIDs}} web fresh",
        "stats --no-stream --format table~{{.Name}}\\t{{.MemPerc}} web",
        "stats --no-stream --format {{.Nope}} web",
        "stats --no-stream nope",
    ]));
}

#[test]
fn a_simulated_world_is_not_watched_for_ever() {
    let mut memory = Memory::new(Arc::new(world()));
    let (code, out, err) = memory.run("stats web");
    assert_eq!((code, out.matches("CONTAINER ID").count()), (0, 5));
    assert!(err.starts_with("drydock: time in a simulated world passes only while a command runs"), "{err}");
}

#[test]
fn a_terminal_is_drawn_on_in_place() {
    let mut memory = Memory::new(Arc::new(world()));
    memory.terminal = true;
    let (code, out, _) = memory.run("stats --no-stream web");
    assert_eq!(code, 0);
    assert!(!out.contains('\u{1b}') && !out.contains('█'), "one picture is for scripts: {out}");
    let (code, _, err) = Memory::new(Arc::new(world())).run("ps --watch");
    assert_eq!((code, err.as_str()), (1, "--watch draws on a terminal, and standard output is none\n"));
}

#[test]
fn events() {
    insta::assert_snapshot!(told(&[
        "events --until 0s",
        "events --since 80s --until 0s --filter type=container",
        "events --since 80s --until 5s --filter event=exec_create",
        "system events --until 0s --filter event=create --format json",
        "events --until 0s --filter event=create --format {{json~.}}",
        "events --until 0s --filter container=web --format {{.Type}}~{{.Action}}~{{.Actor.ID}}~{{.Actor.Attributes.name}}~{{.Time}}~{{.TimeNano}}~{{.Status}}~{{.ID}}~{{.From}}~{{.Scope}}",
        "events --until 0s --format {{.Nope}}",
        "events --until 0s --format {{",
        "events --since xx --until 0s",
        "events --filter nope",
    ]));
}

#[test]
fn top_and_sizes() {
    insta::assert_snapshot!(told(&[
        "top web",
        "top web aux",
        "ps -s",
        "ps --format {{.Names}}:{{.Size}}",
        "ps -q --format raw",
        "ps -q --format {{.Names}}"
    ]));
}

#[test]
fn nothing_that_others_wrote_reaches_a_terminal_raw() {
    let mut memory = Memory::new(Arc::new(world()));
    memory.terminal = true;
    for line in [
        "ps -a",
        "ps -a --format {{.Names}}",
        "stats --no-stream -a",
        "events --until 0s",
        "events --until 0s --format json",
        "top web",
        "rm nope\u{1b}[2J",
    ] {
        let (_, out, err) = memory.run(line);
        assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "{line}: {out:?} {err:?}");
    }
}

#[test]
fn errors_for_programs_are_one_line_of_json_each() {
    insta::assert_snapshot!(told(&[
        "--error-format json rm nope web",
        "--error-format=json run --nope",
        "--error-format json start nope",
        "--error-format json inspect nope",
        "--error-format json run missing",
        "--error-format json nonsense",
        "--error-format json container nonsense",
        "--error-format json --nonsense",
        "--error-format xml ps",
        "--error-format json wait",
        "--error-format json load -i /nope",
    ]));
    let mut memory = Memory::new(Arc::new(world()));
    memory.variables.insert("DRYDOCK_ERROR_FORMAT".to_owned(), "json".to_owned());
    let (code, _, err) = memory.run("rm nope");
    assert_eq!(code, 1);
    assert!(err.starts_with("{\"code\":"), "{err}");
    assert!(memory.run("--error-format text rm nope").2.starts_with("Error response from daemon"));
}

#[test]
fn an_update_says_only_what_was_asked_for() {
    let mut memory = Memory::new(Arc::new(world()));
    let (code, out, err) = memory
        .run("update --memory 64m --memory-swap -1 --cpus 1.5 --restart on-failure:3 --publish-add 8080:80 --publish-rm 81/udp web other");
    assert_eq!((code, out.as_str(), err.as_str()), (0, "web\nother\n", ""));
    insta::assert_snapshot!("update", serde_json::to_string_pretty(&memory.engine.updates.lock().unwrap()[0]).unwrap());
    assert_eq!(memory.run("update web"), (1, String::new(), "you must provide one or more flags when using this command\n".to_owned()));
    let (code, _, err) = memory.run("update --memory x web");
    assert_eq!(code, 125);
    assert!(err.starts_with("invalid argument \"x\" for \"-m, --memory\" flag: invalid size: 'x'\n"), "{err}");
    assert_eq!(memory.run("update --pids-limit 5 nope web").0, 1);
    assert_eq!(memory.engine.updates.lock().unwrap().len(), 3);
}

#[test]
fn a_prune_asks_first() {
    let mut memory = Memory::new(Arc::new(world()));
    for answer in ["", "n\n", "yes\n", "no"] {
        memory.files.insert("-".to_owned(), answer.as_bytes().to_vec());
        let (code, out, err) = memory.run("container prune");
        assert_eq!((code, err.as_str()), (0, ""), "{answer}");
        assert_eq!(out, "WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] ", "{answer}");
    }
    memory.files.insert("-".to_owned(), b"n\n".to_vec());
    insta::assert_snapshot!("system_prune", memory.run("system prune -a --filter label=x").1);
    let (code, _, err) = memory.run("container prune -f --filter nope=1");
    assert_eq!((code, err.as_str()), (1, "Error response from daemon: Invalid filter 'nope'\n"));
    let (code, _, err) = memory.run("container prune -f --filter until=1h --filter until=2h");
    assert_eq!((code, err.as_str()), (1, "Error response from daemon: more than one until filter specified\n"));
}
