//! `--filter key=value`, as lists take it.

use drydock_core::{Error, Result};

/// Reads one filter.
///
/// # Errors
/// Docker's own words for one without `=`.
pub fn filter(text: &str) -> std::result::Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("bad format of filter (expected name=value)")?;
    Ok((key.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

/// The filters of one command.
pub struct Filters<'a>(&'a [(String, String)]);

impl<'a> Filters<'a> {
    /// Takes filters, refusing keys that the command does not know.
    pub fn new(given: &'a [(String, String)], known: &[&str]) -> Result<Self> {
        match given.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            Some((key, _)) => Err(Error::invalid(format!("Invalid filter '{}'", key.escape_debug()))),
            None => Ok(Self(given)),
        }
    }

    /// Whether this key is given.
    pub fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(k, _)| k == key)
    }

    /// The values of a key.
    pub fn values(&self, key: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(k, _)| k == key).map(|(_, v)| v.as_str())
    }
}
