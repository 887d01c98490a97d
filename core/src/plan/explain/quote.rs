//! Words for a shell: whatever is in them, the shell reads one word.

/// The text as one shell word; quoted only where that is needed.
pub(super) fn quote(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:,+@%=".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// A path inside the new root: `"$root"/dev/null`.
pub(super) fn below_root(path: &str) -> String {
    format!("\"$root\"{}", quote(&format!("/{}", path.trim_start_matches('/'))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_a_word() {
        assert_eq!(quote("a/b.c=1"), "a/b.c=1");
        assert_eq!(quote(""), "''");
        assert_eq!(quote("it's; rm -rf $HOME"), r"'it'\''s; rm -rf $HOME'");
        assert_eq!(below_root("/dev/null"), "\"$root\"/dev/null");
    }
}
