//! The help of every command, as snapshots.

mod common;

use common::{Memory, StillLife};
use std::sync::Arc;

fn help(line: &str) -> String {
    let (code, out, err) = Memory::new(Arc::new(StillLife::default())).run(line);
    assert_eq!((code, err.as_str()), (0, ""), "{line}");
    out
}

#[test]
fn the_help_of_the_program_and_its_groups() {
    insta::assert_snapshot!("root", help("--help"));
    assert_eq!(help(""), help("--help"));
    insta::assert_snapshot!("container", help("container --help"));
    insta::assert_snapshot!("image", help("image"));
    insta::assert_snapshot!("system", help("system --help"));
    insta::assert_snapshot!("container_prune", help("container prune --help"));
    insta::assert_snapshot!("system_prune", help("system prune --help"));
}

#[test]
fn the_help_of_every_command() {
    for definition in drydock::command::COMMANDS.iter().filter(|d| !d.name.is_empty() && !d.hidden) {
        let text = help(&format!("{} --help", definition.name));
        assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
        assert_eq!(text, help(&format!("help {}", definition.name)));
        insta::assert_snapshot!(definition.name, text);
    }
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let mut memory = Memory::new(Arc::new(StillLife::default()));
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = memory.run(&format!("completion {shell}"));
        assert_eq!(code, 0, "{shell}");
        for definition in drydock::command::COMMANDS.iter().filter(|d| !d.name.is_empty() && !d.hidden) {
            assert!(out.contains(definition.name), "{shell}: {}", definition.name);
        }
        assert!(out.contains("conform") && out.contains("drydock __names"), "{shell}");
        assert!(out.contains("pids-limit"), "{shell}");
    }
    assert_eq!(memory.run("man pages").0, 0);
    let page = String::from_utf8(memory.files["pages/drydock-run.1"].clone()).unwrap();
    assert!(page.contains("Create and run a new container from an image"), "{page}");
    assert!(page.contains("pids"), "{page}");
    for page in ["container-ls", "events", "stats", "update", "rename", "container-prune", "system-prune", "conform"] {
        assert!(memory.files.contains_key(&format!("pages/drydock-{page}.1")), "{page}");
    }
}

#[test]
fn names_are_completed_where_the_command_takes_them() {
    let mut memory = Memory::new(Arc::new(StillLife { containers: common::three(), ..StillLife::default() }));
    for (line, names) in [
        ("rm", "web job\u{1b}[2J fresh"),
        ("rm web", "web job\u{1b}[2J fresh"),
        ("container rm -f", "web job\u{1b}[2J fresh"),
        ("stop", "web"),
        ("exec", "web"),
        ("exec web", ""),
        ("run", ""),
        ("ps", ""),
        ("rename web", ""),
        ("nonsense", ""),
        ("rm --nonsense", ""),
    ] {
        let (code, out, err) = memory.run(&format!("__names {line}"));
        assert_eq!((code, out.lines().collect::<Vec<_>>().join(" ").as_str(), err.as_str()), (0, names, ""), "{line}");
    }
}
