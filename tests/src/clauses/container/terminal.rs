//! Terminals: `-t`.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, contains, equal, holds};
use crate::script::{Act, Script};
use drydock_core::container::{ContainerConfig, Status};
use drydock_core::io::{Attach, Ended, Size};

fn terminal(c: &mut ContainerConfig) {
    (c.tty, c.open_stdin) = (true, true);
    c.console_size = Some(Size { rows: 31, cols: 97 });
}

fn send(text: &str) -> Act {
    Act::Send(text.as_bytes().to_vec())
}

fn expect(text: &str) -> Act {
    Act::Expect(text.as_bytes().to_vec())
}

/// Runs a script at a terminal with somebody in front of it. Answers what the terminal showed.
fn at_terminal(w: &crate::World<'_>, script: &str, acts: Vec<Act>, code: i32) -> Checked<String> {
    let out = w.run_playing(&["sh", "-c", script], terminal, &mut Script::of(acts))?.exits(code)?;
    equal("stderr", out.stderr.len(), 0)?;
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-TTY-1", "With -t the standard streams are one terminal, the container's own /dev/pts/0.", cite::RUN, |w| {
        let shown = w.sh_with("test -t 0 && test -t 1 && test -t 2 && tty", |c| (c.tty, c.open_stdin) = (true, true))?.exits(0)?;
        equal("terminal", shown.stdout, b"/dev/pts/0\r\n".to_vec())
    }),
    Clause::docker("CTR-TTY-2", "With -t both streams are shown as one, with CR LF line ends.", cite::RUN, |w| {
        let out = w.sh_with("echo o; echo e >&2", |c| c.tty = true)?.exits(0)?;
        equal("stdout", out.stdout, b"o\r\ne\r\n".to_vec())?;
        equal("stderr", out.stderr.len(), 0)
    }),
    Clause::docker("CTR-TTY-3", "With -t TERM is xterm.", cite::RUN, |w| {
        w.run_with(&["env"], |c| c.tty = true)?.says("TERM=xterm\r\n")?;
        holds("without -t there is no TERM", !w.run(&["env"])?.text().contains("TERM="))
    }),
    Clause::docker(
        "CTR-TTY-4",
        "The terminal has the size it was asked for, and follows a resize.",
        "Docker Engine API, ContainerResize",
        |w| {
            let acts = vec![expect("31 97"), Act::Resize(Size { rows: 10, cols: 20 }), send("go\n")];
            let shown = at_terminal(w, "stty size; read line; stty size", acts, 0)?;
            contains("terminal", &shown, "10 20")
        },
    ),
    Clause::docker(
        "CTR-TTY-5",
        "What is typed is echoed, and read a line at a time; Ctrl-D ends the input.",
        "termios(3), canonical mode",
        |w| {
            let shown = at_terminal(w, "cat; echo over", vec![send("hi\n"), expect("hi\r\nhi\r\n"), send("\u{4}")], 0)?;
            equal("terminal", shown, "hi\r\nhi\r\nover\r\n".to_owned())
        },
    ),
    Clause::docker("CTR-TTY-6", "Ctrl-C interrupts the program at the terminal.", "termios(3), ISIG", |w| {
        let script = "trap 'echo int; exit 5' INT; echo ready; while :; do sleep 0.05; done";
        let shown = at_terminal(w, script, vec![expect("ready"), send("\u{3}")], 5)?;
        contains("terminal", &shown, "int")
    }),
    Clause::docker(
        "CTR-TTY-7",
        "Ctrl-P Ctrl-Q leaves a container running.",
        "Docker CLI reference, docker container attach, --detach-keys",
        |w| {
            let id = w.create(&["sh", "-c", "echo ready; sleep 1000"], terminal)?;
            let mut script = Script::of([expect("ready"), send("\u{10}\u{11}")]);
            let ended = w.engine().start_attached(&id, &Attach { stdin: true, ..Attach::default() }, &mut script)?;
            equal("ended", ended, Ended::Detached)?;
            equal("status", w.status(&id)?, Status::Running)
        },
    ),
    Clause::docker(
        "CTR-TTY-8",
        "Other detach keys hold where they are given, and the usual ones are then passed on.",
        "Docker CLI reference, docker container attach, --detach-keys",
        |w| {
            let id = w.create(&["sh", "-c", "echo ready; sleep 1000"], terminal)?;
            let mut script = Script::of([expect("ready"), send("\u{10}\u{11}x")]);
            let attach = Attach { stdin: true, detach_keys: b"x".to_vec(), ..Attach::default() };
            equal("ended", w.engine().start_attached(&id, &attach, &mut script)?, Ended::Detached)
        },
    ),
];
