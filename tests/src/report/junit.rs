//! The report for continuous integration: JUnit's XML, a suite an area. Readers count children and not attributes, so a failure
//! is a `<failure>`, a fault of the suite an `<error>`, and everything that was not judged a `<skipped>`.

use super::{ClauseReport, Report, Verdict, escape};
use crate::clause::Area;
use std::fmt::Write as _;

/// Writes the report.
pub fn render(report: &Report) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let attributes = counts(report.clauses.iter());
    let _ = writeln!(text, "<testsuites name=\"drydock conform --target {}\" {attributes}>", escape(&report.target));
    for area in Area::ALL {
        let of_area: Vec<&ClauseReport> = report.clauses.iter().filter(|c| c.area == area).collect();
        let _ = writeln!(text, "  <testsuite name=\"{area}\" {}>", counts(of_area.iter().copied()));
        for clause in of_area {
            case(&mut text, clause);
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn case(text: &mut String, clause: &ClauseReport) {
    let name = escape(&format!("{} {}", clause.id, clause.sentence));
    let reason = escape(&clause.reason);
    let _ = write!(text, "    <testcase classname=\"{}\" name=\"{name}\" time=\"{}\"", clause.area, seconds(clause.nanoseconds));
    let child = match clause.verdict {
        Verdict::Pass => {
            text.push_str("/>\n");
            return;
        }
        Verdict::Fail => format!("<failure message=\"{reason}\">{}\n{reason}</failure>", escape(&clause.cites)),
        Verdict::Error => format!("<error message=\"{reason}\"/>"),
        Verdict::Unsupported | Verdict::NotObservable | Verdict::Disabled | Verdict::NotRun => {
            format!("<skipped message=\"{}: {reason}\"/>", clause.verdict)
        }
    };
    let _ = writeln!(text, ">{child}</testcase>");
}

fn counts<'a>(clauses: impl Iterator<Item = &'a ClauseReport>) -> String {
    let (mut tests, mut failures, mut errors, mut skipped, mut time) = (0, 0, 0, 0, 0u64);
    for clause in clauses {
        tests += 1;
        time += clause.nanoseconds;
        match clause.verdict {
            Verdict::Pass => {}
            Verdict::Fail => failures += 1,
            Verdict::Error => errors += 1,
            Verdict::Unsupported | Verdict::NotObservable | Verdict::Disabled | Verdict::NotRun => skipped += 1,
        }
    }
    let time = seconds(time);
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"{time}\"")
}

fn seconds(nanoseconds: u64) -> String {
    format!("{}.{:03}", nanoseconds / 1_000_000_000, nanoseconds / 1_000_000 % 1000)
}
