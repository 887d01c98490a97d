//! Builtins: what must run in the shell's own process, and what it has for speed.

mod files;
mod process;
mod variables;

use super::command::{self, NotFound};
use super::run::Context;
use super::{Done, Flow, Shell};
use futures_util::future::{BoxFuture, FutureExt};

/// A builtin, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Builtin(&'static str);

/// Every builtin, sorted.
const NAMES: [&str; 42] = [
    ".", ":", "[", "[[", "break", "cd", "chdir", "command", "continue", "echo", "eval", "exec", "exit", "export", "false", "getopts",
    "hash", "jobs", "kill", "let", "local", "printf", "pwd", "read", "readonly", "return", "set", "shift", "source", "test", "times",
    "trap", "true", "type", "ulimit", "umask", "unset", "wait", "alias", "bg", "fg", "unalias",
];

/// POSIX's special builtins: their errors end a shell, and assignments before them stay.
const SPECIAL: [&str; 16] = [
    ".", ":", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "source", "times", "trap",
    "unset",
];

/// Finds a builtin.
pub(super) fn find(name: &str) -> Option<Builtin> {
    NAMES.iter().find(|known| **known == name).map(|name| Builtin(name))
}

impl Builtin {
    /// Whether it is one of POSIX's special builtins.
    pub fn is_special(self) -> bool {
        SPECIAL.contains(&self.0)
    }

    /// Runs it.
    pub fn run(self, shell: &mut Shell, words: Vec<String>) -> BoxFuture<'_, Done> {
        async move {
            let args = &words[1..];
            match self.0 {
                ":" | "true" => Ok(0),
                "false" => Ok(1),
                "." | "source" => shell.source(args).await,
                "[" | "[[" | "test" => shell.test(&words).await,
                "break" => shell.leave(args, Flow::Break).await,
                "continue" => shell.leave(args, Flow::Continue).await,
                "return" => Err(Flow::Return(shell.status_operand(args).await?)),
                "exit" => Err(Flow::Exit(shell.status_operand(args).await?)),
                "cd" | "chdir" => shell.cd(args).await,
                "pwd" => shell.pwd(args).await,
                "echo" => shell.output("echo", crate::programs::echo::format(args)).await,
                "printf" => shell.printf(args).await,
                "eval" => Box::pin(shell.eval(&args.join(" "))).await,
                "exec" => shell.exec(args).await,
                "command" => shell.command_builtin(args).await,
                "type" => shell.type_builtin(args).await,
                "export" | "readonly" => shell.export(self.0, args).await,
                "unset" => shell.unset(args).await,
                "local" => shell.local(args).await,
                "set" => shell.set(args).await,
                "shift" => shell.shift(args).await,
                "getopts" => shell.getopts(args).await,
                "let" => shell.let_builtin(args).await,
                "read" => shell.read(args).await,
                "wait" => shell.wait_builtin(args).await,
                "kill" => shell.kill(args).await,
                "jobs" => shell.jobs_builtin(args).await,
                "trap" => shell.trap_builtin(args).await,
                "umask" => shell.umask(args).await,
                "ulimit" => shell.ulimit(args).await,
                "times" => shell.output("times", b"0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n".to_vec()).await,
                "hash" => Ok(0),
                name => shell.not_modelled(&format!("the builtin {name}")).await,
            }
        }
        .boxed()
    }
}

impl Shell {
    /// Writes a builtin's output.
    async fn output(&self, name: &str, bytes: Vec<u8>) -> Done {
        match self.sys.write_all(crate::sys::STDOUT, &bytes).await {
            Ok(()) => Ok(0),
            Err(error) => {
                self.complain(&format!("{name}: write error: {error}")).await;
                Ok(1)
            }
        }
    }

    /// The operand of `exit` and `return`.
    async fn status_operand(&mut self, args: &[String]) -> Result<i32, Flow> {
        match args.first() {
            None => Ok(self.status),
            Some(text) => match text.parse::<u32>() {
                Ok(n) => Ok((n & 0xff) as i32),
                Err(_) => Err(self.error(&format!("Illegal number: {text}")).await),
            },
        }
    }

    async fn leave(&mut self, args: &[String], flow: fn(usize) -> Flow) -> Done {
        let count = match args.first().map(|text| text.parse::<usize>()) {
            None => 1,
            Some(Ok(n)) if n > 0 => n,
            _ => return self.fatal(&format!("Illegal number: {}", args[0])).await,
        };
        match self.loops {
            0 => Ok(0),
            loops => Err(flow(count.min(loops))),
        }
    }

    async fn source(&mut self, args: &[String]) -> Done {
        let Some(name) = args.first() else { return Ok(2) };
        let path = if name.contains('/') {
            name.clone()
        } else {
            let path = self.vars.get("PATH").unwrap_or_default();
            let candidates = path.split(':').map(|directory| format!("{directory}/{name}"));
            match candidates.into_iter().find(|c| self.sys.stat(c).is_ok()) {
                Some(found) => found,
                None if self.sys.stat(name).is_ok() => name.clone(),
                None => return self.fatal(&format!(".: {name}: not found")).await,
            }
        };
        let text = match self.sys.read_file(&path).await {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => return self.fatal(&format!(".: can't open '{name}': {error}")).await,
        };
        let old = (args.len() > 1).then(|| std::mem::replace(&mut self.args, args[1..].to_vec()));
        let done = Box::pin(self.eval(&text)).await;
        if let Some(old) = old {
            self.args = old;
        }
        match done {
            Err(Flow::Return(status)) => Ok(status),
            done => done,
        }
    }

    async fn test(&mut self, words: &[String]) -> Done {
        let mut args = &words[1..];
        if words[0] != "test" {
            let end = if words[0] == "[" { "]" } else { "]]" };
            match args.split_last() {
                Some((last, rest)) if last == end => args = rest,
                _ => {
                    self.complain(&format!("missing {end}")).await;
                    return Ok(2);
                }
            }
        }
        match crate::programs::test::evaluate(&self.sys, args) {
            Ok(yes) => Ok(i32::from(!yes)),
            Err(message) => {
                self.complain(&message).await;
                Ok(2)
            }
        }
    }

    async fn printf(&mut self, args: &[String]) -> Done {
        let Some((format, operands)) = args.split_first() else {
            self.complain("printf: usage: printf FORMAT [ARG]...").await;
            return Ok(2);
        };
        let (bytes, complaints) = crate::programs::printf::format(format, operands);
        for complaint in &complaints {
            self.complain(complaint).await;
        }
        self.output("printf", bytes).await.map(|status| status.max(i32::from(!complaints.is_empty())))
    }

    async fn exec(&mut self, args: &[String]) -> Done {
        let Some(name) = args.first() else { return Ok(0) };
        let path = self.vars.get("PATH").unwrap_or_default();
        match command::find(&self.sys, name, &path) {
            Ok(found) => self.become_program(&found, args.to_vec()).await,
            Err(why) => {
                self.complain(&format!("exec: {name}: {}", why.text())).await;
                Err(Flow::Exit(why.status()))
            }
        }
    }

    async fn command_builtin(&mut self, args: &[String]) -> Done {
        match args.first().map(String::as_str) {
            Some("-v") => {
                let mut status = 0;
                for name in &args[1..] {
                    match self.describe(name) {
                        Some(found) => {
                            let text = found.path.unwrap_or_else(|| name.clone());
                            self.output("command", format!("{text}\n").into_bytes()).await?;
                        }
                        None => status = 127,
                    }
                }
                Ok(status)
            }
            Some("-V") => self.type_builtin(&args[1..]).await,
            Some("-p") => Box::pin(self.without_functions(args[1..].to_vec())).await,
            Some(_) => Box::pin(self.without_functions(args.to_vec())).await,
            None => Ok(0),
        }
    }

    async fn without_functions(&mut self, words: Vec<String>) -> Done {
        match words.first().map(|name| find(name)) {
            None => Ok(0),
            Some(Some(builtin)) => match builtin.run(self, words).await {
                // Through `command`, an error of a special builtin does not end the shell.
                Err(Flow::Error(status)) => Ok(status),
                done => done,
            },
            Some(None) => self.program(words, Context::default()).await,
        }
    }

    async fn type_builtin(&mut self, args: &[String]) -> Done {
        let mut status = 0;
        for name in args {
            let text = match self.describe(name) {
                Some(found) => format!("{name} is {}", found.what),
                None => {
                    status = 127;
                    format!("{name}: not found")
                }
            };
            self.output("type", format!("{text}\n").into_bytes()).await?;
        }
        Ok(status)
    }

    fn describe(&self, name: &str) -> Option<Described> {
        const KEYWORDS: [&str; 16] =
            ["!", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "then", "until", "while", "{", "}"];
        if KEYWORDS.contains(&name) {
            return Some(Described { what: "a shell keyword".to_owned(), path: None });
        }
        if self.functions.contains_key(name) {
            return Some(Described { what: "a function".to_owned(), path: None });
        }
        if let Some(builtin) = find(name) {
            let what = if builtin.is_special() { "a special shell builtin" } else { "a shell builtin" };
            return Some(Described { what: what.to_owned(), path: None });
        }
        let path = self.vars.get("PATH").unwrap_or_default();
        match command::find(&self.sys, name, &path) {
            Ok(found) => Some(Described { what: found.clone(), path: Some(found) }),
            Err(NotFound::Missing | NotFound::Denied(_)) => None,
        }
    }
}

struct Described {
    what: String,
    path: Option<String>,
}
