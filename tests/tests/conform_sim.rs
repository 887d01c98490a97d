//! The whole suite on the simulated host: everything holds, and one seed gives one report, byte for byte.

use drydock_conformance::report::{Format, Verdict};
use drydock_conformance::target::sim::SimTarget;
use drydock_conformance::{Options, Report, clauses, run};

fn report(seed: u64) -> Report {
    let options = Options { seed, ..Options::default() };
    run(&mut SimTarget::new(seed), &options, &mut |_| {}).unwrap()
}

#[test]
fn every_clause_holds_and_one_seed_gives_one_report() {
    let first = report(1);
    let broken: Vec<String> = first
        .clauses
        .iter()
        .filter(|c| matches!(c.verdict, Verdict::Fail | Verdict::Error | Verdict::NotRun))
        .map(|c| format!("{} {}: {}", c.verdict, c.id, c.reason))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_eq!(first.clauses.len(), clauses::all().len(), "every clause was run");
    assert!(first.conforms());
    let second = report(1);
    for format in [Format::Json, Format::Junit, Format::Html, Format::Table] {
        assert!(first.render(format) == second.render(format), "two runs differ as {format:?}");
    }
}

#[test]
fn another_seed_holds_too() {
    let report = report(20_261_121);
    let broken: Vec<&str> =
        report.clauses.iter().filter(|c| !matches!(c.verdict, Verdict::Pass | Verdict::Unsupported)).map(|c| c.id.as_str()).collect();
    assert!(broken.is_empty(), "{broken:?}");
}
