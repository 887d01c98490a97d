//! The whole suite on this machine's kernel. Needs root: without it this is a skip that says so, and on a machine that calls itself
//! CI a failure.
//!
//! It has a `main` of its own, because the engine starts this very program again for its supervisors and port proxies, and because
//! moving to other namespaces wants a process with one thread.

use drydock_conformance::report::{Format, Verdict};
use drydock_conformance::target::linux::LinuxTarget;
use drydock_conformance::{Options, clauses, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = drydock_linux::own_command(&args) {
        return ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1));
    }
    // What `cargo test -- --list` and filters ask of a test program.
    if args.iter().any(|a| a == "--list") {
        println!("every_clause_holds_on_linux: test");
        return ExitCode::SUCCESS;
    }
    let filter = args.iter().find(|a| !a.starts_with('-'));
    if filter.is_some_and(|f| !"every_clause_holds_on_linux".contains(f.as_str())) {
        return ExitCode::SUCCESS;
    }
    let mut target = match LinuxTarget::enter() {
        Ok(target) => target,
        Err(error) => {
            let ci = std::env::var("CI").is_ok_and(|v| v == "true");
            eprintln!("conform_linux: {}: {error}", if ci { "failed" } else { "skipped" });
            return if ci { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let options = Options::default();
    let report = match run(&mut target, &options, &mut |_| {}) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("conform_linux: {error}");
            return ExitCode::FAILURE;
        }
    };
    for clause in report.clauses.iter().filter(|c| matches!(c.verdict, Verdict::Fail | Verdict::Error)) {
        eprintln!("{} {}: {}", clause.verdict, clause.id, clause.reason);
    }
    let table = report.render(Format::Table);
    println!("{}", table.lines().rev().take(3).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n"));
    let whole = report.clauses.len() == clauses::all().len();
    if report.conforms() && whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
