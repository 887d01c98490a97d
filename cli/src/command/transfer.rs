//! What a transfer shows: on a terminal a line a part, redrawn in place, with a bar; anywhere else a line an event.

use crate::environment::Standard;
use crate::format::{escape, size::decimal};
use crate::session::Session;
use drydock_core::registry::Progress;
use std::io::Write;

/// Cells of a bar.
const CELLS: u64 = 50;

/// Where it is shown.
pub(crate) struct Display {
    stream: Standard,
    terminal: bool,
    quiet: bool,
    columns: usize,
    /// Parts in the order in which they were first heard of, with what is shown of each.
    parts: Vec<(String, String)>,
}

impl Display {
    /// On a standard stream; nothing at all if `quiet`.
    pub(crate) fn new(session: &Session<'_>, stream: Standard, quiet: bool) -> Self {
        let terminal = session.environment.is_terminal(stream);
        Self { stream, terminal, quiet, columns: session.width(), parts: Vec::new() }
    }

    /// Shows what happened. Whoever closed the stream does not want to know.
    pub(crate) fn show(&mut self, session: &mut Session<'_>, progress: &Progress) {
        if self.quiet {
            return;
        }
        let out: &mut dyn Write = match self.stream {
            Standard::Error => session.environment.err(),
            _ => session.environment.out(),
        };
        let _ = self.write(out, progress);
        let _ = out.flush();
    }

    fn write(&mut self, out: &mut dyn Write, progress: &Progress) -> std::io::Result<()> {
        let is_part = is_part(&progress.id);
        if !self.terminal {
            // Bars are for eyes.
            return match (&progress.bytes, progress.id.as_str()) {
                (Some(_), _) => Ok(()),
                (None, "") => writeln!(out, "{}", progress.status),
                (None, id) => writeln!(out, "{id}: {}", progress.status),
            };
        }
        let mut line = if progress.id.is_empty() { progress.status.clone() } else { format!("{}: {}", progress.id, progress.status) };
        if let Some((done, total)) = progress.bytes {
            line.push(' ');
            line.push_str(&bar(done, total));
        }
        let line: String = escape::printable(&line).chars().take(self.columns.saturating_sub(1)).collect();
        if !is_part {
            // What is said of the whole stands below the parts, and they are done.
            self.parts.clear();
            return writeln!(out, "{line}");
        }
        match self.parts.iter().position(|(id, _)| *id == progress.id) {
            Some(at) => {
                let up = self.parts.len() - at;
                if let Some((_, shown)) = self.parts.get_mut(at) {
                    shown.clone_from(&line);
                }
                write!(out, "\x1b[{up}A\r\x1b[2K{line}\x1b[{up}B\r")
            }
            None => {
                self.parts.push((progress.id.clone(), line.clone()));
                writeln!(out, "{line}")
            }
        }
    }
}

/// A blob's short digest, and no tag.
fn is_part(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|b| b.is_ascii_hexdigit())
}

fn bar(done: u64, total: u64) -> String {
    let full = done.saturating_mul(CELLS).checked_div(total).unwrap_or(CELLS).min(CELLS);
    let filled = usize::try_from(full).unwrap_or(0);
    let empty = usize::try_from(CELLS - full).unwrap_or(0);
    let head = if full == 0 { String::new() } else { format!("{}>", "=".repeat(filled.saturating_sub(1))) };
    format!("[{head}{}]  {}/{}", " ".repeat(empty), decimal(done), decimal(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(terminal: bool) -> String {
        let mut display = Display { stream: Standard::Output, terminal, quiet: false, columns: 120, parts: Vec::new() };
        let mut out = Vec::new();
        let part = |id: &str, status: &str, bytes| Progress { id: id.to_owned(), status: status.to_owned(), bytes };
        for progress in [
            part("latest", "Pulling from library/x", None),
            part("aaaaaaaaaaaa", "Pulling fs layer", None),
            part("bbbbbbbbbbbb", "Pulling fs layer", None),
            part("aaaaaaaaaaaa", "Downloading", Some((500_000, 1_000_000))),
            part("aaaaaaaaaaaa", "Pull complete", None),
            part("", "Digest: sha256:0", None),
        ] {
            display.write(&mut out, &progress).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_an_event_where_nobody_looks() {
        assert_eq!(
            text(false),
            "latest: Pulling from library/x\naaaaaaaaaaaa: Pulling fs layer\nbbbbbbbbbbbb: Pulling fs layer\naaaaaaaaaaaa: Pull complete\nDigest: sha256:0\n"
        );
    }

    #[test]
    fn bars_are_redrawn_where_they_stand() {
        let shown = text(true);
        assert!(
            shown.contains(
                "\x1b[2A\r\x1b[2Kaaaaaaaaaaaa: Downloading [========================>                         ]  500kB/1MB\x1b[2B\r"
            ),
            "{shown:?}"
        );
        assert!(shown.ends_with("\x1b[2A\r\x1b[2Kaaaaaaaaaaaa: Pull complete\x1b[2B\rDigest: sha256:0\n"), "{shown:?}");
    }
}
