//! Exec: another program in a running container.

use crate::clause::Clause;
use crate::clauses::cite;
use crate::outcome::{contains, equal, holds};
use crate::script::Script;
use drydock_core::ErrorKind;
use drydock_core::container::Status;
use drydock_core::host::Capability;
use drydock_core::io::Ended;

const NEEDS: &[Capability] = &[Capability::Exec];

pub(super) const CLAUSES: &[Clause] = &[
    Clause::docker("CTR-EXEC-1", "The exit code of exec is that of its program; a killed one gives 128 and the signal.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        for code in [0, 1, 9] {
            w.exec(&id, &["sh", "-c", &format!("exit {code}")])?.exits(code)?;
        }
        w.exec(&id, &["sh", "-c", "kill -9 $$"])?.exits(137)?;
        equal("status", w.status(&id)?, Status::Running)
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-2", "Exec's standard streams are its own, and apart.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        let out = w.exec(&id, &["sh", "-c", "echo o; echo e >&2"])?.exits(0)?;
        equal("stdout", out.text(), "o")?;
        equal("stderr", out.error_text(), "e")?;
        w.exec_with(&id, &["cat"], |e| e.stdin = true, &mut Script::typing(b"hello\n"))?.prints("hello")?;
        equal("log of the container", w.log_text(&id)?, "")
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-3", "Exec has the container's environment, and what it adds.", cite::EXEC, |w| {
        let id = w.sleeper(|c| c.env = vec!["A=1".to_owned(), "B=2".to_owned()])?;
        let out = w.exec_with(&id, &["env"], |e| e.env = vec!["B=3".to_owned(), "C=4".to_owned()], &mut Script::silent())?.exits(0)?;
        let lines = out.lines();
        for wanted in ["A=1", "B=3", "C=4", "HOME=/root"] {
            holds(format_args!("{wanted} is among {lines:?}"), lines.iter().any(|l| l == wanted))?;
        }
        holds("HOSTNAME is the container's", lines.contains(&format!("HOSTNAME={}", &id[..12])))
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-4", "Exec runs in the container's working directory, or in its own.", cite::EXEC, |w| {
        let id = w.sleeper(|c| c.workdir = "/etc".to_owned())?;
        w.exec(&id, &["pwd"])?.prints("/etc")?;
        w.exec_with(&id, &["pwd"], |e| e.workdir = "/tmp".to_owned(), &mut Script::silent())?.prints("/tmp")?.done()
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-5", "Exec runs as the container's user, or as its own with that one's groups and home.", cite::EXEC, |w| {
        let id = w.sleeper(|c| c.user = "1000".to_owned())?;
        w.exec(&id, &["id", "-u"])?.prints("1000")?;
        let root = w.exec_with(&id, &["sh", "-c", "id -u; echo $HOME"], |e| e.user = "root".to_owned(), &mut Script::silent())?;
        root.prints("0\n/root")?;
        let other = w.sleeper(|_| {})?;
        let app = w.exec_with(&other, &["sh", "-c", "id; echo $HOME"], |e| e.user = "app".to_owned(), &mut Script::silent())?;
        app.prints("uid=1000(app) gid=1000(app) groups=1000(app),2000(extra)\n/home/app")?.done()
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-6", "Exec needs a running container.", cite::EXEC, |w| {
        let id = w.create(&["true"], |_| {})?;
        let error = w.exec_refused(&id, &["true"], |_| {})?;
        equal("HTTP status", error.http_status(), 409)?;
        contains("message", &error.to_string(), &format!("Container {id} is not running"))
    })
    .needs(NEEDS),
    Clause::docker(
        "CTR-EXEC-7",
        "A program that does not exist, or may not be executed, is refused with its name; the container goes on.",
        cite::EXEC,
        |w| {
            let id = w.sleeper(|_| {})?;
            let error = w.exec_refused(&id, &["nope"], |_| {})?;
            equal("kind", error.kind(), ErrorKind::CommandNotFound)?;
            contains("message", &error.to_string(), "exec: \"nope\": executable file not found in $PATH")?;
            let error = w.exec_refused(&id, &["/etc/passwd"], |_| {})?;
            equal("kind", error.kind(), ErrorKind::CommandNotExecutable)?;
            equal("status", w.status(&id)?, Status::Running)
        },
    )
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-8", "A user that does not exist is refused.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        let error = w.exec_refused(&id, &["true"], |e| e.user = "ghost".to_owned())?;
        contains("message", &error.to_string(), "unable to find user ghost: no matching entries in passwd file")
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-9", "Exec joins every namespace of the container, and is not its process 1.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        let script =
            "for n in pid net mnt ipc uts; do test $(readlink /proc/1/ns/$n) = $(readlink /proc/self/ns/$n) || echo $n; done; test $$ != 1";
        w.exec(&id, &["sh", "-c", script])?.prints("")?;
        w.exec(&id, &["cat", "/proc/1/comm"])?.prints("sleep")?.done()
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-10", "Exec has the container's capabilities and its system call filter.", cite::EXEC, |w| {
        let id = w.sleeper(|c| c.cap_drop = vec!["CHOWN".to_owned()])?;
        let status = "grep -E '^(CapEff|CapBnd|Seccomp|NoNewPrivs):' /proc/$P/status";
        let one = w.exec(&id, &["sh", "-c", &status.replace("$P", "1")])?.exits(0)?.text();
        let own = w.exec(&id, &["sh", "-c", &status.replace("$P", "self")])?.exits(0)?.text();
        equal("exec's", own.clone(), one)?;
        contains("capabilities", &own, "a80425fa")
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-11", "A detached exec answers at once, and its program runs on.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        w.try_exec(&id, &["sh", "-c", "sleep 0.2; echo x >/tmp/done; sleep 1000"], |e| e.detach = true, &mut Script::silent())?;
        w.eventually("its program has written", || Ok(w.exec(&id, &["cat", "/tmp/done"])?.text() == "x"))?;
        equal("status", w.status(&id)?, Status::Running)
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-12", "With -t exec has a terminal of its own.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        let out = w.exec_with(&id, &["sh", "-c", "test -t 1 && tty"], |e| e.tty = true, &mut Script::silent())?.exits(0)?;
        equal("terminal", out.stdout, b"/dev/pts/0\r\n".to_vec())
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-13", "What exec started ends with the container.", "pid_namespaces(7), The namespace init process", |w| {
        let id = w.sleeper(|_| {})?;
        w.try_exec(&id, &["sleep", "1000"], |e| e.detach = true, &mut Script::silent())?;
        w.kill(&id, "KILL")?;
        w.wait(&id)?;
        w.eventually("none of its processes is left", || Ok(!w.engine().observe()?.processes.iter().any(|p| p.contains("sleep"))))
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-14", "An exec that runs when the container ends is ended with it.", "Docker Engine API, ExecStart", |w| {
        let id = w.start(&["sleep", "0.5"], |_| {})?;
        let ended = w.try_exec(&id, &["sleep", "1000"], |_| {}, &mut Script::silent())?;
        equal("ended", ended, Ended::Exited(137))
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-15", "A numeric user and group need no entry in any file.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        let out = w.exec_with(&id, &["id"], |e| e.user = "5:6".to_owned(), &mut Script::silent())?.exits(0)?;
        equal("id", out.text(), "uid=5 gid=6 groups=6")
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-16", "A group that does not exist is refused.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        let error = w.exec_refused(&id, &["id"], |e| e.user = "0:nosuch".to_owned())?;
        contains("message", &error.to_string(), "unable to find group nosuch: no matching entries in group file")
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-17", "A working directory that is no absolute path is refused.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        let error = w.exec_refused(&id, &["pwd"], |e| e.workdir = "rel".to_owned())?;
        contains("message", &error.to_string(), "Cwd must be an absolute path")
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-18", "With -i standard input reaches the program, without it there is none.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        w.exec_with(&id, &["cat"], |e| e.stdin = true, &mut Script::typing(b"in\n"))?.prints("in")?;
        w.exec_with(&id, &["cat"], |_| {}, &mut Script::typing(b"in\n"))?.prints("")?.done()
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-19", "A detached program that does not exist is refused too.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        let error = w.exec_refused(&id, &["nosuch"], |e| e.detach = true)?;
        contains("message", &error.to_string(), "\"nosuch\": executable file not found in $PATH")
    })
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-20", "An exec is in the container's control group.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        w.exec(&id, &["sh", "-c", "test \"$(cat /proc/1/cgroup)\" = \"$(cat /proc/self/cgroup)\""])?.exits(0)?.done()
    })
    .needs(NEEDS),
    Clause::docker(
        "CTR-EXEC-21",
        "An exec is told as created, started and ended, with one number and its exit code.",
        "Docker CLI reference, docker system events",
        |w| {
            let id = w.sleeper(|_| {})?;
            w.exec(&id, &["sh", "-c", "exit 7"])?.exits(7)?;
            let told: Vec<_> =
                w.engine().events(0, usize::MAX)?.into_iter().filter(|e| e.id == id && e.action.starts_with("exec_")).collect();
            let actions: Vec<&str> = told.iter().map(|e| e.action.as_str()).collect();
            equal("events", actions, vec!["exec_create: sh -c exit 7", "exec_start: sh -c exit 7", "exec_die"])?;
            holds("they have one number", told.windows(2).all(|p| p[0].attributes.get("execID") == p[1].attributes.get("execID")))?;
            equal("exit code", told[2].attributes.get("exitCode").map(String::as_str), Some("7"))
        },
    )
    .needs(NEEDS),
    Clause::docker("CTR-EXEC-22", "Neither an exec's end nor its exit code touches the container.", cite::EXEC, |w| {
        let id = w.sleeper(|_| {})?;
        let before = w.record(&id)?.state;
        w.exec(&id, &["sh", "-c", "kill -9 $$"])?.exits(137)?;
        equal("state", w.record(&id)?.state, before)
    })
    .needs(NEEDS),
];
