//! The suite is judged too: engines that are broken on purpose, each in one way, and each must be caught.
//!
//! A breakage wraps what the engine stands on, so the engine and the simulator themselves stay as they are. Each says which
//! clauses catch it; at least one of them must fail, and none of them may fail on a whole engine.

mod broken;
mod model;

use broken::MUTANTS;
use drydock_conformance::clauses;
use drydock_conformance::lockstep::{self, Link, Op, Program};
use drydock_conformance::report::Verdict;
use drydock_conformance::run::run_these;
use drydock_conformance::target::sim::SimTarget;
use drydock_conformance::{Clause, Options};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

fn verdicts(mut target: SimTarget, clauses: &[&'static Clause]) -> Vec<(String, Verdict, String)> {
    let report = run_these(clauses, &mut target, &Options::default(), &mut |_| {}).unwrap();
    report.clauses.into_iter().map(|c| (c.id, c.verdict, c.reason)).collect()
}

#[test]
fn every_broken_engine_is_caught_by_the_clauses_that_are_there_for_it() {
    let mut survivors = Vec::new();
    for mutant in MUTANTS {
        let killers: Vec<&'static Clause> =
            mutant.killers.iter().map(|id| clauses::find(id).unwrap_or_else(|| panic!("{}: no clause {id}", mutant.name))).collect();
        for (id, verdict, reason) in verdicts(SimTarget::new(1), &killers) {
            assert_eq!(verdict, Verdict::Pass, "{id} on a whole engine: {reason}");
        }
        for (id, verdict, _) in verdicts(SimTarget::broken(1, mutant.breakage), &killers) {
            if verdict != Verdict::Fail {
                survivors.push(format!("{}: {id} says {verdict}", mutant.name));
            }
        }
    }
    assert!(survivors.is_empty(), "not caught:\n{}", survivors.join("\n"));
}

#[test]
fn the_breakage_itself_breaks_nothing_else() {
    // The wrapper without a bug: what catches a mutant is its bug.
    let some: Vec<&'static Clause> = clauses::all().into_iter().step_by(12).collect();
    for (id, verdict, reason) in verdicts(SimTarget::broken(1, broken::nothing), &some) {
        // What the simulator does not declare it refuses, with the wrapper as without.
        assert!(matches!(verdict, Verdict::Pass | Verdict::Unsupported), "{id}: {reason}");
    }
}

#[test]
fn lockstep_sees_a_broken_engine() {
    let subject = |mut target: SimTarget| drydock_conformance::Target::subject(&mut target).unwrap();
    let create = Op::Create { who: 0, program: Program::Handles, link: Link::None };
    let history = [create, Op::Start(0), Op::Logs(0), Op::Stop(0), Op::Remove { who: 0, force: false }, create];
    lockstep::run(&*subject(SimTarget::new(1)), &*subject(SimTarget::new(2)), &history, None).unwrap();
    for name in ["stop kills at once", "a name is never free again"] {
        let mutant = MUTANTS.iter().find(|m| m.name == name).unwrap();
        let difference = lockstep::run(&*subject(SimTarget::new(1)), &*subject(SimTarget::broken(1, mutant.breakage)), &history, None);
        assert!(difference.is_err(), "{name}");
    }
}

#[test]
fn a_difference_shrinks_to_the_few_steps_that_show_it() {
    // The engine whose stop kills at once: to see it takes a container that handles the signal, started, and stopped or restarted.
    let mutant = MUTANTS.iter().find(|m| m.name == "stop kills at once").unwrap();
    let subject = |mut target: SimTarget| drydock_conformance::Target::subject(&mut target).unwrap();
    let config = Config { cases: 200, failure_persistence: None, rng_seed: RngSeed::Fixed(3), max_shrink_iters: 400, ..Config::default() };
    let told = TestRunner::new(config).run(&model::histories(30), |history| {
        let hosts = (subject(SimTarget::new(1)), subject(SimTarget::broken(1, mutant.breakage)));
        lockstep::run(&*hosts.0, &*hosts.1, &history, None).map_err(TestCaseError::fail)
    });
    let Err(TestError::Fail(_, shortest)) = told else { panic!("it was not seen: {told:?}") };
    assert!(shortest.len() <= 5, "{} steps: {shortest:?}", shortest.len());
    assert!(shortest.iter().any(|op| matches!(op, Op::Stop(_) | Op::Restart(_))), "{shortest:?}");
}

#[test]
fn there_are_enough_of_them() {
    assert!(MUTANTS.len() >= 12, "{} mutants", MUTANTS.len());
}
