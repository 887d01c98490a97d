//! `head` and `tail`.

use super::inputs;
use crate::programs::cmd::{Cmd, Exit, Options, Spec};
use crate::sys::{Fd, OpenFlags, STDIN, Whence};
use std::time::Duration;

/// How much, and counted from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Amount {
    count: u64,
    bytes: bool,
    /// `head -n -5`: all but the last five; `tail -n +5`: from the fifth.
    other: bool,
}

fn amount(text: &str, bytes: bool, sign: char) -> Option<Amount> {
    let (other, digits) = match text.strip_prefix(sign) {
        Some(rest) => (true, rest),
        None => (false, text.trim_start_matches(['-', '+'])),
    };
    let (digits, unit) = match digits.chars().last()? {
        'k' | 'K' => (&digits[..digits.len() - 1], 1024),
        'm' | 'M' => (&digits[..digits.len() - 1], 1024 * 1024),
        'b' => (&digits[..digits.len() - 1], 512),
        _ => (digits, 1),
    };
    Some(Amount { count: digits.parse::<u64>().ok()? * unit, bytes, other })
}

/// `-5` is `-n 5`.
fn historic(cmd: &mut Cmd) {
    if let Some(first) = cmd.args.first_mut()
        && first.len() > 1
        && first.starts_with('-')
        && first[1..].chars().all(|c| c.is_ascii_digit())
    {
        *first = format!("-n{}", &first[1..]);
    }
}

async fn wanted(cmd: &mut Cmd, options: &Options, sign: char) -> Result<Amount, i32> {
    let (text, bytes) = match (options.value('c'), options.value('n')) {
        (Some(c), _) => (c, true),
        (None, Some(n)) => (n, false),
        (None, None) => ("10", false),
    };
    match amount(text, bytes, sign) {
        Some(amount) => Ok(amount),
        None => Err(cmd.fail(format!("invalid number '{text}'")).await),
    }
}

/// `head [-n count | -c count] [-qv] [file…]`
pub async fn head(cmd: &mut Cmd) -> Exit {
    historic(cmd);
    let usage = "[OPTIONS] [FILE]...\n\nPrint first 10 lines of FILEs (or stdin).";
    let options = cmd.options(&Spec { short: "n:c:qv", usage, ..Spec::default() }).await?;
    let amount = wanted(cmd, &options, '-').await?;
    let files = inputs(&options.operands);
    let titles = (files.len() > 1 || options.has('v')) && !options.has('q');
    let (mut status, mut first) = (0, true);
    for path in files {
        let fd = match open(cmd, &path).await {
            Ok(fd) => fd,
            Err(code) => {
                status = code;
                continue;
            }
        };
        if titles {
            cmd.print(format!("{}==> {} <==\n", if first { "" } else { "\n" }, title(&path))).await?;
        }
        first = false;
        let done = first_part(cmd, fd, amount).await;
        if fd != STDIN {
            cmd.sys.close(fd).ok();
        }
        done?;
    }
    Ok(status)
}

fn title(path: &str) -> &str {
    if path == "-" { "standard input" } else { path }
}

async fn open(cmd: &mut Cmd, path: &str) -> Result<Fd, i32> {
    if path == "-" {
        return Ok(STDIN);
    }
    match cmd.sys.open(path, OpenFlags::READ, 0).await {
        Ok(fd) => Ok(fd),
        Err(error) => Err(cmd.fail_at(path, error).await),
    }
}

/// Copies the first part and then reads no more: whoever writes to an endless pipe gets SIGPIPE.
async fn first_part(cmd: &mut Cmd, fd: Fd, amount: Amount) -> Result<(), i32> {
    if amount.other {
        let all = read_all(cmd, fd).await?;
        let keep = if amount.bytes {
            all.len().saturating_sub(amount.count as usize)
        } else {
            let ends: Vec<usize> = line_ends(&all);
            ends.len().checked_sub(1 + amount.count as usize).map_or(0, |i| ends[i])
        };
        return cmd.write(&all[..keep]).await;
    }
    let mut left = amount.count;
    while left > 0 {
        let bytes = match cmd.sys.read(fd, 4096).await {
            Ok(bytes) if bytes.is_empty() => return Ok(()),
            Ok(bytes) => bytes,
            Err(crate::sys::Errno::EINTR) => continue,
            Err(error) => return Err(cmd.fail(format!("read error: {error}")).await),
        };
        let end = if amount.bytes {
            bytes.len().min(left as usize)
        } else {
            line_ends(&bytes).get(left as usize - 1).copied().unwrap_or(bytes.len())
        };
        left -= if amount.bytes { end as u64 } else { bytes[..end].iter().filter(|b| **b == b'\n').count() as u64 };
        cmd.write(&bytes[..end]).await?;
    }
    Ok(())
}

/// Where each line ends: one past its line feed; a last line without one ends where the text does.
fn line_ends(bytes: &[u8]) -> Vec<usize> {
    let mut ends: Vec<usize> = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1).collect();
    if bytes.last().is_some_and(|b| *b != b'\n') {
        ends.push(bytes.len());
    }
    ends
}

async fn read_all(cmd: &mut Cmd, fd: Fd) -> Result<Vec<u8>, i32> {
    match cmd.sys.read_to_end(fd).await {
        Ok(all) => Ok(all),
        Err(error) => Err(cmd.fail(format!("read error: {error}")).await),
    }
}

/// `tail [-n count | -c count] [-f] [-s seconds] [file…]`
pub async fn tail(cmd: &mut Cmd) -> Exit {
    historic(cmd);
    let usage = "[OPTIONS] [FILE]...\n\nPrint last 10 lines of FILEs (or stdin) to.";
    let options = cmd.options(&Spec { short: "n:c:qvfFs:", usage, ..Spec::default() }).await?;
    let amount = wanted(cmd, &options, '+').await?;
    let files = inputs(&options.operands);
    let titles = (files.len() > 1 || options.has('v')) && !options.has('q');
    let mut status = 0;
    let mut open = Vec::new();
    for path in &files {
        let fd = match if path == "-" { Ok(STDIN) } else { cmd.sys.open(path, OpenFlags::READ, 0).await } {
            Ok(fd) => fd,
            Err(error) => {
                status = cmd.cannot("open", path, error).await;
                continue;
            }
        };
        if titles {
            cmd.print(format!("{}==> {} <==\n", if open.is_empty() { "" } else { "\n" }, title(path))).await?;
        }
        let all = read_all(cmd, fd).await?;
        cmd.write(&all[last_part(&all, amount)..]).await?;
        open.push((path.clone(), fd));
    }
    if open.is_empty() {
        cmd.fail("no files").await;
        return Ok(1);
    }
    if options.has('f') || options.has('F') {
        let pause = options.value('s').and_then(|s| s.parse().ok()).unwrap_or(1.0);
        follow(cmd, open, Duration::from_secs_f64(pause), titles).await?;
    }
    Ok(status)
}

fn last_part(all: &[u8], amount: Amount) -> usize {
    let count = amount.count as usize;
    match (amount.bytes, amount.other) {
        (true, false) => all.len().saturating_sub(count),
        (true, true) => count.saturating_sub(1).min(all.len()),
        (false, from_start) => {
            let ends = line_ends(all);
            let skip = if from_start { count.saturating_sub(1).min(ends.len()) } else { ends.len().saturating_sub(count) };
            skip.checked_sub(1).map_or(0, |i| ends[i])
        }
    }
}

/// Shows what is appended, for ever; a file that became shorter starts anew.
async fn follow(cmd: &mut Cmd, open: Vec<(String, Fd)>, pause: Duration, titles: bool) -> Result<(), i32> {
    let mut shown = open.last().map(|(_, fd)| *fd);
    loop {
        for (path, fd) in &open {
            if let (Ok(stat), Ok(at)) = (cmd.sys.fstat(*fd), cmd.sys.seek(*fd, 0, Whence::Current))
                && stat.size < at
            {
                cmd.sys.seek(*fd, 0, Whence::Set).ok();
            }
            let bytes = cmd.sys.read_to_end(*fd).await.unwrap_or_default();
            if bytes.is_empty() {
                continue;
            }
            if titles && shown != Some(*fd) {
                cmd.print(format!("\n==> {} <==\n", title(path))).await?;
                shown = Some(*fd);
            }
            cmd.write(&bytes).await?;
        }
        cmd.sys.sleep(pause).await.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_count_from_either_end() {
        assert_eq!(amount("5", false, '-'), Some(Amount { count: 5, bytes: false, other: false }));
        assert_eq!(amount("-2", false, '-'), Some(Amount { count: 2, bytes: false, other: true }));
        assert_eq!(amount("1k", true, '+'), Some(Amount { count: 1024, bytes: true, other: false }));
        assert_eq!(amount("x", false, '-'), None);
    }

    #[test]
    fn the_last_part_is_lines_or_bytes() {
        let all = b"a\nb\nc";
        let part = |text: &str, bytes| &all[last_part(all, amount(text, bytes, '+').expect("valid"))..];
        assert_eq!(part("1", false), b"c");
        assert_eq!(part("2", false), b"b\nc");
        assert_eq!(part("+2", false), b"b\nc");
        assert_eq!(part("9", false), all);
        assert_eq!(part("2", true), b"\nc");
        assert_eq!(part("+3", true), b"b\nc");
    }
}
