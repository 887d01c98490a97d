//! What a step depends on, as one digest: the same digest means the same result.
//!
//! A step is keyed by what it really sees: the layers below it, its command with the environment it runs in, the content of the
//! files it takes. Not by the instructions before it: what those changed and this one does not see changes nothing (a LABEL above a
//! RUN), and no image from elsewhere can be taken for a result of ours (CVE-2024-24557).

use crate::id::{Digest, hex};
use sha2::{Digest as _, Sha256};

/// A key being made. Every part has its name and its length in it, so that no two lists of parts look alike.
#[derive(Clone)]
pub struct Key(Sha256);

impl Key {
    /// A key of this kind of step.
    pub fn new(kind: &str) -> Self {
        Self(Sha256::new()).field("drydock build", b"1").field("step", kind.as_bytes())
    }

    /// Adds a part.
    #[must_use]
    pub fn field(mut self, name: &str, value: &[u8]) -> Self {
        for part in [name.as_bytes(), value] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// Adds a text.
    #[must_use]
    pub fn text(self, name: &str, value: &str) -> Self {
        self.field(name, value.as_bytes())
    }

    /// Adds a list of texts.
    #[must_use]
    pub fn list<T: AsRef<str>>(self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        let mut count = 0u64;
        let mut key = self;
        for value in values {
            key = key.text(name, value.as_ref());
            count += 1;
        }
        key.field(name, &count.to_le_bytes())
    }

    /// The key as 64 hexadecimal digits.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// A digest made while bytes go by.
#[derive(Default)]
pub struct Hashing(Sha256);

impl Hashing {
    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest.
    pub fn finish(self) -> Digest {
        Digest::parse(&format!("sha256:{}", hex(&self.0.finalize()))).unwrap_or_else(|_| Digest::of(b""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_do_not_run_together() {
        let a = Key::new("x").text("a", "bc").finish();
        assert_ne!(a, Key::new("x").text("ab", "c").finish());
        assert_ne!(a, Key::new("xa").text("bc", "").finish());
        assert_ne!(Key::new("x").list("a", ["b", "c"]).finish(), Key::new("x").list("a", ["bc"]).finish());
        assert_ne!(
            Key::new("x").list("a", ["b"]).list("c", [] as [&str; 0]).finish(),
            Key::new("x").list("a", [] as [&str; 0]).list("c", ["b"]).finish()
        );
    }

    proptest! {
        #[test]
        fn lists_are_told_apart(a in prop::collection::vec("[ab]{0,2}", 0..4), b in prop::collection::vec("[ab]{0,2}", 0..4)) {
            prop_assert_eq!(Key::new("x").list("l", &a).finish() == Key::new("x").list("l", &b).finish(), a == b);
        }
    }
}
