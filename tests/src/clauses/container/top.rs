//! The processes of a container as ps(1) lists them.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{Checked, contains, equal, fail, holds};
use crate::world::World;
use drydock_core::container::{RestartPolicy, Status};
use drydock_core::engine::ProcessTable;
use drydock_core::{Error, ErrorKind};

fn table(w: &World<'_>, id: &str, options: &str) -> Checked<ProcessTable> {
    let options: Vec<String> = options.split(' ').filter(|o| !o.is_empty()).map(str::to_owned).collect();
    Ok(w.engine().process_table(id, &options)?)
}

fn refused(w: &World<'_>, id: &str, options: &str) -> Checked<Error> {
    let options: Vec<String> = options.split(' ').filter(|o| !o.is_empty()).map(str::to_owned).collect();
    match w.engine().process_table(id, &options) {
        Err(error) => Ok(error),
        Ok(_) => fail("it was not refused"),
    }
}

fn column(table: &ProcessTable, title: &str) -> Checked<Vec<String>> {
    let Some(at) = table.titles.iter().position(|t| t == title) else { return fail(format_args!("no {title} in {:?}", table.titles)) };
    Ok(table.processes.iter().map(|p| p[at].clone()).collect())
}

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-TOP-1", "Without options the columns are those of ps -ef.", cite::TOP, |w| {
        let id = w.sleeper(|_| {})?;
        let wanted = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"];
        for options in ["", "-ef"] {
            let table = table(w, &id, options)?;
            equal("titles", table.titles.clone(), wanted)?;
            equal("command", column(&table, "CMD")?, ["sleep 1000"])?;
            equal("user", column(&table, "UID")?, ["root"])?;
            equal("terminal", column(&table, "TTY")?, ["?"])?;
        }
        Ok(())
    }),
    Clause::docker("CTR-TOP-2", "Process numbers are the host's.", cite::TOP, |w| {
        let id = w.sleeper(|_| {})?;
        let Some(process) = w.record(&id)?.state.process else { return fail("it has no process") };
        equal("pid", column(&table(w, &id, "")?, "PID")?, [process.pid.to_string()])
    }),
    Clause::docker("CTR-TOP-3", "aux gives the columns of that form.", cite::TOP, |w| {
        let id = w.sleeper(|_| {})?;
        let table = table(w, &id, "aux")?;
        let wanted = ["USER", "PID", "%CPU", "%MEM", "VSZ", "RSS", "TTY", "STAT", "START", "TIME", "COMMAND"];
        equal("titles", table.titles.clone(), wanted)?;
        // The first letter is what it does at this moment; just after its start it may still run.
        holds("it leads its session", column(&table, "STAT")?[0].get(1..).is_some_and(|rest| rest.contains('s')))
    }),
    Clause::docker("CTR-TOP-4", "-o chooses the columns, in its order.", cite::TOP, |w| {
        let id = w.sleeper(|_| {})?;
        let named = table(w, &id, "-o pid,comm")?;
        equal("titles", named.titles.clone(), ["PID", "COMMAND"])?;
        equal("name", column(&named, "COMMAND")?, ["sleep"])?;
        let whole = table(w, &id, "-o pid,user,args")?;
        equal("titles", whole.titles.clone(), ["PID", "USER", "COMMAND"])?;
        equal("arguments", column(&whole, "COMMAND")?, ["sleep 1000"])
    }),
    Clause::docker("CTR-TOP-5", "Without a column of process numbers it is refused.", cite::TOP, |w| {
        let id = w.sleeper(|_| {})?;
        contains("message", &refused(w, &id, "-o comm")?.to_string(), "Couldn't find PID field in ps output")
    }),
    Clause::docker("CTR-TOP-6", "An option that there is not is refused with the words of ps.", cite::TOP, |w| {
        let id = w.sleeper(|_| {})?;
        contains("message", &refused(w, &id, "--nope")?.to_string(), "ps: error: unknown gnu long option")
    }),
    Clause::docker("CTR-TOP-7", "A container that does not run has no processes to list.", cite::TOP, |w| {
        let id = w.create(&["true"], |_| {})?;
        let error = refused(w, &id, "")?;
        equal("kind", error.kind(), ErrorKind::NotRunning)?;
        contains("message", &error.to_string(), &format!("Container {id} is not running"))
    }),
    Clause::docker("CTR-TOP-8", "A container that waits to be started again says so.", cite::TOP, |w| {
        let id = w.start(&["sh", "-c", "exit 1"], |c| c.restart = RestartPolicy::Always)?;
        // Pauses double, so that one is long enough to ask in.
        w.eventually("it has waited long", || Ok(w.record(&id)?.state.restarts >= 3 && w.status(&id)? == Status::Restarting))?;
        contains(
            "message",
            &refused(w, &id, "")?.to_string(),
            &format!("Container {id} is restarting, wait until the container is running"),
        )
    }),
    Clause::docker("CTR-TOP-9", "The processes of a paused container can be listed.", cite::TOP, |w| {
        let id = w.sleeper(|_| {})?;
        w.engine().pause(&id)?;
        equal("processes", table(w, &id, "")?.processes.len(), 1)?;
        w.engine().unpause(&id)?;
        Ok(())
    }),
    Clause::docker("CTR-TOP-10", "What an exec started is listed too, with its terminal.", cite::TOP, |w| {
        let id = w.start(&["sleep", "1000"], |c| c.tty = true)?;
        w.try_exec(&id, &["sleep", "999"], |e| e.detach = true, &mut crate::script::Script::silent())?;
        let commands = || {
            let mut commands = column(&table(w, &id, "-o pid,tty,args")?, "COMMAND")?;
            commands.sort();
            Ok::<_, crate::outcome::Failed>(commands)
        };
        // A moment before it is the program it is the runtime.
        w.eventually("both are listed", || Ok(commands()? == ["sleep 1000", "sleep 999"]))?;
        let table = table(w, &id, "-o pid,tty,args")?;
        holds("one has a terminal", column(&table, "TT")?.iter().any(|t| t.starts_with("pts/")))
    }),
];
