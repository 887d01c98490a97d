//! Drydock's own packet filter table, `inet drydock`, changed by nft(8) in atomic transactions.
//!
//! Every rule carries a comment: its owner, and a fingerprint of what it was made from. So the rules of an owner are found whoever
//! made them, the same rule twice is one rule, and the table goes with the last rule that has an owner. Nothing outside the table
//! is touched; a firewall of the host's that drops forwarded packets keeps dropping them.

mod nft;
mod rules;

use crate::lock;
use drydock_core::error::{Error, ErrorKind, Result};
use drydock_core::id::Digest;
use drydock_core::kernel::{Firewall, Guard};
use nftables::schema::{NfCmd, NfListObject, Rule};
use std::time::{Duration, Instant};

/// The table's name, in every family.
pub const TABLE: &str = "drydock";

/// Longest comment that nft(8) takes is 128 bytes; the fingerprint takes some.
const MAX_OWNER: usize = 90;

/// Adds the rules of one owner. The same twice is no error.
pub fn add(run_root: &str, owner: &str, rule: &Firewall) -> Result<()> {
    check(owner)?;
    let comment = comment_of(owner, rule)?;
    let _guard = alone(run_root)?;
    let present = nft::list()?;
    if present.iter().any(|r| r.comment == comment) {
        return Ok(());
    }
    let mut commands = rules::chains();
    // The comment without an owner marks rules that belong to the table itself, once.
    if !present.iter().any(|r| r.comment.is_empty()) {
        commands.extend(rules::always().into_iter().map(add_rule));
    }
    for mut made in rules::of(rule) {
        made.comment = Some(comment.clone().into());
        commands.push(add_rule(made));
    }
    nft::apply(commands)
}

/// Removes every rule of an owner. None is no error.
pub fn remove(run_root: &str, owner: &str) -> Result<()> {
    check(owner)?;
    let _guard = alone(run_root)?;
    let present = nft::list()?;
    let (theirs, others): (Vec<_>, Vec<_>) = present.into_iter().partition(|r| owner_of(&r.comment) == Some(owner));
    if theirs.is_empty() {
        return Ok(());
    }
    let last = others.iter().all(|r| owner_of(&r.comment).is_none());
    let commands = if last {
        vec![rules::without_table()]
    } else {
        let handle = |r: &nft::Listed| Rule { handle: Some(r.handle), ..rules::empty(&r.chain) };
        theirs.iter().map(|r| NfCmd::Delete(NfListObject::Rule(handle(r)))).collect()
    };
    nft::apply(commands)
}

/// The rules that have an owner, a line each: for [`drydock_core::observe::Snapshot`].
pub fn lines() -> Result<Vec<String>> {
    let mut lines: Vec<String> = nft::list()?.iter().map(|r| format!("{} {}", r.chain, r.comment)).collect();
    lines.sort();
    Ok(lines)
}

fn add_rule(rule: Rule<'static>) -> NfCmd<'static> {
    NfCmd::Add(NfListObject::Rule(rule))
}

fn check(owner: &str) -> Result<()> {
    let plain = owner.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/".contains(&b));
    if owner.is_empty() || owner.len() > MAX_OWNER || !plain {
        return Err(Error::invalid(format!("{owner:?} cannot own rules")));
    }
    Ok(())
}

/// `OWNER FINGERPRINT`
fn comment_of(owner: &str, rule: &Firewall) -> Result<String> {
    let fingerprint = Digest::of(&serde_json::to_vec(rule)?);
    Ok(format!("{owner} {}", fingerprint.hex().get(..12).unwrap_or_default()))
}

fn owner_of(comment: &str) -> Option<&str> {
    comment.split(' ').next().filter(|owner| !owner.is_empty())
}

/// One change at a time: between the look at the table and the change nobody else may change it.
fn alone(run_root: &str) -> Result<Box<dyn Guard>> {
    let started = Instant::now();
    loop {
        if let Some(guard) = lock::take(run_root, "firewall")? {
            return Ok(guard);
        }
        if started.elapsed() > Duration::from_secs(30) {
            return Err(Error::new(ErrorKind::TimedOut, "another process is changing the packet filter, for 30 seconds now").op("lock"));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
