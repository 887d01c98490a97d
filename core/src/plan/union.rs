//! One file of a container that is not mounted: its layers looked through as overlayfs would, links followed inside them only.

use super::Planner;
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::{Entry, Kernel};

/// As many links as the kernel follows (path_resolution(7)).
const MOST_LINKS: usize = 40;

impl Planner {
    /// The path of the host at which the file lies that a container sees at `path`, its layers given from the top; `None` if it sees
    /// none. A link, absolute or with dots, never leads out of the layers, and a whiteout or an opaque directory hides what is below.
    pub(super) fn find_inside(&self, layers: &[String], path: &str) -> Result<Option<String>> {
        Ok(match find(&*self.kernel, layers, path)? {
            Place::File(place) => Some(place),
            Place::Nothing | Place::Directory(_) => None,
        })
    }
}

/// What a path is in a stack of layers.
pub(crate) enum Place {
    /// Nothing is there.
    Nothing,
    /// A file, at this path of the host.
    File(String),
    /// A directory, whose content is that of these directories of the host, stacked: the topmost first.
    Directory(Vec<String>),
}

/// What lies at `path` in layers that are given from the top. A link, absolute or with dots, never leads out of the layers, and a whiteout
/// or an opaque directory hides what is below.
pub(crate) fn find(kernel: &dyn Kernel, layers: &[String], path: &str) -> Result<Place> {
    let mut wanted: Vec<String> = parts(path);
    wanted.reverse();
    // The directories that are open: for each its name, and in which layers it is.
    let mut open: Vec<(String, Vec<String>)> = vec![(String::new(), layers.to_vec())];
    let mut links = 0;
    while let Some(part) = wanted.pop() {
        if part == ".." {
            open.truncate(open.len().saturating_sub(1).max(1));
            continue;
        }
        let here = open.last().map(|(_, places)| places.clone()).unwrap_or_default();
        match look(kernel, &here, &part)? {
            Found::Nothing => return Ok(Place::Nothing),
            Found::Directory(places) => open.push((part, places)),
            Found::Link(to) => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(Error::new(ErrorKind::System, format!("{path}: too many levels of symbolic links")));
                }
                if to.starts_with('/') {
                    open.truncate(1);
                }
                wanted.extend(parts(&to).into_iter().rev());
            }
            Found::File(place) if wanted.is_empty() => return Ok(Place::File(place)),
            Found::File(_) => return Ok(Place::Nothing),
        }
    }
    Ok(open.pop().map_or(Place::Nothing, |(_, places)| Place::Directory(places)))
}

/// One name in a directory that is in several layers, the topmost first.
fn look(kernel: &dyn Kernel, places: &[String], name: &str) -> Result<Found> {
    let mut directories = Vec::new();
    for place in places {
        let path = format!("{place}/{name}");
        let entry = match kernel.entry(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            other => other?,
        };
        match entry {
            Entry::Directory { opaque } => {
                directories.push(path);
                if opaque {
                    break;
                }
            }
            // Below a directory anything else is hidden by it.
            _ if !directories.is_empty() => break,
            Entry::Whiteout => break,
            Entry::Link(to) => return Ok(Found::Link(to)),
            Entry::File | Entry::Other => return Ok(Found::File(path)),
        }
    }
    Ok(if directories.is_empty() { Found::Nothing } else { Found::Directory(directories) })
}

enum Found {
    Nothing,
    Directory(Vec<String>),
    Link(String),
    File(String),
}

fn parts(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect()
}
