//! The shell: POSIX sh as busybox's ash has it.
//!
//! [`parse`] reads, [`expand`] expands, [`run`] and [`command`] run; [`input`] is where commands come from.

mod arithmetic;
mod builtins;
mod command;
mod expand;
mod glob;
mod input;
mod jobs;
mod parse;
pub mod pattern;
mod redirect;
mod run;
mod syntax;
mod trap;
mod vars;
mod word;

use super::Running;
use crate::sys::{Pid, Sys, WaitStatus};
use std::collections::BTreeMap;
use std::sync::Arc;
use syntax::Command;
use vars::Variables;

/// How commands end: with a status, or by leaving what they stand in.
type Done = Result<i32, Flow>;

/// Why commands after this one do not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// `break n`
    Break(usize),
    /// `continue n`
    Continue(usize),
    /// `return`
    Return(i32),
    /// `exit`, or `set -e`
    Exit(i32),
    /// An error that ends a shell, unless a person types to it.
    Error(i32),
}

/// What `set` and the command line switch on.
#[derive(Clone, Copy, Debug, Default)]
struct Options {
    /// `-e`
    errexit: bool,
    /// `-u`
    nounset: bool,
    /// `-x`
    xtrace: bool,
    /// `-f`
    noglob: bool,
    /// `-n`
    noexec: bool,
    /// `-v`
    verbose: bool,
    /// `-C`
    noclobber: bool,
    /// `-o pipefail`
    pipefail: bool,
    /// `-i`, or a terminal at both ends
    interactive: bool,
    /// `-c`
    command: bool,
    /// `-s`
    stdin: bool,
}

impl Options {
    fn letters(self) -> String {
        let all = [
            (self.errexit, 'e'),
            (self.noglob, 'f'),
            (self.interactive, 'i'),
            (self.interactive, 'm'),
            (self.noexec, 'n'),
            (self.stdin, 's'),
            (self.command, 'c'),
            (self.xtrace, 'x'),
            (self.verbose, 'v'),
            (self.noclobber, 'C'),
            (self.nounset, 'u'),
        ];
        all.into_iter().filter_map(|(on, letter)| on.then_some(letter)).collect()
    }
}

/// One shell process.
#[derive(Clone)]
struct Shell {
    sys: Sys,
    /// `$0`
    name: String,
    /// `$1`…
    args: Vec<String>,
    vars: Variables,
    functions: BTreeMap<String, Arc<Command>>,
    options: Options,
    /// `$?`
    status: i32,
    /// `$$`: of the first shell, in subshells too.
    pid: Pid,
    parent: Pid,
    /// `$!`
    last_background: Option<Pid>,
    /// Children in the background, and how they ended.
    jobs: BTreeMap<Pid, Option<WaitStatus>>,
    /// Actions by signal number; 0 is EXIT.
    traps: BTreeMap<i32, String>,
    /// Line of the script that is running; 0 outside of scripts.
    line: usize,
    /// Commands come from a file, so that errors name the line.
    script: bool,
    /// The terminal whose foreground this shell manages.
    job_control: bool,
    /// Status of the last command substitution of the command that is being expanded.
    substituted: Option<i32>,
    /// The builtin that runs is tested, so that what it runs in turn (`eval`, `.`) is too.
    tested: bool,
    loops: usize,
    functions_running: usize,
    /// For `getopts`: where in a word of letters it is.
    getopts_at: usize,
    /// How deep commands are nested, so that endless recursion ends as it does in a real stack.
    depth: usize,
}

/// `sh [-abCefhimnuvx] [-c command | file | -s] [arguments]`
pub fn sh(sys: Sys, args: Vec<String>) -> Running {
    Box::pin(async move {
        let shell = Shell::new(sys, args.first().cloned().unwrap_or_default());
        shell.main(args.into_iter().skip(1).collect()).await
    })
}

/// Runs a file as a script, as a shell does with one that execve(2) does not know (ENOEXEC).
pub fn script(sys: Sys, path: String, args: Vec<String>) -> Running {
    Box::pin(async move {
        let shell = Shell::new(sys, path.clone());
        shell.main(std::iter::once(path).chain(args).collect()).await
    })
}

impl Shell {
    fn new(sys: Sys, name: String) -> Self {
        let mut vars = Variables::from_environment(sys.environ());
        let default = |vars: &mut Variables, name: &str, value: &str| {
            if vars.get(name).is_none() {
                vars.set(name, value.to_owned()).ok();
            }
        };
        vars.set("IFS", " \t\n".to_owned()).ok();
        vars.set("OPTIND", "1".to_owned()).ok();
        default(&mut vars, "PATH", "/sbin:/usr/sbin:/bin:/usr/bin");
        default(&mut vars, "PS1", r"\w \$ ");
        default(&mut vars, "PS2", "> ");
        default(&mut vars, "PS4", "+ ");
        if let Ok(cwd) = sys.getcwd() {
            vars.set("PWD", cwd).ok();
        }
        let (pid, parent) = (sys.getpid(), sys.getppid());
        Self {
            sys,
            name,
            args: Vec::new(),
            vars,
            functions: BTreeMap::new(),
            options: Options::default(),
            status: 0,
            pid,
            parent,
            last_background: None,
            jobs: BTreeMap::new(),
            traps: BTreeMap::new(),
            line: 0,
            script: false,
            job_control: false,
            substituted: None,
            tested: false,
            loops: 0,
            functions_running: 0,
            getopts_at: 0,
            depth: 0,
        }
    }

    /// The copy that runs in a child process: what it caught is reset, and it manages no terminal.
    fn child(&self, sys: Sys) -> Self {
        let mut child = self.clone();
        child.sys = sys;
        child.jobs.clear();
        child.job_control = false;
        child.depth = 0;
        child.reset_traps();
        child
    }

    /// Ends the shell, for the simulator does not model this.
    async fn not_modelled(&self, what: &str) -> Done {
        self.sys.eprint(&format!("not modelled: sh: {what}\n")).await;
        Err(Flow::Exit(self.sys.not_modelled(&format!("sh: {what}"))))
    }

    /// `sh: message`, with the line where there is one, on standard error.
    async fn complain(&self, message: &str) {
        let place = if self.script && self.line > 0 { format!("line {}: ", self.line) } else { String::new() };
        self.sys.eprint(&format!("{}: {place}{message}\n", self.name)).await;
    }
}
