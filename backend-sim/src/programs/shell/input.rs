//! Where commands come from: `-c`, a script, standard input, or a person at a terminal.

use super::parse::{self, SyntaxError};
use super::run::Context;
use super::{Done, Flow, Shell};
use crate::sys::{Disposition, Errno, STDERR, STDIN};
use drydock_core::kernel::Signal;

/// Bytes read from standard input at once, as busybox does.
const BLOCK: usize = 1024;

impl Shell {
    /// The whole life of a shell.
    pub(super) async fn main(mut self, args: Vec<String>) -> i32 {
        let mut args = args.into_iter().peekable();
        while let Some(option) = args.next_if(|a| a.len() > 1 && a.starts_with(['-', '+'])) {
            if option == "--" {
                break;
            }
            if option.starts_with("--") {
                // A login shell and the like: bash's long options are not busybox's.
                self.sys.eprint(&format!("{}: unrecognized option '{option}'\n", self.name)).await;
                return 2;
            }
            let value = if option[1..].contains('o') { args.next() } else { None };
            if let Err(message) = self.set_option(&option, value.as_deref()) {
                self.complain(&message).await;
                return 2;
            }
        }
        let rest: Vec<String> = args.collect();
        if self.options.command {
            let Some((text, rest)) = rest.split_first() else {
                self.complain("-c requires an argument").await;
                return 2;
            };
            let mut rest = rest.iter().cloned();
            self.name = rest.next().unwrap_or_else(|| self.name.clone());
            self.args = rest.collect();
            let done = self.text_program(text, true).await;
            return self.end(done).await;
        }
        if let (Some((file, rest)), false) = (rest.split_first(), self.options.stdin) {
            let text = match self.sys.read_file(file).await {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(error) => {
                    self.complain(&format!("can't open '{file}': {error}")).await;
                    return if error == Errno::ENOENT { 2 } else { 126 };
                }
            };
            self.name = file.clone();
            self.args = rest.to_vec();
            self.script = true;
            let done = self.text_program(&text, false).await;
            return self.end(done).await;
        }
        self.args = rest;
        self.options.stdin = true;
        self.options.interactive |= self.sys.isatty(STDIN) && self.sys.isatty(STDERR);
        let done = if self.options.interactive { self.interactive().await } else { self.standard_input().await };
        self.end(done).await
    }

    /// Runs a text. A mistake in a later line does not keep earlier ones from running.
    async fn text_program(&mut self, text: &str, last: bool) -> Done {
        match parse::program(text) {
            Ok(list) => self.list(&list, Context { tested: false, last }).await,
            Err(SyntaxError::NotModelled(what)) => self.syntax_error(SyntaxError::NotModelled(what)).await,
            Err(_) => {
                let mut chunk = String::new();
                for line in text.split_inclusive('\n') {
                    chunk.push_str(line);
                    match self.try_run(&chunk).await {
                        Some(done) => done?,
                        None => continue,
                    };
                    chunk.clear();
                }
                self.left_over(&chunk).await
            }
        }
    }

    /// Runs what has been read, or answers `None` if more must be read first.
    async fn try_run(&mut self, chunk: &str) -> Option<Done> {
        let continues = chunk.trim_end_matches('\n').chars().rev().take_while(|&c| c == '\\').count() % 2 == 1;
        if continues && chunk.ends_with('\n') {
            return None;
        }
        match parse::program(chunk) {
            Ok(list) => Some(self.list(&list, Context::default()).await),
            Err(SyntaxError::Incomplete(_)) => None,
            Err(error) => Some(self.syntax_error(error).await),
        }
    }

    /// The input has ended: what is left must be complete.
    async fn left_over(&mut self, chunk: &str) -> Done {
        if chunk.is_empty() {
            return Ok(self.status);
        }
        match parse::program(chunk) {
            Ok(list) => self.list(&list, Context::default()).await,
            Err(error) => self.syntax_error(error).await,
        }
    }

    /// Says what is wrong with a program.
    pub(super) async fn syntax_error(&mut self, error: SyntaxError) -> Done {
        match error {
            SyntaxError::NotModelled(what) => self.not_modelled(what).await,
            SyntaxError::Incomplete(message) => self.fatal(&format!("syntax error: {message}")).await,
            SyntaxError::Wrong { message, line } => {
                self.line = if self.script { line } else { 0 };
                self.fatal(&format!("syntax error: {message}")).await
            }
        }
    }

    async fn standard_input(&mut self) -> Done {
        let mut buffer = Vec::new();
        let mut chunk = String::new();
        loop {
            while let Some(end) = buffer.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                chunk.push_str(&String::from_utf8_lossy(&line));
                if let Some(done) = self.try_run(&chunk).await {
                    done?;
                    chunk.clear();
                }
            }
            match self.sys.read(STDIN, BLOCK).await {
                Ok(bytes) if bytes.is_empty() => break,
                Ok(bytes) => buffer.extend(bytes),
                Err(Errno::EINTR) => {
                    self.run_traps().await?;
                }
                Err(_) => break,
            }
        }
        chunk.push_str(&String::from_utf8_lossy(&buffer));
        self.left_over(&chunk).await
    }

    /// A person types.
    async fn interactive(&mut self) -> Done {
        self.sys.set_disposition(Signal::INT, Disposition::Catch).ok();
        self.sys.set_disposition(Signal::TERM, Disposition::Ignore).ok();
        self.sys.set_disposition(Signal::QUIT, Disposition::Ignore).ok();
        // A shell that does not lead its group cannot manage the terminal.
        if self.sys.getpgrp() != self.sys.getpid() {
            self.sys.setpgid(0, 0).ok();
        }
        self.job_control = self.sys.set_foreground(STDIN, self.sys.getpgrp()).is_ok();
        let mut chunk = String::new();
        loop {
            self.reap();
            let prompt = self.prompt(if chunk.is_empty() { "PS1" } else { "PS2" });
            self.sys.eprint(&prompt).await;
            match self.sys.read(STDIN, BLOCK).await {
                Ok(bytes) if bytes.is_empty() => {
                    self.sys.eprint("\n").await;
                    return if chunk.is_empty() { Ok(self.status) } else { self.left_over(&chunk).await };
                }
                Ok(bytes) => chunk.push_str(&String::from_utf8_lossy(&bytes)),
                Err(Errno::EINTR) => {
                    self.run_traps().await?;
                    self.sys.eprint("\n").await;
                    chunk.clear();
                    self.status = 130;
                    continue;
                }
                Err(_) => return Ok(self.status),
            }
            if let Some(done) = self.try_run(&chunk).await {
                chunk.clear();
                self.loops = 0;
                match done {
                    Ok(_) | Err(Flow::Break(_) | Flow::Continue(_)) => {}
                    Err(Flow::Error(status)) => self.status = status,
                    Err(flow @ (Flow::Exit(_) | Flow::Return(_))) => return Err(flow),
                }
            }
        }
    }

    /// Takes note of children that have ended, without waiting.
    fn reap(&mut self) {
        self.jobs.retain(|_, status| status.is_none());
    }

    /// `\w \$ ` and its like (busybox's prompt escapes).
    fn prompt(&self, variable: &str) -> String {
        let template = self.vars.get(variable).unwrap_or_default();
        let mut out = String::new();
        let mut chars = template.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some('w') => out.push_str(&self.short_cwd()),
                Some('W') => out.push_str(self.short_cwd().rsplit('/').next().filter(|n| !n.is_empty()).unwrap_or("/")),
                Some('$') => out.push(if self.sys.credentials().euid == 0 { '#' } else { '$' }),
                Some('h') => out.push_str(self.sys.uname().node.split('.').next().unwrap_or_default()),
                Some('H') => out.push_str(&self.sys.uname().node),
                Some('u') => out.push_str(&self.vars.get("USER").unwrap_or_else(|| "root".to_owned())),
                Some('n') => out.push('\n'),
                Some('[' | ']') => {}
                Some('e') => out.push('\x1b'),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            }
        }
        out
    }

    fn short_cwd(&self) -> String {
        let cwd = self.vars.get("PWD").unwrap_or_default();
        let home = self.vars.get("HOME").filter(|home| home.len() > 1);
        match home.and_then(|home| cwd.strip_prefix(&home).map(str::to_owned)) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("~{rest}"),
            _ => cwd,
        }
    }
}
