//! How a build goes, in the lines of Docker's classic builder.

use crate::stream::BodyWriter;
use drydock_core::Error;
use drydock_core::build::progress::{Event, Progress};
use drydock_core::io::Stream;
use serde_json::json;
use std::sync::{Mutex, PoisonError};

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
}

impl<'a> Lines<'a> {
    pub(super) fn new(writer: &'a mut BodyWriter, quiet: bool) -> Self {
        Self { state: Mutex::new(State { writer, quiet, lost: false }) }
    }

    /// The writer back, and whether the client is gone.
    pub(super) fn end(self) -> (&'a mut BodyWriter, bool) {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        (state.writer, state.lost)
    }
}

impl State<'_> {
    fn say(&mut self, text: &str) {
        if !self.quiet && !self.lost {
            self.lost = self.writer.line(&json!({ "stream": text })).is_err();
        }
    }
}

impl Progress for Lines<'_> {
    fn tell(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Began { name, .. } => {
                if let Some(line) = title(&name) {
                    state.say(&line);
                }
            }
            Event::Cached { .. } => state.say(" ---> Using cache\n"),
            Event::Output { bytes, stream, .. } => {
                let text = String::from_utf8_lossy(&bytes);
                // What a step says on its standard error is red, as the classic builder shows it.
                if stream == Stream::Stderr { state.say(&format!("\u{1b}[91m{text}\u{1b}[0m")) } else { state.say(&text) }
            }
            Event::Remark { rule, message, line } => state.say(&format!("[Warning] {rule}: {message} (line {line})\n")),
            Event::Tick { .. } | Event::Note { .. } | Event::Ended { .. } => {}
        }
    }
}

/// `[2/4] RUN make`, or `[stage 2/4] RUN make`, as `Step 2/4 : RUN make`; nothing for what the classic builder does not speak of.
fn title(name: &str) -> Option<String> {
    let (place, instruction) = name.strip_prefix('[')?.split_once("] ")?;
    let numbers = place.rsplit(' ').next()?;
    let (number, all) = numbers.split_once('/')?;
    let (number, all): (u32, u32) = (number.parse().ok()?, all.parse().ok()?);
    let instruction = match instruction.strip_prefix("FROM docker.io/") {
        Some(name) => format!("FROM {}", name.strip_prefix("library/").unwrap_or(name)),
        None => instruction.to_owned(),
    };
    Some(format!("Step {number}/{all} : {instruction}\n"))
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

    #[test]
    fn steps_are_numbered_as_the_classic_builder_numbers_them() {
        assert_eq!(title("[2/4] RUN make").as_deref(), Some("Step 2/4 : RUN make\n"));
        assert_eq!(title("[base 1/2] FROM busybox").as_deref(), Some("Step 1/2 : FROM busybox\n"));
        assert_eq!(title("[1/1] FROM docker.io/library/busybox:latest").as_deref(), Some("Step 1/1 : FROM busybox:latest\n"));
        assert_eq!(title("[internal] load build context"), None);
        assert_eq!(title("exporting to image"), None);
    }

    #[test]
    fn a_failed_step_is_told_in_the_classic_builders_words() {
        let error = Error::new(ErrorKind::System, "process \"/bin/sh -c exit 3\" did not complete successfully: exit code: 3");
        assert_eq!(in_dockers_words(error).message(), "The command '/bin/sh -c exit 3' returned a non-zero code: 3");
    }
}
