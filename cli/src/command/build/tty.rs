//! Progress as a picture on a terminal, drawn again in its place: a line a step with its time, and the last lines of output of those
//! that run.

use super::plain::warnings;
use super::show::{Painter, seconds};
use drydock_core::Error;
use drydock_core::build::progress::Event;
use drydock_core::time::Timestamp;
use std::fmt::Write as _;

/// Lines of output shown of a step that runs.
const TAIL: usize = 6;
/// Lines of output kept for the case that a step fails.
const KEPT: usize = 200;

struct Step {
    number: u32,
    name: String,
    began: Timestamp,
    ended: Option<Timestamp>,
    cached: bool,
    error: Option<String>,
    canceled: bool,
    notes: Vec<String>,
    output: Vec<String>,
    partial: String,
}

/// The picture.
pub(super) struct Tty {
    rows: usize,
    columns: usize,
    steps: Vec<Step>,
    drawn: usize,
    first: Option<Timestamp>,
    last: Timestamp,
    remarks: Vec<String>,
}

/// Text without what could move a cursor, cut to a width.
fn fitted(text: &str, width: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().count() <= width { clean } else { clean.chars().take(width.saturating_sub(1)).chain(['…']).collect() }
}

impl Tty {
    pub(super) fn new((rows, columns): (u16, u16)) -> Self {
        Self {
            rows: usize::from(rows).max(5),
            columns: usize::from(columns).max(20),
            steps: Vec::new(),
            drawn: 0,
            first: None,
            last: Timestamp::NEVER,
            remarks: Vec::new(),
        }
    }

    fn step(&mut self, number: u32) -> Option<&mut Step> {
        self.steps.iter_mut().find(|s| s.number == number)
    }

    fn lines(&self) -> Vec<String> {
        let total = seconds(self.first.map_or(std::time::Duration::ZERO, |f| self.last.since(f)));
        let done = self.steps.iter().filter(|s| s.ended.is_some()).count();
        let state = if done == self.steps.len() { " FINISHED" } else { "" };
        let mut lines = vec![format!("[+] Building {total} ({done}/{}){state}", self.steps.len())];
        for step in &self.steps {
            let mark = match (&step.error, step.cached) {
                (Some(_), _) if step.canceled => "CANCELED ",
                (Some(_), _) => "ERROR ",
                (None, true) => "CACHED ",
                _ => "",
            };
            let time = seconds(step.ended.unwrap_or(self.last).since(step.began));
            let room = self.columns.saturating_sub(time.len() + 1);
            let text = fitted(&format!(" => {mark}{}", step.name), room);
            lines.push(format!("{text:<room$} {time}"));
            if step.ended.is_none() {
                lines.extend(step.notes.iter().map(|n| fitted(&format!(" => => {n}"), self.columns)));
                let from = step.output.len().saturating_sub(TAIL);
                lines.extend(step.output[from..].iter().map(|l| fitted(&format!(" => => # {l}"), self.columns)));
            }
        }
        lines
    }

    fn draw(&mut self, all: bool) -> String {
        let mut lines = self.lines();
        // What does not fit on the screen cannot be drawn again: the latest lines are shown.
        if !all && lines.len() > self.rows - 1 {
            let head = lines.remove(0);
            let cut = lines.len() - (self.rows - 2);
            lines.drain(..cut);
            lines.insert(0, head);
        }
        let mut text = String::new();
        if self.drawn > 0 {
            let _ = write!(text, "\x1b[{}A", self.drawn);
        }
        for line in &lines {
            let _ = write!(text, "\r\x1b[2K{line}\n");
        }
        text.push_str("\x1b[J");
        self.drawn = lines.len();
        text
    }
}

impl Painter for Tty {
    fn paint(&mut self, event: &Event) -> String {
        match event {
            Event::Began { step, name, at } => {
                self.first.get_or_insert(*at);
                self.last = *at;
                self.steps.push(Step {
                    number: *step,
                    name: name.clone(),
                    began: *at,
                    ended: None,
                    cached: false,
                    error: None,
                    canceled: false,
                    notes: Vec::new(),
                    output: Vec::new(),
                    partial: String::new(),
                });
            }
            Event::Cached { step } => {
                if let Some(step) = self.step(*step) {
                    step.cached = true;
                }
            }
            Event::Tick { at } => {
                // Where nothing runs nothing has changed.
                if self.steps.iter().all(|s| s.ended.is_some()) {
                    return String::new();
                }
                self.last = *at;
            }
            Event::Output { step, bytes, at, .. } => {
                self.last = *at;
                if let Some(step) = self.step(*step) {
                    step.partial.push_str(&String::from_utf8_lossy(bytes));
                    let text = std::mem::take(&mut step.partial);
                    let mut rest = text.as_str();
                    while let Some((line, more)) = rest.split_once('\n') {
                        step.output.push(line.rsplit('\r').find(|l| !l.is_empty()).unwrap_or_default().to_owned());
                        rest = more;
                    }
                    step.partial = rest.to_owned();
                    if step.output.len() > KEPT {
                        let over = step.output.len() - KEPT;
                        step.output.drain(..over);
                    }
                }
            }
            Event::Note { step, text } => {
                if let Some(step) = self.step(*step) {
                    step.notes.push(text.clone());
                }
            }
            Event::Ended { step, at, error, canceled } => {
                self.last = *at;
                if let Some(step) = self.step(*step) {
                    step.ended = Some(*at);
                    step.error.clone_from(error);
                    step.canceled = *canceled;
                }
            }
            // The classic builder's count, which is for its clients.
            Event::Instruction { .. } | Event::Based { .. } | Event::Trigger { .. } => return String::new(),
            Event::Remark { rule, message, line } => {
                self.remarks.push(format!(" - {rule}: {message} (line {line})"));
                return String::new();
            }
        }
        self.draw(false)
    }

    fn end(&mut self, error: Option<&Error>) -> String {
        let mut text = self.draw(true);
        if error.is_some()
            && let Some(step) = self.steps.iter().find(|s| s.error.is_some() && !s.canceled && !s.output.is_empty())
        {
            let _ = writeln!(text, "------\n > {}:", step.name);
            for line in &step.output {
                let _ = writeln!(text, "{}", fitted(line, 4096));
            }
            text.push_str("------\n");
        }
        text.push_str(&warnings(&self.remarks));
        text
    }
}
