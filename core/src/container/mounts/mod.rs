//! The grammars of `-v`, `--mount` and `--tmpfs`.

mod mount;
mod volume;

pub use mount::parse_mount;
pub use volume::{parse_tmpfs, parse_volume};

use crate::error::{Error, ErrorKind, Result};

/// What a target must be: absolute, not the root, and not below /proc, where a mount could fool what guards it
/// (runtime-spec forbids it; CVE-2019-16884 used it).
pub(crate) fn check_target(kind: &str, target: &str) -> Result<String> {
    let wrong = |why: String| Error::invalid(format!("invalid mount config for type \"{kind}\": {why}"));
    if !target.starts_with('/') {
        return Err(wrong(format!("invalid mount path: '{}' mount path must be absolute", target.escape_debug())));
    }
    let clean = clean(target);
    if clean == "/" {
        return Err(wrong("invalid specification: destination can't be '/'".to_owned()));
    }
    if (clean == "/proc" || clean.starts_with("/proc/")) && !may_cover_proc(&clean) {
        return Err(wrong(format!("invalid specification: \"{clean}\" cannot be mounted because it is inside /proc")));
    }
    Ok(clean)
}

/// Files of /proc that tell of the machine and over which others may be mounted that tell of the container, as lxcfs does (the same as
/// runc allows). Nothing that an engine writes to is among them.
const TELL_OF_THE_MACHINE: [&str; 10] = [
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/net/dev",
    "/proc/slabinfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/uptime",
];

/// Whether something may be mounted at this target, though it is in a procfs.
pub fn may_cover_proc(target: &str) -> bool {
    TELL_OF_THE_MACHINE.contains(&target)
}

/// What a kernel says where a link of the image would lead a mount into a procfs.
pub fn inside_proc(target: &str) -> Error {
    let shown = target.escape_debug();
    Error::new(ErrorKind::Denied, format!("\"{shown}\" cannot be mounted because it is inside /proc"))
        .op("mount")
        .subject(target)
        .hint("a symbolic link of the image leads there")
}

/// An absolute path without empty, `.` and `..` parts, by text alone (Go: `filepath.Clean`).
pub fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The name of a volume: a letter or digit, then letters, digits, `_`, `.` and `-`, two at least.
pub(crate) fn check_volume_name(name: &str) -> Result<()> {
    let head = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let tail = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    if head && tail && name.len() >= 2 && name.len() <= 255 {
        return Ok(());
    }
    let shown = name.escape_debug();
    Err(Error::invalid(format!(
        "create {shown}: \"{shown}\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. \
         If you intended to pass a host directory, use absolute path"
    )))
}

/// Propagation by name, as mount_namespaces(7) has them.
fn is_propagation(word: &str) -> bool {
    matches!(word, "shared" | "rshared" | "slave" | "rslave" | "private" | "rprivate")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_cleaned_by_text() {
        for (path, cleaned) in [("/a//b/./c", "/a/b/c"), ("/a/../..", "/"), ("/../proc", "/proc"), ("/", "/"), ("/a/b/..", "/a")] {
            assert_eq!(clean(path), cleaned);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_no_target_is_relative(text in ".*") {
            for request in [parse_volume(&text, "/home"), parse_mount(&text), parse_tmpfs(&text)].into_iter().flatten() {
                prop_assert!(request.target.starts_with('/') && request.target != "/");
                prop_assert_eq!(clean(&request.target), request.target);
            }
        }
    }
}
