//! Standard streams without a terminal.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{contains, equal, fail};
use crate::script::{Act, Script};
use drydock_core::io::{Attach, Ended};
use drydock_core::kernel::Signal;

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
];
