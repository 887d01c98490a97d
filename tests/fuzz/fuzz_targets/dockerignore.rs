//! `.dockerignore`: what is left out with its directory stays out unless something may be taken back below it, and reading is fast
//! whatever the patterns.
//!
//! The input is a path, an end of line, and the patterns.

#![no_main]

use drydock_core::build::ignore::Ignore;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let at = bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len());
    let (path, patterns) = bytes.split_at(at);
    let patterns = patterns.strip_prefix(b"\n").unwrap_or_default();
    let ignore = match Ignore::parse(".dockerignore", patterns) {
        Ok(ignore) => ignore,
        Err(error) => {
            let line = error.message().strip_prefix(".dockerignore:").and_then(|rest| rest.split(':').next()).expect("names its line");
            assert!(line.parse::<usize>().expect("a number") <= patterns.iter().filter(|b| **b == b'\n').count() + 1);
            return;
        }
    };
    let parts: Vec<String> =
        String::from_utf8_lossy(path).split('/').filter(|p| !p.is_empty() && *p != "." && *p != "..").take(12).map(str::to_owned).collect();
    let mut closed = false;
    for end in 1..=parts.len() {
        let prefix = parts[..end].join("/");
        let out = ignore.excludes(&prefix);
        // A walk that does not look into a directory must not miss anything.
        assert!(out || !closed, "{prefix:?} is kept below a directory that nobody looks into");
        closed |= out && !ignore.may_take_back_below(&prefix);
        assert!(!ignore.is_empty() || !out);
    }
});
