//! The engine itself over the simulated host: names, events, and what an operation costs in a large house.

mod common;

use drydock_core::engine::{Engine, Host, LocalEngine, RemoveOptions};
use drydock_core::store::{Change, Store, Table};
use drydock_core::{ErrorKind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A store that counts what is asked of it: calls, and entries that they answered with.
struct Counting<S>(S, Arc<AtomicU64>);

impl<S: Store> Store for Counting<S> {
    fn get(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.get(table, key)
    }
    fn scan(&self, table: Table, prefix: &str, after: &str, limit: usize) -> Result<Vec<(String, Vec<u8>)>> {
        let found = self.0.scan(table, prefix, after, limit)?;
        self.1.fetch_add(1 + found.len() as u64, Ordering::Relaxed);
        Ok(found)
    }
    fn commit(&self, batch: &[Change]) -> Result<()> {
        self.1.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.0.commit(batch)
    }
}

/// What a container's life costs the store when so many others are there.
fn cost(others: usize) -> Vec<(&'static str, u64)> {
    let host = common::host();
    let count = Arc::new(AtomicU64::new(0));
    let store = Arc::new(Counting(host.store(), Arc::clone(&count)));
    let engine = LocalEngine::open(Host::planned(Arc::new(host.kernel()), store, Arc::new(host.clock()))).expect("the engine opens");
    let config = common::config(&["sleep", "1000"]);
    for _ in 0..others {
        engine.create(&config).expect("it is created");
    }
    let mut costs = Vec::new();
    let mut measure = |what, act: &mut dyn FnMut()| {
        let before = count.load(Ordering::Relaxed);
        act();
        costs.push((what, count.load(Ordering::Relaxed) - before));
    };
    let named = drydock_core::container::ContainerConfig { name: Some("one".to_owned()), ..config };
    measure("create", &mut || drop(engine.create(&named).expect("it is created")));
    measure("start", &mut || engine.start("one").expect("it starts"));
    measure("inspect", &mut || drop(engine.container("one").expect("it is there")));
    measure("list the running", &mut || assert_eq!(engine.containers(false).expect("they are listed").len(), 1));
    measure("stop", &mut || engine.stop("one", None, Some(0)).expect("it stops"));
    measure("remove", &mut || engine.remove("one", RemoveOptions::default()).expect("it is removed"));
    costs
}

#[test]
fn an_operation_in_a_large_house_costs_at_most_twice_what_it_costs_in_a_small_one() {
    for ((what, small), (_, large)) in cost(10).into_iter().zip(cost(1000)) {
        assert!(small > 0 && large <= 2 * small, "{what}: {small} with 10 containers, {large} with 1000");
    }
}

#[test]
fn a_name_or_the_beginning_of_an_id_is_enough() {
    let host = common::host();
    let engine = host.engine().expect("the engine opens");
    let mut ids = Vec::new();
    // Seventeen ids cannot all begin with different digits.
    for _ in 0..17 {
        ids.push(engine.create(&common::config(&["true"])).expect("it is created"));
    }
    for id in &ids {
        let record = engine.container(id.as_str()).expect("by its whole id");
        for asked in [record.name.as_str(), &format!("/{}", record.name), id.short()] {
            assert_eq!(&engine.container(asked).expect(asked).id, id);
        }
        let (word, rest) = record.name.split_once('_').expect("a made-up name has two words");
        assert!(word.bytes().all(|b| b.is_ascii_lowercase()) && rest.bytes().all(|b| b.is_ascii_alphanumeric()));
    }
    let digit =
        "0123456789abcdef".chars().find(|d| ids.iter().filter(|id| id.as_str().starts_with(*d)).count() > 1).expect("two share one");
    let error = engine.container(&digit.to_string()).expect_err("it fits two");
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert_eq!(error.message(), format!("Multiple IDs found with provided prefix: {digit}"));
    let error = engine.container("nosuch").expect_err("it is not there");
    assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, "No such container: nosuch"));
}

#[test]
fn events_tell_a_life_in_dockers_order() {
    let host = common::host();
    let engine = host.engine().expect("the engine opens");
    let begin = engine.last_event().expect("events are counted");
    let mut config = common::config(&["sleep", "1000"]);
    config.network = drydock_core::container::NetworkMode::default();
    let id = engine.create(&config).expect("it is created");
    engine.start(id.as_str()).expect("it starts");
    engine.pause(id.as_str()).expect("it is frozen");
    engine.unpause(id.as_str()).expect("it is thawed");
    engine.stop(id.as_str(), None, Some(1)).expect("it stops");
    engine.remove(id.as_str(), RemoveOptions::default()).expect("it is removed");
    let events = engine.events(begin, 100).expect("they are there");
    let told: Vec<String> = events.iter().map(|e| format!("{} {}", e.kind, e.action)).collect();
    assert_eq!(
        told,
        [
            "container create",
            "network connect",
            "container start",
            "container pause",
            "container unpause",
            "container kill",
            "container kill",
            "container die",
            "network disconnect",
            "container stop",
            "container destroy"
        ]
    );
    let numbers: Vec<u64> = events.iter().map(|e| e.number).collect();
    assert!(numbers.windows(2).all(|w| w[1] == w[0] + 1), "{numbers:?}");
}
