//! Something that is drawn on a terminal again and again in the same place.

use crate::format::escape;
use crate::session::Session;
use std::time::Duration;

/// How often a picture is drawn.
pub const EACH: Duration = Duration::from_secs(1);

/// Where pictures are drawn: on a terminal in place, anywhere else one below the other.
#[derive(Debug)]
pub struct Screen {
    terminal: bool,
    drawn: bool,
}

impl Screen {
    /// The standard output of a session.
    pub fn of(session: &Session<'_>) -> Self {
        Self { terminal: session.environment.is_terminal(crate::environment::Standard::Output), drawn: false }
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Draws a picture over the one before. What does not fit is cut off, so that a line is a line.
    pub fn draw(&mut self, session: &mut Session<'_>, text: &str) -> std::io::Result<()> {
        let size = session.environment.size();
        let out = session.environment.out();
        if !self.terminal {
            out.write_all(text.as_bytes())?;
            return out.flush();
        }
        let rows = size.map_or(usize::MAX, |s| usize::from(s.rows).saturating_sub(1).max(1));
        let columns = size.map_or(usize::MAX, |s| usize::from(s.cols));
        let mut frame = String::from(if self.drawn { "\x1b[H" } else { "\x1b[2J\x1b[H" });
        for line in text.lines().take(rows) {
            frame.extend(escape::printable(line).chars().take(columns));
            // What was longer before goes.
            frame.push_str("\x1b[K\n");
        }
        frame.push_str("\x1b[J");
        self.drawn = true;
        out.write_all(frame.as_bytes())?;
        out.flush()
    }
}

/// A bar of so many cells, drawn in eighths of a cell; `share` of it is full.
pub fn bar(share: f64, cells: usize) -> String {
    const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "between 0 and 8 times a few cells"
    )]
    let filled = (share.clamp(0.0, 1.0) * (cells * 8) as f64).round() as usize;
    let mut text = "█".repeat(filled / 8);
    if let Some(part) = (filled % 8).checked_sub(1).and_then(|i| EIGHTHS.get(i)) {
        text.push(*part);
    }
    let drawn = text.chars().count();
    text.extend(std::iter::repeat_n('░', cells.saturating_sub(drawn)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_they_are_wide() {
        assert_eq!(bar(0.0, 4), "░░░░");
        assert_eq!(bar(0.5, 4), "██░░");
        assert_eq!(bar(1.0, 4), "████");
        assert_eq!(bar(7.0, 4), "████");
        assert_eq!(bar(0.03, 4), "▏░░░");
        assert_eq!(bar(0.28, 4), "█▏░░");
        for percent in 0..=100 {
            assert_eq!(bar(f64::from(percent) / 100.0, 10).chars().count(), 10);
        }
    }
}
