//! nft(8) asked and told, in JSON (libnftables-json(5)).

use super::TABLE;
use drydock_core::error::{Error, ErrorKind, Result};
use nftables::helper::{NftablesError, apply_ruleset_raw, get_current_ruleset_raw};
use nftables::schema::{NfCmd, NfObject, Nftables};
use std::io;
use std::path::Path;

/// A rule of the table as it is in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub chain: String,
    pub handle: u32,
    /// Empty if it has none.
    pub comment: String,
}

/// Where distributions put the program. A person's PATH is asked last: what it names is run as root.
const PLACES: [&str; 4] = ["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft", "/usr/local/sbin/nft"];

fn program() -> Option<&'static str> {
    PLACES.into_iter().find(|place| Path::new(place).exists())
}

/// The rules of the table; none if there is no table.
pub fn list() -> Result<Vec<Listed>> {
    let text = match get_current_ruleset_raw(program(), ["list", "table", "inet", TABLE]) {
        Err(NftablesError::NftFailed { stderr, .. }) if stderr.contains("No such file or directory") => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    // Only what is needed is read: a newer nft(8) may describe a rule in words that the typed form does not know.
    let all: serde_json::Value = serde_json::from_str(&text)?;
    let rules = all["nftables"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rules = rules.iter().filter_map(|object| object.get("rule"));
    Ok(rules
        .filter_map(|rule| {
            let text = |key: &str| rule[key].as_str().unwrap_or_default().to_owned();
            let handle = rule["handle"].as_u64().and_then(|h| u32::try_from(h).ok())?;
            Some(Listed { chain: text("chain"), handle, comment: text("comment") })
        })
        .collect())
}

/// Carries out commands as one transaction: all of them, or none.
pub fn apply(commands: Vec<NfCmd<'static>>) -> Result<()> {
    let batch = Nftables { objects: commands.into_iter().map(NfObject::CmdObject).collect() };
    let none: [&str; 0] = [];
    apply_ruleset_raw(&serde_json::to_string(&batch)?, program(), none).map(drop).map_err(failed)
}

fn failed(error: NftablesError) -> Error {
    match error {
        NftablesError::NftExecution { inner, .. } if inner.kind() == io::ErrorKind::NotFound => {
            Error::new(ErrorKind::Unsupported, "the program nft is not installed").op("nft").hint("install the package nftables")
        }
        NftablesError::NftFailed { stderr, .. } => {
            let first = stderr.lines().next().unwrap_or("no reason given").to_owned();
            Error::new(ErrorKind::System, format!("nft: {first}")).op("nft")
        }
        other => Error::new(ErrorKind::System, "nft cannot be used").op("nft").source(other),
    }
}
