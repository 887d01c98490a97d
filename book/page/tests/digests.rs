//! The module in WebAssembly and the same code natively: equal lines have equal answers and leave equal worlds, over many random
//! histories.
//!
//! `tests/wasm/page` builds the module and says where it is; without it there is nothing to compare with.

#![expect(clippy::disallowed_methods, reason = "a test that is told where the module is, and runs node beside the native code")]

use drydock_page::{Session, call};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Histories, unless `HISTORIES` says otherwise.
const HISTORIES: u64 = 1000;
/// Lines in one.
const LINES: usize = 6;

/// Lines that people type, some of which make no sense where they stand. None waits for what never comes: `wait` for a server would be
/// as long here as on a real machine.
fn line() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["one", "two", "web"]);
    let limit =
        prop::sample::select(vec!["", "-m 64m", "--cpus 0.5", "-p 8080:80", "--network none", "--restart on-failure:2", "-v data:/data"]);
    let program = prop::sample::select(vec![
        "busybox true",
        "busybox sh -c 'echo $$; exit 3'",
        "busybox sleep 1000",
        "nginx",
        "busybox eat-memory 200m",
        "busybox ls -l /",
        "nosuch",
    ]);
    let verb = prop::sample::select(vec![
        "start", "stop", "kill", "rm", "rm -f", "pause", "unpause", "inspect", "logs", "top", "diff", "restart", "port",
    ]);
    let other = prop::sample::select(vec![
        "drydock ps -a",
        "drydock images --digests",
        "drydock network create net; drydock network ls",
        "drydock network rm net",
        "drydock volume ls",
        "drydock system df",
        "drydock info",
        "drydock events --since 1h --until 0s | tail -n 5",
        "drydock stats --no-stream",
        "drydock ps -q | wc -l",
        "drydock tag busybox mine:1 && drydock rmi mine:1",
        "drydock pull alpine",
        "drydock explain run -m 1g busybox true",
        "drydock --help | head -n 3",
        "ps; ip addr; cat /proc/mounts | wc -l",
        "curl -s http://127.0.0.1:8080/",
        "date; sleep 5; date",
        "x=$(drydock ps -aq); echo \"$x\" | wc -l",
        "echo 'FROM busybox' >Dockerfile; echo 'RUN echo hi >/hi' >>Dockerfile; drydock build -t built .",
        "nothing-of-the-kind",
        "drydock nope",
    ]);
    prop_oneof![
        4 => (name.clone(), limit, program).prop_map(|(name, limit, program)| format!("drydock run -d --name {name} {limit} {program}")),
        4 => (verb, name.clone()).prop_map(|(verb, name)| format!("drydock {verb} {name}")),
        1 => name.prop_map(|name| format!("drydock exec {name} sh -c 'echo x >/x; cat /proc/self/cgroup'")),
        4 => other.prop_map(str::to_owned),
    ]
}

#[test]
#[ignore = "needs the built module and node: tests/wasm/page"]
fn the_module_does_what_the_same_code_does_natively() {
    let module = std::env::var("DRYDOCK_PAGE_MODULE").expect("DRYDOCK_PAGE_MODULE says where the module is");
    let histories = std::env::var("HISTORIES").map_or(HISTORIES, |n| n.parse().expect("a number"));
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut requests = Vec::new();
    for seed in 0..histories {
        requests.push(json!({ "do": "open", "seed": seed }).to_string());
        for line in prop::collection::vec(line(), LINES).new_tree(&mut runner).expect("a history").current() {
            requests.push(json!({ "do": "line", "line": line }).to_string());
        }
        requests.push(json!({ "do": "digest" }).to_string());
    }
    let runs = concat!(env!("CARGO_MANIFEST_DIR"), "/run.mjs");
    let mut node = Command::new("node").args([runs, &module]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node");
    node.stdin.take().expect("its input").write_all((requests.join("\n") + "\n").as_bytes()).expect("written");
    let native = std::thread::spawn({
        let requests = requests.clone();
        move || {
            let mut session: Option<Session> = None;
            requests.iter().map(|r| String::from_utf8(call(&mut session, r.as_bytes())).expect("text")).collect::<Vec<_>>()
        }
    });
    let output = node.wait_with_output().expect("node ends");
    let native = native.join().expect("the native run");
    assert!(output.status.success(), "node ended with {}", output.status);
    let module: Vec<&str> = std::str::from_utf8(&output.stdout).expect("text").lines().collect();
    assert_eq!(module.len(), native.len());
    for (at, (request, (in_module, natively))) in requests.iter().zip(module.iter().zip(&native)).enumerate() {
        assert_eq!(in_module, natively, "request {at}: {request}");
    }
    let digests: std::collections::BTreeSet<&String> = native.iter().filter(|a| a.contains("\"digest\"")).collect();
    assert!(digests.len() as u64 * 10 > histories * 9, "histories differ: {} digests of {histories}", digests.len());
    println!("{histories} histories of {LINES} lines: every answer and every digest is equal");
}
