//! Programs wanted in a container, as the API has them: created, started, looked at, and their ends.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, contains, equal, holds};
use crate::script::{Act, Script};
use crate::world::World;
use drydock_core::container::{ExecConfig, ExecStage, ExecStart};
use drydock_core::host::Capability;
use drydock_core::io::{Attach, Ended, Size};
use drydock_core::{Error, ErrorKind};

const NEEDS: &[Capability] = &[Capability::Exec];
const DETACHED: ExecStart = ExecStart { detach: true, console_size: None };

fn create(w: &World<'_>, id: &str, script: &str, tweak: impl FnOnce(&mut ExecConfig)) -> Checked<String> {
    let mut config = ExecConfig { command: ["sh", "-c", script].map(str::to_owned).to_vec(), ..ExecConfig::default() };
    (config.attach_stdout, config.attach_stderr) = (true, true);
    tweak(&mut config);
    Ok(w.engine().exec_create(id, &config)?)
}

fn start(w: &World<'_>, exec: &str, how: &ExecStart, script: &mut Script) -> Result<Ended, Error> {
    w.engine().exec_start(exec, how, &Attach { stdin: true, ..Attach::default() }, script)
}

fn ends(w: &World<'_>, exec: &str) -> Checked {
    w.eventually("it has ended", || Ok(w.engine().exec_inspect(exec)?.stage == ExecStage::Ended))
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker(
        "CTR-EXEC-23",
        "What exec creates runs nothing until it is started, and is listed until it has ended.",
        cite::EXEC,
        |w| {
            let id = w.sleeper(|_| {})?;
            let exec = create(w, &id, "echo x; exit 7", |_| {})?;
            let made = w.engine().exec_inspect(&exec)?;
            equal("stage", made.stage, ExecStage::Created)?;
            equal("process and exit code", (made.process, made.exit_code), (None, None))?;
            equal("listed", w.engine().execs(&id)?, vec![exec.clone()])?;
            let mut script = Script::silent();
            equal("end", start(w, &exec, &ExecStart::default(), &mut script)?, Ended::Exited(7))?;
            equal("output", script.stdout, b"x\n".to_vec())?;
            let ended = w.engine().exec_inspect(&exec)?;
            equal("exit code", (ended.stage, ended.exit_code), (ExecStage::Ended, Some(7)))?;
            holds("its process is still said", ended.process.is_some())?;
            holds("it is listed no more", w.engine().execs(&id)?.is_empty())
        },
    )
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-24", "An exec is started once.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        let exec = create(w, &id, "sleep 2", |_| {})?;
        start(w, &exec, &DETACHED, &mut Script::silent())?;
        let again = start(w, &exec, &DETACHED, &mut Script::silent()).map(drop);
        let refused = |answer: Result<(), Error>, words: &str| match answer {
            Err(e) => {
                equal("kind", e.kind(), ErrorKind::Conflict)?;
                contains("message", &e.to_string(), words)
            }
            Ok(()) => holds("a second start is refused", false),
        };
        refused(again, &format!("Error: Exec command {exec} is already running"))?;
        ends(w, &exec)?;
        let again = start(w, &exec, &DETACHED, &mut Script::silent()).map(drop);
        refused(again, &format!("Error: Exec command {exec} has already run"))
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-25", "The end of a detached exec is told, with its exit code, and kept.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        let exec = create(w, &id, "exit 9", |_| {})?;
        equal("answer", start(w, &exec, &DETACHED, &mut Script::silent())?, Ended::Exited(0))?;
        ends(w, &exec)?;
        equal("exit code", w.engine().exec_inspect(&exec)?.exit_code, Some(9))?;
        let events = w.engine().events(0, usize::MAX)?;
        let died = events.iter().find(|e| e.action == "exec_die" && e.attributes.get("execID") == Some(&exec));
        equal("told", died.and_then(|e| e.attributes.get("exitCode")).map(String::as_str), Some("9"))
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-26", "The exit code of an exec is known until its container is removed.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        let (done, idle) = (create(w, &id, "exit 3", |_| {})?, create(w, &id, "true", |_| {})?);
        start(w, &done, &ExecStart::default(), &mut Script::silent())?;
        w.kill(&id, "KILL")?;
        w.wait(&id)?;
        equal("exit code", w.engine().exec_inspect(&done)?.exit_code, Some(3))?;
        let gone = |exec: &str| match w.engine().exec_inspect(exec) {
            Err(e) => equal("message", e.to_string(), format!("No such exec instance: {exec}")),
            Ok(_) => holds("the exec is gone", false),
        };
        gone(&idle)?;
        w.remove(&id)?;
        gone(&done)?;
        gone("nosuch")
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-27", "A detached exec with a terminal has one, and it can be given a size.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        let script = "test -t 1 || exit 5; until test \"$(stty size)\" = '33 77'; do sleep 0.1; done; exit 4";
        let exec = create(w, &id, script, |e| e.tty = true)?;
        start(w, &exec, &DETACHED, &mut Script::silent())?;
        w.engine().exec_resize(&exec, Size { rows: 33, cols: 77 })?;
        ends(w, &exec)?;
        equal("exit code", w.engine().exec_inspect(&exec)?.exit_code, Some(4))?;
        let late = w.engine().exec_resize(&exec, Size { rows: 1, cols: 1 });
        holds("one that has ended has no size", late.is_err())
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-28", "The detach keys leave an exec, which goes on; that is told.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        let exec = create(w, &id, "sleep 1; exit 6", |e| (e.tty, e.stdin) = (true, true))?;
        let mut script = Script::of([Act::Send(vec![0x10, 0x11])]);
        equal("answer", start(w, &exec, &ExecStart::default(), &mut script)?, Ended::Detached)?;
        ends(w, &exec)?;
        equal("exit code", w.engine().exec_inspect(&exec)?.exit_code, Some(6))?;
        // Behind a socket whoever leaves has left before the engine has noticed.
        w.eventually("it is told", || {
            let events = w.engine().events(0, usize::MAX)?;
            Ok(events.iter().any(|e| e.action == "exec_detach" && e.attributes.get("execID") == Some(&exec)))
        })
    })
    .needs(NEEDS),
];
