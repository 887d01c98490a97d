//! A lab is checked as it checks others.
//!
//! On a given host: its start leaves it open, its slips leave it open, its solution reaches the goal, every hint is reached on one of
//! these ways, every break shows what it says and opens the lab again, and every repair closes it.

use crate::lab::Lab;
use drydock_core::Result;
use drydock_core::engine::Engine;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A host that can be made new, and typed into.
pub trait Stage {
    /// Makes it as it was before anybody typed anything, for this lab.
    ///
    /// # Errors
    /// It cannot be made.
    fn fresh(&mut self, lab: &Lab) -> Result<()>;
    /// Types a line into its shell. Answers its exit code, and what it said where that is not 0.
    ///
    /// # Errors
    /// The line could not be typed.
    fn enter(&mut self, line: &str) -> Result<(i32, String)>;
    /// Its engine.
    ///
    /// # Errors
    /// It cannot be opened.
    fn engine(&self) -> Result<Arc<dyn Engine>>;
    /// Waits a little for what is on its way. `false` once nothing more is to be expected.
    fn wait(&mut self, round: u32) -> bool;
}

/// What is wrong with a lab on a host, in sentences; empty if nothing is.
///
/// # Errors
/// The host failed.
pub fn verify(lab: &Lab, stage: &mut dyn Stage) -> Result<Vec<String>> {
    let mut verifier = Verifier { lab, stage, wrong: Vec::new(), reached: BTreeSet::new() };
    verifier.all()?;
    Ok(verifier.wrong)
}

struct Verifier<'a> {
    lab: &'a Lab,
    stage: &'a mut dyn Stage,
    wrong: Vec<String>,
    /// Numbers of the checks that were the first open one somewhere.
    reached: BTreeSet<usize>,
}

impl Verifier<'_> {
    fn all(&mut self) -> Result<()> {
        let lab = self.lab;
        self.begin()?;
        if self.open()?.is_none() {
            self.wrong.push("the start reaches the goal already".to_owned());
        }
        for slip in &lab.slips {
            self.begin()?;
            for line in &slip.commands {
                // Somebody who is wrong may be refused.
                self.stage.enter(line)?;
            }
            if self.open_in_the_end()?.is_none() {
                self.wrong.push(format!("the slip '{}' reaches the goal", slip.title));
            }
        }
        self.solve()?;
        for (number, (_, check)) in lab.checks().enumerate() {
            if !self.reached.contains(&number) {
                self.wrong.push(format!("nothing leads to the hints of '{}'", check.predicate));
            }
        }
        for broken in &lab.breaks {
            let name = &broken.name;
            self.enter_all(&broken.commands, &format!("the break '{name}'"))?;
            for predicate in &broken.shows {
                if let Some(found) = self.comes_to_hold(|engine| predicate.check(engine).map(|v| (!v.holds).then_some(v.found)))? {
                    self.wrong.push(format!("after the break '{name}' it does not hold that {predicate}: {found}"));
                }
            }
            if self.open()?.is_none() {
                self.wrong.push(format!("the break '{name}' breaks nothing that is checked"));
            }
            self.enter_all(&broken.repair, &format!("the repair '{name}'"))?;
            if let Some(open) = self.open_in_the_end()? {
                self.wrong.push(format!("after the repair '{name}' {open}"));
            }
        }
        Ok(())
    }

    /// A fresh host with the lab's start on it.
    fn begin(&mut self) -> Result<()> {
        self.stage.fresh(self.lab)?;
        self.enter_all(&self.lab.start, "the start")
    }

    fn solve(&mut self) -> Result<()> {
        self.begin()?;
        for line in &self.lab.solution {
            self.open()?;
            self.enter_all(std::slice::from_ref(line), "the solution")?;
        }
        if let Some(open) = self.open_in_the_end()? {
            self.wrong.push(format!("after the solution {open}"));
        }
        Ok(())
    }

    fn enter_all(&mut self, lines: &[String], what: &str) -> Result<()> {
        for line in lines {
            let (code, said) = self.stage.enter(line)?;
            if code != 0 {
                self.wrong.push(format!("{what}: `{line}` ends with {code}: {}", said.trim_end()));
            }
        }
        Ok(())
    }

    /// What is open now, in a sentence.
    fn open(&mut self) -> Result<Option<String>> {
        let engine = self.stage.engine()?;
        let open = self.lab.first_open(&*engine)?;
        Ok(open.map(|outcome| {
            self.reached.insert(outcome.number);
            format!("it does not hold that {}: {}", outcome.check.predicate, outcome.verdict.found)
        }))
    }

    /// The same, once everything has happened that is on its way.
    fn open_in_the_end(&mut self) -> Result<Option<String>> {
        let lab = self.lab;
        self.comes_to_hold(|engine| {
            Ok(lab.first_open(engine)?.map(|o| format!("it does not hold that {}: {}", o.check.predicate, o.verdict.found)))
        })?;
        self.open()
    }

    /// Waits until nothing is answered, or for as long as there is hope. Answers what was answered last.
    fn comes_to_hold(&mut self, ask: impl Fn(&dyn Engine) -> Result<Option<String>>) -> Result<Option<String>> {
        let mut round = 0;
        loop {
            let engine = self.stage.engine()?;
            let answer = ask(&*engine)?;
            if answer.is_none() || !self.stage.wait(round) {
                return Ok(answer);
            }
            round += 1;
        }
    }
}
