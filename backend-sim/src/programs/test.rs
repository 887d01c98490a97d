//! `test` and `[` (POSIX: the number of operands decides how they are read).

use super::cmd::{Cmd, Exit};
use crate::sys::{FileType, Stat, Sys};

/// Evaluates an expression. Errors are in busybox's words.
pub fn evaluate(sys: &Sys, args: &[String]) -> Result<bool, String> {
    let mut parser = Parser { sys, args, at: 0 };
    match args {
        [] => return Ok(false),
        [one] => return Ok(!one.is_empty()),
        [not, rest @ ..] if not == "!" && rest.len() <= 3 && !(rest.len() == 2 && is_binary(&rest[0])) => {
            return evaluate(sys, rest).map(|yes| !yes);
        }
        [left, op, right] if is_binary(op) => return parser.binary(left, op, right),
        [open, inner, close] if open == "(" && close == ")" => return Ok(!inner.is_empty()),
        _ => {}
    }
    let value = parser.or()?;
    match args.get(parser.at) {
        None => Ok(value),
        Some(extra) => Err(format!("{extra}: unknown operand")),
    }
}

struct Parser<'a> {
    sys: &'a Sys,
    args: &'a [String],
    at: usize,
}

fn is_binary(op: &str) -> bool {
    matches!(op, "=" | "==" | "!=" | "<" | ">" | "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" | "-nt" | "-ot" | "-ef")
}

impl Parser<'_> {
    fn peek(&self, ahead: usize) -> Option<&str> {
        self.args.get(self.at + ahead).map(String::as_str)
    }

    fn or(&mut self) -> Result<bool, String> {
        let mut value = self.and()?;
        while self.peek(0) == Some("-o") {
            self.at += 1;
            value |= self.and()?;
        }
        Ok(value)
    }

    fn and(&mut self) -> Result<bool, String> {
        let mut value = self.not()?;
        while self.peek(0) == Some("-a") {
            self.at += 1;
            value &= self.not()?;
        }
        Ok(value)
    }

    fn not(&mut self) -> Result<bool, String> {
        if self.peek(0) == Some("!") && self.peek(1).is_some() {
            self.at += 1;
            return self.not().map(|yes| !yes);
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<bool, String> {
        let Some(first) = self.peek(0).map(str::to_owned) else { return Err("argument expected".to_owned()) };
        if let (Some(op), Some(right)) = (self.peek(1).map(str::to_owned), self.peek(2).map(str::to_owned))
            && is_binary(&op)
        {
            self.at += 3;
            return self.binary(&first, &op, &right);
        }
        if first == "(" {
            self.at += 1;
            let value = self.or()?;
            if self.peek(0) != Some(")") {
                return Err("closing paren expected".to_owned());
            }
            self.at += 1;
            return Ok(value);
        }
        if first.len() == 2
            && first.starts_with('-')
            && let Some(operand) = self.peek(1).map(str::to_owned)
            && let Some(value) = self.unary(&first, &operand)?
        {
            self.at += 2;
            return Ok(value);
        }
        self.at += 1;
        Ok(!first.is_empty())
    }

    fn unary(&self, op: &str, operand: &str) -> Result<Option<bool>, String> {
        let stat = |check: fn(&Stat) -> bool| self.sys.stat(operand).is_ok_and(|stat| check(&stat));
        Ok(Some(match op {
            "-n" => !operand.is_empty(),
            "-z" => operand.is_empty(),
            "-e" => stat(|_| true),
            "-f" => stat(|s| s.kind == FileType::Regular),
            "-d" => stat(|s| s.kind == FileType::Directory),
            "-c" => stat(|s| s.kind == FileType::Char),
            "-b" => stat(|s| s.kind == FileType::Block),
            "-p" => stat(|s| s.kind == FileType::Fifo),
            "-S" => stat(|s| s.kind == FileType::Socket),
            "-h" | "-L" => self.sys.lstat(operand).is_ok_and(|s| s.kind == FileType::Symlink),
            "-s" => stat(|s| s.size > 0),
            "-u" => stat(|s| s.mode & 0o4000 != 0),
            "-g" => stat(|s| s.mode & 0o2000 != 0),
            "-k" => stat(|s| s.mode & 0o1000 != 0),
            "-r" => self.sys.access(operand, true, false, false).is_ok(),
            "-w" => self.sys.access(operand, false, true, false).is_ok(),
            "-x" => self.sys.access(operand, false, false, true).is_ok(),
            "-O" => self.sys.stat(operand).is_ok_and(|s| s.uid == self.sys.credentials().euid),
            "-G" => self.sys.stat(operand).is_ok_and(|s| s.gid == self.sys.credentials().egid),
            "-t" => self.sys.isatty(i32::try_from(number(operand)?).unwrap_or(-1)),
            _ => return Ok(None),
        }))
    }

    fn binary(&mut self, left: &str, op: &str, right: &str) -> Result<bool, String> {
        let times = || -> Option<(Stat, Stat)> { Some((self.sys.stat(left).ok()?, self.sys.stat(right).ok()?)) };
        Ok(match op {
            "=" | "==" => left == right,
            "!=" => left != right,
            "<" => left < right,
            ">" => left > right,
            "-nt" => times().is_some_and(|(l, r)| l.mtime > r.mtime),
            "-ot" => times().is_some_and(|(l, r)| l.mtime < r.mtime),
            "-ef" => times().is_some_and(|(l, r)| (l.dev, l.ino) == (r.dev, r.ino)),
            _ => {
                let (left, right) = (number(left)?, number(right)?);
                match op {
                    "-eq" => left == right,
                    "-ne" => left != right,
                    "-lt" => left < right,
                    "-le" => left <= right,
                    "-gt" => left > right,
                    _ => left >= right,
                }
            }
        })
    }
}

fn number(text: &str) -> Result<i64, String> {
    text.trim().parse().map_err(|_| format!("{text}: bad number"))
}

/// `test expression`, `[ expression ]`
pub async fn test(cmd: &mut Cmd) -> Exit {
    let mut args = cmd.args.clone();
    if cmd.name.starts_with('[') {
        let end = if cmd.name == "[" { "]" } else { "]]" };
        if args.pop().as_deref() != Some(end) {
            cmd.fail(format!("missing {end}")).await;
            return Ok(2);
        }
    }
    match evaluate(&cmd.sys, &args) {
        Ok(yes) => Ok(i32::from(!yes)),
        Err(message) => {
            cmd.fail(message).await;
            Ok(2)
        }
    }
}
