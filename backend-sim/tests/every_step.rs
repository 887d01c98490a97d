//! Every operation of the engine is struck at every step it takes, those inside a launch and commits of the store included: the engine
//! or the supervisor dies before or after it, it fails, or the machine's power goes. Afterwards records are true, what is listed is whole
//! and works, and removal leaves nothing.

mod common;

use common::cases::{READS, REMOTE, cases, read_all};
use drydock_core::engine::Engine;
use drydock_sim::SimConfig;
use drydock_sim::fault::What;
use std::collections::BTreeSet;

/// The methods of the engine's trait, from its source.
fn methods() -> BTreeSet<String> {
    let source = include_str!("../../core/src/engine/mod.rs");
    let body = source.split_once("pub trait Engine").expect("the trait is there").1;
    let body = body.split_once("\n}").expect("the trait ends").0;
    let name = |line: &str| line.strip_prefix("    fn ")?.split(['(', '<']).next().map(str::to_owned);
    body.lines().filter_map(name).collect()
}

#[test]
fn every_operation_of_the_engine_is_struck_or_is_a_read() {
    let struck: BTreeSet<String> = cases().iter().map(|c| c.method().to_owned()).collect();
    let read: BTreeSet<String> = READS.iter().chain(REMOTE).map(|&r| r.to_owned()).collect();
    let known: BTreeSet<String> = struck.union(&read).cloned().collect();
    assert_eq!(methods(), known, "tests/common/cases.rs has a case for every operation that changes something, and names every read");
}

#[test]
fn a_read_changes_nothing() {
    let host = common::host_of(SimConfig { trace: true, ..SimConfig::default() });
    let engine = host.engine().expect("the engine opens");
    (common::cases::STAGE)(engine.as_ref(), &host).expect("the stage is set");
    let (before, written) = (engine.observe().expect("it can be looked at"), host.trace().len());
    read_all(engine.as_ref()).expect("all can be read");
    let trace = host.trace();
    // To look into a tree of files is all that one may ask the kernel for.
    let asked = trace.get(written..).unwrap_or_default().lines().filter(|l| l.contains(" request ") && !l.ends_with(" request tree"));
    assert_eq!(asked.collect::<Vec<_>>(), Vec::<&str>::new());
    assert_eq!(before.difference(&engine.observe().expect("it can be looked at")), Vec::<String>::new());
}

/// Strikes every step of every operation.
fn strike_all(what: What) {
    let mut total = 0;
    for case in cases() {
        let struck = case.strike_every_step(what);
        // All steps of a clean run were struck; after an early fault there can be others, not fewer.
        assert!(struck >= case.steps(), "{}: {struck} of {} steps", case.name, case.steps());
        println!("{what:?}: {} at {struck} steps", case.name);
        total += struck;
    }
    assert!(total > 300, "only {total} faults struck");
}

#[test]
fn a_process_that_dies_before_any_step_leaves_nothing() {
    strike_all(What::CrashBefore);
}

#[test]
fn a_process_that_dies_after_any_step_leaves_nothing() {
    strike_all(What::CrashAfter);
}

#[test]
fn a_step_that_fails_is_undone() {
    strike_all(What::Fail);
}

#[test]
fn a_power_cut_at_any_step_leaves_what_works() {
    strike_all(What::PowerLoss);
}
