//! Filters of lists of networks, as Docker has them.

use super::{Driver, NetworkRecord};
use crate::error::{Error, Result};

/// The keys there are.
pub const KEYS: [&str; 7] = ["driver", "id", "label", "name", "scope", "type", "dangling"];

/// Refuses keys that there are not, and kinds of networks.
///
/// # Errors
/// Docker's words.
pub fn check<'a>(filters: impl Iterator<Item = (&'a str, &'a str)>) -> Result<()> {
    for (key, value) in filters {
        if !KEYS.contains(&key) {
            return Err(Error::invalid(format!("invalid filter '{}'", key.escape_debug())));
        }
        if key == "type" && !matches!(value, "custom" | "builtin") {
            return Err(Error::invalid(format!("invalid filter: 'type'='{}'", value.escape_debug())));
        }
    }
    Ok(())
}

/// Whether a network is one that is meant; `of` answers the values of a key, `used` says that somebody is on it.
pub fn passes(network: &NetworkRecord, of: &dyn Fn(&str) -> Vec<String>, used: bool) -> bool {
    let builtin = matches!(network.name.as_str(), "bridge" | "host" | "none");
    let any = |key: &str, test: &dyn Fn(&str) -> bool| {
        let values = of(key);
        values.is_empty() || values.iter().any(|value| test(value))
    };
    any("driver", &|d| d == network.driver.name())
        && any("id", &|id| network.id.as_str().contains(id))
        && any("name", &|name| network.name.contains(name))
        && any("scope", &|scope| scope == "local")
        && any("type", &|kind| (kind == "builtin") == builtin)
        && any("dangling", &|wanted| matches!(wanted, "true" | "1") == (!builtin && !used))
        && of("label").iter().all(|wanted| match wanted.split_once('=') {
            Some((key, value)) => network.labels.get(key).is_some_and(|v| v == value),
            None => network.labels.contains_key(wanted),
        })
}

impl Driver {
    /// Docker's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Driver::Bridge => "bridge",
            Driver::Host => "host",
            Driver::None => "null",
        }
    }
}
