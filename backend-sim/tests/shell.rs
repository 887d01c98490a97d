//! The simulated shell and utilities against the real busybox: every snippet must print the same and end the same.
//!
//! What the real one does is recorded in `shell/recorded.json`, so that the comparison runs on every machine; where busybox is
//! installed, the recording itself is checked. Standard error is compared loosely: something or nothing.

use drydock_sim::{SimConfig, SimHost};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

/// How a snippet ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Outcome {
    code: i32,
    stdout: String,
    complained: bool,
}

const BUSYBOX: &str = "/bin/busybox";
/// The version that is recorded: others differ in places.
const VERSION: &str = "BusyBox v1.35.0";
const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shell/recorded.json");

/// Snippets whose outcome differs, each with the reason. One that agrees must not be here.
const DIFFERENT: &[(&str, &str)] =
    &[("echo \"${x:-a   b}\"", BLANKS), ("echo \"${x:-\"quoted word\"}\" ${x:-a   b} \"${x:-a   b}\"", BLANKS)];

const BLANKS: &str = "brush-parser's tokenizer takes blanks within ${…} for one, also in double quotes";

fn snippets() -> Vec<&'static str> {
    let all = [include_str!("shell/snippets.txt"), include_str!("shell/utilities.txt")];
    all.iter().flat_map(|text| text.trim_end_matches('\n').split("\n%%\n")).collect()
}

fn recorded() -> BTreeMap<String, Outcome> {
    serde_json::from_str(&std::fs::read_to_string(RECORDED).unwrap_or_else(|_| "{}".to_owned())).expect("the recording is JSON")
}

/// Runs a snippet with the real busybox in an empty directory.
fn real(snippet: &str, number: usize) -> Outcome {
    let directory = std::env::temp_dir().join(format!("drydock-shell-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    // Signals do what they do by default, also where these tests run under nohup(1): a shell cannot trap what it was born ignoring.
    let output = Command::new("/usr/bin/env")
        .args(["--default-signal", BUSYBOX, "sh", "-c", &format!("umask 022\n{snippet}")])
        .env_clear()
        .envs([("HOME", "/root"), ("PATH", "/bin:/usr/bin")])
        .current_dir(&directory)
        .stdin(Stdio::null())
        .output()
        .expect("busybox runs");
    // A snippet may have removed it itself.
    std::fs::remove_dir_all(&directory).ok();
    let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
    Outcome {
        code: output.status.code().or(signal.map(|s| 128 + s)).unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        complained: !output.stderr.is_empty(),
    }
}

/// Runs a snippet on a simulated host.
fn simulated(host: &SimHost, snippet: &str) -> (Outcome, String) {
    let start = "mkdir -p /tmp/w /root; cd /tmp/w; exec env -i HOME=/root PATH=/bin:/usr/bin sh -c \"$1\"";
    let ran = host.run(&["sh", "-c", start, "sh", &format!("umask 022\n{snippet}")]);
    let outcome = Outcome { code: ran.code, stdout: ran.text(), complained: !ran.stderr.is_empty() };
    (outcome, String::from_utf8_lossy(&ran.stderr).into_owned())
}

#[test]
fn snippets_end_as_the_recording_says() {
    let recorded = recorded();
    let mut wrong = Vec::new();
    for snippet in snippets() {
        let expected = recorded.get(snippet).unwrap_or_else(|| panic!("not recorded: {snippet}"));
        let (outcome, errors) = simulated(&SimHost::new(SimConfig::default()), snippet);
        let listed = DIFFERENT.iter().any(|(known, _)| *known == snippet);
        if (outcome == *expected) == listed {
            wrong.push(format!("=== {snippet}\n--- expected {expected:?}\n--- simulated {outcome:?}\n--- its errors: {errors}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), snippets().len(), wrong.join("\n"));
}

#[test]
fn there_are_enough_snippets() {
    assert!(snippets().len() >= 150, "{}", snippets().len());
}

/// `DRYDOCK_RECORD=1 cargo test -p drydock-sim --test shell -- --ignored` records anew. The root lane asks whether the recording is true.
#[test]
#[ignore = "asks Debian's busybox, which tests/setup installs for the root lane"]
fn the_recording_is_what_busybox_does() {
    let record = option_env!("DRYDOCK_RECORD").is_some();
    let banner = Command::new(BUSYBOX).output().unwrap_or_else(|e| panic!("{BUSYBOX} (busybox-static): {e}")).stdout;
    let banner = String::from_utf8_lossy(&banner).lines().next().unwrap_or_default().to_owned();
    assert!(banner.starts_with(VERSION), "recorded is {VERSION}, here is {banner}: record anew, and look at what changed");
    let now: BTreeMap<String, Outcome> = snippets().iter().enumerate().map(|(i, s)| ((*s).to_owned(), real(s, i))).collect();
    if record {
        std::fs::write(RECORDED, serde_json::to_string_pretty(&now).expect("JSON") + "\n").expect("the recording is written");
    }
    let old = recorded();
    let changed: Vec<_> = now.iter().filter(|(snippet, outcome)| old.get(*snippet) != Some(outcome)).collect();
    assert!(changed.is_empty(), "the recording is out of date: {changed:#?}");
}
