//! Builtins about directories and input: cd, pwd, umask, read.

use super::{Done, Shell};
use crate::sys::{Errno, Poll, STDIN};
use std::time::Duration;

impl Shell {
    /// `cd [-P] [directory | -]`
    pub(super) async fn cd(&mut self, args: &[String]) -> Done {
        let physical = args.first().is_some_and(|a| a == "-P");
        let operand = args.iter().find(|a| !matches!(a.as_str(), "-P" | "-L" | "--"));
        let target = match operand.map(String::as_str) {
            None => match self.vars.get("HOME") {
                Some(home) => home,
                None => return self.fatal("cd: HOME not set").await,
            },
            Some("-") => match self.vars.get("OLDPWD") {
                Some(old) => old,
                None => return self.fatal("cd: OLDPWD not set").await,
            },
            Some(path) => path.to_owned(),
        };
        let old = self.vars.get("PWD").unwrap_or_default();
        let logical = if physical { target.clone() } else { normalize(&old, &target) };
        if let Err(error) = self.sys.chdir(&logical) {
            self.complain(&format!("cd: can't cd to {target}: {error}")).await;
            return Ok(2);
        }
        let now = if physical { self.sys.getcwd().unwrap_or(logical) } else { logical };
        self.vars.set("OLDPWD", old).ok();
        self.vars.set("PWD", now.clone()).ok();
        if operand.is_some_and(|o| o == "-") {
            return self.output("cd", format!("{now}\n").into_bytes()).await;
        }
        Ok(0)
    }

    /// `pwd [-LP]`
    pub(super) async fn pwd(&mut self, args: &[String]) -> Done {
        let physical = args.iter().any(|a| a == "-P");
        let path = match self.vars.get("PWD").filter(|_| !physical) {
            Some(path) => path,
            None => match self.sys.getcwd() {
                Ok(path) => path,
                Err(error) => {
                    self.complain(&format!("pwd: getcwd: {error}")).await;
                    return Ok(1);
                }
            },
        };
        self.output("pwd", format!("{path}\n").into_bytes()).await
    }

    /// `umask [-S] [mode]`
    pub(super) async fn umask(&mut self, args: &[String]) -> Done {
        let old = self.sys.umask(0);
        self.sys.umask(old);
        let symbolic = args.first().is_some_and(|a| a == "-S");
        match args.iter().find(|a| !a.starts_with('-')) {
            None if symbolic => {
                let part = |shift: u32| -> String {
                    let allowed = !old >> shift & 7;
                    [(4, 'r'), (2, 'w'), (1, 'x')].iter().filter(|(bit, _)| allowed & bit != 0).map(|(_, c)| *c).collect()
                };
                self.output("umask", format!("u={},g={},o={}\n", part(6), part(3), part(0)).into_bytes()).await
            }
            None => self.output("umask", format!("{old:04o}\n").into_bytes()).await,
            Some(mode) => match u32::from_str_radix(mode, 8).ok().filter(|m| *m <= 0o777) {
                Some(mask) => {
                    self.sys.umask(mask);
                    Ok(0)
                }
                None => match crate::programs::mode::apply(mode, !old & 0o777, true) {
                    Some(allowed) => {
                        self.sys.umask(!allowed & 0o777);
                        Ok(0)
                    }
                    None => self.fatal(&format!("umask: illegal mode: {mode}")).await,
                },
            },
        }
    }

    /// `read [-r] [-s] [-p prompt] [-t seconds] [-n characters] [-u fd] [name…]`
    pub(super) async fn read(&mut self, args: &[String]) -> Done {
        let spec = crate::programs::cmd::Spec { short: "+rsp:t:n:u:d:", ..Default::default() };
        let options = match crate::programs::cmd::getopt(&spec, args) {
            Ok(options) => options,
            Err(_) => return self.fatal("read: illegal option").await,
        };
        let fd = options.value('u').and_then(|u| u.parse().ok()).unwrap_or(STDIN);
        if let Some(prompt) = options.value('p') {
            self.sys.eprint(prompt).await;
        }
        let echo = self.sys.termios(fd).ok().filter(|_| options.has('s'));
        if let Some(settings) = echo {
            self.sys.set_termios(fd, crate::sys::Termios { echo: false, ..settings }).ok();
        }
        let end = options.value('d').and_then(|d| d.bytes().next()).unwrap_or(b'\n');
        let most = options.value('n').and_then(|n| n.parse().ok());
        let timeout = options.value('t').and_then(|t| t.parse::<f64>().ok()).map(Duration::from_secs_f64);
        let line = self.line_from(fd, end, most, timeout, options.has('r')).await;
        if let Some(settings) = echo {
            self.sys.set_termios(fd, settings).ok();
        }
        let (line, status) = match line {
            Ok(read) => read,
            Err(status) => return Ok(status),
        };
        if let Some(code) = self.run_traps().await?
            && status != 0
            && line.is_empty()
        {
            return Ok(code);
        }
        let names: Vec<String> = if options.operands.is_empty() { vec!["REPLY".to_owned()] } else { options.operands.clone() };
        let values = if options.operands.is_empty() {
            vec![line.into_iter().map(|(c, _)| c).collect()]
        } else {
            let ifs = self.vars.get("IFS").unwrap_or_else(|| " \t\n".to_owned());
            split(&line, names.len(), &ifs)
        };
        for (name, value) in names.iter().zip(values) {
            if let Err(message) = self.vars.set(name, value) {
                return self.fatal(&message).await;
            }
        }
        Ok(status)
    }

    /// Reads characters up to `end`, one at a time, so that what follows stays for others. The flag marks escaped ones.
    async fn line_from(
        &mut self,
        fd: i32,
        end: u8,
        most: Option<usize>,
        timeout: Option<Duration>,
        raw: bool,
    ) -> Result<(Vec<(char, bool)>, i32), i32> {
        let mut bytes: Vec<(u8, bool)> = Vec::new();
        let mut escaped = false;
        let status = loop {
            if most.is_some_and(|most| bytes.len() >= most) {
                break 0;
            }
            if let Some(time) = timeout {
                let watch = [Poll { fd, read: true, write: false }];
                if self.sys.poll(&watch, Some(time)).await.is_ok_and(|ready| ready.is_empty()) {
                    break 1;
                }
            }
            match self.sys.read(fd, 1).await {
                Ok(read) => match read.first() {
                    None => break 1,
                    Some(b'\n') if escaped => escaped = false,
                    Some(&b) if escaped => {
                        bytes.push((b, true));
                        escaped = false;
                    }
                    Some(&b) if b == end => break 0,
                    Some(b'\\') if !raw => escaped = true,
                    Some(0) => {}
                    Some(&b) => bytes.push((b, false)),
                },
                Err(Errno::EINTR) => break 1,
                Err(error) => {
                    self.complain(&format!("read error: {error}")).await;
                    return Err(1);
                }
            }
        };
        let text = String::from_utf8_lossy(&bytes.iter().map(|(b, _)| *b).collect::<Vec<_>>()).into_owned();
        let plain = text.len() == bytes.len();
        let chars = text.char_indices().map(|(i, c)| (c, plain && bytes[i].1)).collect();
        Ok((chars, status))
    }
}

/// `path` from `cwd` with `.` and `..` taken out, as a person means it (POSIX `cd -L`).
fn normalize(cwd: &str, path: &str) -> String {
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { cwd.split('/').filter(|p| !p.is_empty()).collect() };
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Splits a line for `read`: the last variable gets all that is left.
fn split(line: &[(char, bool)], count: usize, ifs: &str) -> Vec<String> {
    let separates = |&(c, escaped): &(char, bool)| !escaped && ifs.contains(c);
    let blank = |entry: &(char, bool)| separates(entry) && entry.0.is_ascii_whitespace();
    let mut values = Vec::new();
    let mut at = line.iter().take_while(|e| blank(e)).count();
    while values.len() + 1 < count {
        let length = line[at..].iter().take_while(|e| !separates(e)).count();
        values.push(line[at..at + length].iter().map(|(c, _)| *c).collect());
        at += length;
        at += line[at..].iter().take_while(|e| blank(e)).count();
        if line.get(at).is_some_and(separates) {
            at += 1;
            at += line[at..].iter().take_while(|e| blank(e)).count();
        }
    }
    let mut rest = &line[at..];
    while let Some((last, before)) = rest.split_last() {
        if !blank(last) {
            break;
        }
        rest = before;
    }
    // One separator at the very end belongs to the only field before it.
    if let Some((last, before)) = rest.split_last()
        && separates(last)
        && !before.iter().any(separates)
    {
        rest = before;
    }
    values.push(rest.iter().map(|(c, _)| *c).collect());
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(line: &str, count: usize, ifs: &str) -> Vec<String> {
        split(&line.chars().map(|c| (c, false)).collect::<Vec<_>>(), count, ifs)
    }

    #[test]
    fn read_splits_and_leaves_the_rest_to_the_last() {
        assert_eq!(values("  a  b c  ", 2, " \t\n"), ["a", "b c"]);
        assert_eq!(values("a:b:c", 2, ":"), ["a", "b:c"]);
        assert_eq!(values("a:", 1, ":"), ["a"]);
        assert_eq!(values("a", 3, " "), ["a", "", ""]);
    }

    #[test]
    fn cd_takes_dots_out_as_a_person_means_them() {
        assert_eq!(normalize("/a/b", "../c/./d"), "/a/c/d");
        assert_eq!(normalize("/", ".."), "/");
        assert_eq!(normalize("/x", "/etc//init.d/"), "/etc/init.d");
    }
}
