//! The time of day is set forth and back by a day while things are waited for: nothing lasts longer or shorter, and order stays.

mod common;

use drydock_core::container::health::{Healthcheck, Status as Health};
use drydock_core::container::{ContainerConfig, RestartPolicy};
use drydock_core::engine::{Engine, LogsRequest};
use drydock_sim::SimHost;
use std::time::Duration;

const DAY: i64 = 86_400;

fn start(engine: &dyn Engine, command: &[&str], tweak: impl FnOnce(&mut ContainerConfig)) {
    let mut config = common::config(command);
    config.name = Some("box".to_owned());
    tweak(&mut config);
    engine.create(&config).expect("it is created");
    engine.start("box").expect("it starts");
}

/// How often a failing program was started again in so many milliseconds, with the clock set away after the first of them.
fn restarts(away: i64, milliseconds: u64) -> u32 {
    let host: SimHost = common::host();
    let engine = host.engine().expect("the engine opens");
    start(&*engine, &["false"], |c| c.restart = RestartPolicy::Always);
    host.advance(Duration::from_millis(50));
    host.set_clock_away(away);
    host.advance(Duration::from_millis(milliseconds));
    engine.container("box").expect("it is there").state.restarts
}

#[test]
fn pauses_between_restarts_last_as_long() {
    // 100, 300, 700 and 1500 ms after the beginning.
    for (after, wanted) in [(20, 0), (150, 1), (350, 2), (1600, 4)] {
        for away in [0, DAY, -DAY] {
            assert_eq!(restarts(away, after), wanted, "{after} ms after the clock was set away by {away} s");
        }
    }
}

#[test]
fn probes_come_as_often_and_end_after_they_began() {
    for away in [0, DAY, -DAY] {
        let host = common::host();
        let engine = host.engine().expect("the engine opens");
        let test = vec!["CMD".to_owned(), "sleep".to_owned(), "0.3".to_owned()];
        let check = Healthcheck { test, interval: 1_000_000_000, start_period: 3_600_000_000_000, ..Healthcheck::default() };
        start(&*engine, &["sleep", "1000"], |c| c.health = Some(check));
        // In the middle of the first probe.
        host.advance(Duration::from_millis(5150));
        host.set_clock_away(away);
        host.advance(Duration::from_millis(20_000));
        let health = engine.container("box").expect("it is there").state.health.expect("it is probed");
        assert_eq!(health.status, Health::Healthy, "the clock was set away by {away} s");
        assert!(health.log.iter().all(|probe| probe.end.since(probe.start) >= Duration::from_millis(300)), "{:?}", health.log);
        assert!(health.log.iter().all(|probe| probe.end.since(probe.start) < Duration::from_secs(1)), "{:?}", health.log);
        assert!(health.log.len() >= 5, "only {} probes once the clock was set away by {away} s", health.log.len());
    }
}

#[test]
fn waiting_ends_and_lines_and_events_keep_their_order() {
    let host = common::host();
    let engine = host.engine().expect("the engine opens");
    start(&*engine, &["sh", "-c", "for i in 1 2 3 4 5 6; do echo $i; sleep 1; done; exit 4"], |_| {});
    for away in [DAY, -DAY, 0, -DAY, DAY] {
        host.set_clock_away(away);
        host.advance(Duration::from_secs(1));
    }
    assert_eq!(engine.wait("box", Some(Duration::from_secs(5))).expect("it ends"), 4);
    let mut lines = String::new();
    let mut each = |line: drydock_core::engine::LogLine| {
        lines.push_str(&String::from_utf8_lossy(&line.bytes));
        true
    };
    engine.logs("box", &LogsRequest::default(), &mut each).expect("the log is read");
    assert_eq!(lines.split_whitespace().collect::<Vec<_>>().join(" "), "1 2 3 4 5 6");
    let events = engine.events(0, 1000).expect("events are read");
    let numbers: Vec<u64> = events.iter().map(|e| e.number).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    let mine: Vec<&str> = events.iter().filter(|e| e.kind == "container").map(|e| e.action.as_str()).collect();
    assert_eq!(mine, ["create", "start", "die"]);
}
