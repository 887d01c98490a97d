//! The report as one page that needs nothing else: clauses by area, each with where it stands and what came of it.

use super::{Report, Verdict, escape};
use crate::clause::{Area, Level};
use std::fmt::Write as _;

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1d2433;background:#fff}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.35rem .6rem;border-top:1px solid #d8dde6}\
code{font-size:.9em;white-space:nowrap}small{color:#5b6576}.v{font-weight:600;white-space:nowrap}\
.pass .v{color:#0b6b3a}.fail .v,.error .v{color:#a8161b}.unsupported .v,.disabled .v,.not-run .v{color:#7a5a00}\
.why{font-family:ui-monospace,monospace;font-size:.85em;overflow-wrap:anywhere}\
@media(prefers-color-scheme:dark){body{color:#dfe5ef;background:#12161f}td,th{border-color:#2b3342}small{color:#94a0b5}\
.pass .v{color:#5fd39a}.fail .v,.error .v{color:#ff8a8a}.unsupported .v,.disabled .v,.not-run .v{color:#e6c35c}}";

/// Writes the page.
pub fn render(report: &Report) -> String {
    let title = escape(&format!("Drydock conformance: {}", report.target));
    let s = &report.summary;
    let host = &report.host;
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n\
         <p>{} {} on {}, cgroup {:?}. Suite {}, seed {}.</p>\n\
         <p><b>{} clauses</b>: {} pass, {} fail, {} unsupported, {} disabled, {} not run, {} error.</p>\n",
        escape(&host.system),
        escape(&host.kernel),
        escape(&host.architecture),
        host.cgroup,
        escape(&report.suite),
        report.seed,
        report.declared,
        s.pass,
        s.fail,
        s.unsupported,
        s.disabled,
        s.not_run,
        s.error
    );
    for area in Area::ALL {
        let _ = writeln!(text, "<h2 id=\"{area}\">{area}</h2>\n<table><tr><th>Verdict<th>Clause<th>Law</tr>");
        for clause in report.clauses.iter().filter(|c| c.area == area) {
            let class = class(clause.verdict);
            let level = if clause.level == Level::Should { "should; " } else { "" };
            let seen = clause.seen.as_deref().map(|s| format!("; seen on {}", escape(s))).unwrap_or_default();
            let _ = write!(
                text,
                "<tr id=\"{id}\" class=\"{class}\"><td class=\"v\">{}<td><code>{id}</code><td>{}<br><small>{level}{}{seen}</small>",
                clause.verdict,
                escape(&clause.sentence),
                escape(&clause.cites),
                id = escape(&clause.id)
            );
            if !clause.reason.is_empty() {
                let _ = write!(text, "<div class=\"why\">{}</div>", escape(&clause.reason));
            }
            text.push_str("</tr>\n");
        }
        text.push_str("</table>\n");
    }
    text.push_str("</body></html>\n");
    text
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Unsupported => "unsupported",
        Verdict::NotObservable => "not-observable",
        Verdict::Disabled => "disabled",
        Verdict::NotRun => "not-run",
        Verdict::Error => "error",
    }
}
