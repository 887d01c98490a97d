//! `grep`, `egrep`, `fgrep`.

use super::regex::{BadPattern, Grammar, compile};
use super::{inputs, lines};
use crate::programs::cmd::{Cmd, Exit, Options, Spec};
use crate::sys::{FileType, Sys};
use regex_lite::Regex;

const GREP: Spec = Spec {
    short: "HhnlLoqvsriwxcFEe:f:m:A:B:C:",
    long: &[],
    not_modelled: "zyR",
    usage: "[-HhnlLoqvsriwFE] [-m N] [-A|B|C N] { PATTERN | -e PATTERN... | -f FILE... } [FILE]...",
};

/// `grep [options] pattern [file…]`; status 0 if something was found, 1 if not, 2 for errors.
pub async fn grep(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&GREP).await.map_err(|code| if code == 1 { 2 } else { code })?;
    let mut operands = options.operands.clone();
    let mut patterns: Vec<String> = options.values('e').to_vec();
    for path in options.values('f') {
        let Some(text) = super::text(cmd, path).await else { return Ok(2) };
        patterns.extend(lines(&text).into_iter().map(str::to_owned));
    }
    if patterns.is_empty() && options.value('f').is_none() {
        if operands.is_empty() {
            cmd.usage(&GREP, "").await;
            return Ok(2);
        }
        patterns.extend(lines(&operands.remove(0)).into_iter().map(str::to_owned));
        if patterns.is_empty() {
            patterns.push(String::new());
        }
    }
    let search = Search::new(cmd, &options, &patterns).await?;
    let recursive = options.has('r');
    let mut files = if recursive && operands.is_empty() { vec![".".to_owned()] } else { inputs(&operands) };
    if recursive {
        files = files.into_iter().flat_map(|path| walk(&cmd.sys, path)).collect();
    }
    let titles = !options.has('h') && (options.has('H') || recursive || operands.len() > 1);
    let (mut found, mut failed) = (false, false);
    for path in files {
        let text = if path != "-" && options.has('s') {
            cmd.sys.read_file(&path).await.ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        } else {
            super::text(cmd, &path).await
        };
        let Some(text) = text else {
            failed = true;
            continue;
        };
        let title = if path == "-" { "(standard input)" } else { &path };
        found |= search.file(cmd, title, titles, &text).await?;
        if found && options.has('q') {
            return Ok(0);
        }
    }
    Ok(if failed && !(found && options.has('q')) { 2 } else { i32::from(!found) })
}

fn walk(sys: &Sys, path: String) -> Vec<String> {
    match sys.stat(&path) {
        Ok(stat) if stat.kind == FileType::Directory => {
            let entries = sys.readdir(&path).unwrap_or_default();
            entries.into_iter().flat_map(|entry| walk(sys, format!("{}/{}", path.trim_end_matches('/'), entry.name))).collect()
        }
        _ => vec![path],
    }
}

struct Search {
    patterns: Vec<Regex>,
    invert: bool,
    whole_word: bool,
    whole_line: bool,
    count: bool,
    quiet: bool,
    with_match: bool,
    without_match: bool,
    only: bool,
    numbers: bool,
    most: Option<usize>,
    before: usize,
    after: usize,
}

impl Search {
    async fn new(cmd: &mut Cmd, options: &Options, patterns: &[String]) -> Result<Self, i32> {
        let grammar = match (options.has('F') || cmd.name == "fgrep", options.has('E') || cmd.name == "egrep") {
            (true, _) => Grammar::Fixed,
            (_, true) => Grammar::Extended,
            _ => Grammar::Basic,
        };
        let mut compiled = Vec::new();
        for pattern in patterns {
            match compile(pattern, grammar, options.has('i')) {
                Ok(regex) => compiled.push(regex),
                Err(BadPattern::NotModelled(what)) => return Err(cmd.not_modelled(what).await),
                Err(BadPattern::Wrong(message)) => {
                    cmd.fail(message).await;
                    return Err(2);
                }
            }
        }
        let number = |letter: char| options.value(letter).and_then(|n| n.parse::<usize>().ok());
        Ok(Self {
            patterns: compiled,
            invert: options.has('v'),
            whole_word: options.has('w'),
            whole_line: options.has('x'),
            count: options.has('c'),
            quiet: options.has('q'),
            with_match: options.has('l'),
            without_match: options.has('L'),
            only: options.has('o'),
            numbers: options.has('n'),
            most: number('m'),
            before: number('B').or(number('C')).unwrap_or(0),
            after: number('A').or(number('C')).unwrap_or(0),
        })
    }

    /// Where a line matches, without overlaps.
    fn matches(&self, line: &str) -> Vec<(usize, usize)> {
        let mut all: Vec<(usize, usize)> = self
            .patterns
            .iter()
            .flat_map(|regex| regex.find_iter(line).map(|m| (m.start(), m.end())))
            .filter(|&(start, end)| !self.whole_line || (start == 0 && end == line.len()))
            .filter(|&(start, end)| !self.whole_word || is_word(line, start, end))
            .collect();
        // At one place the longest counts.
        all.sort_by_key(|&(start, end)| (start, std::cmp::Reverse(end)));
        let mut end = 0;
        all.retain(|&(s, e)| {
            let keep = s >= end;
            end = end.max(e);
            keep
        });
        all
    }

    async fn file(&self, cmd: &mut Cmd, title: &str, titles: bool, text: &str) -> Result<bool, i32> {
        let prefix = |number: usize, separator: char| {
            let title = if titles { format!("{title}{separator}") } else { String::new() };
            if self.numbers { format!("{title}{number}{separator}") } else { title }
        };
        let lines = lines(text);
        let (mut count, mut after, mut shown) = (0, 0, 0);
        for (i, line) in lines.iter().enumerate() {
            let matches = self.matches(line);
            if matches.is_empty() != self.invert {
                if after > 0 {
                    after -= 1;
                    cmd.line(format!("{}{line}", prefix(i + 1, '-'))).await?;
                    shown = i + 1;
                }
                continue;
            }
            count += 1;
            if !(self.quiet || self.count || self.with_match || self.without_match) {
                let from = i.saturating_sub(self.before).max(shown);
                if (self.before > 0 || self.after > 0) && shown > 0 && from > shown {
                    cmd.line("--").await?;
                }
                for (j, earlier) in lines.iter().enumerate().take(i).skip(from) {
                    cmd.line(format!("{}{earlier}", prefix(j + 1, '-'))).await?;
                }
                shown = i + 1;
                after = self.after;
                if self.only {
                    for (start, end) in matches.iter().filter(|(s, e)| s != e) {
                        cmd.line(format!("{}{}", prefix(i + 1, ':'), &line[*start..*end])).await?;
                    }
                } else {
                    cmd.line(format!("{}{line}", prefix(i + 1, ':'))).await?;
                }
            }
            if self.quiet || self.with_match || self.most.is_some_and(|most| count >= most) {
                break;
            }
        }
        if self.with_match && count > 0 || self.without_match && count == 0 {
            cmd.line(title).await?;
        } else if self.count && !self.quiet && !self.with_match && !self.without_match {
            let title = if titles { format!("{title}:") } else { String::new() };
            cmd.line(format!("{title}{count}")).await?;
        }
        Ok(if self.without_match { count == 0 } else { count > 0 })
    }
}

fn is_word(line: &str, start: usize, end: usize) -> bool {
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    !letter(line[..start].chars().next_back()) && !letter(line[end..].chars().next())
}
