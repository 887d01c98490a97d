//! The report for people at a terminal: a line a clause, then what went wrong, then the count.

use super::{Report, Verdict};
use crate::clause::Area;
use std::fmt::Write as _;

/// Writes the report.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    let widest = report.clauses.iter().map(|c| c.id.len()).max().unwrap_or(0);
    for area in Area::ALL {
        let of_area: Vec<_> = report.clauses.iter().filter(|c| c.area == area && c.verdict != Verdict::NotRun).collect();
        if of_area.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{area}");
        for clause in of_area {
            let _ = writeln!(text, "  {:11} {:widest$}  {}", clause.verdict, clause.id, clause.sentence);
            if !clause.reason.is_empty() {
                let _ = writeln!(text, "  {:11} {:widest$}  └ {}", "", "", clause.reason);
            }
        }
    }
    let host = &report.host;
    let _ = writeln!(text, "\n{} on {} ({}, {}, cgroup {:?})", report.target, host.system, host.kernel, host.architecture, host.cgroup);
    let s = &report.summary;
    let _ = writeln!(
        text,
        "{} clauses: {} pass, {} fail, {} unsupported, {} not observable here, {} disabled, {} not run, {} error",
        report.declared, s.pass, s.fail, s.unsupported, s.not_observable, s.disabled, s.not_run, s.error
    );
    let _ = writeln!(text, "seed {}: {}", report.seed, if report.conforms() { "conforms" } else { "does not conform" });
    text
}
