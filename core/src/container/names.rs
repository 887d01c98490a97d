//! Names of containers: which are legal, and how one is made up.

use crate::error::{Error, Result};

const ADJECTIVES: [&str; 64] = [
    "able", "agile", "amber", "ample", "brave", "breezy", "bright", "brisk", "calm", "candid", "careful", "cheery", "clear", "clever",
    "cosy", "crisp", "curious", "dapper", "daring", "eager", "early", "easy", "fair", "fearless", "fine", "fond", "frank", "gentle",
    "glad", "golden", "grand", "handy", "happy", "hardy", "honest", "jolly", "keen", "kind", "lively", "loyal", "lucid", "mellow", "merry",
    "mild", "modest", "neat", "noble", "patient", "plucky", "polite", "proud", "quick", "quiet", "ready", "serene", "sharp", "silver",
    "steady", "sunny", "swift", "tidy", "trusty", "upbeat", "witty",
];

/// People of ships, seas and machines.
const SURNAMES: [&str; 64] = [
    "amundsen",
    "babbage",
    "baker",
    "banks",
    "barents",
    "beaufort",
    "bering",
    "boole",
    "bowditch",
    "brunel",
    "cabot",
    "carson",
    "cook",
    "cousteau",
    "curie",
    "dampier",
    "darwin",
    "dias",
    "drake",
    "earle",
    "ericson",
    "euler",
    "faraday",
    "fermat",
    "fitzroy",
    "flinders",
    "franklin",
    "fulton",
    "gauss",
    "goodall",
    "hadley",
    "halley",
    "hamilton",
    "harrison",
    "heyerdahl",
    "hooke",
    "hopper",
    "hudson",
    "humboldt",
    "huygens",
    "kepler",
    "lovelace",
    "magellan",
    "maury",
    "maxwell",
    "mercator",
    "nansen",
    "newton",
    "noether",
    "pascal",
    "peary",
    "piccard",
    "plimsoll",
    "raleigh",
    "ritchie",
    "ross",
    "scott",
    "shackleton",
    "slocum",
    "tasman",
    "thompson",
    "turing",
    "vancouver",
    "zheng",
];

/// Accepts a name that a person gave: two characters or more, `[a-zA-Z0-9][a-zA-Z0-9_.-]+`; one leading slash is taken off.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`] with Docker's words.
pub fn check(name: &str) -> Result<&str> {
    let bare = name.strip_prefix('/').unwrap_or(name);
    let mut bytes = bare.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphanumeric());
    let rest = bare.len() >= 2 && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    if first && rest && bare.len() <= 255 { Ok(bare) } else { Err(invalid(name)) }
}

/// Docker's answer to a name that is none.
pub fn invalid(name: &str) -> Error {
    Error::invalid(format!("Invalid container name ({}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", name.escape_debug()))
}

/// Docker's answer where a name belongs to another container.
pub fn taken(name: &str, holder: &str) -> Error {
    Error::conflict(format!(
        "Conflict. The container name \"/{name}\" is already in use by container \"{holder}\". You have to remove (or rename) that \
         container to be able to reuse that name."
    ))
    .subject(name)
    .code("name-in-use")
}

/// Makes a name up from random bytes: an adjective and a surname; on the second and later tries a digit too, and from the fifth on,
/// when most names with one must be taken, a longer number.
pub fn made_up(random: [u8; 5], attempt: u32) -> String {
    let adjective = ADJECTIVES[usize::from(random[0]) % ADJECTIVES.len()];
    let surname = SURNAMES[usize::from(random[1]) % SURNAMES.len()];
    match attempt {
        0 => format!("{adjective}_{surname}"),
        1..4 => format!("{adjective}_{surname}{}", random[2] % 10),
        _ => format!("{adjective}_{surname}{}", u32::from_le_bytes([random[2], random[3], random[4], 0])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_docker_takes_and_refuses() {
        for good in ["ab", "c1", "c6.1", "a_b-c.d", "/web", "9lives"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "/", "/a", "-ab", ".ab", "_ab", "a b", "ab\n", "a/b", "ä1", "a\0b"] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
        assert_eq!(check("a").unwrap_err().message(), "Invalid container name (a), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
    }

    #[test]
    fn made_up_names_are_legal_and_words_are_unique() {
        for byte in 0..=255u8 {
            let name = made_up([byte; 5], u32::from(byte % 8));
            assert!(check(&name).is_ok());
            let letters = |word: &str| word.bytes().all(|b| b.is_ascii_lowercase());
            let (adjective, surname) = name.trim_end_matches(|c: char| c.is_ascii_digit()).split_once('_').unwrap();
            assert!(letters(adjective) && letters(surname));
        }
        for words in [&ADJECTIVES, &SURNAMES] {
            assert!(words.windows(2).all(|w| w[0] < w[1]), "sorted and unique");
        }
    }
}
