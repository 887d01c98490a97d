//! A Rust lab is checked as it checks others: the starter compiles and fails, the solution passes, every break breaks what it says, and
//! there is a way to every hint.

use super::Program;
use super::project::{Built, Project};
use crate::host::scratch::Scratch;
use drydock_conformance::learner::{Asked, Judged, judge};
use drydock_core::Result;
use drydock_lessons::rust::{Cut, RustLab};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The seed of nobody's hosts.
const SEED: u64 = 1;

/// What is wrong with a lab, in sentences; empty if nothing is.
pub(in crate::host::learn) fn verify(lab: &'static RustLab) -> Result<Vec<String>> {
    let scratch = Scratch::new("rust-lab")?;
    let project = Project::at(lab, scratch.path().to_owned());
    let (mut wrong, mut reached) = (Vec::new(), BTreeSet::new());

    match judged(&project, &project.cut(Cut::Starter)?, &[])? {
        Ok(all) if all.iter().all(|j| j.holds) => wrong.push("the starter reaches the goal already".to_owned()),
        Ok(all) => reached.extend(failing(&all)),
        Err(said) => wrong.push(format!("the starter does not compile: {said}")),
    }
    let solution = project.cut(Cut::Solution)?;
    match judged(&project, &solution, &[])? {
        Ok(all) => {
            wrong.extend(all.iter().filter(|j| !j.holds).map(|j| format!("after the solution {} does not hold: {}", j.id, j.reason)))
        }
        Err(said) => wrong.push(format!("the solution does not compile: {said}")),
    }
    for broken in lab.breaks {
        let source = solution.replacen(broken.from, broken.to, 1);
        match judged(&project, &source, broken.fails)? {
            Ok(all) => {
                let fails: BTreeSet<&str> = failing(&all).collect();
                wrong.extend(
                    broken
                        .fails
                        .iter()
                        .filter(|id| !fails.contains(*id))
                        .map(|id| format!("with '{}' {id} holds all the same", broken.title)),
                );
                reached.extend(fails);
            }
            Err(said) => wrong.push(format!("with '{}' it does not compile: {said}", broken.title)),
        }
    }
    for check in lab.checks.iter().filter(|check| !reached.contains(check.id)) {
        wrong.push(format!("nothing leads to the hints of {}", check.id));
    }
    Ok(wrong)
}

fn failing(all: &[Judged]) -> impl Iterator<Item = &'static str> + '_ {
    all.iter().filter(|j| !j.holds).map(|j| j.id)
}

/// What the judge says of a source, or what the compiler says.
fn judged(project: &Project, source: &str, only: &[&str]) -> Result<std::result::Result<Vec<Judged>, String>> {
    project.write_lab(source)?;
    match project.build(true)? {
        Built::Program(path) => {
            let asked: Arc<dyn Asked> = Arc::new(Program::start(&path, false)?);
            judge(project.lab, &asked, SEED, only, &mut |_| {}).map(Ok)
        }
        Built::Not(said) => Ok(Err(said)),
    }
}
