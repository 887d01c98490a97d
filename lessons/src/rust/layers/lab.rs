//! A root file system from layers: what overlayfs does when it mounts them, done by hand.

// -- solution
use super::words::{Entry, Kind, OPAQUE, Root, WHITEOUT};
// -- starter
//> use super::words::{Entry, Root};
// -- end

// ANCHOR: root
/// What a stack of layers shows, the lowest layer first.
pub fn root(layers: &[Vec<Entry>]) -> Root {
    let mut root = Root::new();
    for layer in layers {
        apply(&mut root, layer);
    }
    root
}
// ANCHOR_END: root

/// Puts a layer on top of what is there.
fn apply(root: &mut Root, layer: &[Entry]) {
    // -- solution
    // ANCHOR: whiteouts
    // What is hidden first: a whiteout is about the layers below, wherever in its own layer it stands.
    for entry in layer {
        let Some(path) = clean(&entry.path) else { continue };
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if name == OPAQUE {
            remove_below(root, folder);
        } else if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            remove(root, &join(folder, hidden));
        }
    }
    // ANCHOR_END: whiteouts
    // -- end
    for entry in layer {
        let Some(path) = clean(&entry.path) else { continue };
        // -- solution
        if path.rsplit('/').next().is_some_and(|name| name.starts_with(WHITEOUT)) {
            continue;
        }
        // A directory over a directory keeps what is in it. Anything else takes the place of all that is there.
        let both = entry.kind == Kind::Directory && root.get(&path).is_some_and(|there| there.kind == Kind::Directory);
        if !both {
            remove(root, &path);
        }
        // What lies on the way there is a directory, whatever it was below.
        for (at, _) in path.match_indices('/') {
            let above = path[..at].to_string();
            if root.get(&above).is_some_and(|there| there.kind != Kind::Directory) {
                remove(root, &above);
            }
        }
        // -- starter
        //> // To do: whiteouts are not files but say what is hidden; what is there gives way, and takes what is below it along, unless
        //> // both are directories; and what lies on the way to a path is a directory, whatever it was in the layers below.
        // -- end
        root.insert(path, entry.clone());
    }
}

/// A path of an archive as a root has it; nothing for the root itself, and for one that leads out of it.
fn clean(path: &str) -> Option<String> {
    // -- solution
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return None,
            part => parts.push(part),
        }
    }
    if parts.is_empty() { None } else { Some(parts.join("/")) }
    // -- starter
    //> // To do: `./etc/`, `/etc` and `etc` are one path; `.` is the root itself, and `../etc` is none of its paths.
    //> Some(path.to_string())
    // -- end
}

// -- solution
fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") }
}

/// Takes a path away, and everything below it.
fn remove(root: &mut Root, path: &str) {
    root.remove(path);
    remove_below(root, path);
}

/// Takes away everything below a path; all there is, below the root itself.
fn remove_below(root: &mut Root, folder: &str) {
    let start = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    root.retain(|path, _| !path.starts_with(&start));
}
// -- end
