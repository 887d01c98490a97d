//! Patterns over paths: `*`, `?`, `[a-z]`, `\x`, and `**` where it is asked for. Matching costs at most the pattern's length for each
//! character of the path, whatever the pattern is.

/// One part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// This character.
    One(char),
    /// `?`: any character but a slash.
    Any,
    /// `*`: any number of characters but slashes.
    Star,
    /// `[…]`, which may be a slash where `**` has a meaning: there Go's regular expressions say what fits.
    Class { negated: bool, ranges: Vec<(char, char)>, slash: bool },
    /// `**` at the end, or before a plain text: anything.
    Rest,
    /// `**/`: nothing, or anything that ends with a slash.
    Directories,
}

/// A pattern over whole paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    parts: Vec<Part>,
}

/// Where a simulation of all ways at once is: before each part, or within one that takes any number.
struct States(Vec<bool>);

impl Glob {
    /// Reads a pattern. With `double`, `**` crosses slashes (.dockerignore); without it is two stars (Go: `filepath.Match`).
    /// `None` if it is malformed: a class or an escape without its end.
    pub fn read(pattern: &str, double: bool) -> Option<Self> {
        let chars: Vec<char> = pattern.chars().collect();
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(c) = chars.get(at).copied() {
            at += 1;
            match c {
                '*' if double && chars.get(at) == Some(&'*') => {
                    let first = at == 1;
                    at += 1;
                    let slash = chars.get(at) == Some(&'/');
                    at += usize::from(slash);
                    let rest = &chars[at..];
                    // Before a plain text, two stars at the very beginning are any text at all: `**.log` is what ends with .log.
                    let plain = first && !slash && !rest.iter().any(|c| matches!(c, '*' | '?' | '[' | ']' | '\\'));
                    parts.push(if rest.is_empty() || plain { Part::Rest } else { Part::Directories });
                }
                '*' => parts.push(Part::Star),
                '?' => parts.push(Part::Any),
                '\\' => {
                    parts.push(Part::One(chars.get(at).copied()?));
                    at += 1;
                }
                '[' => {
                    let (part, next) = class(&chars, at, double)?;
                    parts.push(part);
                    at = next;
                }
                c => parts.push(Part::One(c)),
            }
        }
        Some(Self { parts })
    }

    /// Whether there is nothing in it that matches more than one text.
    pub fn is_literal(pattern: &str) -> bool {
        !pattern.contains(['*', '?', '[', '\\'])
    }

    /// Whether a whole path fits.
    pub fn matches(&self, path: &str) -> bool {
        self.last_fit(path, true).is_some()
    }

    /// Whether a path fits, or a directory it is in.
    pub fn matches_or_parent(&self, path: &str) -> bool {
        self.last_fit(path, false).is_some()
    }

    /// Goes through the path once; with `whole` only its end counts, without it every end of a directory's name too.
    fn last_fit(&self, path: &str, whole: bool) -> Option<()> {
        let mut states = self.begin();
        for c in path.chars() {
            if c == '/' && !whole && self.ended(&states) {
                return Some(());
            }
            states = self.step(&states, c);
            if !states.0.contains(&true) {
                return None;
            }
        }
        self.ended(&states).then_some(())
    }

    fn begin(&self) -> States {
        let mut states = States(vec![false; 2 * self.parts.len() + 1]);
        self.enter(&mut states, 0);
        states
    }

    /// Comes to stand before a part, and before those after it that may be nothing.
    fn enter(&self, states: &mut States, mut part: usize) {
        loop {
            states.0[2 * part] = true;
            match self.parts.get(part) {
                Some(Part::Star | Part::Rest | Part::Directories) => part += 1,
                _ => return,
            }
        }
    }

    fn step(&self, states: &States, c: char) -> States {
        let mut next = States(vec![false; states.0.len()]);
        for (i, part) in self.parts.iter().enumerate() {
            let (before, within) = (states.0[2 * i], states.0[2 * i + 1]);
            if !before && !within {
                continue;
            }
            match part {
                Part::One(wanted) if *wanted == c => self.enter(&mut next, i + 1),
                Part::Any if c != '/' => self.enter(&mut next, i + 1),
                Part::Class { negated, ranges, slash }
                    if (c != '/' || *slash) && ranges.iter().any(|(a, b)| (*a..=*b).contains(&c)) != *negated =>
                {
                    self.enter(&mut next, i + 1);
                }
                Part::Star if c != '/' => self.enter(&mut next, i),
                Part::Rest => self.enter(&mut next, i),
                Part::Directories => {
                    next.0[2 * i + 1] = true;
                    if c == '/' {
                        self.enter(&mut next, i + 1);
                    }
                }
                _ => {}
            }
        }
        next
    }

    fn ended(&self, states: &States) -> bool {
        states.0[2 * self.parts.len()]
    }
}

/// A class after its bracket, and where the pattern goes on.
fn class(chars: &[char], mut at: usize, slash: bool) -> Option<(Part, usize)> {
    let negated = chars.get(at) == Some(&'^');
    at += usize::from(negated);
    let mut ranges = Vec::new();
    loop {
        let one = |at: &mut usize| -> Option<char> {
            let c = chars.get(*at).copied()?;
            *at += 1;
            if c == '\\' {
                let escaped = chars.get(*at).copied()?;
                *at += 1;
                return Some(escaped);
            }
            Some(c)
        };
        if chars.get(at) == Some(&']') && !ranges.is_empty() {
            return Some((Part::Class { negated, ranges, slash }, at + 1));
        }
        if matches!(chars.get(at), Some('-' | ']')) {
            return None;
        }
        let low = one(&mut at)?;
        let high = if chars.get(at) == Some(&'-') {
            at += 1;
            if chars.get(at) == Some(&']') {
                return None;
            }
            one(&mut at)?
        } else {
            low
        };
        ranges.push((low, high));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_mean_what_go_says() {
        let table = [
            ("a*", "abc", true),
            ("a*", "a/b", false),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("a[^b]c", "a/c", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("[\\]]", "]", true),
            ("*/b", "a/b", true),
            ("", "", true),
        ];
        for (pattern, path, fits) in table {
            assert_eq!(Glob::read(pattern, false).unwrap().matches(path), fits, "{pattern} {path}");
        }
        for bad in ["[", "[a", "[]a]", "[-a]", "[a-]", "\\", "[^"] {
            assert_eq!(Glob::read(bad, false), None, "{bad}");
        }
    }

    #[test]
    fn two_stars_mean_what_mobys_patternmatcher_says() {
        let table = [
            ("**.log", "x.log", true),
            ("**.log", "a/x.log", true),
            ("**a", "ba", true),
            ("**/a", "ba", false),
            ("**a*", "ba", false),
            ("**a*", "b/ax", true),
            ("x**a", "xba", false),
            ("x**a", "xb/a", true),
            ("x**a", "xa", true),
            ("***", "a/b", true),
            ("***a", "b/xa", true),
            ("****a", "xa", false),
            ("a**", "ab/c", true),
            ("a[^b]c", "a/c", true),
        ];
        for (pattern, path, fits) in table {
            assert_eq!(Glob::read(pattern, true).unwrap().matches(path), fits, "{pattern} {path}");
        }
    }

    #[test]
    fn a_thousand_stars_are_no_harder() {
        let glob = Glob::read(&format!("{}b", "*a".repeat(1000)), true).unwrap();
        assert!(!glob.matches(&"a".repeat(2000)));
    }

    proptest! {
        #[test]
        fn nothing_panics(pattern in "[\\]\\[a*?/^\\\\-]{0,20}", path in "[a-c/*]{0,20}") {
            if let Some(glob) = Glob::read(&pattern, true) {
                let _ = glob.matches_or_parent(&path);
            }
        }

        #[test]
        fn a_literal_fits_itself_only(text in "[a-z/.]{1,12}", other in "[a-z/.]{1,12}") {
            let glob = Glob::read(&text, true).unwrap();
            prop_assert!(glob.matches(&text));
            prop_assert_eq!(glob.matches(&other), text == other);
        }
    }
}
