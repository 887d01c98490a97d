//! What came of a run, for people and for machines.

mod html;
mod json;
mod junit;
mod table;

use crate::clause::{Area, Clause, Level};
use crate::run::Options;
use clap::ValueEnum;
use drydock_core::kernel::Facts;
use drydock_core::limits::CgroupMode;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What came of one clause. Only [`Verdict::Pass`] counts as conforming.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// The target does not declare what it needs, and does refuse it.
    Unsupported,
    /// The target is reached by a way on which what it is about cannot be seen.
    NotObservable,
    /// It is known to fail: it stands in the divergence register, and failed.
    Disabled,
    /// Nobody asked for it.
    NotRun,
    /// The suite itself could not judge.
    Error,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "FAIL",
            Verdict::Unsupported => "unsupported",
            Verdict::NotObservable => "not seen",
            Verdict::Disabled => "disabled",
            Verdict::NotRun => "not run",
            Verdict::Error => "ERROR",
        })
    }
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the verdict of its name")]
pub struct Summary {
    pub pass: usize,
    pub fail: usize,
    pub unsupported: usize,
    #[serde(default)]
    pub not_observable: usize,
    pub disabled: usize,
    pub not_run: usize,
    pub error: usize,
}

impl Summary {
    /// Counts verdicts.
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let mut summary = Self::default();
        for verdict in verdicts {
            *match verdict {
                Verdict::Pass => &mut summary.pass,
                Verdict::Fail => &mut summary.fail,
                Verdict::Unsupported => &mut summary.unsupported,
                Verdict::NotObservable => &mut summary.not_observable,
                Verdict::Disabled => &mut summary.disabled,
                Verdict::NotRun => &mut summary.not_run,
                Verdict::Error => &mut summary.error,
            } += 1;
        }
        summary
    }
}

/// One clause of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClauseReport {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub area: Area,
    /// How binding it is.
    pub level: Level,
    /// The law.
    pub sentence: String,
    /// Where it stands.
    pub cites: String,
    /// Where it was seen to hold before it came in.
    pub seen: Option<String>,
    /// What came of it.
    pub verdict: Verdict,
    /// Why, unless it passed.
    pub reason: String,
    /// How long it took by the engine's own clock, which is virtual on the simulator.
    pub nanoseconds: u64,
}

impl ClauseReport {
    /// A clause with its verdict.
    pub fn new(clause: &Clause, verdict: Verdict, reason: String, nanoseconds: u64) -> Self {
        Self {
            id: clause.id.to_owned(),
            area: clause.area(),
            level: clause.level,
            sentence: clause.sentence.to_owned(),
            cites: clause.cites.to_owned(),
            seen: clause.seen.map(str::to_owned),
            verdict,
            reason,
            nanoseconds,
        }
    }
}

/// The host the clauses were run on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostReport {
    /// The operating system.
    pub system: String,
    /// The kernel's release.
    pub kernel: String,
    /// The machine.
    pub architecture: String,
    /// How control groups are mounted.
    pub cgroup: CgroupMode,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The suite's version.
    pub suite: String,
    /// The target.
    pub target: String,
    /// The seed, where there is chance.
    pub seed: u64,
    /// The filter, if there was one.
    pub filter: Option<String>,
    /// Which part of the clauses was to be judged, as `1/2`, if it was one.
    pub part: Option<String>,
    /// The host.
    pub host: HostReport,
    /// How many clauses the suite has.
    pub declared: usize,
    /// How many of each verdict.
    pub summary: Summary,
    /// Every clause.
    pub clauses: Vec<ClauseReport>,
}

impl Report {
    /// Puts a report together.
    pub fn new(target: &str, options: &Options, facts: &Facts, declared: usize, clauses: Vec<ClauseReport>) -> Self {
        Self {
            suite: env!("CARGO_PKG_VERSION").to_owned(),
            target: target.to_owned(),
            seed: options.seed,
            filter: options.filter.clone(),
            part: options.part.map(|part| part.to_string()),
            host: HostReport {
                system: facts.system.clone(),
                kernel: facts.release.clone(),
                architecture: facts.architecture.clone(),
                cgroup: facts.cgroup,
            },
            declared,
            summary: Summary::of(clauses.iter().map(|c| c.verdict)),
            clauses,
        }
    }

    /// Whether the target conforms as far as was asked: nothing failed, the suite judged everything, and nothing was left out
    /// but by a filter or for another part, which must have let something through.
    pub fn conforms(&self) -> bool {
        let judged = self.clauses.len() - self.summary.not_run - self.summary.not_observable;
        let complete = self.clauses.len() == self.declared && (self.filter.is_some() || self.part.is_some() || self.summary.not_run == 0);
        self.summary.fail == 0 && self.summary.error == 0 && complete && judged > 0
    }

    /// Writes the report.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Table => table::render(self),
            Format::Json => json::render(self),
            Format::Junit => junit::render(self),
            Format::Html => html::render(self),
        }
    }
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people at a terminal.
    #[default]
    Table,
    /// For machines.
    Json,
    /// For continuous integration.
    Junit,
    /// One self-contained page.
    Html,
}

/// Text for XML and HTML: the five special characters as entities, and characters that XML forbids as U+FFFD.
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
        out
    })
}
