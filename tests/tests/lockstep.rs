//! Random histories on the simulated host and on this machine together, compared after every operation; a difference is shrunk to the
//! shortest history that shows it. Both are held against what `model` expects, too. Needs root: see `conform_linux`, whose `main` is the same for the same reasons.

mod model;

use drydock_conformance::Target;
use drydock_conformance::lockstep;
use drydock_conformance::target::linux::LinuxTarget;
use drydock_conformance::target::sim::SimTarget;
use model::Model;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestCaseError, TestRunner};
use std::process::ExitCode;

/// How many histories, unless DRYDOCK_HISTORIES says another number.
const HISTORIES: u32 = 40;
/// Operations of the longest history, and one.
const LONGEST: usize = 14;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = drydock_linux::own_command(&args) {
        return ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1));
    }
    if args.iter().any(|a| a == "--list") {
        println!("histories_are_the_same_on_both_hosts: test");
        return ExitCode::SUCCESS;
    }
    if args.iter().find(|a| !a.starts_with('-')).is_some_and(|f| !"histories_are_the_same_on_both_hosts".contains(f.as_str())) {
        return ExitCode::SUCCESS;
    }
    let linux = match LinuxTarget::enter() {
        Ok(target) => std::cell::RefCell::new(target),
        Err(error) => {
            let ci = std::env::var("CI").is_ok_and(|v| v == "true");
            eprintln!("lockstep: {}: {error}", if ci { "failed" } else { "skipped" });
            return if ci { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let number = |name: &str, usual: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(usual);
    let cases = u32::try_from(number("DRYDOCK_HISTORIES", u64::from(HISTORIES))).unwrap_or(HISTORIES);
    let seed = number("DRYDOCK_SEED", 1);
    let config = Config {
        cases,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(seed),
        max_shrink_iters: 60,
        ..Config::default()
    };
    println!("lockstep: {cases} histories from seed {seed}");
    let told = TestRunner::new(config).run(&model::histories(LONGEST), |history| {
        let subject = |t: &mut dyn Target| t.subject().map_err(|e| TestCaseError::fail(e.to_string()));
        let (sim, linux) = (subject(&mut SimTarget::new(seed))?, subject(&mut *linux.borrow_mut())?);
        let mut model = Model::default();
        let mut expected = |op| {
            model.follow(op);
            model.boxes.iter().map(|(who, b)| (*who, b.status)).collect()
        };
        lockstep::run(&*sim, &*linux, &history, Some(&mut expected)).map_err(TestCaseError::fail)
    });
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(difference) => {
            eprintln!("lockstep: the hosts differ (the simulated one first): {difference}");
            ExitCode::FAILURE
        }
    }
}
