//! `.dockerignore`: which files of a context are left out (Dockerfile reference, ".dockerignore file"). The last pattern that fits a
//! path, or a directory it is in, decides.

use super::glob::Glob;
use crate::error::{Error, Result};
use std::collections::BTreeMap;

/// The most patterns.
const MOST: usize = 200_000;

/// The patterns of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignore {
    /// Patterns with nothing special in them, by path: the number of the last one, and whether it takes back.
    literal: BTreeMap<String, (usize, bool)>,
    /// The others, in order: number, pattern, whether it takes back, as it is written.
    globs: Vec<(usize, Glob, bool, String)>,
    count: usize,
}

impl Ignore {
    /// Reads a file. `name` is what messages call it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidInput`] with the line of a pattern that is malformed.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = String::from_utf8_lossy(bytes);
        let mut all = Self::default();
        for (number, line) in text.lines().enumerate() {
            let wrong = |what: &str, help: &str| {
                Error::invalid(format!("{name}:{}:1: {what}: {:?}", number + 1, line.trim())).subject(name).hint(help.to_owned())
            };
            if line.starts_with('#') {
                continue;
            }
            let pattern = line.trim();
            if pattern.is_empty() {
                continue;
            }
            let (pattern, takes_back) = match pattern.strip_prefix('!') {
                Some(rest) => (rest.trim(), true),
                None => (pattern, false),
            };
            if pattern.is_empty() {
                return Err(wrong("illegal exclusion pattern", "write the path to keep after the exclamation mark"));
            }
            if all.count >= MOST {
                return Err(wrong("too many patterns", "exclude directories, not each file"));
            }
            all.add(pattern, takes_back).ok_or_else(|| wrong("syntax error in pattern", "close the bracket, or escape it: \\["))?;
        }
        Ok(all)
    }

    /// Patterns given one by one (`--exclude`).
    ///
    /// # Errors
    /// As [`Ignore::parse`].
    pub fn of<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut all = Self::default();
        for pattern in patterns {
            let (bare, takes_back) = pattern.strip_prefix('!').map_or((pattern, false), |rest| (rest, true));
            all.add(bare.trim(), takes_back).ok_or_else(|| Error::invalid(format!("syntax error in pattern: {pattern:?}")))?;
        }
        Ok(all)
    }

    fn add(&mut self, pattern: &str, takes_back: bool) -> Option<()> {
        // Blanks that only cleaning brought to an end go too: `a /` is `a`.
        let clean = clean(clean(pattern).trim());
        let number = self.count;
        self.count += 1;
        if Glob::is_literal(&clean) {
            self.literal.insert(clean, (number, takes_back));
        } else {
            let glob = Glob::read(&clean, true)?;
            self.globs.push((number, glob, takes_back, clean));
        }
        Some(())
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether a path of the context is left out. Paths have no slash at either end.
    pub fn excludes(&self, path: &str) -> bool {
        let mut last: Option<(usize, bool)> = None;
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for end in ends {
            if let Some(found) = self.literal.get(&path[..end]) {
                last = last.max(Some(*found));
            }
        }
        // "." names the context itself, and for historical reasons leaves nothing out.
        for (number, glob, takes_back, _) in self.globs.iter().rev() {
            if last.is_some_and(|(known, _)| known > *number) {
                break;
            }
            if glob.matches_or_parent(path) {
                last = Some((*number, *takes_back));
                break;
            }
        }
        last.is_some_and(|(_, takes_back)| !takes_back)
    }

    /// Whether something below a directory that is left out may be taken back: it must be looked into.
    pub fn may_take_back_below(&self, directory: &str) -> bool {
        let prefix = format!("{directory}/");
        let literal = self.literal.range(prefix.clone()..).take_while(|(p, _)| p.starts_with(&prefix)).any(|(_, (_, back))| *back);
        literal
            || self.globs.iter().any(|(_, _, back, text)| {
                let fixed = &text[..text.find(['*', '?', '[', '\\']).unwrap_or(text.len())];
                *back && (fixed.starts_with(&prefix) || prefix.starts_with(fixed))
            })
    }
}

/// A pattern's path by text alone: no empty, `.` and `..` parts, no slash at either end (Go: `filepath.Clean`, and the leading slash
/// off). What leads out of the context names nothing in it.
fn clean(pattern: &str) -> String {
    let rooted = pattern.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|p| *p != "..") => drop(parts.pop()),
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    if parts.is_empty() { if rooted { "/".to_owned() } else { ".".to_owned() } } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Ignore {
        Ignore::parse(".dockerignore", text.as_bytes()).unwrap()
    }

    #[test]
    fn patterns_mean_what_the_reference_says() {
        let table = [
            ("a", "a", true),
            ("a", "a/b", true),
            ("a", "b/a", false),
            ("a", "ab", false),
            ("/a", "a", true),
            ("a/", "a/b", true),
            ("./a", "a", true),
            ("a/../b", "b", true),
            ("*/temp*", "x/temporary.txt", true),
            ("*/temp*", "x/y/temp", false),
            ("*/*/temp*", "x/y/temp", true),
            ("temp?", "tempa", true),
            ("temp?", "temp", false),
            ("**", "a/b/c", true),
            ("**/*.go", "x.go", true),
            ("**/*.go", "a/b/x.go", true),
            ("**/foo", "foo/bar", true),
            ("**/foo", "a/xfoo", false),
            ("a/**", "a/b/c", true),
            ("a/**", "a", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**/b", "ab", false),
            ("*.md\n!README.md", "README.md", false),
            ("*.md\n!README.md", "x.md", true),
            ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true),
            ("*.md\nREADME-secret.md\n!README*.md", "README-secret.md", false),
            ("a\n!a/keep", "a/keep", false),
            ("a\n!a/keep", "a/other", true),
            ("*\n!src/**", "src/a/b", false),
            ("*\n!src", "src/a/b", false),
            ("# a", "# a", false),
            ("#a\nb", "b", true),
            (" a ", "a", true),
            ("! a\na", "a", true),
            ("a\n! a", "a", false),
            ("\\!x", "!x", true),
            ("[ab]", "b", true),
            ("[!-a]", "A", true),
            ("[^a]", "b", true),
            ("a.b", "axb", false),
            ("a$", "a$", true),
            ("a(b)+", "a(b)+", true),
            ("../x", "x", false),
            ("..", "a", false),
            (".", "a/b", false),
            ("./", "a", false),
            (".\n!a\n*", "b", true),
            ("a /", "a/b", true),
            ("**.md", "docs/x.md", true),
            ("\u{feff}a", "a", true),
            ("a\r\nb\r\n", "b", true),
            ("Dockerfile", "Dockerfile", true),
            ("**/.DS_Store", "a/.DS_Store", true),
            ("a**", "a/b/c", true),
            ("*", ".hidden", true),
        ];
        for (text, path, out) in table {
            assert_eq!(of(text).excludes(path), out, "{text:?} {path}");
        }
    }

    /// What moby's patternmatcher 0.5 answers, asked of it: for each pattern or list of them, a path, and whether it is left out.
    #[test]
    fn patterns_mean_what_mobys_patternmatcher_says() {
        let table = include_str!("ignore.vectors");
        let mut count = 0;
        for line in table.lines().filter(|l| !l.starts_with('#')) {
            let (text, path, out) = match line.split('\t').collect::<Vec<_>>().as_slice() {
                [text, path, out] => (text.replace("; ", "\n"), (*path).to_owned(), *out == "out"),
                other => panic!("{other:?}"),
            };
            assert_eq!(of(&text).excludes(&path), out, "{text:?} {path}");
            count += 1;
        }
        assert!(count > 100, "{count}");
    }

    #[test]
    fn what_is_malformed_is_named_with_its_line() {
        let wrong = |text: &str| Ignore::parse(".dockerignore", text.as_bytes()).unwrap_err().to_string();
        assert!(wrong("a\n!\n").starts_with(".dockerignore:2:1: illegal exclusion pattern: \"!\""));
        assert!(wrong("[").starts_with(".dockerignore:1:1: syntax error in pattern: \"[\""));
    }

    #[test]
    fn directories_are_looked_into_only_if_something_may_come_back() {
        assert!(!of("a").may_take_back_below("a"));
        assert!(of("a\n!a/b/c").may_take_back_below("a"));
        assert!(of("a\n!a/b/c").may_take_back_below("a/b"));
        assert!(!of("a\n!a/b/c").may_take_back_below("x"));
        assert!(of("*\n!**/keep").may_take_back_below("x"));
        assert!(!of("*\n!src/*.c").may_take_back_below("doc"));
    }

    #[test]
    fn a_hundred_thousand_lines() {
        let text: String = (0..100_000).map(|n| format!("dir{n}/file\n")).collect();
        let ignore = of(&text);
        for n in 0..10_000 {
            assert!(ignore.excludes(&format!("dir{n}/file")));
            assert!(!ignore.excludes(&format!("dir{n}/other")));
        }
    }

    proptest! {
        /// The meaning without any of the shortcuts: every pattern against every beginning of the path, in order.
        #[test]
        fn shortcuts_change_nothing(lines in prop::collection::vec("!?[ab*]{1,2}(/[ab*]{1,2}){0,2}", 1..5), path in "[ab]{1,2}(/[ab]{1,2}){0,2}") {
            let mut out = false;
            for line in &lines {
                let (pattern, back) = line.strip_prefix('!').map_or((line.as_str(), false), |rest| (rest, true));
                let glob = Glob::read(pattern, true).unwrap();
                let mut ends: Vec<usize> = path.match_indices('/').map(|(at, _)| at).collect();
                ends.push(path.len());
                if ends.iter().any(|end| glob.matches(&path[..*end])) {
                    out = !back;
                }
            }
            prop_assert_eq!(of(&lines.join("\n")).excludes(&path), out);
        }

        #[test]
        fn nothing_panics(text in "[a!*?/\\[\\]#\\. \n\\\\-]{0,40}", path in "[a./]{1,10}") {
            if let Ok(ignore) = Ignore::parse("i", text.as_bytes()) {
                let _ = (ignore.excludes(&path), ignore.may_take_back_below(&path));
            }
        }
    }
}
