//! Long histories on the simulated host alone, held against what is expected of containers and against what must always be true:
//! nothing is shared that belongs to one, the doctor finds nothing, and after the last removal nothing is left.
//!
//! DRYDOCK_STEPS says how many operations (a few hundred), in histories of fewer than DRYDOCK_LONGEST; with DRYDOCK_CASES it is so many
//! histories instead. `tests/lockstep --alone 1000000` is the whole of it.

mod model;

use drydock_conformance::Target;
use drydock_conformance::lockstep::{Op, Side};
use drydock_conformance::target::sim::SimTarget;
use drydock_core::container::Status;
use drydock_core::engine::Checkup;
use model::Model;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestCaseError, TestError, TestRunner};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// Operations of the longest history, and one, unless it is said.
const LONGEST: u64 = 120;
/// How often the doctor looks: after every so manyth operation, and at the end.
const CHECKUP: usize = 16;

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// What must be true of a host at every moment.
fn always(side: &Side<'_>, model: &Model) -> Result<(), String> {
    let words = |e: drydock_core::Error| e.to_string();
    let found = side.statuses().map_err(words)?;
    let expected: BTreeMap<u8, Status> = model.boxes.iter().map(|(who, b)| (*who, b.status)).collect();
    if found != expected {
        return Err(format!("the host has {found:?}, expected is {expected:?}"));
    }
    let mut taken = BTreeSet::new();
    let mut alone =
        |what: &str, which: String| if taken.insert(format!("{what} {which}")) { Ok(()) } else { Err(format!("{what} {which} twice")) };
    for summary in side.engine().containers(true).map_err(words)? {
        let record = side.engine().container(summary.id.as_str()).map_err(words)?;
        alone("id", record.id.to_string())?;
        alone("name", record.name.clone())?;
        for endpoint in &record.endpoints {
            alone("address", endpoint.address.to_string())?;
            alone("mac", endpoint.mac.clone())?;
            alone("link", endpoint.host_link.clone())?;
        }
        for port in &record.published {
            alone("port", format!("{:?}/{}", port.protocol, port.host_port))?;
        }
        let runs = matches!(record.state.status, Status::Running | Status::Paused);
        if runs != record.state.process.is_some() || (!runs && !record.endpoints.is_empty()) {
            return Err(format!("{} is {:?} with {:?} at {:?}", record.name, record.state.status, record.state.process, record.endpoints));
        }
        if runs && side.engine().top(record.id.as_str()).map_err(words)?.is_empty() {
            return Err(format!("{} runs without a process", record.name));
        }
    }
    Ok(())
}

fn checkup(side: &Side<'_>) -> Result<(), String> {
    let found = side.engine().doctor(Checkup { repair: false, quick: true }).map_err(|e| e.to_string())?;
    if found.is_empty() { Ok(()) } else { Err(format!("the doctor finds {found:?}")) }
}

fn live(seed: u64, history: &[Op], steps: &Cell<u64>) -> Result<(), String> {
    let subject = SimTarget::new(seed).subject().map_err(|e| e.to_string())?;
    let side = Side::new(&*subject).map_err(|e| e.to_string())?;
    let before = side.engine().observe().map_err(|e| e.to_string())?;
    let mut model = Model::default();
    for (done, op) in history.iter().enumerate() {
        let told = |what: String| format!("after {:?}: {what}", &history[..=done]);
        side.step(*op).map_err(|e| told(e.to_string()))?;
        model.follow(*op);
        always(&side, &model).map_err(told)?;
        if done % CHECKUP == 0 {
            checkup(&side).map_err(told)?;
        }
        steps.set(steps.get() + 1);
    }
    side.clean()?;
    checkup(&side)?;
    let left = before.difference(&side.engine().observe().map_err(|e| e.to_string())?);
    if left.is_empty() { Ok(()) } else { Err(format!("after {history:?} is left: {left:?}")) }
}

#[test]
fn whatever_is_done_what_must_be_true_is_true() {
    let (wanted, seed) = (number("DRYDOCK_STEPS", 600), number("DRYDOCK_SEED", 1));
    let steps = Cell::new(0);
    let longest = number("DRYDOCK_LONGEST", LONGEST).max(2);
    // A history is half as long as the longest, on average.
    let cases = number("DRYDOCK_CASES", wanted.div_ceil(longest / 2));
    let wanted = cases * (longest / 2);
    let cases = u32::try_from(cases).unwrap_or(u32::MAX);
    let config = Config {
        cases,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(seed),
        max_shrink_iters: 2000,
        ..Config::default()
    };
    let told = TestRunner::new(config).run(&model::histories(usize::try_from(longest).unwrap_or(usize::MAX)), |history| {
        live(seed, &history, &steps).map_err(TestCaseError::fail)
    });
    println!("invariants: {} operations in {cases} histories from seed {seed}", steps.get());
    if let Err(TestError::Fail(why, shortest)) = &told {
        panic!("{} operations show it: {why}", shortest.len());
    }
    told.unwrap();
    assert!(steps.get() >= wanted / 2, "only {} of {wanted} operations", steps.get());
}
