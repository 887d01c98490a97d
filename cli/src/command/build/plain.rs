//! Progress as lines that stay: `#5 [2/4] RUN make`, `#5 0.312 its output`, `#5 DONE 0.4s`.

use super::show::{Painter, seconds};
use drydock_core::Error;
use drydock_core::build::progress::Event;
use drydock_core::time::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What is known of each step.
#[derive(Default)]
pub(super) struct Plain {
    began: BTreeMap<u32, (Timestamp, bool)>,
    /// Output without its line end yet.
    waiting: BTreeMap<u32, String>,
    remarks: Vec<String>,
    last: u32,
}

impl Plain {
    /// Begins to write about a step; another one's lines end with an empty one.
    fn about(&mut self, step: u32, text: &mut String) {
        if self.last != step && self.last != 0 {
            text.push('\n');
        }
        self.last = step;
    }

    fn lines(&mut self, step: u32, bytes: &[u8], text: &mut String) {
        let waiting = self.waiting.entry(step).or_default();
        waiting.push_str(&String::from_utf8_lossy(bytes));
        let whole = std::mem::take(waiting);
        let mut rest = whole.as_str();
        let mut ready = Vec::new();
        while let Some((line, more)) = rest.split_once('\n') {
            ready.push(line.trim_end_matches('\r').to_owned());
            rest = more;
        }
        *waiting = rest.to_owned();
        for line in ready {
            self.about(step, text);
            let _ = writeln!(text, "#{step} {line}");
        }
    }
}

impl Painter for Plain {
    fn paint(&mut self, event: &Event) -> String {
        let mut text = String::new();
        match event {
            Event::Began { step, name, at } => {
                self.began.insert(*step, (*at, false));
                self.about(*step, &mut text);
                let _ = writeln!(text, "#{step} {name}");
            }
            Event::Cached { step } => {
                if let Some((_, cached)) = self.began.get_mut(step) {
                    *cached = true;
                }
                self.about(*step, &mut text);
                let _ = writeln!(text, "#{step} CACHED");
            }
            Event::Output { step, bytes, .. } => self.lines(*step, bytes, &mut text),
            Event::Note { step, text: note } => {
                self.about(*step, &mut text);
                let _ = writeln!(text, "#{step} {note}");
            }
            Event::Ended { step, at, error } => {
                if self.waiting.get(step).is_some_and(|w| !w.is_empty()) {
                    self.lines(*step, b"\n", &mut text);
                }
                let (began, cached) = self.began.get(step).copied().unwrap_or((*at, false));
                match error {
                    Some(error) => {
                        self.about(*step, &mut text);
                        let _ = writeln!(text, "#{step} ERROR: {error}");
                    }
                    None if cached => {}
                    None => {
                        self.about(*step, &mut text);
                        let _ = writeln!(text, "#{step} DONE {}", seconds(at.since(began)));
                    }
                }
            }
            Event::Remark { rule, message, line } => self.remarks.push(format!(" - {rule}: {message} (line {line})")),
        }
        text
    }

    fn end(&mut self, _: Option<&Error>) -> String {
        warnings(&self.remarks)
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
