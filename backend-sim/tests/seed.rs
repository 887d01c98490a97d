//! One seed, one history: the same trace, byte for byte.

mod common;

use common::{Person, config, host_of};
use drydock_core::container::NetworkMode;
use drydock_core::engine::{Engine, RemoveOptions};
use drydock_core::io::Attach;
use drydock_sim::{SimConfig, SimHost};
use std::time::Duration;

/// A web server and a client of it on the host, then the end.
fn history(host: &SimHost) -> String {
    let engine = host.engine().expect("the engine opens");
    let mut config = config(&["httpd", "-f", "-p", "80", "-h", "/var/www"]);
    config.network = NetworkMode::Named("bridge".to_owned());
    let web = engine.create(&config).expect("it is created");
    engine.start(web.as_str()).expect("it starts");
    host.advance(Duration::from_secs(1));
    let address = engine.container(web.as_str()).expect("it is there").endpoints[0].address.addr();
    let page = host.shell(&format!("wget -q -O - http://{address}/; ping -c 2 {address}"));
    assert!(page.text().contains("It works!"), "{page:?}");
    assert!(page.text().contains("0% packet loss"), "{page:?}");
    let other = engine.create(&common::config(&["sh", "-c", "head -c 8 /dev/urandom | sha256sum; sleep 3; date"])).expect("it is created");
    let mut person = Person::default();
    engine.start_attached(other.as_str(), &Attach::default(), &mut person).expect("it starts");
    for id in [web, other] {
        engine.remove(id.as_str(), RemoveOptions { force: true, volumes: true }).expect("it is removed");
    }
    format!("{}{}{}", host.trace(), page.text(), person.shown)
}

fn traced(seed: u64) -> String {
    history(&host_of(SimConfig { seed, trace: true, ..SimConfig::default() }))
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let first = traced(7);
    assert!(first.len() > 20_000, "a trace of {} bytes", first.len());
    assert!(first == traced(7), "two histories of one seed differ");
}

#[test]
fn another_seed_gives_another_history() {
    assert!(traced(7) != traced(8), "chance does not come from the seed");
}
