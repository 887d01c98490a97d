//! `drydock learn`: labs in the terminal, on the simulated host or on this machine.

mod grade;
pub(super) mod linux;
mod rust;
mod shell;
mod sim;
mod state;

use clap::{Args as _, Command, FromArgMatches as _, Subcommand};
use drydock::HostOptions;
use drydock_core::engine::Engine;
use drydock_core::{Error, Result};
use drydock_lessons::lab::{Lab, Outcome};
use drydock_lessons::verify::{Stage, verify};
use state::{Current, Where};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The command.
pub(super) const COMMAND: &str = "learn";
/// What it does.
pub(super) const ABOUT: &str = "Do labs: list, start, check, hint, reset, next, verify, grade";

/// Exit code for a command line that cannot be read, as everywhere.
const USAGE: i32 = 125;
/// How many events are waited for at once.
const PART: usize = 100;

#[derive(clap::Args)]
struct Learn {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// List the labs, and which are done
    List,
    /// Begin a lab
    Start {
        /// Which: see `drydock learn list`
        lab: String,
        /// Who does it; names and numbers in the lab depend on it
        #[arg(long, default_value = "")]
        student: String,
        /// Where: sim, or linux for this machine
        #[arg(long = "host", default_value = "")]
        place: String,
    },
    /// Say what is done and what is open
    Check {
        /// Go on looking whenever something happens, until the lab is done
        #[arg(long)]
        watch: bool,
    },
    /// Help with what is open, a little more each time
    Hint,
    /// Type into a lab on this machine: every line is recorded, to be handed in
    Shell,
    /// Begin the lab again
    Reset,
    /// Begin the next lab
    Next,
    /// Check labs as they check others, on a host
    Verify {
        /// Which; all without a name
        labs: Vec<String>,
        /// Where: sim or linux
        #[arg(long = "host", default_value = "")]
        place: String,
    },
    /// Grade the hand-ins of a directory by doing them again
    Grade {
        /// The directory
        directory: PathBuf,
        /// csv, json or junit
        #[arg(long, default_value = "csv")]
        format: String,
        /// Where what was done with real containers is done again: sim, or linux for this machine, as root
        #[arg(long = "host", default_value = "sim")]
        place: String,
    },
}

/// Runs it.
pub(super) fn run(args: &[String], options: &HostOptions) -> i32 {
    let command = Learn::augment_args(Command::new("learn")).about(ABOUT).bin_name("drydock learn").subcommand_required(true);
    let words = std::iter::once("learn".to_owned()).chain(args.iter().cloned());
    let learn = match command.try_get_matches_from(words).and_then(|matches| Learn::from_arg_matches(&matches)) {
        Ok(learn) => learn,
        Err(error) => {
            // Standard output or error is gone; nobody is left to tell.
            let _ = error.print();
            return if error.use_stderr() { USAGE } else { 0 };
        }
    };
    let mut out = std::io::stdout().lock();
    match learn.what.act(options, &mut out) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("drydock: {error}");
            error.exit_code()
        }
    }
}

fn written(_: std::io::Error) -> Error {
    Error::invalid("standard output is closed").op(drydock::environment::OUTPUT)
}

/// A lab by its name.
fn find(id: &str, student: &str) -> Result<Lab> {
    let found = drydock_lessons::find(id, student).map_err(|mistake| Error::invalid(format!("the lab {id}: {mistake}")))?;
    found.ok_or_else(|| {
        let all: Vec<&str> = order().collect();
        Error::not_found(format!("no such lab: {}", id.escape_debug())).hint(format!("there are {}", all.join(", ")))
    })
}

fn place_of(given: &str, options: &HostOptions) -> Result<Where> {
    let word = if given.is_empty() { options.host.as_deref().unwrap_or("sim") } else { given };
    match word {
        "linux" => Ok(Where::Linux),
        word if word == "sim" || word.starts_with("sim:") => Ok(Where::Sim),
        other => Err(Error::invalid(format!("unknown place \"{}\" for a lab", other.escape_debug())).hint("there are sim and linux")),
    }
}

impl What {
    fn act(self, options: &HostOptions, out: &mut dyn Write) -> Result<i32> {
        match self {
            Self::List => list(out),
            Self::Start { lab, student, place } => begin(&lab, &student, place_of(&place, options)?, false, out),
            Self::Check { watch: true } => watch(out),
            Self::Check { watch: false } => check(out),
            Self::Hint => hint(out),
            Self::Shell => shell::run(out),
            Self::Reset => {
                let current = Current::load()?;
                begin(&current.lab, &current.student, current.place, true, out)
            }
            Self::Next => {
                let current = Current::load()?;
                let mut after = order().skip_while(|id| *id != current.lab).skip(1);
                let id = after.next().ok_or_else(|| Error::not_found("this was the last lab"))?;
                // Rust is written on any machine, and judged in memory.
                let place = if rust::find(id).is_some() { Where::Sim } else { current.place };
                begin(id, &current.student, place, false, out)
            }
            Self::Verify { labs, place } => verify_all(&labs, place_of(&place, options)?, out),
            Self::Grade { directory, format, place } => grade::run(&directory, &format, place_of(&place, options)?, out),
        }
    }
}

/// Every lab by its name, in order: those that are typed, and those that are written.
fn order() -> impl Iterator<Item = &'static str> {
    drydock_lessons::LABS.iter().map(|(id, _)| *id).chain(drydock_lessons::rust::RUST_LABS.iter().map(|lab| lab.id))
}

fn list(out: &mut dyn Write) -> Result<i32> {
    let done = state::done()?;
    for id in order() {
        let (chapter, minutes, title) = match rust::find(id) {
            Some(lab) => (lab.chapter.to_owned(), lab.minutes, lab.title.to_owned()),
            None => find(id, "").map(|lab| (lab.chapter, lab.minutes, lab.title))?,
        };
        let mark = if done.iter().any(|d| d == id) { "done" } else { "" };
        writeln!(out, "{chapter:<3} {id:<12} {minutes:>2} min  {mark:<5} {title}").map_err(written)?;
    }
    Ok(0)
}

/// Begins a lab of either kind; `again` if it was begun already.
fn begin(id: &str, student: &str, place: Where, again: bool, out: &mut dyn Write) -> Result<i32> {
    match rust::find(id) {
        Some(lab) => rust::start(lab, student, place, again, out),
        None => start(&find(id, student)?, student, place, out),
    }
}

fn start(lab: &Lab, student: &str, place: Where, out: &mut dyn Write) -> Result<i32> {
    let current = Current { lab: lab.id.clone(), student: student.to_owned(), place, hints: 0, about: String::new() };
    let how = match place {
        Where::Sim => {
            let file = sim::begin(lab, student)?;
            format!(
                "type into a terminal of the simulated host:  drydock sim --save {0}\nor into your own shell, after:  export DRYDOCK_HOST=sim:{0}",
                file.display()
            )
        }
        Where::Linux => linux::begin(lab, student)?,
    };
    current.save()?;
    let goal = lab.goal.join(" ");
    writeln!(out, "{}: {}\n\n{goal}\n", lab.chapter, lab.title).map_err(written)?;
    for (number, step) in lab.steps.iter().enumerate() {
        writeln!(out, "{}. {}\n   {}", number + 1, step.title, step.text.join(" ")).map_err(written)?;
    }
    writeln!(out, "\nTo begin, {how}\nThen:  drydock learn check,  drydock learn hint").map_err(written)?;
    Ok(0)
}

/// The lab that is being done, and its engine.
fn open(current: &Current) -> Result<(Lab, Arc<dyn Engine>)> {
    let lab = find(&current.lab, &current.student)?;
    let engine = match current.place {
        Where::Sim => sim::open(&lab)?.engine(),
        Where::Linux => linux::open(&linux::root_of(&lab)?)?,
    };
    Ok((lab, engine))
}

/// Prints what is done and what is open; answers whether all is done.
pub(super) fn print(lab: &Lab, outcomes: &[Outcome<'_>], out: &mut dyn Write) -> std::io::Result<bool> {
    for (number, step) in lab.steps.iter().enumerate() {
        let mut of_step = outcomes.iter().filter(|outcome| outcome.step == number);
        let done = of_step.clone().all(|outcome| outcome.verdict.holds);
        writeln!(out, "[{}] {}. {}", if done { "x" } else { " " }, number + 1, step.title)?;
        if let Some(open) = of_step.find(|outcome| !outcome.verdict.holds) {
            writeln!(out, "       wanted: {}\n       found:  {}", open.check.predicate, open.verdict.found)?;
        }
    }
    let done = outcomes.iter().all(|outcome| outcome.verdict.holds);
    if done {
        writeln!(out, "\nDone. {}\n", lab.after.join(" "))?;
        for broken in &lab.breaks {
            writeln!(out, "Now break it. {}: {}\nRepair: {}", broken.title, broken.text.join(" "), broken.repair_text.join(" "))?;
        }
    }
    Ok(done)
}

fn check(out: &mut dyn Write) -> Result<i32> {
    let current = Current::load()?;
    if let Some(lab) = rust::find(&current.lab) {
        return rust::check(lab, &current.student, out);
    }
    let (lab, engine) = open(&current)?;
    let done = print(&lab, &lab.check(&*engine)?, out).map_err(written)?;
    if done {
        state::add_done(&current.lab)?;
    }
    Ok(i32::from(!done))
}

/// Looks again after every event. A simulated world moves only while somebody types into it, so there the terminal itself looks.
fn watch(out: &mut dyn Write) -> Result<i32> {
    let current = Current::load()?;
    if rust::find(&current.lab).is_some() {
        return Err(Error::unsupported("watching a Rust lab").hint("drydock learn check builds and judges"));
    }
    if current.place == Where::Sim {
        return Err(Error::unsupported("watching a simulated world from outside").hint("drydock sim --save FILE looks after every line"));
    }
    let (lab, engine) = open(&current)?;
    let mut after = engine.last_event()?;
    let mut last = None;
    loop {
        let outcomes = lab.check(&*engine)?;
        let open = outcomes.iter().filter(|outcome| !outcome.verdict.holds).count();
        if last != Some(open) {
            last = Some(open);
            if print(&lab, &outcomes, out).map_err(written)? {
                state::add_done(&current.lab)?;
                return Ok(0);
            }
            out.flush().map_err(written)?;
        }
        let events = engine.follow_events(after, PART, Duration::from_secs(60))?;
        after = events.last().map_or(after, |event| event.number);
    }
}

fn hint(out: &mut dyn Write) -> Result<i32> {
    let mut current = Current::load()?;
    if let Some(lab) = rust::find(&current.lab) {
        return rust::hint(lab, current, out);
    }
    let (lab, engine) = open(&current)?;
    let Some(open) = lab.first_open(&*engine)? else {
        writeln!(out, "Nothing is open: drydock learn check").map_err(written)?;
        return Ok(0);
    };
    let about = open.check.predicate.to_string();
    if current.about != about {
        (current.about, current.hints) = (about, 0);
    }
    let hints = &open.check.hints;
    let at = current.hints.min(hints.len().saturating_sub(1));
    let text = hints.get(at).map(String::as_str).unwrap_or_default();
    writeln!(out, "{}, and wanted is: {}\n{text}", open.verdict.found, open.check.predicate).map_err(written)?;
    current.hints += 1;
    current.save()?;
    Ok(0)
}

fn verify_all(which: &[String], place: Where, out: &mut dyn Write) -> Result<i32> {
    // Rust labs have one host: what is judged there is code, and no kernel's doing.
    let all: Vec<String> = order().filter(|id| place == Where::Sim || rust::find(id).is_none()).map(str::to_owned).collect();
    let mut stage: Box<dyn Stage> = match place {
        Where::Sim => Box::new(sim::SimStage::default()),
        Where::Linux => Box::new(linux::LinuxStage::new()?),
    };
    let mut code = 0;
    for id in if which.is_empty() { &all } else { which } {
        if let Some(lab) = rust::find(id) {
            code = code.max(verify_rust(lab, place, out)?);
            continue;
        }
        let lab = find(id, "")?;
        let wrong = verify(&lab, &mut *stage)?;
        let checks = lab.checks().count();
        match wrong.is_empty() {
            true => {
                writeln!(out, "{id}: the start fails, the solution passes, {checks} checks are reached, {} breaks break", lab.breaks.len())
            }
            false => writeln!(out, "{id}: {}", wrong.join(&format!("\n{id}: "))),
        }
        .map_err(written)?;
        code = code.max(i32::from(!wrong.is_empty()));
    }
    Ok(code)
}

fn verify_rust(lab: &'static drydock_lessons::rust::RustLab, place: Where, out: &mut dyn Write) -> Result<i32> {
    if place == Where::Linux {
        return Err(Error::unsupported("a Rust lab with real containers").hint("drydock learn verify --host sim"));
    }
    let (id, wrong) = (lab.id, rust::verify(lab)?);
    match wrong.is_empty() {
        true => writeln!(
            out,
            "{id}: the start fails, the solution passes, {} checks are reached, {} breaks break",
            lab.checks.len(),
            lab.breaks.len()
        ),
        false => writeln!(out, "{id}: {}", wrong.join(&format!("\n{id}: "))),
    }
    .map_err(written)?;
    Ok(i32::from(!wrong.is_empty()))
}
