//! Lists, pipelines and compound commands.

use super::syntax::{AndOr, Command, Compound, List, Pipeline};
use super::{Done, Flow, Shell, pattern};
use crate::sys::{Fd, Pid, STDIN, STDOUT, Sys};
use drydock_core::kernel::Signal;
use futures_util::future::{BoxFuture, FutureExt};
use std::sync::Arc;

/// How a command stands among others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Context {
    /// Its failure is tested, so that `set -e` does not end the shell.
    pub tested: bool,
    /// Nothing runs after it in this process, so that a program may take the process over.
    pub last: bool,
}

impl Context {
    fn not_last(self) -> Self {
        Self { last: false, ..self }
    }
}

/// Processor time that one turn of a loop takes.
const TURN: std::time::Duration = std::time::Duration::from_micros(50);

/// How many plain commands an `eval` weighs.
const EVAL_DEPTH: usize = 10;

/// How deep commands may nest. busybox overflows its stack at some thousands; here the simulator's own stack decides, which is
/// one or two megabytes in a web page and in a test.
const MAX_DEPTH: usize = 150;

impl Shell {
    /// Runs a list.
    pub(super) fn list<'a>(&'a mut self, list: &'a List, context: Context) -> BoxFuture<'a, Done> {
        async move {
            let mut status = 0;
            for (i, item) in list.0.iter().enumerate() {
                self.run_traps().await?;
                let last = context.last && i + 1 == list.0.len();
                status = if item.background {
                    self.background(&item.and_or).await?
                } else {
                    self.and_or(&item.and_or, Context { last, ..context }).await?
                };
                self.status = status;
            }
            self.run_traps().await?;
            Ok(status)
        }
        .boxed()
    }

    async fn and_or(&mut self, and_or: &AndOr, context: Context) -> Done {
        if and_or.rest.is_empty() {
            return self.pipeline(&and_or.first, context).await;
        }
        let mut status = self.pipeline(&and_or.first, Context { tested: true, last: false }).await?;
        for (i, (if_true, pipeline)) in and_or.rest.iter().enumerate() {
            self.status = status;
            if (status == 0) == *if_true {
                let last = i + 1 == and_or.rest.len();
                let context = Context { tested: context.tested || !last, last: context.last && last };
                status = self.pipeline(pipeline, context).await?;
            }
        }
        self.status = status;
        Ok(status)
    }

    async fn pipeline(&mut self, pipeline: &Pipeline, context: Context) -> Done {
        let inner = if pipeline.negate { Context { tested: true, last: false } } else { context };
        let status = match pipeline.commands.as_slice() {
            [one] => self.command(one, inner).await?,
            many => self.piped(many).await?,
        };
        self.status = status;
        if pipeline.negate {
            self.status = i32::from(status == 0);
            return Ok(self.status);
        }
        if status != 0 && self.options.errexit && !context.tested && fails_at_once(pipeline) {
            return Err(Flow::Exit(status));
        }
        Ok(status)
    }

    /// Commands joined by pipes, each in a process of its own.
    fn piped<'a>(&'a mut self, commands: &'a [Arc<Command>]) -> BoxFuture<'a, Done> {
        async move {
            let mut pids = Vec::new();
            let mut input: Option<Fd> = None;
            let mut group = None;
            for (i, command) in commands.iter().enumerate() {
                let output = if i + 1 < commands.len() { Some(self.pipe().await?) } else { None };
                let ends = Ends { input, output: output.map(|(_, write)| write), close: output.map(|(read, _)| read) };
                let pid = self.fork(command.clone(), Some(ends), group).await;
                for fd in input.into_iter().chain(output.map(|(_, write)| write)) {
                    self.sys.close(fd).ok();
                }
                input = output.map(|(read, _)| read);
                let pid = pid?;
                group.get_or_insert(pid);
                // Noted, for one may end while another is waited for.
                self.jobs.insert(pid, None);
                pids.push(pid);
            }
            let mut statuses = Vec::new();
            self.give_terminal(group);
            for pid in pids {
                statuses.push(self.wait_for(pid).await);
            }
            self.take_terminal();
            let last = statuses.last().copied().unwrap_or(0);
            let failed = statuses.iter().rev().find(|&&status| status != 0);
            Ok(if self.options.pipefail { failed.copied().unwrap_or(0) } else { last })
        }
        .boxed()
    }

    /// A pipe whose ends are out of the way of the script's own descriptors.
    async fn pipe(&mut self) -> Result<(Fd, Fd), Flow> {
        let made = self.sys.pipe().and_then(|(read, write)| {
            let high = self.sys.dup(read, 10).and_then(|r| Ok((r, self.sys.dup(write, 10)?)));
            self.sys.close(read).ok();
            self.sys.close(write).ok();
            high
        });
        match made {
            Ok(ends) => Ok(ends),
            Err(_) => Err(self.error("pipe call failed").await),
        }
    }

    /// Starts a child process that runs a command.
    async fn fork(&mut self, command: Arc<Command>, ends: Option<Ends>, group: Option<Pid>) -> Result<Pid, Flow> {
        let shell = self.clone();
        let job_control = self.job_control;
        let body = move |sys: Sys| -> super::Running {
            Box::pin(async move {
                if job_control {
                    sys.setpgid(0, group.unwrap_or(0)).ok();
                }
                if let Some(ends) = ends {
                    ends.connect(&sys);
                }
                let mut shell = shell.child(sys);
                let done = shell.command(&command, Context { tested: false, last: true }).await;
                shell.end(done).await
            })
        };
        match self.sys.fork_with(Box::new(body)) {
            Ok(pid) => Ok(pid),
            Err(error) => Err(self.error(&format!("can't fork: {error}")).await),
        }
    }

    /// `list &`
    fn background<'a>(&'a mut self, and_or: &'a AndOr) -> BoxFuture<'a, Done> {
        async move {
            let list = List(vec![super::syntax::Item { and_or: and_or.clone(), background: false }]);
            // A list of one simple command is the process itself, so that `$!` is the program's own pid.
            let command = Command::Compound(Compound::Group(list), Vec::new());
            let interactive = self.job_control;
            let quiet = move |sys: &Sys| {
                if !interactive {
                    // POSIX 2.11: without job control such a list ignores these and reads nothing.
                    sys.set_disposition(Signal::INT, crate::sys::Disposition::Ignore).ok();
                    sys.set_disposition(Signal::QUIT, crate::sys::Disposition::Ignore).ok();
                }
            };
            let shell = self.clone();
            let body = move |sys: Sys| -> super::Running {
                Box::pin(async move {
                    if interactive {
                        sys.setpgid(0, 0).ok();
                    } else if let Ok(null) = sys.open("/dev/null", crate::sys::OpenFlags::READ, 0).await {
                        sys.dup2(null, STDIN).ok();
                        if null != STDIN {
                            sys.close(null).ok();
                        }
                    }
                    quiet(&sys);
                    let mut shell = shell.child(sys);
                    let done = shell.command(&command, Context { tested: false, last: true }).await;
                    shell.end(done).await
                })
            };
            let pid = match self.sys.fork_with(Box::new(body)) {
                Ok(pid) => pid,
                Err(error) => return Err(self.error(&format!("can't fork: {error}")).await),
            };
            self.last_background = Some(pid);
            self.jobs.insert(pid, None);
            Ok(0)
        }
        .boxed()
    }

    /// Runs one command.
    pub(super) fn command<'a>(&'a mut self, command: &'a Command, context: Context) -> BoxFuture<'a, Done> {
        async move {
            if self.options.noexec {
                return Ok(0);
            }
            if self.depth > MAX_DEPTH {
                // The real one dies of a stack overflow.
                let signal = Signal::from_number(11).ok();
                self.sys.kill(crate::sys::Target::Pid(self.sys.getpid()), signal).ok();
                self.sys.yield_now().await;
                return Err(Flow::Exit(139));
            }
            self.depth += 1;
            let done = match command {
                Command::Simple(simple) => self.simple(simple, context).await,
                Command::Function(name, body) => {
                    self.functions.insert(name.clone(), body.clone());
                    Ok(0)
                }
                Command::Compound(compound, redirects) if redirects.is_empty() => self.compound(compound, context).await,
                Command::Compound(compound, redirects) => match self.redirect(redirects).await {
                    Ok(saved) => {
                        let done = self.compound(compound, context.not_last()).await;
                        self.restore(saved);
                        done
                    }
                    Err(Flow::Error(_)) => Ok(1),
                    Err(flow) => Err(flow),
                },
            };
            self.depth -= 1;
            done
        }
        .boxed()
    }

    fn compound<'a>(&'a mut self, compound: &'a Compound, context: Context) -> BoxFuture<'a, Done> {
        async move {
            match compound {
                Compound::Group(list) => self.list(list, context).await,
                Compound::Subshell(list) => self.subshell(list.clone(), context).await,
                Compound::If { arms, otherwise } => {
                    for (condition, body) in arms {
                        if self.list(condition, Context { tested: true, last: false }).await? == 0 {
                            return self.list(body, context).await;
                        }
                    }
                    match otherwise {
                        Some(body) => self.list(body, context).await,
                        None => Ok(0),
                    }
                }
                Compound::For { name, words, body } => {
                    let values = match words {
                        Some(words) => self.fields(words).await?,
                        None => self.args.clone(),
                    };
                    let mut status = 0;
                    for value in values {
                        if let Err(message) = self.vars.set(name, value) {
                            return self.fatal(&message).await;
                        }
                        match self.turn(body, context).await? {
                            Turn::Next(s) => status = s,
                            Turn::Leave(s) => return Ok(s),
                        }
                    }
                    Ok(status)
                }
                Compound::While { until, condition, body } => {
                    let mut status = 0;
                    loop {
                        self.loops += 1;
                        let tested = self.list(condition, Context { tested: true, last: false }).await;
                        self.loops -= 1;
                        match tested {
                            Ok(code) if (code == 0) == *until => return Ok(status),
                            Ok(_) => {}
                            Err(Flow::Break(n)) => return leave(n, Flow::Break),
                            Err(Flow::Continue(1)) => continue,
                            Err(Flow::Continue(n)) => return Err(Flow::Continue(n - 1)),
                            Err(flow) => return Err(flow),
                        }
                        match self.turn(body, context).await? {
                            Turn::Next(s) => status = s,
                            Turn::Leave(s) => return Ok(s),
                        }
                        // A loop of builtins makes no system call that waits. It takes processor time, so that others come to run,
                        // and limits are seen to work on it.
                        self.sys.burn(TURN).await.ok();
                    }
                }
                Compound::Case { word, arms } => {
                    let text = self.text(word).await?;
                    for (patterns, body) in arms {
                        for pattern in patterns {
                            let pattern = self.pattern(pattern).await?;
                            if pattern::matches(&pattern, &text) {
                                return self.list(body, context).await;
                            }
                        }
                    }
                    Ok(0)
                }
            }
        }
        .boxed()
    }

    /// One turn of a loop.
    async fn turn(&mut self, body: &List, context: Context) -> Result<Turn, Flow> {
        self.loops += 1;
        let done = self.list(body, context.not_last()).await;
        self.loops -= 1;
        match done {
            Ok(status) => Ok(Turn::Next(status)),
            Err(Flow::Break(1)) => Ok(Turn::Leave(0)),
            Err(Flow::Break(n)) => Err(Flow::Break(n - 1)),
            Err(Flow::Continue(1)) => Ok(Turn::Next(0)),
            Err(Flow::Continue(n)) => Err(Flow::Continue(n - 1)),
            Err(flow) => Err(flow),
        }
    }

    /// `( list )`; the last command of a process needs no other process.
    async fn subshell(&mut self, list: Arc<List>, context: Context) -> Done {
        if context.last && self.traps.is_empty() {
            let done = self.list(&list, context).await;
            return Ok(self.end(done).await);
        }
        let command = Command::Compound(Compound::Group((*list).clone()), Vec::new());
        let pid = self.fork(Arc::new(command), None, None).await?;
        self.give_terminal(Some(pid));
        let status = self.wait_for(pid).await;
        self.take_terminal();
        Ok(status)
    }

    /// `$( list )`: what it prints, without the line feeds at the end.
    pub(super) async fn substitute(&mut self, list: Arc<List>) -> Result<String, Flow> {
        let (read, write) = self.pipe().await?;
        let shell = self.clone();
        let body = move |sys: Sys| -> super::Running {
            Box::pin(async move {
                Ends { input: None, output: Some(write), close: Some(read) }.connect(&sys);
                let mut shell = shell.child(sys);
                let done = shell.list(&list, Context { tested: false, last: true }).await;
                shell.end(done).await
            })
        };
        let pid = self.sys.fork_with(Box::new(body));
        self.sys.close(write).ok();
        let pid = match pid {
            Ok(pid) => pid,
            Err(error) => return Err(self.error(&format!("can't fork: {error}")).await),
        };
        let output = self.sys.read_to_end(read).await.unwrap_or_default();
        self.sys.close(read).ok();
        let status = self.wait_for(pid).await;
        self.status = status;
        self.substituted = Some(status);
        // A shell's strings end at a zero byte, so busybox drops them too.
        let text = String::from_utf8_lossy(&output).replace('\0', "");
        Ok(text.trim_end_matches('\n').to_owned())
    }

    /// A process of this shell ends: the EXIT trap runs, and this is its status.
    pub(super) async fn end(&mut self, done: Done) -> i32 {
        let status = match done {
            Ok(status) | Err(Flow::Return(status) | Flow::Exit(status) | Flow::Error(status)) => status,
            Err(Flow::Break(_) | Flow::Continue(_)) => 0,
        };
        self.exit_trap(status).await
    }
}

/// Whether a pipeline's failure is its own, and not that of a list inside it that has been judged there already.
fn fails_at_once(pipeline: &Pipeline) -> bool {
    match pipeline.commands.as_slice() {
        [one] => match one.as_ref() {
            Command::Simple(_) => true,
            Command::Compound(Compound::Subshell(_), _) => true,
            Command::Compound(..) | Command::Function(..) => false,
        },
        _ => true,
    }
}

fn leave(n: usize, flow: fn(usize) -> Flow) -> Done {
    if n > 1 { Err(flow(n - 1)) } else { Ok(0) }
}

enum Turn {
    Next(i32),
    Leave(i32),
}

/// The ends of pipes that a child of a pipeline takes over.
#[derive(Clone, Copy, Debug)]
struct Ends {
    input: Option<Fd>,
    output: Option<Fd>,
    close: Option<Fd>,
}

impl Ends {
    fn connect(self, sys: &Sys) {
        for (from, to) in [(self.input, STDIN), (self.output, STDOUT)] {
            if let Some(from) = from {
                sys.dup2(from, to).ok();
                sys.close(from).ok();
            }
        }
        if let Some(fd) = self.close {
            sys.close(fd).ok();
        }
    }
}

impl Shell {
    /// Runs a program's text in this shell, as `eval` and `.` do.
    pub(super) fn eval<'a>(&'a mut self, text: &'a str) -> BoxFuture<'a, Done> {
        async move {
            match super::parse::program(text) {
                Ok(list) => {
                    // The parser and the builtin need more of the stack than a plain command does.
                    self.depth += EVAL_DEPTH;
                    let done = self.list(&list, Context { tested: self.tested, last: false }).await;
                    self.depth -= EVAL_DEPTH;
                    done
                }
                Err(error) => self.syntax_error(error).await,
            }
        }
        .boxed()
    }
}
