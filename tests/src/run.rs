//! Runs clauses against a target.

use crate::clause::Clause;
use crate::divergence::{self, Divergence};
use crate::outcome::{Checked, Failed};
use crate::report::{ClauseReport, Report, Verdict};
use crate::target::{Subject, Target};
use crate::world::World;
use crate::{clauses, refusal, residue};
use drydock_core::observe::Snapshot;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only clauses whose id starts with this or whose sentence has it in it.
    pub filter: Option<String>,
    /// Only one part of them, where several machines share the work.
    pub part: Option<Part>,
    /// The seed the target was made with, for the report.
    pub seed: u64,
    /// Set to have the run end: what has not been judged by then is not, and the report says so.
    pub stop: Arc<AtomicBool>,
}

/// One of several parts of equal size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    number: usize,
    of: usize,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl std::str::FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err("a part is written as 1/2 or 2/2, for example".to_owned()),
        }
    }
}

impl Options {
    fn filtered(&self, clause: &Clause) -> bool {
        self.filter.as_deref().is_none_or(|f| clause.id.starts_with(f) || clause.sentence.contains(f))
    }

    /// The clauses to be run, in the order of the table. Parts take turns: neighbours take alike long.
    pub fn select(&self, table: &[&'static Clause]) -> Vec<&'static Clause> {
        let filtered = table.iter().copied().filter(|c| self.filtered(c)).enumerate();
        let mine = |n: usize| self.part.is_none_or(|part| n % part.of == part.number - 1);
        filtered.filter(|(n, _)| mine(*n)).map(|(_, clause)| clause).collect()
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Runs every clause against a target; `each` hears of every verdict at once. An error of the register is one of the whole run.
pub fn run(target: &mut dyn Target, options: &Options, each: &mut dyn FnMut(&ClauseReport)) -> Result<Report, String> {
    run_these(&clauses::all(), target, options, each)
}

/// The same for a table of one's own: the tests of the suite itself use it.
pub fn run_these(
    table: &[&'static Clause],
    target: &mut dyn Target,
    options: &Options,
    each: &mut dyn FnMut(&ClauseReport),
) -> Result<Report, String> {
    let register = divergence::register()?;
    let facts = target.subject().map_err(|e| format!("the target {} cannot be made: {e}", target.name()))?.engine().facts();
    let quiet = Quiet::begin();
    let wanted = options.select(table);
    let ids: BTreeSet<&str> = wanted.iter().map(|clause| clause.id).collect();
    let mut judged = BTreeMap::new();
    let name = target.name();
    let mut take = |judged: &mut BTreeMap<_, _>, clause: &'static Clause, (verdict, reason, nanoseconds): Judgement| {
        let known = divergence::find(&register, clause.id, name, &facts.release);
        let (verdict, reason) = registered(known, verdict, reason);
        let report = ClauseReport::new(clause, verdict, reason, nanoseconds);
        each(&report);
        judged.insert(clause.id, report);
    };
    judge_ahead(&wanted, target, options, &mut |clause, judgement| take(&mut judged, clause, judgement));
    let mut reports = Vec::with_capacity(table.len());
    for &clause in table {
        if !ids.contains(clause.id) {
            reports.push(ClauseReport::new(clause, Verdict::NotRun, "left out by the filter or the part".to_owned(), 0));
            continue;
        }
        if !judged.contains_key(clause.id) && !options.stopped() {
            let judgement = judge(clause, target, options);
            take(&mut judged, clause, judgement);
        }
        let missed = || ClauseReport::new(clause, Verdict::Error, "the run was ended before it was judged".to_owned(), 0);
        reports.push(judged.remove(clause.id).unwrap_or_else(missed));
    }
    drop(quiet);
    Ok(Report::new(target.name(), options, &facts, table.len(), reports))
}

/// A listed clause must fail.
fn registered(known: Option<&Divergence>, verdict: Verdict, reason: String) -> (Verdict, String) {
    match (known, verdict) {
        // One that hangs is not judged; where that is what is known of it, there is nothing more to say.
        (Some(known), Verdict::Fail | Verdict::Error) => (Verdict::Disabled, format!("{} (since {}): {reason}", known.reason, known.since)),
        (Some(known), Verdict::Pass) if known.sometimes => (Verdict::Pass, reason),
        (Some(_), Verdict::Pass) => (Verdict::Error, "it passes, but stands in the divergence register: take it out".to_owned()),
        _ => (verdict, reason),
    }
}

/// A verdict, its reason, and how long it took.
type Judgement = (Verdict, String, u64);

/// Judges clauses on several hosts at once, where a target has more than one: each has its own, so that nothing depends on the order.
/// What a thread that died has not judged is left to the caller.
fn judge_ahead(wanted: &[&'static Clause], target: &dyn Target, options: &Options, take: &mut dyn FnMut(&'static Clause, Judgement)) {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let next = AtomicUsize::new(0);
    let (found, judged) = mpsc::channel();
    std::thread::scope(|scope| {
        let next = &next;
        for mut twin in (0..workers).map_while(|_| target.twin()) {
            let found = found.clone();
            scope.spawn(move || {
                while let Some(&clause) = wanted.get(next.fetch_add(1, Ordering::Relaxed)).filter(|_| !options.stopped()) {
                    if found.send((clause, judge(clause, &mut *twin, options))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(found);
        judged.into_iter().for_each(|(clause, judgement)| take(clause, judgement));
    });
}

fn judge(clause: &'static Clause, target: &mut dyn Target, options: &Options) -> Judgement {
    let subject = match target.subject() {
        Ok(subject) => subject,
        Err(error) => return (Verdict::Error, format!("no subject: {error}"), 0),
    };
    let begun = subject.engine().now();
    let (verdict, reason) = match target.patience() {
        None => examine(clause, &*subject),
        Some(patience) => with_patience(clause, &subject, patience, options),
    };
    let took = subject.engine().now().since(begun);
    (verdict, reason, u64::try_from(took.as_nanos()).unwrap_or(u64::MAX))
}

/// How long a clause that was given up may take to notice that what it waited for is gone.
const NOTICE: Duration = Duration::from_secs(5);
/// How often it is looked whether the run is to end.
const GLANCE: Duration = Duration::from_millis(100);

/// Runs a clause in a thread of its own, so that one that hangs is an error and not the end of the run.
fn with_patience(clause: &'static Clause, subject: &Arc<dyn Subject>, patience: Duration, options: &Options) -> (Verdict, String) {
    let (answer, verdict) = mpsc::channel();
    let its = Arc::clone(subject);
    let thread = std::thread::Builder::new().name(clause.id.to_owned()).spawn(move || answer.send(examine(clause, &*its)));
    if let Err(error) = thread {
        return (Verdict::Error, format!("no thread: {error}"));
    }
    let begun = Instant::now();
    while begun.elapsed() < patience && !options.stopped() {
        match verdict.recv_timeout(GLANCE) {
            Ok(verdict) => return verdict,
            Err(mpsc::RecvTimeoutError::Disconnected) => return (Verdict::Error, "its thread ended without a verdict".to_owned()),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
    if options.stopped() {
        return (Verdict::Error, "the run was ended while it was judged".to_owned());
    }
    // Take away what it waits for, and give it a moment to notice. That may hang where the clause does.
    let (answer, cleaned) = mpsc::channel();
    let its = Arc::clone(subject);
    std::thread::spawn(move || answer.send(World::new(&*its).clean()));
    let cleaned = cleaned.recv_timeout(NOTICE * 2);
    let ended = verdict.recv_timeout(NOTICE).is_ok();
    let after = match (cleaned, ended) {
        (Err(_), _) => "; what it left cannot be taken away either".to_owned(),
        (Ok(Err(e)), _) => format!("; {e}"),
        (Ok(Ok(())), false) => "; it still hangs".to_owned(),
        (Ok(Ok(())), true) => String::new(),
    };
    (Verdict::Error, format!("it did not end within {} s{after}", patience.as_secs()))
}

/// What was there before a clause.
enum Before {
    /// On the host.
    Host(Box<Snapshot>),
    /// In what the engine shows, where the host cannot be looked at.
    Shown(BTreeSet<String>),
}

impl Before {
    fn holds(&self, world: &World<'_>) -> Checked {
        match self {
            Self::Host(before) => residue::unchanged(world, before),
            Self::Shown(before) => residue::unchanged_as_shown(world, before),
        }
    }
}

/// One clause with its clean-up and the residue law.
fn examine(clause: &Clause, subject: &dyn Subject) -> (Verdict, String) {
    let mut world = World::new(subject);
    let before = match (residue::observe(&world), residue::shown(&world)) {
        (Ok(before), _) => Before::Host(Box::new(before)),
        (Err(e), Ok(shown)) if e.unobservable().is_some() => Before::Shown(shown),
        (Err(e), _) => return (Verdict::Error, format!("before the clause: {e}")),
    };
    let missing = clause.needs.iter().copied().find(|&c| !world.can(c));
    if let (Before::Shown(_), Some(capability)) = (&before, missing) {
        // What another engine answers where it lacks something is its own affair: no clause says it.
        return (Verdict::NotObservable, format!("the engine does not declare {capability:?}"));
    }
    let checked = catch(|| match missing {
        Some(capability) => refusal::check(&world, capability),
        None => (clause.check)(&mut world),
    });
    let cleaned = catch(|| world.clean().and_then(|()| before.holds(&world)));
    match (checked, cleaned) {
        (_, Ok(Ok(()))) if world.misses_the_host() => {
            (Verdict::NotObservable, "the engine's host is not the one where the suite runs".to_owned())
        }
        (Err(panic), _) | (Ok(Ok(())), Err(panic)) => (Verdict::Error, panic),
        (Ok(Err(failed)), Ok(Ok(()))) if failed.unobservable().is_some() => {
            (Verdict::NotObservable, failed.unobservable().unwrap_or_default().to_owned())
        }
        (Ok(Err(failed)), Ok(Err(after))) => (Verdict::Fail, format!("{failed}; then {after}")),
        (Ok(Err(failed)), _) | (Ok(Ok(())), Ok(Err(failed))) => (Verdict::Fail, failed.to_string()),
        (Ok(Ok(())), Ok(Ok(()))) => match missing {
            Some(capability) => (Verdict::Unsupported, format!("{capability:?} is not declared, and is refused")),
            None => (Verdict::Pass, String::new()),
        },
    }
}

/// A panic is the suite's own fault, or the engine's; either way not a verdict.
fn catch(body: impl FnOnce() -> Checked) -> Result<Result<(), Failed>, String> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|_| format!("panicked: {}", LAST_PANIC.take()))
}

thread_local! {
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

type Hook = Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Sync + Send + 'static>;

/// While it lives, panics are kept for the report instead of printed.
struct Quiet(Option<Hook>);

impl Quiet {
    fn begin() -> Self {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(|info| LAST_PANIC.set(info.to_string().replace('\n', " "))));
        Self(Some(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            std::panic::set_hook(before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_whole_and_share_nothing() {
        let table = crate::clauses::all();
        let part = |text: &str| Options { part: Some(text.parse().unwrap()), ..Options::default() }.select(&table);
        let parts: Vec<Vec<_>> = ["1/3", "2/3", "3/3"].into_iter().map(part).collect();
        assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), table.len());
        let ids: BTreeSet<&str> = parts.iter().flatten().map(|clause| clause.id).collect();
        assert_eq!(ids.len(), table.len());
        assert_eq!("2/3".parse::<Part>().unwrap().to_string(), "2/3");
        for wrong in ["0/2", "3/2", "1/0", "1", "a/b"] {
            assert!(wrong.parse::<Part>().is_err(), "{wrong}");
        }
    }
}
