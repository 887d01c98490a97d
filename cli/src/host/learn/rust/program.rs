//! A student's program, running: it is asked on its standard input and answers on its standard output.

use drydock_conformance::learner::Asked;
use drydock_core::{Error, ErrorKind, Result};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// As many lines of a program's own talk are shown.
const SHOWN: usize = 200;

/// A running program.
pub(super) struct Program(Mutex<Running>);

struct Running {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    talk: usize,
}

impl Program {
    /// Starts it. One that is `held` gets a gigabyte of memory, a minute of processor time and no files to write: it may be anybody's.
    pub fn start(path: &Path, held: bool) -> Result<Self> {
        let mut command = match held {
            true => {
                let mut shell = Command::new("sh");
                shell.args(["-c", "ulimit -v 1048576 -t 60 -f 0 2>/dev/null; exec \"$0\""]).arg(path).env_clear().stderr(Stdio::null());
                shell
            }
            false => Command::new(path),
        };
        let run = |e| Error::new(ErrorKind::System, format!("run {}", path.display())).source(e);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(run)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::new(ErrorKind::System, "a program has no streams"));
        };
        let (sender, lines) = mpsc::sync_channel(1024);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(|line| line.ok()) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self(Mutex::new(Running { child, input, lines, talk: 0 })))
    }
}

impl Running {
    fn ask(&mut self, question: &str) -> Result<String> {
        // One that has ended takes no question; what it lacks is an answer, and that is what is said.
        let _ = self.input.write_all(question.as_bytes()).and_then(|()| self.input.write_all(b".\n")).and_then(|()| self.input.flush());
        let (mut answer, until) = (String::new(), Instant::now() + PATIENCE);
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => match line.strip_prefix("= ") {
                    Some(".") => return Ok(answer),
                    Some(part) => {
                        answer.push_str(part);
                        answer.push('\n');
                    }
                    None => {
                        self.talk += 1;
                        if self.talk <= SHOWN {
                            eprintln!("your code says: {line}");
                        }
                    }
                },
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.child.kill();
                    return Err(Error::new(ErrorKind::TimedOut, format!("your code did not answer within {} seconds", PATIENCE.as_secs())));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::new(ErrorKind::System, "your code ended before it answered: it panics, or takes more than it may"));
                }
            }
        }
    }
}

impl Asked for Program {
    fn ask(&self, question: &str) -> Result<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ask(question)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let running = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = running.child.kill();
        let _ = running.child.wait();
    }
}
