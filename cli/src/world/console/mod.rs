//! The shell of a simulated host, as a person at a terminal has it: `drydock` and the host's own programs on one line.
//!
//! The host's shell runs everything that is a program of the host. Drydock itself is none there: what begins with `drydock` or `docker` is
//! the command line of this crate, on the world's engine. So a line is taken apart at `;`, `&&`, `||` and `|`, `$(drydock …)` is put in
//! as text, and what the parts write is led from one to the next. A line without Drydock in it goes to the shell as it is.
//!
//! Every part is an entry of the world's history, so that what was typed can be done again.

mod capture;
mod line;

use super::{PROGRAM, World};
use crate::environment::Environment;
use crate::history::{Entry, Recorder, Tape};
use crate::{HostOptions, run_on};
use capture::Captured;
use drydock_core::Error;
use line::{Errors, Part, Redirected, Then};

/// The exit code of what the simulator does not model.
const NOT_MODELLED: i32 = 3;
/// The exit code of a line that cannot be understood, as a shell has it.
const NO_SENSE: i32 = 2;

/// What a console remembers from line to line, as a shell does.
#[derive(Clone, Debug, Default)]
pub struct Console {
    /// The working directory, if it was changed.
    directory: Option<String>,
    /// Assignments, in order.
    variables: Vec<String>,
}

/// Where a command's input comes from and its output goes.
#[derive(Default)]
struct Streams {
    input: Option<Vec<u8>>,
    /// Keep what it writes instead of showing it.
    keep: bool,
}

/// What a command left.
#[derive(Default)]
struct Left {
    code: i32,
    kept: Vec<u8>,
}

/// One line on its way.
struct Run<'a> {
    console: &'a mut Console,
    world: &'a World,
    environment: &'a mut dyn Environment,
    note: &'a mut dyn FnMut(Entry),
}

impl Console {
    /// Runs a line in a world. Standard streams are the environment's; every entry of the history that it makes goes to `note`. Answers
    /// the exit code.
    pub fn run(&mut self, world: &World, line: &str, environment: &mut dyn Environment, note: &mut dyn FnMut(Entry)) -> i32 {
        let code = Run { console: self, world, environment, note }.line(line, false).map(|left| left.code);
        match code {
            Ok(code) => code,
            Err((code, text)) => {
                let _ = writeln!(environment.err(), "{text}");
                code
            }
        }
    }

    /// The working directory on the host.
    pub fn directory(&self) -> &str {
        self.directory.as_deref().unwrap_or("/")
    }

    /// What stands before every script.
    fn preamble(&self) -> String {
        let mut text = String::new();
        if let Some(directory) = &self.directory {
            text.push_str(&format!("cd {}\n", line::quoted(directory)));
        }
        for variable in &self.variables {
            text.push_str(variable);
            text.push('\n');
        }
        text
    }
}

/// An exit code, and what to say.
type Refused = (i32, String);

fn refused(what: &str) -> Refused {
    (NOT_MODELLED, format!("drydock: {}", Error::not_modelled(what)))
}

impl Run<'_> {
    /// A whole line, or what stands between `$(` and `)`.
    fn line(&mut self, text: &str, keep: bool) -> Result<Left, Refused> {
        let parts = line::parts(text).map_err(|what| (NO_SENSE, format!("drydock: {what}")))?;
        if !parts.iter().any(|part| part.pipe.iter().any(|command| line::is_drydock(command) || line::asks_drydock(command))) {
            return self.shell(text, Streams { input: None, keep });
        }
        if let Some(word) = parts.iter().flat_map(|part| &part.pipe).find_map(|command| line::compound(command)) {
            return Err(refused(&format!("drydock after '{word}' in this shell")));
        }
        let mut all = Left::default();
        for Part { then, pipe } in parts {
            let skip = match then {
                Then::Always => false,
                Then::IfGood => all.code != 0,
                Then::IfBad => all.code == 0,
            };
            if skip {
                continue;
            }
            let left = self.pipe(&pipe, keep)?;
            all.code = left.code;
            all.kept.extend(left.kept);
        }
        Ok(all)
    }

    fn pipe(&mut self, commands: &[String], keep: bool) -> Result<Left, Refused> {
        let mut left = Left::default();
        for (at, command) in commands.iter().enumerate() {
            let input = (at > 0).then(|| std::mem::take(&mut left.kept));
            let keep = keep || at + 1 < commands.len();
            left = self.command(command, Streams { input, keep })?;
        }
        Ok(left)
    }

    fn command(&mut self, text: &str, streams: Streams) -> Result<Left, Refused> {
        let text = self.substitute(text)?;
        if !line::is_drydock(&text) {
            return self.shell(&text, streams);
        }
        let Redirected { words, output, errors } = line::redirected(&text).map_err(|what| refused(&what))?;
        let args = match line::words(&words) {
            Some(args) => args,
            None => self.expanded(&words)?,
        };
        let kept = streams.keep;
        let left = self.drydock(args.get(1..).unwrap_or_default(), Streams { keep: kept || output.is_some(), ..streams }, errors);
        let Some(output) = output else { return Ok(left) };
        // What was to go to a file goes there through a program of the host.
        let written = self.shell(&format!("cat {output}"), Streams { input: Some(left.kept), keep: kept })?;
        Ok(Left { code: if left.code == 0 { written.code } else { left.code }, kept: written.kept })
    }

    /// A command of Drydock's.
    fn drydock(&mut self, args: &[String], streams: Streams, errors: Errors) -> Left {
        let tape = Tape::default();
        let mut captured = Captured::new(self.environment, streams.input, streams.keep, errors);
        // What stands before the command, as on any command line. There is but one host to talk to here. It is no part of the record.
        let command = match crate::split(args, &mut captured) {
            Ok((host, command)) if host.host.is_none() && host.data_root.is_none() && host.run_root.is_none() => command,
            Ok(_) => {
                let _ = writeln!(captured.err(), "drydock: {}", Error::not_modelled("another host than the simulated one"));
                return Left { code: NOT_MODELLED, kept: captured.finish() };
            }
            Err(code) => return Left { code, kept: captured.finish() },
        };
        let mut recorder = Recorder::new(&mut captured, self.world.engine(), tape.clone()).with_keychain(self.world.keychain());
        let code = run_on(&command, HostOptions::default(), &mut recorder);
        let opened = recorder.opened();
        drop(recorder);
        let kept = captured.finish();
        if opened {
            (self.note)(Entry { args: command, answers: tape.answers() });
            self.world.pause();
        }
        Left { code, kept }
    }

    /// A script of the host's shell.
    fn shell(&mut self, text: &str, streams: Streams) -> Result<Left, Refused> {
        let mut script = self.console.preamble();
        match &streams.input {
            None => script.push_str(text),
            Some(input) => {
                let input = String::from_utf8_lossy(input);
                let mark = line::unused_mark(&input);
                let end = if input.is_empty() || input.ends_with('\n') { "" } else { "\n" };
                script.push_str(&format!("{{ {text}\n}} <<'{mark}'\n{input}{end}{mark}\n"));
            }
        }
        let changes = streams.input.is_none().then(|| line::changes_shell(text)).flatten();
        if let Some(line::Changes::Directory) = changes {
            return self.change_directory(&script);
        }
        let ran = self.script(&script);
        if ran.code == 0 && changes == Some(line::Changes::Variables) {
            self.console.variables.push(text.to_owned());
        }
        let shown = if streams.keep { Ok(()) } else { self.environment.out().write_all(&ran.stdout) };
        let _ = shown.and_then(|()| self.environment.out().flush());
        let _ = self.environment.err().write_all(&ran.stderr);
        Ok(Left { code: ran.code, kept: if streams.keep { ran.stdout } else { Vec::new() } })
    }

    fn change_directory(&mut self, script: &str) -> Result<Left, Refused> {
        let ran = self.script(&format!("{script} && pwd"));
        let _ = self.environment.err().write_all(&ran.stderr);
        if ran.code == 0 {
            self.console.directory = Some(ran.text().trim_end_matches('\n').to_owned());
        }
        Ok(Left { code: ran.code, kept: Vec::new() })
    }

    /// Runs a script, and notes it.
    fn script(&mut self, script: &str) -> drydock_sim::Ran {
        let args: Vec<String> = ["--", "sh", "-c", script].map(str::to_owned).to_vec();
        let ran = self.world.run_program(&args);
        let args = std::iter::once(PROGRAM.to_owned()).chain(args).collect();
        (self.note)(Entry { args, answers: Vec::new() });
        self.world.pause();
        ran
    }

    /// Words as the host's shell expands them.
    fn expanded(&mut self, words: &str) -> Result<Vec<String>, Refused> {
        let script = format!("{}printf '%s\\0' {words}", self.console.preamble());
        let ran = self.script(&script);
        if ran.code != 0 {
            return Err((ran.code, String::from_utf8_lossy(&ran.stderr).trim_end().to_owned()));
        }
        let mut words: Vec<String> = ran.text().split('\0').map(str::to_owned).collect();
        words.pop();
        Ok(words)
    }

    /// Puts what `$(drydock …)` writes in its place.
    fn substitute(&mut self, text: &str) -> Result<String, Refused> {
        let mut done = String::new();
        let mut rest = text.to_owned();
        while let Some(found) = line::substitution(&rest) {
            let value = self.line(&found.command, true)?.kept;
            let value = String::from_utf8_lossy(&value).trim_end_matches('\n').to_owned();
            done.push_str(rest.get(..found.start).unwrap_or_default());
            done.push_str(&found.put(&value));
            rest = rest.get(found.end..).unwrap_or_default().to_owned();
            // What was put in is text and is not looked at again; the quotes it stands in go on.
            if found.in_quotes {
                let (quoted, after) = line::to_end_of_quotes(&rest);
                if line::asks_drydock(quoted) {
                    return Err(refused("two $(drydock …) in one text"));
                }
                done.push_str(quoted);
                rest = after.to_owned();
            }
        }
        done.push_str(&rest);
        Ok(done)
    }
}
