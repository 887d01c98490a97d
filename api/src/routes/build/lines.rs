//! How a build goes, in the lines of Docker's classic builder: every instruction is a step, one after the other.
//!
//! Stages are built side by side here. What belongs to a later instruction waits until all before it are through, as far as that
//! is little; the lines are then those of a builder that does one thing at a time.

use crate::stream::BodyWriter;
use drydock_core::Error;
use drydock_core::build::progress::{Event, Progress};
use drydock_core::id::ImageId;
use drydock_core::io::Stream;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The most bytes that wait for their turn; with more, all is said as it comes.
const WAITING: usize = 4 << 20;

/// Writes events as lines.
pub(super) struct Lines<'a> {
    state: Mutex<State<'a>>,
}

struct State<'a> {
    writer: &'a mut BodyWriter,
    /// Nothing but the result is wanted.
    quiet: bool,
    /// The client is gone.
    lost: bool,
    turns: Turns,
}

impl<'a> Lines<'a> {
    pub(super) fn new(writer: &'a mut BodyWriter, quiet: bool) -> Self {
        Self { state: Mutex::new(State { writer, quiet, lost: false, turns: Turns { current: 1, ..Turns::default() } }) }
    }

    /// Says what still waits, and which image came of it. Steps between have none here: an image is made of the last one alone, so
    /// that what the classic builder says after each is said after that one. Answers the writer, and whether the client is gone.
    pub(super) fn end(self, image: Option<&ImageId>) -> (&'a mut BodyWriter, bool) {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut rest = state.turns.rest();
        rest.extend(state.turns.made(image));
        state.say(&rest);
        (state.writer, state.lost)
    }
}

impl State<'_> {
    fn say(&mut self, lines: &[String]) {
        for line in lines {
            if !self.quiet && !self.lost {
                self.lost = self.writer.line(&json!({ "stream": line })).is_err();
            }
        }
    }
}

impl Progress for Lines<'_> {
    fn tell(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = state.turns.take(event);
        state.say(&lines);
    }
}

/// Which instruction's turn it is, and what waits for a later one.
#[derive(Default)]
struct Turns {
    /// All instructions before this one are through.
    current: u32,
    instructions: BTreeMap<u32, Instruction>,
    /// The instruction that a step carries out.
    of_step: BTreeMap<u32, u32>,
    waiting: usize,
    /// Too much waited: nothing does any more.
    at_once: bool,
    /// The image that was said last.
    said: Option<ImageId>,
}

#[derive(Default)]
struct Instruction {
    /// Its turn has come.
    begun: bool,
    /// Steps of it that have not ended.
    open: u32,
    /// Instructions of its base image whose turn has not come.
    triggers: u32,
    /// What is to be said of it.
    lines: Vec<String>,
}

impl Turns {
    /// Takes an event; answers the lines that are to be said now.
    fn take(&mut self, event: Event) -> Vec<String> {
        match event {
            Event::Instruction { number, of, text, step } => {
                self.open(number, step);
                self.of(number).begun = true;
                self.add(number, format!("Step {number}/{of} : {text}\n"));
            }
            Event::Based { number, image, triggers } => {
                self.of(number).triggers = triggers;
                if let Some(image) = image {
                    self.add(number, format!(" ---> {}\n", image.short()));
                    self.said = Some(image);
                }
                if triggers > 0 {
                    let plural = if triggers == 1 { "" } else { "s" };
                    self.add(number, format!("# Executing {triggers} build trigger{plural}\n"));
                }
            }
            Event::Trigger { number, step } => {
                let instruction = self.of(number);
                instruction.triggers = instruction.triggers.saturating_sub(1);
                self.open(number, step);
            }
            Event::Cached { step } => self.add_to_step(step, " ---> Using cache\n".to_owned()),
            Event::Output { step, bytes, stream, .. } => {
                let text = String::from_utf8_lossy(&bytes);
                // What a step says on its standard error is red, as the classic builder shows it.
                let red = stream == Stream::Stderr;
                self.add_to_step(step, if red { format!("\u{1b}[91m{text}\u{1b}[0m") } else { text.into_owned() });
            }
            Event::Ended { step, .. } => {
                if let Some(number) = self.of_step.remove(&step) {
                    let instruction = self.of(number);
                    instruction.open = instruction.open.saturating_sub(1);
                }
            }
            Event::Remark { rule, message, line } => return vec![format!("[Warning] {rule}: {message} (line {line})\n")],
            Event::Began { .. } | Event::Tick { .. } | Event::Note { .. } => {}
        }
        self.due()
    }

    fn of(&mut self, number: u32) -> &mut Instruction {
        self.instructions.entry(number).or_default()
    }

    fn open(&mut self, number: u32, step: Option<u32>) {
        if let Some(step) = step {
            self.of_step.insert(step, number);
            self.of(number).open += 1;
        }
    }

    /// Steps of no instruction, such as the transfer of the context, have nothing to say to clients of the classic builder.
    fn add_to_step(&mut self, step: u32, line: String) {
        if let Some(number) = self.of_step.get(&step).copied() {
            self.add(number, line);
        }
    }

    fn add(&mut self, number: u32, line: String) {
        self.waiting += line.len();
        self.of(number).lines.push(line);
    }

    /// What is to be said now: lines of the current instruction, and of those after it as far as each one before is through.
    fn due(&mut self) -> Vec<String> {
        if self.at_once || self.waiting > WAITING {
            self.at_once = true;
            return self.rest();
        }
        let mut due = Vec::new();
        while let Some(instruction) = self.instructions.get_mut(&self.current).filter(|i| i.begun) {
            due.append(&mut instruction.lines);
            if instruction.open > 0 || instruction.triggers > 0 {
                break;
            }
            self.instructions.remove(&self.current);
            self.current += 1;
        }
        self.waiting = self.waiting.saturating_sub(due.iter().map(String::len).sum());
        due
    }

    /// The line of the image that was built, unless nothing came after that of its base, which is then the same.
    fn made(&self, image: Option<&ImageId>) -> Option<String> {
        image.filter(|image| self.said.as_ref() != Some(image)).map(|image| format!(" ---> {}\n", image.short()))
    }

    /// Everything that waits, in the order of the file.
    fn rest(&mut self) -> Vec<String> {
        self.waiting = 0;
        self.instructions.values_mut().flat_map(|i| std::mem::take(&mut i.lines)).collect()
    }
}

/// What the classic builder says of a step that failed; any other error as it is.
pub(super) fn in_dockers_words(error: Error) -> Error {
    let message = error.message();
    let parts = message.strip_prefix("process \"").and_then(|rest| rest.split_once("\" did not complete successfully: exit code: "));
    match parts {
        Some((command, code)) => {
            let said = format!("The command '{command}' returned a non-zero code: {code}");
            Error::new(error.kind(), said).op("run").subject(code)
        }
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_core::ErrorKind;
    use drydock_core::time::Timestamp;

    fn turn(number: u32, step: Option<u32>) -> Event {
        Event::Instruction { number, of: 3, text: format!("I{number}"), step }
    }

    fn output(step: u32, text: &str) -> Event {
        Event::Output { step, stream: Stream::Stdout, bytes: text.as_bytes().to_vec(), at: Timestamp(0) }
    }

    fn ended(step: u32) -> Event {
        Event::Ended { step, at: Timestamp(0), error: None, canceled: false }
    }

    fn said(events: Vec<Event>) -> String {
        let mut turns = Turns { current: 1, ..Turns::default() };
        let said: String = events.into_iter().flat_map(|event| turns.take(event)).collect();
        said + &turns.rest().concat()
    }

    #[test]
    fn what_belongs_to_a_later_instruction_waits() {
        let events = vec![turn(1, Some(7)), turn(2, Some(8)), output(8, "two\n"), turn(3, None), output(7, "one\n"), ended(8), ended(7)];
        assert_eq!(said(events), "Step 1/3 : I1\none\nStep 2/3 : I2\ntwo\nStep 3/3 : I3\n");
    }

    #[test]
    fn triggers_belong_to_the_instruction_that_brought_them() {
        let events = vec![
            turn(1, Some(1)),
            Event::Based { number: 1, image: None, triggers: 2 },
            ended(1),
            turn(2, None),
            Event::Trigger { number: 1, step: Some(2) },
            output(2, "of a trigger\n"),
            ended(2),
            Event::Trigger { number: 1, step: None },
        ];
        assert_eq!(said(events), "Step 1/3 : I1\n# Executing 2 build triggers\nof a trigger\nStep 2/3 : I2\n");
    }

    #[test]
    fn the_image_is_said_once() {
        let (base, built) = (ImageId::new("sha256:0123456789abcdef"), ImageId::new("sha256:fedcba9876543210"));
        let mut turns = Turns { current: 1, ..Turns::default() };
        turns.take(turn(1, Some(1)));
        turns.take(Event::Based { number: 1, image: Some(base.clone()), triggers: 0 });
        assert_eq!(turns.made(Some(&built)).as_deref(), Some(" ---> fedcba987654\n"));
        assert_eq!((turns.made(Some(&base)), turns.made(None)), (None, None));
    }

    #[test]
    fn what_is_too_much_to_wait_is_said_as_it_comes() {
        let much = "x".repeat(WAITING + 1);
        let events = vec![turn(1, Some(1)), turn(2, Some(2)), output(2, &much), output(1, "first")];
        assert_eq!(said(events), format!("Step 1/3 : I1\nStep 2/3 : I2\n{much}first"));
    }

    #[test]
    fn a_failed_step_is_told_in_the_classic_builders_words() {
        let error = Error::new(ErrorKind::System, "process \"/bin/sh -c exit 3\" did not complete successfully: exit code: 3");
        assert_eq!(in_dockers_words(error).message(), "The command '/bin/sh -c exit 3' returned a non-zero code: 3");
    }
}
