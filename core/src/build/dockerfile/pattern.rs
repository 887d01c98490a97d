//! The patterns of `${v#p}`, `${v%p}` and `${v/p/r}`: `*`, `?`, and escaped characters.

/// One part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// This character.
    One(char),
    /// Any character.
    Any,
    /// Any number of any characters.
    Many,
}

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Part>);

impl Pattern {
    pub(super) fn read(text: &str, escape: char) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            parts.push(match c {
                '*' => Part::Many,
                '?' => Part::Any,
                c if c == escape => Part::One(chars.next().ok_or("a pattern ends with an escape")?),
                c => Part::One(c),
            });
        }
        Ok(Self(parts))
    }

    /// Every length of a beginning of the text that fits, ascending. All states go forward together, so that no pattern costs more
    /// than its length for each character.
    fn lengths(&self, text: &[char]) -> Vec<usize> {
        let parts = &self.0;
        let mut states = vec![false; parts.len() + 1];
        states[0] = true;
        let close = |states: &mut [bool]| {
            for i in 0..parts.len() {
                if states[i] && parts[i] == Part::Many {
                    states[i + 1] = true;
                }
            }
        };
        close(&mut states);
        let mut all = Vec::new();
        if states[parts.len()] {
            all.push(0);
        }
        for (at, c) in text.iter().enumerate() {
            let mut next = vec![false; parts.len() + 1];
            for i in 0..parts.len() {
                if states[i] {
                    match &parts[i] {
                        Part::Many => next[i] = true,
                        Part::Any => next[i + 1] = true,
                        Part::One(wanted) => next[i + 1] |= wanted == c,
                    }
                }
            }
            close(&mut next);
            states = next;
            if states[parts.len()] {
                all.push(at + 1);
            }
            if !states.contains(&true) {
                break;
            }
        }
        all
    }

    fn reversed(&self) -> Self {
        Self(self.0.iter().rev().cloned().collect())
    }

    pub(super) fn without_start(&self, value: &str, greedy: bool) -> String {
        let text: Vec<char> = value.chars().collect();
        let lengths = self.lengths(&text);
        let cut = if greedy { lengths.last() } else { lengths.first() }.copied().unwrap_or(0);
        text[cut..].iter().collect()
    }

    pub(super) fn without_end(&self, value: &str, greedy: bool) -> String {
        let text: Vec<char> = value.chars().rev().collect();
        let lengths = self.reversed().lengths(&text);
        let cut = if greedy { lengths.last() } else { lengths.first() }.copied().unwrap_or(0);
        text[cut..].iter().rev().collect()
    }

    /// Replaces the first place, or all. A pattern takes as much as it can.
    pub(super) fn replace(&self, value: &str, replacement: &str, all: bool) -> String {
        let text: Vec<char> = value.chars().collect();
        let mut out = String::new();
        let mut at = 0;
        while at < text.len() {
            match self.lengths(&text[at..]).last().copied().filter(|l| *l > 0) {
                Some(length) => {
                    out.push_str(replacement);
                    at += length;
                    if !all {
                        break;
                    }
                }
                None => {
                    out.push(text[at]);
                    at += 1;
                }
            }
        }
        out.extend(&text[at..]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest_and_longest() {
        let p = |text: &str| Pattern::read(text, '\\').unwrap();
        assert_eq!(p("a*b").without_start("aabab", false), "ab");
        assert_eq!(p("a*b").without_start("aabab", true), "");
        assert_eq!(p("b*").without_end("abab", false), "aba");
        assert_eq!(p("b*").without_end("abab", true), "a");
        assert_eq!(p("\\*").without_start("*a", false), "a");
        assert_eq!(p("?").replace("abc", "-", true), "---");
        assert_eq!(p("").replace("abc", "-", true), "abc");
    }

    #[test]
    fn stars_cost_no_more_than_their_number() {
        let p = Pattern::read(&"*a".repeat(300), '\\').unwrap();
        assert_eq!(p.without_start(&"a".repeat(299), true).len(), 299);
    }
}
