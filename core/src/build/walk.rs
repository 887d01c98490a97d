//! Paths in a tree of files, resolved part by part: a link leads where it leads a process whose root is the top of the tree, and
//! nowhere else. Nothing of the host is asked, so that nothing can be changed between a look and a use.

use crate::error::{Error, Result};
use crate::image::tar::Kind;
use crate::kernel::{Found, OpenTree};
use std::collections::VecDeque;

/// The most links on one path (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The path without links and dots, relative to the top.
    pub path: Vec<u8>,
    /// What is there; `None` for nothing yet.
    pub found: Option<Found>,
}

/// Resolves a path. The last part is followed if it is a link and `follow` is set. What is not there yet is taken by its text.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`]: a part is a file, or too many links.
pub fn resolve(tree: &mut dyn OpenTree, path: &[u8], follow: bool) -> Result<Place> {
    let mut waiting: VecDeque<Vec<u8>> = parts(path);
    let mut at: Vec<Vec<u8>> = Vec::new();
    let mut links = 0;
    let mut last = tree.look(b"")?;
    while let Some(part) = waiting.pop_front() {
        if part == b".." {
            at.pop();
            last = tree.look(&at.join(&b'/'))?;
            continue;
        }
        if last.as_ref().is_some_and(|f| !f.is_dir()) {
            return Err(no_directory(&at.join(&b'/')));
        }
        at.push(part);
        let found = match last {
            Some(_) => tree.look(&at.join(&b'/'))?,
            None => None,
        };
        if let Some(Kind::Symlink(to)) = found.as_ref().and_then(|f| f.kind.as_ref())
            && (follow || !waiting.is_empty())
        {
            links += 1;
            if links > MOST_LINKS {
                return Err(Error::invalid(format!("{}: too many levels of symbolic links", shown(path))));
            }
            at.pop();
            if to.starts_with(b"/") {
                at.clear();
            }
            for part in parts(to).into_iter().rev() {
                waiting.push_front(part);
            }
            last = tree.look(&at.join(&b'/'))?;
            continue;
        }
        last = found;
    }
    Ok(Place { path: at.join(&b'/'), found: last })
}

fn parts(path: &[u8]) -> VecDeque<Vec<u8>> {
    path.split(|b| *b == b'/').filter(|p| !p.is_empty() && *p != b".").map(<[u8]>::to_vec).collect()
}

fn no_directory(path: &[u8]) -> Error {
    Error::invalid(format!("cannot copy to non-directory: {}", shown(path)))
}

/// A path as a message has it, from the top.
pub fn shown(path: &[u8]) -> String {
    format!("/{}", String::from_utf8_lossy(path).trim_start_matches('/').escape_debug())
}

/// A path and a name below it.
pub fn join(above: &[u8], name: &[u8]) -> Vec<u8> {
    match (above.is_empty(), name.is_empty()) {
        (true, _) => name.to_vec(),
        (false, true) => above.to_vec(),
        (false, false) => [above, name].join(&b'/'),
    }
}

/// The whole content of a small file of a tree, links followed; empty if there is none or it is larger than 1 MiB.
pub fn small(tree: &mut dyn OpenTree, path: &str) -> Result<String> {
    use std::io::Read as _;
    let Ok(place) = resolve(tree, path.as_bytes(), true) else { return Ok(String::new()) };
    if place.found.as_ref().is_none_or(|f| f.kind != Some(Kind::File) || f.size > 1 << 20) {
        return Ok(String::new());
    }
    let mut text = Vec::new();
    tree.read(&place.path)?
        .take(1 << 20)
        .read_to_end(&mut text)
        .map_err(|e| crate::image::changeset::uncarried(e, "a file of the image cannot be read"))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
