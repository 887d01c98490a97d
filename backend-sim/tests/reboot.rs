//! The machine loses power while containers run: afterwards records are true, and who is to run again does, in order.

mod common;

use drydock_core::ErrorKind;
use drydock_core::container::health::{Healthcheck, Status as Health};
use drydock_core::container::{ContainerConfig, NetworkMode, RestartPolicy, Status, restore};
use drydock_core::engine::{Engine, LogsRequest};
use drydock_sim::SimHost;
use std::time::Duration;

fn start(engine: &dyn Engine, name: &str, tweak: impl FnOnce(&mut ContainerConfig)) {
    let mut config = common::config(&["sh", "-c", "echo run; exec sleep 1000"]);
    config.name = Some(name.to_owned());
    tweak(&mut config);
    engine.create(&config).expect("it is created");
    engine.start(name).expect("it starts");
}

fn state(engine: &dyn Engine, name: &str) -> (Status, i32) {
    let state = engine.container(name).expect("it is there").state;
    (state.status, state.exit_code)
}

/// What `start --restore` does, and the names in the order in which they were started.
fn restored(host: &SimHost) -> Vec<String> {
    let engine = host.engine().expect("the engine opens");
    let all: Vec<_> = engine.containers(true).expect("they are listed");
    let records: Vec<_> = all.iter().map(|c| engine.container(c.id.as_str()).expect("it is there")).collect();
    let order = restore::order(&records);
    for id in &order {
        engine.start(id.as_str()).expect("it starts");
    }
    order.iter().map(|id| records.iter().find(|r| r.id == *id).expect("it is one of them").name.clone()).collect()
}

#[test]
fn after_a_power_loss_records_are_true_and_policies_say_who_runs_again() {
    let host = common::host();
    let engine = host.engine().expect("the engine opens");
    start(&*engine, "plain", |_| {});
    start(&*engine, "always", |c| c.restart = RestartPolicy::Always);
    start(&*engine, "stopped-always", |c| c.restart = RestartPolicy::Always);
    start(&*engine, "stopped-unless", |c| c.restart = RestartPolicy::UnlessStopped);
    start(&*engine, "unless", |c| c.restart = RestartPolicy::UnlessStopped);
    start(&*engine, "failing", |c| c.restart = RestartPolicy::OnFailure(Some(3)));
    start(&*engine, "paused", |c| c.restart = RestartPolicy::Always);
    start(&*engine, "brief", |c| c.auto_remove = true);
    start(&*engine, "checked", |c| {
        c.health = Some(Healthcheck { test: vec!["CMD".into(), "true".into()], interval: 100_000_000, ..Healthcheck::default() });
    });
    engine.stop("stopped-always", None, Some(0)).expect("it stops");
    engine.stop("stopped-unless", None, Some(0)).expect("it stops");
    engine.pause("paused").expect("it is paused");
    host.advance(Duration::from_secs(1));
    assert_eq!(engine.container("checked").unwrap().state.health.unwrap().status, Health::Healthy);
    drop(engine);

    host.power_loss();
    let engine = host.engine().expect("the engine opens");
    for name in ["plain", "always", "unless", "failing", "paused", "checked"] {
        assert_eq!(state(&*engine, name), (Status::Exited, 137), "{name}");
        let record = engine.container(name).unwrap();
        assert!(record.state.error.contains("machine was restarted"), "{name}: {}", record.state.error);
        assert!(record.state.process.is_none() && record.published.is_empty(), "{name}");
    }
    assert_eq!(engine.container("checked").unwrap().state.health.unwrap().status, Health::Unhealthy);
    assert_eq!(engine.container("brief").unwrap_err().kind(), ErrorKind::NotFound);
    drop(engine);

    let mut started = restored(&host);
    started.sort();
    assert_eq!(started, ["always", "failing", "paused", "stopped-always", "unless"]);
    let engine = host.engine().expect("the engine opens");
    for name in &started {
        assert_eq!(state(&*engine, name).0, Status::Running, "{name}");
    }
    for name in ["plain", "stopped-unless"] {
        assert_eq!(state(&*engine, name).0, Status::Exited, "{name}");
    }
    // What was written before the power went is in the log, and what was written since after it.
    host.advance(Duration::from_millis(100));
    let mut lines = 0;
    engine
        .logs("always", &LogsRequest::default(), &mut |_| {
            lines += 1;
            true
        })
        .expect("the log is read");
    assert_eq!(lines, 2);
    // A second call finds nothing to do.
    assert!(restored(&host).is_empty());
}

#[test]
fn whoever_shares_a_network_is_started_after_whom_it_shares_it_with() {
    let host = common::host();
    let engine = host.engine().expect("the engine opens");
    start(&*engine, "base", |c| c.restart = RestartPolicy::Always);
    start(&*engine, "guest", |c| {
        c.restart = RestartPolicy::Always;
        c.network = NetworkMode::Container("base".to_owned());
    });
    // The base now is the younger one.
    engine.stop("guest", None, Some(0)).and_then(|()| engine.start("guest")).expect("it is started again");
    drop(engine);
    host.power_loss();
    assert_eq!(restored(&host), ["base", "guest"]);
}

#[test]
fn a_dead_supervisor_leaves_a_container_that_restore_starts_again() {
    let host = common::host();
    let engine = host.engine().expect("the engine opens");
    start(&*engine, "always", |c| c.restart = RestartPolicy::Always);
    let id = engine.container("always").unwrap().id;
    host.crash_supervisor(&id);
    assert_eq!(state(&*engine, "always"), (Status::Exited, 137));
    assert_eq!(restored(&host), ["always"]);
}
