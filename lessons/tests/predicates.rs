//! Predicates on a simulated host: each form holds where it should, and not where it should not.

use drydock_core::container::ContainerConfig;
use drydock_core::engine::{CommitOptions, Engine, ImportRequest, RemoveOptions};
use drydock_core::kernel::Signal;
use drydock_lessons::predicate::{Predicate, Verdict};
use drydock_sim::{SimConfig, SimHost, image};
use std::sync::Arc;

fn host() -> (SimHost, Arc<dyn Engine>) {
    let host = SimHost::new(SimConfig { seed: 1, ..SimConfig::default() });
    let engine: Arc<dyn Engine> = host.engine().expect("an engine");
    let root = image::busybox().expect("an image");
    engine.import(&mut root.as_slice(), &ImportRequest::of("busybox", &["CMD [\"sh\"]".to_owned()], "")).expect("imported");
    (host, engine)
}

fn make(engine: &dyn Engine, name: &str, command: &[&str]) {
    let config = ContainerConfig {
        image: "busybox".to_owned(),
        name: Some(name.to_owned()),
        command: command.iter().map(|&word| word.to_owned()).collect(),
        labels: [("tier".to_owned(), "front".to_owned())].into(),
        env: vec!["A=b".to_owned()],
        ..ContainerConfig::default()
    };
    engine.create(&config).expect("made");
}

fn ask(engine: &dyn Engine, words: &str) -> Verdict {
    Predicate::parse(words).expect(words).check(engine).expect(words)
}

fn all(engine: &dyn Engine, predicates: &[&str]) {
    for words in predicates {
        let verdict = ask(engine, words);
        assert!(verdict.holds, "{words}: {}", verdict.found);
        let other = words.strip_prefix("not ").map_or_else(|| format!("not {words}"), str::to_owned);
        assert!(!ask(engine, &other).holds, "{other} holds as well");
    }
}

#[test]
fn of_a_host_on_which_nothing_happened() {
    let (_host, engine) = host();
    all(
        &*engine,
        &[
            "not container web",
            "not container web is running",
            "containers 0",
            "image busybox",
            "image busybox layers 1",
            "image busybox same as busybox:latest",
            "not image busybox on busybox",
            "not image nothing",
            "images untagged 0",
            "not volume data",
            "network bridge",
            "not network shop",
            "not happened container web create",
        ],
    );
    assert_eq!(ask(&*engine, "container web is running").found, "there is no container web");
}

#[test]
fn of_a_container_through_its_life() {
    let (host, engine) = host();
    make(&*engine, "web", &["sh", "-c", "echo hello >/greeting; rm /etc/group; exec sleep 1000"]);
    all(&*engine, &["container web is created", "not container web ended with 0", "not container web first sleep", "containers 1"]);
    engine.start("web").expect("started");
    host.advance(std::time::Duration::from_secs(1));
    all(
        &*engine,
        &[
            "container web is running",
            "container web of busybox",
            "container web first sleep",
            "container web processes 1",
            "container web label tier=front",
            "not container web label tier=back",
            "not container web label shade=dark",
            "container web env A=b",
            "container web policy no",
            "container web on bridge",
            "not container web memory 64m",
            "not container web publishes 80:80",
            "not container web mounts /data from pages",
            "container web has /greeting",
            "not container web has /nothing",
            "container web file /greeting contains hello",
            "not container web file /greeting contains \"good bye\"",
            "not container web file /etc contains hello",
            "container web changed /greeting",
            "container web deleted /etc/group",
            "not container web changed /etc/group",
            "not container web changed /etc/passwd",
            "containers running 1",
            "happened container web start 1",
        ],
    );
    engine.kill("web", Signal::KILL).expect("killed");
    host.settle();
    all(&*engine, &["container web is exited", "container web ended with 137", "containers running 0", "container web restarts 0"]);
    engine.commit("web", &CommitOptions { reference: "page:1".to_owned(), ..CommitOptions::default() }).expect("an image");
    all(&*engine, &["image page:1 on busybox", "image page:1 layers 2", "not image page:1 same as busybox", "not container web of page:1"]);
    engine.remove("web", RemoveOptions { force: true, volumes: true }).expect("removed");
    all(&*engine, &["not container web", "happened container web destroy"]);
}

#[test]
fn an_id_is_no_name() {
    let (_host, engine) = host();
    make(&*engine, "web", &["true"]);
    let id = engine.container("web").expect("there").id;
    all(&*engine, &[&format!("not container {id}"), "container web"]);
}
