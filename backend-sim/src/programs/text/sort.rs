//! `sort`, `uniq`, `comm`.

use super::{inputs, lines};
use crate::programs::cmd::{Cmd, Exit, Spec};
use std::cmp::Ordering;

/// One `-k`: from field and character, to field and character, and its own letters.
#[derive(Clone, Debug, Default)]
struct Key {
    from: (usize, usize),
    to: Option<(usize, usize)>,
    letters: String,
}

fn key(text: &str) -> Option<Key> {
    let position = |text: &str| -> Option<((usize, usize), String)> {
        let digits: String = text.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        let letters = text[digits.len()..].to_owned();
        let (field, character) = digits.split_once('.').unwrap_or((&digits, "0"));
        Some(((field.parse().ok()?, character.parse().ok()?), letters))
    };
    let (from, to) = text.split_once(',').map_or((text, None), |(f, t)| (f, Some(t)));
    let (from, mut letters) = position(from)?;
    let to = match to {
        Some(to) => {
            let (to, more) = position(to)?;
            letters.push_str(&more);
            Some(to)
        }
        None => None,
    };
    Some(Key { from, to, letters })
}

/// Where each field starts and ends; without a separator a field takes the blanks before it.
fn fields(line: &str, separator: Option<char>) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut text_seen = false;
    for (i, c) in line.char_indices() {
        match separator {
            Some(s) if c == s => {
                out.push((start, i));
                start = i + c.len_utf8();
            }
            Some(_) => {}
            None if c == ' ' || c == '\t' => {
                if text_seen {
                    out.push((start, i));
                    start = i;
                    text_seen = false;
                }
            }
            None => text_seen = true,
        }
    }
    out.push((start, line.len()));
    out
}

fn part<'a>(line: &'a str, key: &Key, separator: Option<char>) -> &'a str {
    let fields = fields(line, separator);
    let at = |(field, character): (usize, usize), end: bool| -> usize {
        let Some(&(start, stop)) = fields.get(field.max(1) - 1) else { return line.len() };
        match (character, end) {
            (0, true) => stop,
            (0, false) => start,
            (n, end) => line[start..].char_indices().nth(n - usize::from(!end)).map_or(line.len(), |(i, _)| start + i),
        }
    };
    let start = at(key.from, false);
    let end = key.to.map_or(line.len(), |to| at(to, true));
    line.get(start..end.max(start)).unwrap_or("")
}

fn number(text: &str) -> f64 {
    let text = text.trim_start();
    let end = text.char_indices().take_while(|(i, c)| c.is_ascii_digit() || *c == '.' || (*i == 0 && *c == '-')).count();
    text[..end].parse().unwrap_or(0.0)
}

fn human(text: &str) -> f64 {
    let unit = text.trim().chars().last().unwrap_or(' ');
    let power = "KMGTPE".find(unit.to_ascii_uppercase()).map_or(0, |i| i as i32 + 1);
    number(text) * 1024f64.powi(power)
}

fn compare(a: &str, b: &str, letters: &str) -> Ordering {
    let has = |letter: char| letters.contains(letter);
    let (a, b) = if has('b') { (a.trim_start(), b.trim_start()) } else { (a, b) };
    let order = if has('n') || has('g') {
        number(a).total_cmp(&number(b))
    } else if has('h') {
        human(a).total_cmp(&human(b))
    } else if has('V') {
        version(a).cmp(&version(b))
    } else if has('f') {
        a.to_uppercase().cmp(&b.to_uppercase())
    } else {
        a.cmp(b)
    };
    if has('r') { order.reverse() } else { order }
}

/// A text with its runs of digits as numbers.
fn version(text: &str) -> Vec<(String, u64)> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let words = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(words);
        let digits = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        out.push((word.to_owned(), tail[..digits].parse().unwrap_or(0)));
        rest = &tail[digits..];
    }
    out
}

/// `sort [-nrufbghV] [-t character] [-k key] [-o file] [-c] [file…]`
pub async fn sort(cmd: &mut Cmd) -> Exit {
    let usage = "[-nrughMcszbdfiokt] [-o FILE] [-k START[.OFS][OPTS][,END[.OFS][OPTS]] [-t CHAR] [FILE]...";
    let options = cmd.options(&Spec { short: "nrughVfbcsk:t:o:", not_modelled: "Mdizm", usage, ..Spec::default() }).await?;
    let global: String = "nrghVfb".chars().filter(|c| options.has(*c)).collect();
    let separator = options.value('t').and_then(|t| t.chars().next());
    let mut keys = Vec::new();
    for text in options.values('k') {
        match key(text) {
            Some(mut key) => {
                if key.letters.is_empty() {
                    key.letters = global.clone();
                }
                keys.push(key);
            }
            None => return Err(cmd.fail(format!("bad field specification '{text}'")).await),
        }
    }
    let by_keys = |a: &str, b: &str| {
        if keys.is_empty() {
            return compare(a, b, &global);
        }
        let orders = keys.iter().map(|key| compare(part(a, key, separator), part(b, key, separator), &key.letters));
        orders.fold(Ordering::Equal, Ordering::then)
    };
    let order = |a: &str, b: &str| {
        let last = || if global.contains('r') { b.cmp(a) } else { a.cmp(b) };
        let order = by_keys(a, b);
        if options.has('s') { order } else { order.then_with(last) }
    };
    let mut all: Vec<String> = Vec::new();
    for path in inputs(&options.operands) {
        let Some(text) = super::text(cmd, &path).await else { return Ok(2) };
        all.extend(lines(&text).into_iter().map(str::to_owned));
    }
    if options.has('c') {
        let wrong = all.windows(2).position(|w| order(&w[0], &w[1]) == Ordering::Greater);
        return match wrong {
            Some(i) => Err(cmd.fail(format!("{}:{}: disorder: {}", inputs(&options.operands)[0], i + 2, all[i + 1])).await),
            None => Ok(0),
        };
    }
    all.sort_by(|a, b| order(a, b));
    if options.has('u') {
        all.dedup_by(|b, a| by_keys(a, b) == Ordering::Equal);
    }
    let text: String = all.iter().map(|line| format!("{line}\n")).collect();
    match options.value('o') {
        Some(path) => match cmd.sys.write_file(path, text.as_bytes()).await {
            Ok(()) => Ok(0),
            Err(error) => Err(cmd.fail_at(path, error).await),
        },
        None => cmd.print(text).await.map(|()| 0),
    }
}

/// `uniq [-cdui] [-f fields] [-s characters] [input [output]]`
pub async fn uniq(cmd: &mut Cmd) -> Exit {
    let usage = "[-cduiz] [-f,s,w N] [FILE [OUTFILE]]";
    let options = cmd.options(&Spec { short: "cduif:s:w:", not_modelled: "z", usage, ..Spec::default() }).await?;
    let number = |letter: char| options.value(letter).and_then(|n| n.parse::<usize>().ok());
    let path = options.operands.first().map_or("-", String::as_str).to_owned();
    let Some(text) = super::text(cmd, &path).await else { return Ok(1) };
    let key = |line: &str| {
        let mut rest = line;
        for _ in 0..number('f').unwrap_or(0) {
            rest = rest.trim_start();
            rest = &rest[rest.find(char::is_whitespace).unwrap_or(rest.len())..];
        }
        let rest: String = rest.chars().skip(number('s').unwrap_or(0)).take(number('w').unwrap_or(usize::MAX)).collect();
        if options.has('i') { rest.to_lowercase() } else { rest }
    };
    let mut groups: Vec<(String, &str, usize)> = Vec::new();
    for line in lines(&text) {
        let key = key(line);
        match groups.last_mut() {
            Some((last, _, count)) if *last == key => *count += 1,
            _ => groups.push((key, line, 1)),
        }
    }
    let mut out = String::new();
    for (_, line, count) in groups {
        if (options.has('d') && count == 1) || (options.has('u') && count > 1) {
            continue;
        }
        out.push_str(&if options.has('c') { format!("{count:7} {line}\n") } else { format!("{line}\n") });
    }
    match options.operands.get(1) {
        Some(path) => match cmd.sys.write_file(path, out.as_bytes()).await {
            Ok(()) => Ok(0),
            Err(error) => Err(cmd.fail_at(path, error).await),
        },
        None => cmd.print(out).await.map(|()| 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_parts_of_lines() {
        let second = key("2,2n").expect("valid");
        assert_eq!(part("a:10:x", &second, Some(':')), "10");
        assert_eq!(part("a  10 x", &second, None), "  10");
        assert_eq!(part("abc", &key("1.2,1.2").expect("valid"), None), "b");
        assert_eq!(compare(" 10", "9", "n"), Ordering::Greater);
        assert_eq!(compare("2K", "1M", "h"), Ordering::Less);
        assert_eq!(compare("v1.10", "v1.9", "V"), Ordering::Greater);
        assert_eq!(compare("a", "B", "f"), Ordering::Less);
    }
}
