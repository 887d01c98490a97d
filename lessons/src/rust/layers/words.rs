//! The words for layers, and how the judge's questions are read. There is nothing to change here.

use super::lab;
use std::collections::BTreeMap;

/// What an entry of a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file, also one with several names.
    File,
    /// A symbolic link.
    Link,
    /// A device, a pipe.
    Other,
}

/// One entry of a layer's archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which of all entries it is: the judge has their contents, owners and modes by this number.
    pub number: usize,
    /// Its path as the archive has it: `etc/passwd`, `./etc/passwd`, `/etc/passwd` and `etc/` all occur.
    pub path: String,
    /// What it is.
    pub kind: Kind,
}

/// A root file system: every path without a slash at either end, without `.` and `..`, and the entry that is there.
pub type Root = BTreeMap<String, Entry>;

/// The name, in a directory, that says: of the layers below, nothing is seen in here (image-spec layer.md, "Opaque Whiteout").
pub const OPAQUE: &str = ".wh..wh..opq";

/// What a name begins with that says: of the layers below, what is called as the rest says is not seen (image-spec layer.md, "Whiteouts").
pub const WHITEOUT: &str = ".wh.";

/// Answers a question: `layer` begins a layer, the lowest first, and `dir PATH`, `file PATH`, `link PATH` and `other PATH` are entries.
pub fn answer(question: &str) -> String {
    let mut layers: Vec<Vec<Entry>> = Vec::new();
    let mut number = 0;
    for line in question.lines() {
        let (word, path) = line.split_once(' ').unwrap_or((line, ""));
        let kind = match word {
            "layer" => {
                layers.push(Vec::new());
                continue;
            }
            "dir" => Kind::Directory,
            "file" => Kind::File,
            "link" => Kind::Link,
            _ => Kind::Other,
        };
        if let Some(layer) = layers.last_mut() {
            layer.push(Entry { number, path: path.to_string(), kind });
        }
        number += 1;
    }
    lab::root(&layers).iter().map(|(path, entry)| format!("{} {path}\n", entry.number)).collect()
}
