//! Standard streams without a terminal.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{contains, equal, fail};
use crate::script::{Act, Script};
use drydock_core::container::Status;
use drydock_core::io::{Attach, Ended, Input, Io, Stream};
use drydock_core::kernel::Signal;
use drydock_core::{Error, ErrorKind, Result};
use std::time::Duration;

/// Somebody who types a line, and breaks off once it has come back.
struct Leaving {
    line: &'static str,
    typed: bool,
    seen: Vec<u8>,
}

impl Leaving {
    fn after(line: &'static str) -> Self {
        Self { line, typed: false, seen: Vec::new() }
    }
}

impl Io for Leaving {
    fn output(&mut self, _: Stream, bytes: &[u8]) -> Result<()> {
        self.seen.extend_from_slice(bytes);
        if self.seen == self.line.as_bytes() { Err(Error::new(ErrorKind::Interrupted, "it left")) } else { Ok(()) }
    }

    fn input(&mut self, _: bool) -> Result<Input> {
        let first = !std::mem::replace(&mut self.typed, true);
        Ok(if first { Input::Bytes(self.line.as_bytes().to_vec()) } else { Input::Pending })
    }

    fn descriptors(&self) -> Vec<i32> {
        Vec::new()
    }
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "CTR-STREAM-1",
        "Standard output and standard error arrive apart.",
        "Docker CLI reference, docker container attach",
        |w| {
            let out = w.sh("echo o; echo e >&2")?.exits(0)?;
            equal("stdout", out.text(), "o")?;
            equal("stderr", out.error_text(), "e")
        },
    ),
    Clause::docker("CTR-STREAM-2", "With -i standard input reaches the program, and its end is seen.", cite::RUN, |w| {
        w.run_playing(&["cat"], |c| (c.open_stdin, c.stdin_once) = (true, true), &mut Script::typing(b"hello\nworld\n"))?
            .prints("hello\nworld")?
            .done()
    }),
    Clause::docker("CTR-STREAM-3", "Without -i standard input is at its end from the start.", cite::RUN, |w| {
        w.run(&["cat"])?.prints("")?.done()
    }),
    Clause::docker("CTR-STREAM-4", "Every byte passes unchanged, both ways.", "Docker Engine API, ContainerAttach, stream format", |w| {
        let bytes: Vec<u8> = (0..=255).cycle().take(4096).collect();
        let out = w.run_playing(&["cat"], |c| (c.open_stdin, c.stdin_once) = (true, true), &mut Script::typing(&bytes))?.exits(0)?;
        equal("bytes", out.stdout == bytes, true)
    }),
    Clause::docker("CTR-STREAM-5", "A million bytes of output arrive whole.", "Docker Engine API, ContainerAttach, stream format", |w| {
        let out = w.run(&["dd", "if=/dev/zero", "bs=4096", "count=256"])?.exits(0)?;
        equal("bytes", out.stdout.len(), 1 << 20)?;
        equal("all zero", out.stdout.iter().all(|&b| b == 0), true)
    }),
    Clause::docker(
        "CTR-STREAM-6",
        "A last line without a line end arrives as it is.",
        "Docker Engine API, ContainerAttach, stream format",
        |w| {
            let out = w.run(&["printf", "a\\nb"])?.exits(0)?;
            equal("stdout", out.stdout, b"a\nb".to_vec())
        },
    ),
    Clause::docker(
        "CTR-STREAM-7",
        "Attaching to a running container gives what it writes from then on, and its exit code.",
        "Docker CLI reference, docker container attach",
        |w| {
            let id = w.ready("echo ready; sleep 0.5; echo later; exit 6", |_| {})?;
            let mut script = Script::silent();
            equal("ended", w.engine().attach(&id, &Attach::default(), &mut script)?, Ended::Exited(6))?;
            equal("stdout", String::from_utf8_lossy(&script.stdout).into_owned(), "later\n")
        },
    ),
    Clause::docker(
        "CTR-STREAM-8",
        "Attaching to a container that does not run is refused.",
        "Docker CLI reference, docker container attach",
        |w| {
            let id = w.start(&["true"], |_| {})?;
            w.wait(&id)?;
            let Err(error) = w.engine().attach(&id, &Attach::default(), &mut Script::silent()) else { return fail("it was not refused") };
            contains("message", &error.to_string(), "You cannot attach to a stopped container, start it first")
        },
    ),
    Clause::docker(
        "CTR-STREAM-9",
        "A signal for the attached client is passed on to the container.",
        "Docker CLI reference, docker container run --sig-proxy",
        |w| {
            let acts = [Act::Expect(b"ready".to_vec()), Act::Signal(Signal::TERM)];
            let script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done";
            w.run_playing(&["sh", "-c", script], |_| {}, &mut Script::of(acts))?.exits(9)?.done()
        },
    ),
    Clause::docker(
        "CTR-STREAM-10",
        "Standard input outlives a client that sent some and left, unless it was made to end with the first.",
        "Docker Engine API, ContainerCreate, StdinOnce",
        |w| {
            let id = w.start(&["cat"], |c| c.open_stdin = true)?;
            let attach = Attach { stdin: true, ..Attach::default() };
            for text in ["a\n", "b\n"] {
                // Each leaves by its keys once it has seen its line; the keys hold at a terminal only, so it is ended by its script.
                let mut script = Leaving::after(text);
                let left = w.engine().attach(&id, &attach, &mut script);
                equal("it left", left.is_err(), true)?;
            }
            equal("status", w.status(&id)?, Status::Running)?;
            equal("log", w.log_text(&id)?, "a\nb\n")
        },
    ),
    Clause::docker(
        "CTR-STREAM-11",
        "Attaching with logs first gives what was written before, then what is written from then on, nothing twice.",
        "Docker Engine API, ContainerAttach, logs",
        |w| {
            let id = w.ready("echo one; echo two >&2; echo ready; sleep 0.5; echo later; exit 6", |_| {})?;
            let mut script = Script::silent();
            let attach = Attach { logs: true, ..Attach::default() };
            equal("ended", w.engine().attach(&id, &attach, &mut script)?, Ended::Exited(6))?;
            equal("stdout", String::from_utf8_lossy(&script.stdout).into_owned(), "one\nready\nlater\n")?;
            equal("stderr", String::from_utf8_lossy(&script.stderr).into_owned(), "two\n")
        },
    ),
    Clause::law(
        "CTR-STREAM-12",
        "Attaching with logs in the middle of a line gives the line whole.",
        "Drydock manual, Terminals and streams",
        |w| {
            let id = w.ready("echo ready; printf part; sleep 0.6; echo ial", |_| {})?;
            w.sleep(Duration::from_millis(200));
            let mut script = Script::silent();
            w.engine().attach(&id, &Attach { logs: true, ..Attach::default() }, &mut script)?;
            equal("stdout", String::from_utf8_lossy(&script.stdout).into_owned(), "ready\npartial\n")
        },
    ),
    Clause::docker(
        "CTR-STREAM-13",
        "Whoever attaches to one stream gets that one.",
        "Docker Engine API, ContainerAttach, stdout and stderr",
        |w| {
            let id = w.start(&["sh", "-c", "sleep 0.4; echo out; echo err >&2"], |_| {})?;
            let mut script = Script::silent();
            w.engine().attach(&id, &Attach { stdout: false, ..Attach::default() }, &mut script)?;
            equal("stdout", script.stdout.len(), 0)?;
            equal("stderr", String::from_utf8_lossy(&script.stderr).into_owned(), "err\n")
        },
    ),
];
