//! Simple commands: assignments, functions, builtins, programs.

use super::builtins::{self, Builtin};
use super::run::Context;
use super::syntax::Simple;
use super::vars::quote_if_needed;
use super::{Done, Flow, Shell};
use crate::sys::{Errno, Fd, FileType, Spawn, Sys};
use futures_util::future::{BoxFuture, FutureExt};
use std::collections::BTreeMap;

/// Descriptors from here on are the shell's own.
pub(super) const OWN: Fd = 10;

/// Why a program cannot run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotFound {
    /// There is none: 127.
    Missing,
    /// There is one that must not be executed: 126.
    Denied(Errno),
}

impl NotFound {
    /// busybox's words.
    pub fn text(self) -> String {
        match self {
            NotFound::Missing => "not found".to_owned(),
            NotFound::Denied(error) => error.to_string(),
        }
    }

    /// The shell's status for it.
    pub fn status(self) -> i32 {
        match self {
            NotFound::Missing => 127,
            NotFound::Denied(_) => 126,
        }
    }
}

/// Finds a program: a name without a slash along PATH.
pub(super) fn find(sys: &Sys, name: &str, path: &str) -> Result<String, NotFound> {
    if name.contains('/') {
        return check(sys, name).map(|()| name.to_owned());
    }
    let mut denied = NotFound::Missing;
    for directory in path.split(':').filter(|_| !name.is_empty()) {
        let candidate = if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") };
        match check(sys, &candidate) {
            Ok(()) => return Ok(candidate),
            Err(NotFound::Denied(error)) if sys.stat(&candidate).is_ok_and(|s| s.kind == FileType::Regular) => {
                denied = NotFound::Denied(error);
            }
            Err(_) => {}
        }
    }
    Err(denied)
}

fn check(sys: &Sys, path: &str) -> Result<(), NotFound> {
    match sys.stat(path) {
        Err(Errno::ENOENT | Errno::ENOTDIR) => Err(NotFound::Missing),
        Err(error) => Err(NotFound::Denied(error)),
        Ok(stat) if stat.kind != FileType::Regular => Err(NotFound::Denied(Errno::EACCES)),
        Ok(_) => sys.access(path, false, false, true).map_err(NotFound::Denied),
    }
}

impl Shell {
    /// Runs a simple command.
    pub(super) fn simple<'a>(&'a mut self, simple: &'a Simple, context: Context) -> BoxFuture<'a, Done> {
        async move {
            if simple.line > 0 {
                self.line = simple.line;
            }
            self.substituted = None;
            let words = self.fields(&simple.words).await?;
            let Some(name) = words.first().cloned() else { return self.assign(simple).await };
            let function = self.functions.get(&name).cloned();
            let builtin = if function.is_none() { builtins::find(&name) } else { None };
            let mut assignments = Vec::new();
            let mut overlays = Vec::new();
            for (variable, value) in &simple.assignments {
                // Each sees the ones before it.
                let value = self.text(value).await?;
                match self.vars.overlay(variable, value.clone()) {
                    Ok(overlay) => overlays.push(overlay),
                    Err(message) => {
                        self.vars.undo(overlays);
                        return self.fatal(&message).await;
                    }
                }
                assignments.push((variable.clone(), value));
            }
            self.trace(&assignments, &words).await;
            // `exec` without a program keeps its redirections.
            let keep = name == "exec" && words.len() == 1;
            let special = builtin.is_some_and(Builtin::is_special);
            let saved = match self.redirect(&simple.redirects).await {
                Ok(saved) => saved,
                Err(flow) => {
                    self.vars.undo(overlays);
                    return match flow {
                        Flow::Error(_) if special => Err(Flow::Error(1)),
                        Flow::Error(_) => Ok(1),
                        flow => Err(flow),
                    };
                }
            };
            let done = if let Some(body) = function {
                self.call(&body, words, context).await
            } else if let Some(builtin) = builtin {
                let outer = std::mem::replace(&mut self.tested, context.tested);
                let done = builtin.run(self, words).await;
                self.tested = outer;
                done
            } else {
                self.program(words, context).await
            };
            self.vars.undo(overlays);
            if special {
                for (variable, value) in assignments {
                    self.vars.set(&variable, value).ok();
                }
            }
            if keep {
                self.forget(saved)
            } else {
                self.restore(saved)
            }
            done
        }
        .boxed()
    }

    /// Assignments without a program: they stay, and redirections are only tried.
    fn assign<'a>(&'a mut self, simple: &'a Simple) -> BoxFuture<'a, Done> {
        async move {
            let mut shown = Vec::new();
            for (name, value) in &simple.assignments {
                let value = self.text(value).await?;
                if let Err(message) = self.vars.set(name, value.clone()) {
                    return self.fatal(&message).await;
                }
                shown.push((name.clone(), value));
            }
            self.trace(&shown, &[]).await;
            match self.redirect(&simple.redirects).await {
                Ok(saved) => self.restore(saved),
                Err(Flow::Error(_)) => return Ok(1),
                Err(flow) => return Err(flow),
            }
            Ok(self.substituted.unwrap_or(0))
        }
        .boxed()
    }

    /// `set -x`
    async fn trace(&self, assignments: &[(String, String)], words: &[String]) {
        if self.options.xtrace {
            let assigned = assignments.iter().map(|(name, value)| format!("{name}={}", quote_if_needed_or_empty(value)));
            let shown: Vec<String> = assigned.chain(words.iter().map(|word| quote_if_needed(word))).collect();
            let prefix = self.vars.get("PS4").unwrap_or_default();
            self.sys.eprint(&format!("{prefix}{}\n", shown.join(" "))).await;
        }
    }

    /// Calls a function.
    fn call<'a>(&'a mut self, body: &'a super::syntax::Command, words: Vec<String>, context: Context) -> BoxFuture<'a, Done> {
        async move {
            let args = std::mem::replace(&mut self.args, words.into_iter().skip(1).collect());
            let loops = std::mem::take(&mut self.loops);
            self.vars.enter();
            self.functions_running += 1;
            let done = self.command(body, Context { tested: context.tested, last: false }).await;
            self.functions_running -= 1;
            self.vars.leave();
            self.loops = loops;
            self.args = args;
            match done {
                Err(Flow::Return(status)) => Ok(status),
                done => done,
            }
        }
        .boxed()
    }

    /// The descriptors that a program inherits.
    fn inherited(&self) -> BTreeMap<Fd, Fd> {
        self.sys.descriptors().into_iter().filter(|&fd| fd < OWN).map(|fd| (fd, fd)).collect()
    }

    /// Runs a program and waits for it; as the last command it takes this process over.
    pub(super) fn program(&mut self, words: Vec<String>, context: Context) -> BoxFuture<'_, Done> {
        async move {
            let path = self.vars.get("PATH").unwrap_or_default();
            let found = match find(&self.sys, &words[0], &path) {
                Ok(found) => found,
                Err(why) => {
                    self.complain(&format!("{}: {}", words[0], why.text())).await;
                    return Ok(why.status());
                }
            };
            if context.last && self.traps.is_empty() && !self.job_control {
                return self.become_program(&found, words).await;
            }
            let spawn = Spawn {
                program: found.clone(),
                args: words.clone(),
                env: self.vars.environment(),
                fds: self.inherited(),
                group: self.job_control.then_some(0),
                ..Spawn::default()
            };
            let pid = match self.sys.spawn(spawn) {
                Ok(pid) => pid,
                Err(Errno::ENOEXEC) => return self.script(found, words).await,
                Err(error) => {
                    let why = if error == Errno::ENOENT { NotFound::Missing } else { NotFound::Denied(error) };
                    self.complain(&format!("{}: {}", words[0], why.text())).await;
                    return Ok(why.status());
                }
            };
            self.give_terminal(Some(pid));
            let status = self.wait_for(pid).await;
            self.take_terminal();
            Ok(status)
        }
        .boxed()
    }

    /// A file that the kernel does not know how to execute is a shell script.
    async fn script(&mut self, path: String, words: Vec<String>) -> Done {
        let env = self.vars.environment();
        let body = move |sys: Sys| -> super::Running {
            Box::pin(async move {
                let mut shell = Shell::new(sys, path.clone());
                shell.vars = super::Variables::from_environment(env);
                shell.vars.set("IFS", " \t\n".to_owned()).ok();
                shell.main(std::iter::once(path).chain(words.into_iter().skip(1)).collect()).await
            })
        };
        let pid = match self.sys.fork_with(Box::new(body)) {
            Ok(pid) => pid,
            Err(error) => return self.fatal(&format!("can't fork: {error}")).await,
        };
        Ok(self.wait_for(pid).await)
    }

    /// execve(2) of this process.
    pub(super) async fn become_program(&mut self, path: &str, words: Vec<String>) -> Done {
        for fd in self.sys.descriptors() {
            if fd >= OWN {
                self.sys.close(fd).ok();
            }
        }
        let error = self.sys.exec(path, words.clone(), self.vars.environment()).await;
        if error == Errno::ENOEXEC {
            let mut shell = Shell::new(self.sys.clone(), path.to_owned());
            shell.vars = self.vars.clone();
            let args = std::iter::once(path.to_owned()).chain(words.into_iter().skip(1)).collect();
            return Err(Flow::Exit(Box::pin(shell.main(args)).await));
        }
        let why = if error == Errno::ENOENT { NotFound::Missing } else { NotFound::Denied(error) };
        self.complain(&format!("{}: {}", words[0], why.text())).await;
        Err(Flow::Exit(why.status()))
    }
}

fn quote_if_needed_or_empty(text: &str) -> String {
    if text.is_empty() { String::new() } else { quote_if_needed(text) }
}
