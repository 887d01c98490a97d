//! What COPY and ADD take: sources with their wildcards, as a list of files in the order of their paths.

use super::glob::Glob;
use super::ignore::Ignore;
use super::walk::{join, resolve};
use crate::error::{Error, Result};
use crate::image::tar::Kind;
use crate::kernel::{Found, OpenTree};

/// One thing to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its path below the destination; empty for the destination itself, if a directory's content is copied.
    pub to: Vec<u8>,
    /// Where it is in its tree.
    pub path: Vec<u8>,
    /// What it is.
    pub found: Found,
}

/// What one source came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// Everything, directories before what is in them.
    pub items: Vec<Item>,
    /// How many things the source itself names: a wildcard may name several.
    pub named: usize,
    /// Some of these are directories, whose content is copied.
    pub directories: bool,
}

/// Selects what a source names in a tree.
///
/// # Errors
/// The tree's own; [`crate::ErrorKind::NotFound`] where nothing is there.
pub fn select(tree: &mut dyn OpenTree, source: &str, parents: bool, excludes: &Ignore) -> Result<Selected> {
    // With --parents, what is left of /./ is not kept.
    let (pivot, text) = match source.split_once("/./").filter(|_| parents) {
        Some((pivot, rest)) => (pivot, rest),
        None => ("", source),
    };
    let components: Vec<&str> = text.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
    let start = resolve(tree, pivot.as_bytes(), true)?;
    if start.found.is_none() {
        return Err(missing(source));
    }
    let mut found = Vec::new();
    expand(tree, &start.path, &[], &components, parents, &mut found)?;
    if found.is_empty() {
        return Err(missing(source));
    }
    found.sort();
    found.dedup();
    let mut all = Selected { named: found.len(), ..Selected::default() };
    for (name, path) in found {
        let place = resolve(tree, &path, true)?;
        // A link that leads out of the tree leads nowhere.
        let Some(there) = place.found else { return Err(missing(source)) };
        let base = name.rsplit(|b| *b == b'/').next().unwrap_or_default().to_vec();
        if there.is_dir() {
            all.directories = true;
            let to = if parents { name.clone() } else { Vec::new() };
            if parents {
                above(tree, &start.path, &name, &mut all.items)?;
            }
            all.items.push(Item { to: to.clone(), path: place.path.clone(), found: there });
            below(tree, &place.path, &to, b"", excludes, &mut all.items)?;
        } else if !excludes.excludes(&String::from_utf8_lossy(&base)) {
            if parents {
                above(tree, &start.path, &name, &mut all.items)?;
            }
            let to = if parents { name } else { base };
            all.items.push(Item { to, path: place.path, found: there });
        }
    }
    Ok(all)
}

fn missing(source: &str) -> Error {
    Error::not_found(format!("file not found in build context or excluded by .dockerignore: stat {source}: file does not exist"))
        .subject(source)
}

/// Every path that components name, with the name it was found under.
fn expand(tree: &mut dyn OpenTree, at: &[u8], name: &[u8], rest: &[&str], double: bool, into: &mut Vec<(Vec<u8>, Vec<u8>)>) -> Result<()> {
    let Some((first, rest)) = rest.split_first() else {
        into.push((name.to_vec(), at.to_vec()));
        return Ok(());
    };
    let Some(here) = Some(resolve(tree, at, true)?).filter(|p| p.found.as_ref().is_some_and(Found::is_dir)) else { return Ok(()) };
    if *first == ".." {
        let up = resolve(tree, &join(&here.path, b".."), true)?;
        return expand(tree, &up.path, b"", rest, double, into);
    }
    if double && *first == "**" {
        expand(tree, &here.path, name, rest, double, into)?;
        for child in tree.list(&here.path)? {
            if child.is_dir() {
                let mut again = vec![*first];
                again.extend(rest);
                expand(tree, &join(&here.path, &child.name), &join(name, &child.name), &again, double, into)?;
            } else if rest.is_empty() {
                into.push((join(name, &child.name), join(&here.path, &child.name)));
            }
        }
        return Ok(());
    }
    if Glob::is_literal(first) {
        let path = join(&here.path, first.as_bytes());
        if tree.look(&path)?.is_some() {
            expand(tree, &path, &join(name, first.as_bytes()), rest, double, into)?;
        }
        return Ok(());
    }
    let glob =
        Glob::read(first, false).ok_or_else(|| Error::invalid(format!("syntax error in pattern: {first:?}")).hint("close the bracket"))?;
    for child in tree.list(&here.path)? {
        if glob.matches(&String::from_utf8_lossy(&child.name)) {
            expand(tree, &join(&here.path, &child.name), &join(name, &child.name), rest, double, into)?;
        }
    }
    Ok(())
}

/// The directories that lead to a name (`--parents`), as they are.
fn above(tree: &mut dyn OpenTree, start: &[u8], name: &[u8], into: &mut Vec<Item>) -> Result<()> {
    for (at, _) in name.iter().enumerate().filter(|(_, b)| **b == b'/') {
        let to = name[..at].to_vec();
        if into.iter().all(|i| i.to != to) {
            let place = resolve(tree, &join(start, &to), true)?;
            if let Some(found) = place.found {
                into.push(Item { to, path: place.path, found });
            }
        }
    }
    Ok(())
}

/// Everything in a directory; links are copied as links.
fn below(tree: &mut dyn OpenTree, path: &[u8], to: &[u8], inner: &[u8], excludes: &Ignore, into: &mut Vec<Item>) -> Result<()> {
    let mut waiting = vec![(path.to_vec(), to.to_vec(), inner.to_vec())];
    while let Some((path, to, inner)) = waiting.pop() {
        for child in tree.list(&path)? {
            let inner = join(&inner, &child.name);
            let shown = String::from_utf8_lossy(&inner).into_owned();
            let out = excludes.excludes(&shown);
            if out && !(child.is_dir() && excludes.may_take_back_below(&shown)) {
                continue;
            }
            // Sockets are in no archive.
            if child.kind.is_none() {
                continue;
            }
            let (path, to) = (join(&path, &child.name), join(&to, &child.name));
            if child.is_dir() {
                waiting.push((path.clone(), to.clone(), inner));
            }
            if !out {
                into.push(Item { to, path, found: child });
            }
        }
    }
    into.sort_by(|a, b| a.to.cmp(&b.to));
    Ok(())
}

/// The one directory level that a name suggests was mistyped: the nearest name in the tree's top.
pub fn nearest(tree: &mut dyn OpenTree, source: &str) -> Option<String> {
    let name = source.trim_start_matches("./").trim_matches('/');
    let (dir, last) = name.rsplit_once('/').map_or(("", name), |(d, l)| (d, l));
    let here = resolve(tree, dir.as_bytes(), true).ok()?;
    here.found.filter(Found::is_dir)?;
    let names: Vec<String> = tree.list(&here.path).ok()?.iter().map(|f| String::from_utf8_lossy(&f.name).into_owned()).collect();
    let stem = |text: &str| text.split('.').next().unwrap_or_default().to_owned();
    let found = names
        .iter()
        .find(|n| super::dockerfile::near(n, last))
        .or_else(|| names.iter().find(|n| !stem(last).is_empty() && (stem(n) == stem(last) || n.starts_with(&format!("{last}.")))))?;
    Some(if dir.is_empty() { found.clone() } else { format!("{dir}/{found}") })
}

/// Whether an item's content matters.
pub fn has_content(found: &Found) -> bool {
    found.kind == Some(Kind::File) && found.size > 0
}
