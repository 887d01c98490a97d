//! The program itself on the simulated host: what a person types, as processes that share one file.

mod common;

use common::world::World;
use std::path::Path;

#[test]
fn exit_codes_are_those_of_docker() {
    let world = World::new("codes");
    for (words, code, first) in [
        (vec!["run", "--rm", "busybox", "sh", "-c", "exit 7"], 7, ""),
        (vec!["run", "--rm", "busybox", "nope"], 127, "executable file not found"),
        (vec!["run", "--rm", "busybox", "/etc"], 126, "is a directory"),
        (vec!["run", "--nope", "busybox"], 125, "unknown flag: --nope"),
        (vec!["run", "--rm", "missing"], 125, "Unable to find image 'missing:latest' locally"),
        (vec!["run", "--rm", "-m", "1m", "busybox", "true"], 125, "6MB"),
        (vec!["rm", "nope"], 1, "No such container: nope"),
        (vec!["inspect", "nope"], 1, "No such object: nope"),
    ] {
        let (got, _, err) = world.run(&words);
        assert_eq!(got, code, "{words:?}: {err}");
        assert!(err.contains(first), "{words:?}: {err}");
        assert!(code == 7 || !err.is_empty(), "{words:?}");
    }
    assert_eq!(world.good(&["ps", "-aq"]), "");
}

#[test]
fn a_container_lives_from_command_to_command() {
    let world = World::new("life");
    let id = world.good(&["run", "-d", "--name", "web", "-p", "8080:80", "-l", "tier=front", "busybox", "sleep", "1000"]);
    assert_eq!(id.trim_end().len(), 64);
    assert_eq!(world.good(&["ps", "--format", "{{.Names}} {{.Status}} {{.Ports}}"]), "web Up 1 second 0.0.0.0:8080->80/tcp\n");
    assert_eq!(world.good(&["inspect", "-f", "{{.State.Status}} {{.Id}}", "web"]), format!("running {id}"));
    assert_eq!(world.good(&["exec", "web", "echo", "from inside"]), "from inside\n");
    assert_eq!(world.run(&["exec", "web", "sh", "-c", "exit 9"]).0, 9);
    let (code, _, err) = world.run(&["run", "--name", "web", "busybox"]);
    assert_eq!(code, 125);
    assert!(err.contains("Conflict. The container name \"/web\" is already in use by container"), "{err}");
    assert_eq!(world.good(&["stop", "-t", "3", "web"]), "web\n");
    assert_eq!(world.good(&["wait", "web"]), "137\n");
    assert_eq!(world.good(&["ps", "-q"]), "");
    assert_eq!(world.good(&["rm", "web"]), "web\n");
    assert_eq!(world.good(&["ps", "-aq"]), "");
}

#[test]
fn a_page_is_served_through_a_published_port() {
    let world = World::new("page");
    world.good(&["run", "-d", "--name", "web", "-p", "8080:80", "-m", "128m", "--cpus", "1", "nginx"]);
    let page = world.good(&["sim", "--", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/"]);
    assert!(page.contains("nginx"), "{page}");
    assert!(world.good(&["logs", "web"]).contains("\"GET / HTTP/1.1\" 200"));
    world.good(&["stop", "web"]);
    assert_ne!(world.run(&["sim", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/"]).0, 0);
    world.good(&["rm", "web"]);
    assert_eq!(world.run(&["sim", "--"]).0, 1);
    assert_eq!(world.run(&["sim", "sh", "-c", "exit 5"]).0, 5);
}

#[test]
fn input_output_and_logs() {
    let world = World::new("streams");
    assert_eq!(world.pipe(&["run", "-i", "--rm", "busybox", "cat"], "one\ntwo\n"), (0, "one\ntwo\n".to_owned(), String::new()));
    assert_eq!(world.pipe(&["run", "--rm", "busybox", "cat"], "not for it"), (0, String::new(), String::new()));
    let (code, out, err) = world.run(&["run", "--name", "both", "busybox", "sh", "-c", "echo out; echo err >&2"]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "out\n", "err\n"));
    assert_eq!(world.run(&["logs", "both"]), (0, "out\n".to_owned(), "err\n".to_owned()));
    assert_eq!(world.good(&["logs", "--tail", "0", "both"]), "");
    assert_eq!(world.run(&["start", "-a", "both"]), (0, "out\n".to_owned(), "err\n".to_owned()));
}

#[test]
fn one_history_is_one_world() {
    let lines: [&[&str]; 6] = [
        &["run", "-d", "busybox", "sleep", "60"],
        &["run", "busybox", "sh", "-c", "echo $HOSTNAME"],
        &["ps", "-a", "--no-trunc"],
        &["nope"],
        &["rm", "nope"],
        &["info"],
    ];
    let told = |world: &World| lines.iter().map(|l| world.run(l)).collect::<Vec<_>>();
    let (a, b) = (World::new("twin-a"), World::new("twin-b"));
    assert_eq!(told(&a), told(&b));
    let text = std::fs::read_to_string(&a.0).unwrap();
    assert_eq!(text, std::fs::read_to_string(&b.0).unwrap());
    // The header, and the commands that asked for the engine.
    assert_eq!(text.lines().count(), 1 + 5);
    // A recording that was cut off did not happen.
    std::fs::write(&a.0, format!("{text}{{\"args\":[\"rm\",\"-f\"")).unwrap();
    assert_eq!(a.run(&["ps", "-aq"]), b.run(&["ps", "-aq"]));
    std::fs::write(&a.0, "nonsense\n").unwrap();
    let (code, _, err) = a.run(&["ps"]);
    assert_eq!(code, 125);
    assert!(err.starts_with("drydock: the history holds a first line that is no header"), "{err}");
    assert_eq!(std::fs::read_to_string(&a.0).unwrap(), "nonsense\n");
}

#[test]
fn files_that_a_command_reads_are_part_of_its_history() {
    let world = World::new("files");
    let vars = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vars.env");
    std::fs::write(&vars, "COLOUR=green\n").unwrap();
    world.good(&["create", "--name", "painted", "--env-file", vars.to_str().unwrap(), "busybox"]);
    std::fs::remove_file(&vars).unwrap();
    let env = world.good(&["inspect", "-f", "{{json .Config.Env}}", "painted"]);
    assert!(env.contains("COLOUR=green"), "{env}");
}
