//! An image without a registry: a busybox-like root whose programs are the simulated ones.

use crate::process::exec::MARK;
use crate::programs;
use drydock_core::Result;
use drydock_core::image::tar::{Entry, Kind, Writer};

/// Directories of the root and their modes.
const DIRS: &[(&str, u32)] = &[
    ("bin", 0o755),
    ("dev", 0o755),
    ("etc", 0o755),
    ("home", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("usr/bin", 0o755),
    ("usr/sbin", 0o755),
    ("var", 0o755),
    ("var/www", 0o755),
];

/// Files of the root.
const FILES: &[(&str, &str)] = &[
    ("etc/group", "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n"),
    (
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
    ),
    ("var/www/index.html", "<html><body><h1>It works!</h1></body></html>\n"),
];

/// One program that is all of them, by the name it is called with, and the names.
pub fn multi_call() -> (Vec<u8>, Vec<String>) {
    let names = programs::registry().iter().map(|(name, _)| (*name).to_owned()).collect();
    (format!("{MARK}busybox\n").into_bytes(), names)
}

/// The archive of such a root, for `import`.
///
/// # Errors
/// None in practice: it is written to memory.
pub fn busybox() -> Result<Vec<u8>> {
    let mut tar = Writer::new(Vec::new());
    for (path, mode) in DIRS {
        let mut entry = Entry::new(format!("{path}/"), Kind::Directory);
        entry.mode = *mode;
        tar.append(&entry, b"")?;
    }
    for (path, text) in FILES {
        tar.append(&Entry::new(*path, Kind::File), text.as_bytes())?;
    }
    for (name, _) in programs::registry() {
        let mut entry = Entry::new(format!("bin/{name}"), Kind::File);
        entry.mode = 0o755;
        tar.append(&entry, format!("{MARK}{name}\n").as_bytes())?;
    }
    tar.finish()
}
