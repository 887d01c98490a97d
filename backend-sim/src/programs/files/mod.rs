//! Utilities about files and directories.

pub mod attributes;
pub mod copy;
pub mod disk;
pub mod find;
pub mod ls;
pub mod make;
pub mod paths;
pub mod remove;
pub mod tar;

use crate::sys::{FileType, Sys};

/// `directory/name`, without doubling the slash.
pub(super) fn join(directory: &str, name: &str) -> String {
    if directory.ends_with('/') { format!("{directory}{name}") } else { format!("{directory}/{name}") }
}

/// The last part of a path.
pub(super) fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { if path.is_empty() { "" } else { "/" } } else { trimmed.rsplit('/').next().unwrap_or(trimmed) }
}

/// The part before the last of a path.
pub(super) fn parent(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rfind('/') {
        None if trimmed.is_empty() && !path.is_empty() => "/",
        None => ".",
        Some(at) => {
            let head = trimmed[..at].trim_end_matches('/');
            if head.is_empty() { "/" } else { head }
        }
    }
}

/// Whether a path leads to a directory.
pub(super) fn is_directory(sys: &Sys, path: &str) -> bool {
    sys.stat(path).is_ok_and(|stat| stat.kind == FileType::Directory)
}

/// A size as `-h` shows it: `3`, `4.0K`, `12.5M`.
pub(super) fn human(bytes: u64) -> String {
    if bytes < 1024 {
        return bytes.to_string();
    }
    let mut value = bytes as f64 / 1024.0;
    for unit in ["K", "M", "G", "T"] {
        if value < 1024.0 {
            return format!("{value:.1}{unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1}P")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_as_posix_says() {
        assert_eq!((base("/usr/lib/"), base("/"), base("x"), base("")), ("lib", "/", "x", ""));
        assert_eq!((parent("/usr/lib"), parent("/usr"), parent("x"), parent("/"), parent("a/b/")), ("/usr", "/", ".", "/", "a"));
        assert_eq!((human(3), human(4096), human(13_107_200)), ("3".to_owned(), "4.0K".to_owned(), "12.5M".to_owned()));
    }
}
