//! `tee`, `xargs`, `seq`, `yes`.

use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::sys::{Errno, OpenFlags, STDIN, STDOUT, Spawn, WaitFor};

/// `tee [-a] [-i] [file…]`
pub async fn tee(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&Spec { short: "ai", usage: "[-ai] [FILE]...", ..Spec::default() }).await?;
    let flags = if options.has('a') { OpenFlags::APPEND } else { OpenFlags::REPLACE };
    let mut status = 0;
    let mut outputs = vec![STDOUT];
    for path in &options.operands {
        match cmd.sys.open(path, flags, 0o666).await {
            Ok(fd) => outputs.push(fd),
            Err(error) => status = cmd.fail_at(path, error).await,
        }
    }
    loop {
        match cmd.sys.read(STDIN, 64 * 1024).await {
            Ok(bytes) if bytes.is_empty() => return Ok(status),
            Ok(bytes) => {
                for fd in &outputs {
                    if let Err(error) = cmd.sys.write_all(*fd, &bytes).await {
                        status = cmd.fail(format!("write error: {error}")).await;
                    }
                }
            }
            Err(Errno::EINTR) => {}
            Err(error) => return Err(cmd.fail(format!("read error: {error}")).await),
        }
    }
}

const XARGS: Spec = Spec { short: "+0rtn:I:s:L:P:x", long: &[], not_modelled: "pea", usage: "[OPTIONS] [PROG ARGS]" };

/// `xargs [-0rt] [-n count] [-I text] [-s size] [program [argument…]]`
pub async fn xargs(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&XARGS).await?;
    let input = String::from_utf8_lossy(&cmd.read("-").await?).into_owned();
    let replace = options.value('I').map(str::to_owned);
    let words = match (&replace, options.has('0')) {
        (_, true) => input.split('\0').filter(|w| !w.is_empty()).map(str::to_owned).collect(),
        (Some(_), _) => super::lines(&input).into_iter().map(|l| l.trim_start().to_owned()).filter(|l| !l.is_empty()).collect(),
        (None, _) => match split(&input) {
            Some(words) => words,
            None => return Err(cmd.fail("unmatched single quote").await),
        },
    };
    let program = if options.operands.is_empty() { vec!["echo".to_owned()] } else { options.operands.clone() };
    let commands: Vec<Vec<String>> = if let Some(mark) = replace {
        words.iter().map(|word| program.iter().map(|part| part.replace(&mark, word)).collect()).collect()
    } else {
        let most = options.value('n').or(options.value('L')).and_then(|n| n.parse().ok()).unwrap_or(5000).max(1);
        let mut chunks: Vec<&[String]> = words.chunks(most).collect();
        if chunks.is_empty() && !options.has('r') {
            chunks.push(&[]);
        }
        chunks.into_iter().map(|chunk| program.iter().chain(chunk).cloned().collect()).collect()
    };
    let mut status = 0;
    for command in commands {
        if options.has('t') {
            cmd.sys.eprint(&format!("{}\n", command.join(" "))).await;
        }
        cmd.flush().await?;
        let code = run(cmd, &command).await;
        match code {
            0 => {}
            255 => return Err(cmd.fail(format!("{}: exited with status 255; aborting", command[0])).await.max(124)),
            126 | 127 => return Ok(code),
            _ => status = 123,
        }
    }
    Ok(status)
}

/// Runs a program and waits; its status, or 127 or 126 if it could not run, which has been said.
pub(in crate::programs) async fn run(cmd: &mut Cmd, command: &[String]) -> i32 {
    let spawn = Spawn {
        program: command[0].clone(),
        args: command.to_vec(),
        env: cmd.sys.environ(),
        fds: (0..3).map(|fd| (fd, fd)).collect(),
        ..Spawn::default()
    };
    match cmd.sys.spawn(spawn) {
        Ok(pid) => loop {
            match cmd.sys.wait(WaitFor::Pid(pid), false).await {
                Ok(Some((_, status))) => return status.code(),
                Ok(None) | Err(Errno::EINTR) => {}
                Err(_) => return 1,
            }
        },
        Err(error) => {
            cmd.fail_at(&command[0], error).await;
            if error == Errno::ENOENT { 127 } else { 126 }
        }
    }
}

/// Words separated by blanks, with quotes and backslashes; `None` if a quote is not closed.
fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        q if q == c => break,
                        '\n' => return None,
                        other => word.push(other),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

/// `seq [-w] [-s separator] [first [step]] last`
pub async fn seq(cmd: &mut Cmd) -> Exit {
    // Negative numbers are operands, not options.
    let numeric = |a: &String| a.starts_with('-') && a[1..].starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let at = cmd.args.iter().position(numeric).unwrap_or(cmd.args.len());
    if at < cmd.args.len() && cmd.args.get(at.wrapping_sub(1)).is_none_or(|a| a != "--") {
        cmd.args.insert(at, "--".to_owned());
    }
    let spec = Spec { short: "+ws:", usage: "[-w] [-s SEP] [FIRST [INC]] LAST", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let operands: Vec<String> = options.operands.iter().filter(|o| *o != "--").cloned().collect();
    let mut numbers = Vec::new();
    for operand in &operands {
        match operand.parse::<f64>() {
            Ok(n) => numbers.push(n),
            Err(_) => return Err(cmd.fail(format!("invalid number '{operand}'")).await),
        }
    }
    let (first, step, last) = match numbers.as_slice() {
        [last] => (1.0, 1.0, *last),
        [first, last] => (*first, 1.0, *last),
        [first, step, last] => (*first, *step, *last),
        _ => return Err(cmd.usage(&spec, "").await),
    };
    let decimals = |text: &String| text.split_once('.').map_or(0, |(_, digits)| digits.len());
    let digits = operands.iter().take(operands.len().max(2) - 1).map(decimals).max().unwrap_or(0);
    let separator = options.value('s').unwrap_or("\n");
    let width = if options.has('w') { format!("{first:.digits$}").len().max(format!("{last:.digits$}").len()) } else { 0 };
    let mut count = 0u64;
    loop {
        let n = first + step * count as f64;
        if (step >= 0.0 && n > last + 1e-9) || (step < 0.0 && n < last - 1e-9) {
            break;
        }
        let before = if count > 0 { separator } else { "" };
        cmd.print(format!("{before}{n:0width$.digits$}")).await?;
        count += 1;
        if step == 0.0 {
            cmd.flush().await?;
        }
    }
    if count > 0 {
        cmd.print("\n").await?;
    }
    Ok(0)
}

/// `yes [text…]`, until nobody reads it.
pub async fn yes(cmd: &mut Cmd) -> Exit {
    let text = if cmd.args.is_empty() { "y".to_owned() } else { cmd.args.join(" ") };
    let block = format!("{text}\n").repeat(4096 / (text.len() + 1) + 1);
    loop {
        cmd.write(block.as_bytes()).await?;
        // Onto a terminal or a file nothing ever blocks it.
        cmd.sys.yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xargs_reads_words_with_quotes() {
        assert_eq!(split("a 'b c'\n d\\ e \"\""), Some(vec!["a".into(), "b c".into(), "d e".into(), String::new()]));
        assert_eq!(split("it's"), None);
        assert_eq!(split(" \n"), Some(vec![]));
    }
}
