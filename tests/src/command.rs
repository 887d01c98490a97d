//! `drydock conform`: runs the suite and writes the report.

use crate::clauses;
use crate::report::{ClauseReport, Format, Verdict};
use crate::run::{self, Options, Part};
use crate::target::{Target, docker::DockerTarget, linux::LinuxTarget, sim::SimTarget};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// What to run the suite against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetName {
    /// The simulated host.
    Sim,
    /// This machine, in network and mount namespaces of the suite's own.
    Linux,
    /// Any Docker Engine, by the address of its socket, or several, with commas between.
    Docker(String),
}

impl std::str::FromStr for TargetName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("docker:")) {
            ("sim", _) => Ok(Self::Sim),
            ("linux", _) => Ok(Self::Linux),
            (_, Some(address)) if !address.is_empty() => Ok(Self::Docker(address.to_owned())),
            _ => Err("there are sim, linux and docker:unix:///PATH".to_owned()),
        }
    }
}

/// Options of `drydock conform`.
#[derive(Args, Clone, Debug)]
pub struct Conform {
    /// What to run the suite against: sim, linux, or docker:unix:///PATH for a Docker Engine that has nothing to lose; several alike, with commas between, share the work
    #[arg(long, value_name = "TARGET", default_value = "sim")]
    pub target: TargetName,
    /// How to write the report
    #[arg(long, value_enum, default_value = "table")]
    pub report: Format,
    /// Write the report to a file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Only clauses whose id starts with this, or whose sentence has it in it
    #[arg(long, value_name = "PATTERN")]
    pub filter: Option<String>,
    /// Only one of several parts, where machines share the work: 1/2, 2/2
    #[arg(long, value_name = "K/N")]
    pub part: Option<Part>,
    /// Seed of the simulated host
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// List the clauses and run none
    #[arg(long)]
    pub list: bool,
}

/// After how many clauses it is said how far the run is.
const PROGRESS: usize = 100;

/// Has a run end, with its report, at SIGTERM and at the first Ctrl-C.
#[cfg(target_os = "linux")]
fn stop_when_told(options: &Options) -> Result<(), String> {
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        // A second one is for who does not want to wait for the report.
        signal_hook::flag::register_conditional_default(signal, std::sync::Arc::clone(&options.stop))
            .and_then(|_| signal_hook::flag::register(signal, std::sync::Arc::clone(&options.stop)))
            .map_err(|e| format!("signals cannot be waited for: {e}"))?;
    }
    Ok(())
}

/// There are no signals.
#[cfg(not(target_os = "linux"))]
fn stop_when_told(_: &Options) -> Result<(), String> {
    Ok(())
}

impl Conform {
    /// Runs the command. `out` takes the report, `err` what a person waits for. Answers the exit code: 0 when the target conforms,
    /// 1 when it does not, 125 when the suite could not be run.
    ///
    /// With the target `linux` the calling thread moves to new network and mount namespaces, for good: call it from `main` only.
    pub fn execute(&self, out: &mut dyn Write, err: &mut dyn Write) -> i32 {
        match self.try_execute(out, err) {
            Ok(true) => 0,
            Ok(false) => 1,
            Err(message) => {
                let _ = writeln!(err, "drydock: {message}");
                125
            }
        }
    }

    fn try_execute(&self, out: &mut dyn Write, err: &mut dyn Write) -> Result<bool, String> {
        let options = Options { filter: self.filter.clone(), part: self.part, seed: self.seed, ..Options::default() };
        if self.list {
            for clause in options.select(&clauses::all()) {
                writeln!(out, "{}  {}  [{}]", clause.id, clause.sentence, clause.cites).map_err(|e| e.to_string())?;
            }
            return Ok(true);
        }
        // Before anything is begun, so that there is a report whenever it comes.
        stop_when_told(&options)?;
        let mut target: Box<dyn Target> = match &self.target {
            TargetName::Sim => Box::new(SimTarget::new(self.seed)),
            TargetName::Linux => Box::new(LinuxTarget::enter().map_err(|e| e.to_string())?),
            TargetName::Docker(address) => Box::new(DockerTarget::reach(address).map_err(|e| e.to_string())?),
        };
        let all = options.select(&clauses::all()).len();
        let (mut done, begun) = (0, std::time::Instant::now());
        // A person who waits for a report in a file sees how far it is, and what has gone wrong so far.
        let mut each = |clause: &ClauseReport| {
            done += 1;
            if self.out.is_none() {
                return;
            }
            if matches!(clause.verdict, Verdict::Fail | Verdict::Error) {
                let _ = writeln!(err, "{} {}: {}", clause.verdict, clause.id, clause.reason);
            }
            if done % PROGRESS == 0 {
                let _ = writeln!(err, "{done} of {all} clauses after {} s", begun.elapsed().as_secs());
            }
        };
        let report = run::run(&mut *target, &options, &mut each)?;
        let text = report.render(self.report);
        match &self.out {
            Some(path) => {
                std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))?;
                let s = &report.summary;
                let _ = writeln!(err, "{} of {} clauses pass on {}", s.pass, report.declared, report.target);
            }
            None => out.write_all(text.as_bytes()).map_err(|e| e.to_string())?,
        }
        Ok(report.conforms())
    }
}
