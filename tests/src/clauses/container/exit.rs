//! Exit codes.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, contains, equal, holds};
use crate::world::World;
use drydock_core::ErrorKind;
use drydock_core::container::Status;

/// Runs something that cannot be executed.
fn cannot(w: &World<'_>, program: &str, kind: ErrorKind, code: i32, words: &str) -> Checked {
    let error = w.refused(&[program], |_| {})?;
    equal("kind", error.kind(), kind)?;
    equal("exit code of run", error.exit_code_of_run(), code)?;
    contains("message", &error.to_string(), words)
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-EXIT-1", "A program that ends with 0 gives run the exit code 0.", cite::EXIT, |w| {
        w.run(&["true"])?.exits(0)?.done()
    }),
    Clause::docker("CTR-EXIT-2", "The exit code of run is that of the container's first process.", cite::EXIT, |w| {
        for code in [1, 7, 42, 255] {
            w.sh(&format!("exit {code}"))?.exits(code)?;
        }
        Ok(())
    }),
    Clause::docker("CTR-EXIT-3", "A program killed by a signal gives 128 and the signal's number.", cite::EXIT, |w| {
        w.sh_with("kill -9 $$", |c| c.init = true)?.exits(137)?;
        w.sh_with("kill -TERM $$", |c| c.init = true)?.exits(143)?.done()
    }),
    Clause::docker("CTR-EXIT-4", "A program that does not exist gives 127, and a message that names it.", cite::EXIT, |w| {
        cannot(w, "nope", ErrorKind::CommandNotFound, 127, "exec: \"nope\": executable file not found in $PATH")
    }),
    Clause::docker("CTR-EXIT-5", "A directory as the program gives 126.", cite::EXIT, |w| {
        cannot(w, "/etc", ErrorKind::CommandNotExecutable, 126, "exec: \"/etc\":")
    }),
    Clause::docker("CTR-EXIT-6", "A file that may not be executed gives 126.", cite::EXIT, |w| {
        cannot(w, "/etc/passwd", ErrorKind::CommandNotExecutable, 126, "exec: \"/etc/passwd\": permission denied")
    }),
    Clause::docker("CTR-EXIT-7", "Without a command from the user or the image there is nothing to run: exit code 125.", cite::EXIT, |w| {
        let error = w.refused(&[], |_| {})?;
        equal("exit code of run", error.exit_code_of_run(), 125)?;
        contains("message", &error.to_string().to_lowercase(), "no command specified")
    }),
    Clause::docker("CTR-EXIT-8", "An image that is not there gives 125 when none can be fetched.", cite::EXIT, |w| {
        let error = w.refused(&["true"], |c| c.image = "nope".to_owned())?;
        equal("kind", error.kind(), ErrorKind::NotFound)?;
        equal("exit code of run", error.exit_code_of_run(), 125)?;
        contains("message", &error.to_string(), "nope:latest")
    }),
    // seen: dockerd 20.10.24 keeps {"Status":"created","ExitCode":127,"Error":"…"}
    Clause::docker(
        "CTR-EXIT-9",
        "A container whose program could not be started stays as created, with the exit code and the error.",
        cite::RUN,
        |w| {
            let id = w.create(&["nope"], |_| {})?;
            holds("the start fails", w.engine().start(&id).is_err())?;
            let state = w.record(&id)?.state;
            equal("status", state.status, Status::Created)?;
            equal("exit code", state.exit_code, 127)?;
            contains("error", &state.error, "executable file not found")
        },
    ),
    Clause::docker(
        "CTR-EXIT-10",
        "A program without a slash is looked up in the PATH the container has, not in the engine's.",
        cite::EXIT,
        |w| {
            let error = w.refused(&["sh"], |c| c.env = vec!["PATH=/nowhere".to_owned()])?;
            equal("kind", error.kind(), ErrorKind::CommandNotFound)?;
            w.run_with(&["/bin/true"], |c| c.env = vec!["PATH=/nowhere".to_owned()])?.exits(0)?.done()
        },
    ),
    Clause::docker("CTR-EXIT-11", "The end of a child is not the end of the container.", cite::PIDNS, |w| {
        w.sh("sh -c 'exit 3'; echo $?; sh -c 'kill -9 $$' 2>/dev/null; echo $?")?.prints("3\n137")?.done()
    }),
];
