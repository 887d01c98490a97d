//! The keys that leave a container without stopping it, found in what a person types.

use crate::error::{Error, Result};

/// Reads the detach keys: letters, or `ctrl-` and a letter or one of `@ [ \ ] ^ _`, with commas between.
///
/// # Errors
/// Docker's words for any other word.
pub fn parse_detach_keys(text: &str) -> Result<Vec<u8>> {
    let key = |word: &str| -> Option<u8> {
        match (word.as_bytes(), word.strip_prefix("ctrl-").map(str::as_bytes)) {
            ([byte], _) => Some(*byte),
            (_, Some([letter @ b'a'..=b'z'])) => Some(letter - b'a' + 1),
            (_, Some([b'@'])) => Some(0),
            (_, Some([sign @ (b'[' | b'\\' | b']' | b'^' | b'_')])) => Some(sign - b'@'),
            _ => None,
        }
    };
    let wrong = |word: &str| Error::invalid(format!("invalid detach keys ({text}): Unknown character: '{}'", word.escape_debug()));
    text.split(',').filter(|w| !w.is_empty()).map(|w| key(w).ok_or_else(|| wrong(w))).collect()
}

/// Looks for a sequence of keys in a stream of input. A sequence that was only begun is passed on with the key that broke it.
#[derive(Clone, Debug, Default)]
pub struct DetachKeys {
    keys: Vec<u8>,
    matched: usize,
}

impl DetachKeys {
    /// A filter for this sequence; an empty one never matches.
    pub fn new(keys: &[u8]) -> Self {
        Self { keys: keys.to_vec(), matched: 0 }
    }

    /// Takes input and answers what to pass on, and whether the sequence was completed. What follows it is dropped.
    pub fn filter(&mut self, input: &[u8]) -> (Vec<u8>, bool) {
        let mut pass = Vec::with_capacity(input.len());
        for &byte in input {
            if self.expects(byte) {
                self.matched += 1;
                if self.matched == self.keys.len() {
                    self.matched = 0;
                    return (pass, true);
                }
                continue;
            }
            pass.extend_from_slice(self.keys.get(..self.matched).unwrap_or_default());
            self.matched = 0;
            if self.expects(byte) {
                self.matched = 1;
                if self.keys.len() == 1 {
                    self.matched = 0;
                    return (pass, true);
                }
            } else {
                pass.push(byte);
            }
        }
        (pass, false)
    }

    /// What was held back when the input ends.
    pub fn rest(&mut self) -> Vec<u8> {
        let held = std::mem::take(&mut self.matched);
        self.keys.get(..held).unwrap_or_default().to_vec()
    }

    fn expects(&self, byte: u8) -> bool {
        self.keys.get(self.matched) == Some(&byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_across_reads_and_broken_ones_passed_on() {
        let mut keys = DetachKeys::new(&[0x10, 0x11]);
        assert_eq!(keys.filter(b"ab\x10"), (b"ab".to_vec(), false));
        assert_eq!(keys.filter(b"c\x10\x10"), (b"\x10c\x10".to_vec(), false));
        assert_eq!(keys.filter(b"\x11tail"), (vec![], true));
        assert_eq!(keys.filter(b"\x10"), (vec![], false));
        assert_eq!(keys.rest(), b"\x10");
    }

    #[test]
    fn one_key_and_none() {
        assert_eq!(DetachKeys::new(b"q").filter(b"aqb"), (b"a".to_vec(), true));
        assert_eq!(DetachKeys::new(b"").filter(b"aqb"), (b"aqb".to_vec(), false));
    }

    #[test]
    fn keys_are_read_as_docker_reads_them() {
        assert_eq!(parse_detach_keys("ctrl-p,ctrl-q").unwrap(), [0x10, 0x11]);
        assert_eq!(parse_detach_keys("a,ctrl-@,ctrl-_").unwrap(), [b'a', 0, 0x1f]);
        assert!(parse_detach_keys("").unwrap().is_empty());
        assert!(parse_detach_keys("foo").is_err());
        assert!(parse_detach_keys("ctrl-A").is_err());
    }
}
