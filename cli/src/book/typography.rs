//! How Chinese is set: full-width punctuation, a space between Chinese and Latin, and marks that Markdown understands.
//!
//! Code is not looked into, but for punctuation that an input method puts there and no shell takes.

use super::block::Mistake;
use super::sections;

/// Whether a character is Chinese writing.
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}')
}

/// Punctuation that is as wide as a Chinese character.
fn is_wide(c: char) -> bool {
    "，。；：？！（）《》「」『』“”‘’、…—～".contains(c)
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

/// What is not set as it should be.
pub fn mistakes(chapter: &str) -> Vec<Mistake> {
    let mut all = Vec::new();
    for (number, line, inside) in sections::lines(chapter) {
        if line.starts_with("<!-- ") {
            continue;
        }
        let found = if inside { in_code(line) } else { in_prose(line) };
        all.extend(found.map(|what| Mistake::new(number, what)));
    }
    all
}

/// Comments in Chinese may stand in code; what a shell would read must be what a shell reads.
fn in_code(line: &str) -> Option<String> {
    let typed = line.trim_start().strip_prefix("$ ")?;
    let wrong = typed.chars().find(|c| is_wide(*c) || matches!(c, '\u{ff01}'..='\u{ff5e}' | '\u{3000}'))?;
    Some(format!("'{wrong}' in a command"))
}

fn in_prose(line: &str) -> Option<String> {
    if let Some(what) = weight(line) {
        return Some(what);
    }
    let text: Vec<char> = without_code(line).chars().collect();
    for (at, &c) in text.iter().enumerate() {
        let next = text.get(at + 1).copied().unwrap_or('\n');
        let before = at.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or('\n');
        // What a mark of Markdown stands at: the character beyond it.
        let beyond = text.iter().skip(at + 1).copied().find(|c| !matches!(c, '*' | '[' | ']')).unwrap_or('\n');
        let around = || text.iter().skip(at.saturating_sub(4)).take(9).collect::<String>();
        let what = match c {
            c if is_han(c) && (is_latin(next) || next == '`') => "no space between Chinese and Latin",
            c if (is_latin(c) || c == '`' || c == '%') && is_han(next) => "no space between Latin and Chinese",
            c if is_han(c) && matches!(next, '*' | '[') && (is_latin(beyond) || beyond == '`') => "no space between Chinese and Latin",
            c if is_han(c) && next == ' ' && is_han(beyond_space(&text, at + 1)) => "a space between Chinese and Chinese",
            ',' | ';' | ':' | '?' | '!' if is_han(before) || (is_han(next) && before != ' ') => "narrow punctuation in Chinese",
            '.' if is_han(before) => "narrow punctuation in Chinese",
            '(' | ')' if (is_han(before) || is_han(next)) && before != ']' => "narrow parentheses in Chinese",
            '"' | '\'' if is_han(before) || is_han(next) => "straight quotation marks in Chinese",
            // Cells of a table have spaces around them.
            c if is_wide(c) && c != '—' && c != '…' && next == ' ' && beyond_space(&text, at + 1) != '|' => {
                "a space after wide punctuation"
            }
            ' ' if is_wide(next) && next != '—' && before != '\n' && before != '|' && before != '-' && before != '>' => {
                "a space before wide punctuation"
            }
            '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' => "wide letters or digits",
            '.' if next == '.' && before != '.' && is_han(before_dots(&text, at)) => "three dots where … … is one",
            _ => continue,
        };
        return Some(format!("{what}: {:?}", around()));
    }
    None
}

fn beyond_space(text: &[char], at: usize) -> char {
    text.get(at + 1).copied().unwrap_or('\n')
}

fn before_dots(text: &[char], at: usize) -> char {
    at.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or('\n')
}

/// `**注意：**后面` stays as it is written: a closing mark after punctuation and before a letter closes nothing, and an opening one the other
/// way round opens nothing.
fn weight(line: &str) -> Option<String> {
    let text: Vec<char> = without_code(line).chars().collect();
    let mut open = false;
    let mut at = 0;
    while let Some(&c) = text.get(at) {
        if c != '*' {
            at += 1;
            continue;
        }
        let end = at + text.iter().skip(at).take_while(|c| **c == '*').count();
        let before = at.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or(' ');
        let after = text.get(end).copied().unwrap_or(' ');
        let (punctuated, lettered) = if open { (before, after) } else { (after, before) };
        let is_mark = |c: char| is_wide(c) || c.is_ascii_punctuation();
        if is_mark(punctuated) && !lettered.is_whitespace() && !is_mark(lettered) {
            return Some(format!("'*' between '{before}' and '{after}' marks nothing: put the punctuation outside"));
        }
        // A list's own mark opens nothing.
        if after != ' ' || open {
            open = !open;
        }
        at = end;
    }
    None
}

/// A line with what stands in code left out, its marks kept; and where links lead left out.
fn without_code(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut code = false;
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '`' => {
                code = !code;
                kept.push(c);
            }
            _ if code => {}
            ']' if rest.starts_with('(') => {
                rest = rest.split_once(')').map_or("", |(_, after)| after);
            }
            '[' => {}
            '{' if rest.starts_with('#') => rest = rest.split_once('}').map_or("", |(_, after)| after),
            c => kept.push(c),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_well_set_is_not_touched() {
        for line in [
            "容器（container）是主机内核的一个进程：它看到的更少。",
            "用 `docker ps` 看一看，再用 `kill -9` 结束它；137 是 128 加 9。",
            "- *镜像的最底层有内核。* 从来没有。",
            "**注意**：后面是正文，见[标签、摘要](names-of-images.md#see)。",
            "| created（已创建） | 只有文件和记录，没有进程 | `start` |",
            "## 看一看 {#see}",
            "他说“容器”……然后走了——没有回头。",
            "运行 Linux 2.6.32 以上的内核，占 5% 的内存。",
            "English, only; here: yes (of course)!",
            "1. 第一步",
            "到 Linux。",
        ] {
            assert_eq!(in_prose(line), None, "{line}");
        }
    }

    #[test]
    fn what_is_not_is_found() {
        for (line, what) in [
            ("用docker运行", "no space between Chinese and Latin"),
            ("用 docker运行", "no space between Latin and Chinese"),
            ("看`ps`的输出", "no space between Chinese and Latin"),
            ("看 `ps`的输出", "no space between Latin and Chinese"),
            ("容器,镜像", "narrow punctuation"),
            ("容器.", "narrow punctuation"),
            ("容器(container)", "narrow parentheses"),
            ("一个\"容器\"", "straight quotation marks"),
            ("容器， 镜像", "a space after wide punctuation"),
            ("Linux ，镜像", "a space before wide punctuation"),
            ("容 器", "a space between Chinese and Chinese"),
            ("１２３", "wide letters or digits"),
            ("**注意：**后面", "marks nothing"),
            ("后面**“注意”**", "marks nothing"),
            ("看[ps](a.md) 的", "no space between Chinese and Latin"),
        ] {
            let found = in_prose(line).unwrap_or_default();
            assert!(found.contains(what), "{line}: {found:?}");
        }
    }

    #[test]
    fn commands_have_what_a_shell_takes() {
        let found = mistakes("```text\n$ docker run －－rm a\n# 注释，可以\n$ echo “x”\n```\n容器,\n");
        assert_eq!(found.iter().map(|m| m.number).collect::<Vec<_>>(), [2, 4, 6], "{found:?}");
    }
}
