//! What others wrote, made safe to show on a terminal.
//!
//! Names, labels, commands and error texts come from images and from other people. On a terminal an escape sequence in them could
//! move the cursor, change the title or forge lines, so control characters are shown, not sent.

use std::borrow::Cow;

/// The text with every control character (and every character that turns the direction of writing) written as an escape.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\u{1b}' => safe.push_str("\\x1b"),
            c if harmful(c) && u32::from(c) < 0x100 => safe.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if harmful(c) => safe.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

fn harmful(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_shown_not_sent() {
        assert_eq!(printable("plain é 漢\n\t"), "plain é 漢\n\t");
        assert_eq!(printable("\x1b[2J\x07\r"), "\\x1b[2J\\x07\\x0d");
        assert_eq!(printable("\u{9b}31m\u{202e}"), "\\x9b31m\\u202e");
    }
}
