//! How a build's progress is shown: plain lines, a picture on a terminal, JSON, or nothing.

use super::options::BuildArgs;
use super::{plain::Plain, raw::Raw, tty::Tty};
use crate::environment::Standard;
use crate::failure::Failure;
use crate::format::escape;
use crate::session::Session;
use drydock_core::Error;
use drydock_core::build::progress::{Event, Progress};
use std::cell::RefCell;
use std::io::Write;

/// One of the ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Tty,
    Raw,
    Quiet,
}

impl Style {
    pub(super) fn of(args: &BuildArgs, session: &Session<'_>) -> Result<Self, Failure> {
        let asked = args.progress.clone().or_else(|| session.environment.variable("BUILDKIT_PROGRESS")).unwrap_or_default();
        Ok(match asked.as_str() {
            _ if args.quiet => Self::Quiet,
            "" | "auto" if session.environment.is_terminal(Standard::Error) => Self::Tty,
            "" | "auto" | "plain" => Self::Plain,
            "tty" if !session.environment.is_terminal(Standard::Error) => {
                return Err(Failure::said("ERROR: failed to build: failed to get console: provided file is not a console"));
            }
            "tty" => Self::Tty,
            "rawjson" => Self::Raw,
            "quiet" | "none" => Self::Quiet,
            other => return Err(Failure::said(format!("ERROR: failed to build: invalid progress mode {other}"))),
        })
    }
}

/// What turns events into text.
pub(super) trait Painter {
    /// The text for an event.
    fn paint(&mut self, event: &Event) -> String;
    /// The text at the end.
    fn end(&mut self, error: Option<&Error>) -> String;
}

/// Where lines go, and what paints them on a terminal.
type Out<'a> = (&'a mut dyn Write, Option<Box<dyn Painter>>);

/// Writes what a painter paints.
pub(super) struct Shown<'a> {
    out: RefCell<Out<'a>>,
    escape: bool,
}

impl<'a> Shown<'a> {
    pub(super) fn new(style: Style, session: &'a mut Session<'_>, quiet: bool) -> Self {
        let terminal = session.environment.is_terminal(Standard::Error);
        let size = session.environment.size();
        let painter: Option<Box<dyn Painter>> = match style {
            _ if quiet => None,
            Style::Quiet => None,
            Style::Plain => Some(Box::new(Plain::default())),
            Style::Raw => Some(Box::new(Raw)),
            Style::Tty => Some(Box::new(Tty::new(size.map_or((24, 80), |s| (s.rows, s.cols))))),
        };
        Self { out: RefCell::new((session.environment.err(), painter)), escape: terminal && style == Style::Plain }
    }

    fn write(&self, text: &str) {
        let mut out = self.out.borrow_mut();
        // Whoever closed standard error does not want to know.
        if self.escape {
            for line in text.split_inclusive('\n') {
                let (line, end) = line.strip_suffix('\n').map_or((line, ""), |l| (l, "\n"));
                let _ = write!(out.0, "{}{end}", escape::printable(line));
            }
        } else {
            let _ = out.0.write_all(text.as_bytes());
        }
        let _ = out.0.flush();
    }

    /// Tells the end.
    pub(super) fn end(&self, error: Option<&Error>) {
        let text = self.out.borrow_mut().1.as_mut().map(|p| p.end(error)).unwrap_or_default();
        self.write(&text);
    }
}

impl Progress for Shown<'_> {
    fn tell(&self, event: Event) {
        let text = self.out.borrow_mut().1.as_mut().map(|p| p.paint(&event)).unwrap_or_default();
        if !text.is_empty() {
            self.write(&text);
        }
    }
}

/// Seconds between two moments as BuildKit shows them: `0.3s`.
pub(super) fn seconds(time: std::time::Duration) -> String {
    let tenths = (time.as_millis() + 50) / 100;
    format!("{}.{}s", tenths / 10, tenths % 10)
}
