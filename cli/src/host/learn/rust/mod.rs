//! Rust labs: a project for the student, built by cargo and judged by the suite on simulated hosts.

mod grade;
mod program;
mod project;
mod verify;

pub(super) use grade::grade;
pub(super) use verify::verify;

use super::state::{self, Current, Where, directory, wrong};
use super::written;
use drydock_conformance::learner::{Asked, Judged, judge};
use drydock_core::{Error, Result};
use drydock_lessons::rust::{self, Cut, RustLab};
use program::Program;
use project::{Built, Project, ticket};
use std::io::Write;
use std::sync::Arc;

/// A Rust lab by its name.
pub(super) fn find(id: &str) -> Option<&'static RustLab> {
    rust::find(id)
}

fn project(lab: &'static RustLab) -> Result<Project> {
    Ok(Project::at(lab, directory()?.join(lab.id)))
}

/// Begins a lab. A file that is there already is somebody's work, and stays unless it is to be begun `again`; then it is kept beside.
pub(super) fn start(lab: &'static RustLab, student: &str, place: Where, again: bool, out: &mut dyn Write) -> Result<i32> {
    if place == Where::Linux {
        return Err(Error::unsupported("a Rust lab with real containers").hint("it is judged on simulated hosts: leave --host out"));
    }
    if student.contains(['\n', '\r']) {
        return Err(Error::invalid("a student's name is one line"));
    }
    let project = project(lab)?;
    let file = project.file();
    let there = file.exists();
    if there && again {
        let aside = file.with_extension("rs.before");
        std::fs::rename(&file, &aside).map_err(|e| wrong("rename", &file, e))?;
        writeln!(out, "What you had is kept as {}\n", aside.display()).map_err(written)?;
    }
    if there && !again {
        project.write_given()?;
    } else {
        project.write_lab(&format!("{}\n{}", ticket(lab, student), project.cut(Cut::Starter)?))?;
    }
    Current { lab: lab.id.to_owned(), student: student.to_owned(), place, hints: 0, about: String::new() }.save()?;
    writeln!(out, "{}: {}\n\n{}\n", lab.chapter, lab.title, lab.goal).map_err(written)?;
    let what = if there && !again { "goes on in" } else { "is in" };
    writeln!(out, "Your file {what} {}\nThe words it is written in are beside it, in words.rs.", file.display()).map_err(written)?;
    writeln!(out, "Then:  drydock learn check,  drydock learn hint").map_err(written)?;
    Ok(0)
}

/// The program of the student's project; `None` if it does not compile, which the compiler has said.
fn built(lab: &'static RustLab) -> Result<Option<Arc<dyn Asked>>> {
    let project = project(lab)?;
    if !project.file().exists() {
        let missing = Error::not_found(format!("there is no {}", project.file().display()));
        return Err(missing.hint(format!("drydock learn start {}", lab.id)));
    }
    match project.build(false)? {
        Built::Program(path) => Ok(Some(Arc::new(Program::start(&path, false)?))),
        Built::Not(_) => Ok(None),
    }
}

fn seed(lab: &RustLab, student: &str) -> u64 {
    drydock_lessons::lab::seed(lab.id, student)
}

/// What a student is told of a check.
fn line(judged: &Judged) -> String {
    let mark = if judged.holds { "x" } else { " " };
    let mut text = format!("[{mark}] {:<14} {}\n", judged.id, judged.sentence);
    for line in judged.reason.lines().filter(|_| !judged.holds) {
        text.push_str(&format!("       {line}\n"));
    }
    text
}

/// Builds, judges, and says what came of it.
pub(super) fn check(lab: &'static RustLab, student: &str, out: &mut dyn Write) -> Result<i32> {
    let Some(asked) = built(lab)? else {
        writeln!(out, "It does not compile yet: the compiler says why, above.").map_err(written)?;
        return Ok(1);
    };
    let mut said = Ok(());
    let all = judge(lab, &asked, seed(lab, student), &[], &mut |judged| {
        if said.is_ok() {
            said = out.write_all(line(judged).as_bytes()).and_then(|()| out.flush());
        }
    })?;
    said.map_err(written)?;
    let holds = all.iter().filter(|judged| judged.holds).count();
    if holds < lab.checks.len() {
        let later = lab.checks.len() - all.len();
        let later = if later > 0 { format!(", {later} not judged until those hold") } else { String::new() };
        writeln!(out, "\n{holds} of {} hold{later}.  drydock learn hint", lab.checks.len()).map_err(written)?;
        return Ok(1);
    }
    state::add_done(lab.id)?;
    writeln!(out, "\nDone. {}\n\nNow break it, and see which law notices:", lab.after).map_err(written)?;
    for broken in lab.breaks {
        writeln!(out, "- {}: {}", broken.title, broken.fails.join(", ")).map_err(written)?;
    }
    Ok(0)
}

/// Help with the first check that does not hold.
pub(super) fn hint(lab: &'static RustLab, mut current: Current, out: &mut dyn Write) -> Result<i32> {
    let Some(asked) = built(lab)? else {
        writeln!(out, "It does not compile yet: the compiler says why, above.").map_err(written)?;
        return Ok(1);
    };
    let all = judge(lab, &asked, seed(lab, &current.student), &[], &mut |_| {})?;
    let first = lab.checks.iter().find(|check| all.iter().any(|judged| judged.id == check.id && !judged.holds));
    let Some((check, judged)) = first.and_then(|check| Some((check, all.iter().find(|judged| judged.id == check.id)?))) else {
        writeln!(out, "Nothing is open: drydock learn check").map_err(written)?;
        return Ok(0);
    };
    if current.about != check.id {
        (current.about, current.hints) = (check.id.to_owned(), 0);
    }
    let at = current.hints.min(check.hints.len().saturating_sub(1));
    writeln!(out, "{}{}", line(judged), check.hints.get(at).copied().unwrap_or_default()).map_err(written)?;
    current.hints += 1;
    current.save()?;
    Ok(0)
}
