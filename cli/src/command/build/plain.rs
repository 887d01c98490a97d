//! Progress as lines that stay, as BuildKit writes them: `#5 [2/4] RUN make`, `#5 0.312 its output`, `#5 DONE 0.4s`.
//!
//! Of several steps that run at once one is shown, and what the others have to say waits until it has ended, or has been shown for a
//! while.

use super::show::{Painter, seconds};
use drydock_core::Error;
use drydock_core::build::progress::Event;
use drydock_core::time::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// How long one step is shown while others have something to say (BuildKit's `antiFlicker`).
const SHOWN: Duration = Duration::from_secs(5);
/// Lines of output that are said again at the end of a step that failed.
const SAID_AGAIN: usize = 20;

/// What is known of a step.
struct Step {
    name: String,
    began: Timestamp,
    ended: bool,
    cached: bool,
    failed: bool,
    /// Output without its line end yet.
    partial: String,
    /// What is to be said.
    waiting: Vec<String>,
    /// The last lines of its output.
    output: Vec<String>,
}

impl Step {
    fn output(&mut self, bytes: &[u8], at: Timestamp) {
        self.partial.push_str(&String::from_utf8_lossy(bytes));
        let whole = std::mem::take(&mut self.partial);
        let mut rest = whole.as_str();
        while let Some((line, more)) = rest.split_once('\n') {
            let time = at.since(self.began);
            let line = format!("{}.{:03} {}", time.as_secs(), time.subsec_millis(), line.trim_end_matches('\r'));
            self.waiting.push(line.clone());
            self.output.push(line);
            rest = more;
        }
        self.partial = rest.to_owned();
        let over = self.output.len().saturating_sub(SAID_AGAIN);
        self.output.drain(..over);
    }
}

/// What is known of each step.
#[derive(Default)]
pub(super) struct Plain {
    steps: BTreeMap<u32, Step>,
    /// The step that is shown, and since when.
    shown: Option<(u32, Timestamp)>,
    written: bool,
    remarks: Vec<String>,
}

impl Plain {
    fn say(&mut self, step: u32, line: String) {
        if let Some(step) = self.steps.get_mut(&step) {
            step.waiting.push(line);
        }
    }

    /// Writes what may be written now.
    fn write(&mut self, now: Timestamp) -> String {
        let mut text = String::new();
        loop {
            let Some((number, since)) = self.shown else {
                let next = self.steps.iter().find(|(_, s)| !s.waiting.is_empty()).map(|(n, _)| *n);
                let Some(next) = next else { return text };
                self.show(next, now, &mut text);
                continue;
            };
            let other = self.steps.iter().find(|(n, s)| **n != number && !s.waiting.is_empty()).map(|(n, _)| *n);
            let Some(step) = self.steps.get_mut(&number) else { return text };
            for line in step.waiting.drain(..) {
                let _ = writeln!(text, "#{number} {line}");
            }
            match other {
                _ if step.ended => self.shown = None,
                Some(other) if now.since(since) >= SHOWN => {
                    let _ = writeln!(text, "#{number} ...");
                    self.show(other, now, &mut text);
                }
                _ => return text,
            }
        }
    }

    fn show(&mut self, number: u32, now: Timestamp, text: &mut String) {
        let name = self.steps.get(&number).map_or("", |s| s.name.as_str());
        // An empty line is between the lines of two steps.
        let gap = if self.written { "\n" } else { "" };
        let _ = writeln!(text, "{gap}#{number} {name}");
        self.written = true;
        self.shown = Some((number, now));
    }
}

impl Painter for Plain {
    fn paint(&mut self, event: &Event) -> String {
        match event {
            Event::Began { step, name, at } => {
                let one = Step {
                    name: name.clone(),
                    began: *at,
                    ended: false,
                    cached: false,
                    failed: false,
                    partial: String::new(),
                    waiting: Vec::new(),
                    output: Vec::new(),
                };
                self.steps.insert(*step, one);
                // Its name is worth a line as soon as nobody else is shown.
                let mut text = String::new();
                if self.shown.is_none() {
                    self.show(*step, *at, &mut text);
                }
                text
            }
            Event::Cached { step } => {
                self.say(*step, "CACHED".to_owned());
                if let Some(step) = self.steps.get_mut(step) {
                    step.cached = true;
                }
                let now = self.shown.map_or(Timestamp::NEVER, |(_, since)| since);
                self.write(now)
            }
            Event::Output { step, bytes, at, .. } => {
                if let Some(step) = self.steps.get_mut(step) {
                    step.output(bytes, *at);
                }
                self.write(*at)
            }
            Event::Note { step, text } => {
                self.say(*step, text.clone());
                let now = self.shown.map_or(Timestamp::NEVER, |(_, since)| since);
                self.write(now)
            }
            Event::Ended { step, at, error, canceled } => {
                if let Some(step) = self.steps.get_mut(step) {
                    if !step.partial.is_empty() {
                        step.output(b"\n", *at);
                    }
                    step.ended = true;
                    step.failed = error.is_some() && !canceled;
                    match error {
                        Some(_) if *canceled => step.waiting.push("CANCELED".to_owned()),
                        Some(error) => step.waiting.push(format!("ERROR: {error}")),
                        None if step.cached => {}
                        None => step.waiting.push(format!("DONE {}", seconds(at.since(step.began)))),
                    }
                }
                self.write(*at)
            }
            Event::Tick { at } => self.write(*at),
            // The classic builder's count, which is for its clients.
            Event::Instruction { .. } | Event::Based { .. } | Event::Trigger { .. } => String::new(),
            Event::Remark { rule, message, line } => {
                self.remarks.push(format!(" - {rule}: {message} (line {line})"));
                String::new()
            }
        }
    }

    fn end(&mut self, error: Option<&Error>) -> String {
        let mut text = String::new();
        if error.is_some()
            && let Some(step) = self.steps.values().find(|s| s.failed && !s.output.is_empty())
        {
            let _ = writeln!(text, "------\n > {}:\n{}\n------", step.name, step.output.join("\n"));
        }
        text.push_str(&warnings(&self.remarks));
        text
    }
}

/// The remarks, at the end where they are seen.
pub(super) fn warnings(remarks: &[String]) -> String {
    if remarks.is_empty() {
        return String::new();
    }
    let count = if remarks.len() == 1 { "1 warning found".to_owned() } else { format!("{} warnings found", remarks.len()) };
    format!("\n {count} (use --check to see where):\n{}\n", remarks.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_core::io::Stream;

    fn at(seconds: u64) -> Timestamp {
        Timestamp(1_000_000_000 * (1_700_000_000 + seconds))
    }

    fn began(step: u32, name: &str) -> Event {
        Event::Began { step, name: name.to_owned(), at: at(0) }
    }

    fn wrote(step: u32, text: &str, seconds: u64) -> Event {
        Event::Output { step, stream: Stream::Stdout, bytes: text.as_bytes().to_vec(), at: at(seconds) }
    }

    fn ended(step: u32, seconds: u64, error: Option<&str>, canceled: bool) -> Event {
        Event::Ended { step, at: at(seconds), error: error.map(str::to_owned), canceled }
    }

    fn shown(events: &[Event]) -> String {
        let mut plain = Plain::default();
        let text: String = events.iter().map(|e| plain.paint(e)).collect();
        text + &plain.end(events.iter().any(|e| matches!(e, Event::Ended { error: Some(_), .. })).then_some(&Error::invalid("x")))
    }

    #[test]
    fn steps_at_once_are_shown_one_after_the_other() {
        let events = [
            began(1, "[a 2/2] RUN a"),
            began(2, "[b 2/2] RUN b"),
            wrote(2, "from b\nhal", 1),
            wrote(1, "from a\n", 1),
            wrote(2, "f\n", 2),
            ended(1, 2, None, false),
            ended(2, 3, None, false),
        ];
        let want = "#1 [a 2/2] RUN a\n#1 1.000 from a\n#1 DONE 2.0s\n\n#2 [b 2/2] RUN b\n#2 1.000 from b\n#2 2.000 half\n#2 DONE 3.0s\n";
        assert_eq!(shown(&events), want);
    }

    #[test]
    fn after_a_while_it_is_the_turn_of_another_one() {
        let events =
            [began(1, "RUN a"), began(2, "RUN b"), wrote(2, "b\n", 1), wrote(1, "a\n", 6), wrote(1, "a2\n", 7), ended(2, 8, None, false)];
        let want = "#1 RUN a\n#1 6.000 a\n#1 ...\n\n#2 RUN b\n#2 1.000 b\n#2 DONE 8.0s\n\n#1 RUN a\n#1 7.000 a2\n";
        assert_eq!(shown(&events), want);
    }

    #[test]
    fn what_failed_is_said_again_and_what_was_ended_is_not() {
        let events = [
            began(1, "RUN a"),
            began(2, "RUN b"),
            wrote(1, "a\n", 1),
            wrote(2, "why\n", 1),
            ended(2, 1, Some("exit code: 3"), false),
            ended(1, 1, Some("CANCELED"), true),
        ];
        let want =
            "#1 RUN a\n#1 1.000 a\n#1 CANCELED\n\n#2 RUN b\n#2 1.000 why\n#2 ERROR: exit code: 3\n------\n > RUN b:\n1.000 why\n------\n";
        assert_eq!(shown(&events), want);
    }
}
