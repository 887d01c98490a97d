//! `cut`, `wc`, `nl`, `paste`.

use super::{inputs, lines};
use crate::programs::cmd::{Cmd, Exit, Spec};

/// Ranges of a list such as `1,3-5,7-`; counted from 1, both ends in.
fn ranges(list: &str) -> Option<Vec<(usize, usize)>> {
    list.split(',')
        .map(|part| {
            let number = |text: &str, default| if text.is_empty() { Some(default) } else { text.parse::<usize>().ok().filter(|n| *n > 0) };
            let (from, to) = match part.split_once('-') {
                Some(("", "")) => return None,
                Some((from, to)) => (number(from, 1)?, number(to, usize::MAX)?),
                None => (part.parse().ok().filter(|n| *n > 0)?, part.parse().ok()?),
            };
            (from <= to).then_some((from, to))
        })
        .collect()
}

/// `cut -b list | -c list | -f list [-d character] [-s] [file…]`
pub async fn cut(cmd: &mut Cmd) -> Exit {
    let usage = "[OPTIONS] [FILE]...\n\nPrint selected fields from FILEs to stdout";
    let options = cmd.options(&Spec { short: "b:c:f:d:sn", not_modelled: "DOF", usage, ..Spec::default() }).await?;
    let (list, fields) = match (options.value('b').or(options.value('c')), options.value('f')) {
        (Some(list), None) => (list, false),
        (None, Some(list)) => (list, true),
        (None, None) => return Err(cmd.fail("expected a list of bytes, characters, or fields").await),
        (Some(_), Some(_)) => return Err(cmd.fail("only one type of list may be specified").await),
    };
    let Some(ranges) = ranges(list) else { return Err(cmd.fail(format!("invalid range {list}")).await) };
    let chosen = |i: usize| ranges.iter().any(|(from, to)| (*from..=*to).contains(&(i + 1)));
    let delimiter = options.value('d').and_then(|d| d.chars().next()).unwrap_or('\t');
    let mut status = 0;
    for path in inputs(&options.operands) {
        let Some(text) = super::text(cmd, &path).await else {
            status = 1;
            continue;
        };
        for line in lines(&text) {
            if !fields {
                cmd.line(line.chars().enumerate().filter(|(i, _)| chosen(*i)).map(|(_, c)| c).collect::<String>()).await?;
            } else if line.contains(delimiter) {
                let parts: Vec<&str> = line.split(delimiter).enumerate().filter(|(i, _)| chosen(*i)).map(|(_, p)| p).collect();
                cmd.line(parts.join(&delimiter.to_string())).await?;
            } else if !options.has('s') {
                cmd.line(line).await?;
            }
        }
    }
    Ok(status)
}

/// `wc [-clwL] [file…]`
pub async fn wc(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&Spec { short: "clwmL", usage: "[-cmlwL] [FILE]...", ..Spec::default() }).await?;
    let letters: Vec<char> = "lwmcL".chars().filter(|c| options.has(*c)).collect();
    let letters = if letters.is_empty() { vec!['l', 'w', 'c'] } else { letters };
    let show = |counts: &[usize; 5], name: &str| {
        let numbers: Vec<usize> = letters.iter().map(|c| counts["lwmcL".find(*c).unwrap_or(0)]).collect();
        // One number of one file is not padded.
        let text = match numbers.as_slice() {
            [one] if options.operands.len() < 2 => one.to_string(),
            many => many.iter().map(|n| format!("{n:9}")).collect::<Vec<_>>().join(" "),
        };
        if name.is_empty() { text } else { format!("{text} {name}") }
    };
    let mut total = [0; 5];
    let mut status = 0;
    for path in inputs(&options.operands) {
        let Ok(bytes) = cmd.read(&path).await else {
            status = 1;
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let counts = [
            bytes.iter().filter(|b| **b == b'\n').count(),
            text.split_ascii_whitespace().count(),
            text.chars().count(),
            bytes.len(),
            lines(&text).into_iter().map(|l| l.chars().count()).max().unwrap_or(0),
        ];
        for (sum, n) in total.iter_mut().zip(counts) {
            *sum += n;
        }
        total[4] = total[4].max(counts[4]);
        cmd.line(show(&counts, if options.operands.is_empty() { "" } else { &path })).await?;
    }
    if options.operands.len() > 1 {
        cmd.line(show(&total, "total")).await?;
    }
    Ok(status)
}

/// `nl [file…]`: numbers lines that are not empty.
pub async fn nl(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&Spec { short: "b:", not_modelled: "insvw", usage: "[OPTIONS] [FILE]...", ..Spec::default() }).await?;
    let all = options.value('b') == Some("a");
    let mut number = 0;
    for path in inputs(&options.operands) {
        let Some(text) = super::text(cmd, &path).await else { return Ok(1) };
        for line in lines(&text) {
            if line.is_empty() && !all {
                cmd.line("       ").await?;
            } else {
                number += 1;
                cmd.line(format!("{number:6}\t{line}")).await?;
            }
        }
    }
    Ok(0)
}

/// `paste [-d characters] [-s] [file…]`
pub async fn paste(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&Spec { short: "d:s", usage: "[OPTIONS] [FILE]...", ..Spec::default() }).await?;
    let delimiters: Vec<char> = options.value('d').unwrap_or("\t").chars().collect();
    let join = |parts: &[&str]| {
        let mut out = String::new();
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                out.extend(delimiters.get((i - 1) % delimiters.len().max(1)));
            }
            out.push_str(part);
        }
        out
    };
    let mut texts = Vec::new();
    for path in inputs(&options.operands) {
        let Some(text) = super::text(cmd, &path).await else { return Ok(1) };
        texts.push(text);
    }
    let columns: Vec<Vec<&str>> = texts.iter().map(|text| lines(text)).collect();
    if options.has('s') {
        for column in &columns {
            cmd.line(join(column)).await?;
        }
        return Ok(0);
    }
    for row in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
        let parts: Vec<&str> = columns.iter().map(|column| column.get(row).copied().unwrap_or("")).collect();
        cmd.line(join(&parts)).await?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_ranges_counted_from_one() {
        assert_eq!(ranges("1,3-5,7-"), Some(vec![(1, 1), (3, 5), (7, usize::MAX)]));
        assert_eq!(ranges("-2"), Some(vec![(1, 2)]));
        assert_eq!((ranges("0"), ranges("3-1"), ranges("-"), ranges("x")), (None, None, None, None));
    }
}
