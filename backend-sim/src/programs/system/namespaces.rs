//! `unshare`, `nsenter`, `lsns`.

use super::run::{become_program, default_shell};
use crate::programs::cmd::{Cmd, Exit, Options, Spec};
use crate::programs::users::Passwd;
use crate::sys::{Errno, MountOptions, Pid, Propagation, Spawn, WaitFor};
use drydock_core::kernel::NamespaceKind;

/// Letters, long names and names in /proc/PID/ns of the kinds.
const KINDS: [(char, &str, &str, NamespaceKind); 7] = [
    ('m', "mount", "mnt", NamespaceKind::Mount),
    ('u', "uts", "uts", NamespaceKind::Uts),
    ('i', "ipc", "ipc", NamespaceKind::Ipc),
    ('n', "net", "net", NamespaceKind::Network),
    ('p', "pid", "pid", NamespaceKind::Pid),
    ('U', "user", "user", NamespaceKind::User),
    ('C', "cgroup", "cgroup", NamespaceKind::Cgroup),
];

fn kinds(options: &Options) -> Vec<NamespaceKind> {
    KINDS.iter().filter(|(letter, ..)| options.has(*letter)).map(|(.., kind)| *kind).collect()
}

/// `unshare [-muinpUC] [-f] [-r] [--mount-proc] [--propagation p] [program [argument…]]`
pub async fn unshare(cmd: &mut Cmd) -> Exit {
    let mut mount_proc = false;
    let mut propagation = Some(Propagation::Private);
    let mut bad = None;
    cmd.args.retain(|arg| {
        if arg == "--mount-proc" {
            mount_proc = true;
            return false;
        }
        if let Some(how) = arg.strip_prefix("--propagation=") {
            match how {
                "private" => propagation = Some(Propagation::Private),
                "shared" => propagation = Some(Propagation::Shared),
                "slave" => propagation = Some(Propagation::Slave),
                "unchanged" => propagation = None,
                other => bad = Some(other.to_owned()),
            }
            return false;
        }
        true
    });
    if let Some(how) = bad {
        return Err(cmd.fail(format!("invalid argument '{how}' to '--propagation'")).await);
    }
    const LONG: &[(&str, char)] = &[
        ("mount", 'm'),
        ("uts", 'u'),
        ("ipc", 'i'),
        ("net", 'n'),
        ("pid", 'p'),
        ("user", 'U'),
        ("cgroup", 'C'),
        ("fork", 'f'),
        ("map-root-user", 'r'),
    ];
    let spec = Spec { short: "+muinpUCfr", long: LONG, not_modelled: "", usage: "[OPTIONS] [PROG ARGS]" };
    let options = cmd.options(&spec).await?;
    let mut kinds = kinds(&options);
    if mount_proc && !kinds.contains(&NamespaceKind::Mount) {
        kinds.push(NamespaceKind::Mount);
    }
    if options.has('r') {
        return Err(cmd.not_modelled("--map-root-user").await);
    }
    if let Err(error) = cmd.sys.unshare(&kinds) {
        return Err(cmd.fail(format!("unshare(0x{:x}): {error}", flags(&kinds))).await);
    }
    if let (true, Some(propagation)) = (kinds.contains(&NamespaceKind::Mount), propagation) {
        let how = MountOptions { recursive: true, propagation: Some(propagation), ..MountOptions::default() };
        if let Err(error) = cmd.sys.mount("none", "/", "", how, "") {
            return Err(cmd.fail(format!("can't change propagation of /: {error}")).await);
        }
    }
    let words = if options.operands.is_empty() { vec![default_shell(cmd)] } else { options.operands.clone() };
    if !options.has('f') && !mount_proc {
        let environment = cmd.sys.environ();
        return Ok(become_program(cmd, &words, environment).await);
    }
    // The new pid namespace begins with the next child.
    let body = move |sys: crate::sys::Sys| -> crate::programs::Running {
        Box::pin(async move {
            let mut cmd = Cmd::new(sys, vec!["unshare".to_owned()]);
            if mount_proc && let Err(error) = cmd.sys.mount("proc", "/proc", "proc", MountOptions::default(), "") {
                return cmd.fail(format!("mounting proc on /proc failed: {error}")).await;
            }
            let environment = cmd.sys.environ();
            become_program(&mut cmd, &words, environment).await
        })
    };
    match cmd.sys.fork_with(Box::new(body)) {
        Ok(pid) => Ok(wait(cmd, pid).await),
        Err(error) => Err(cmd.fail(format!("can't fork: {error}")).await),
    }
}

/// The CLONE_NEW* bits of the kinds, for the message (clone(2)).
fn flags(kinds: &[NamespaceKind]) -> u32 {
    kinds.iter().fold(0, |bits, kind| {
        bits | match kind {
            NamespaceKind::Mount => 0x0002_0000,
            NamespaceKind::Cgroup => 0x0200_0000,
            NamespaceKind::Uts => 0x0400_0000,
            NamespaceKind::Ipc => 0x0800_0000,
            NamespaceKind::User => 0x1000_0000,
            NamespaceKind::Pid => 0x2000_0000,
            NamespaceKind::Network => 0x4000_0000,
        }
    })
}

async fn wait(cmd: &Cmd, pid: Pid) -> i32 {
    loop {
        match cmd.sys.wait(WaitFor::Pid(pid), false).await {
            Ok(Some((_, status))) => return status.code(),
            Ok(None) | Err(Errno::EINTR) => {}
            Err(_) => return 1,
        }
    }
}

/// `nsenter -t pid [-muinpUC] [-a] [-F] [program [argument…]]`
pub async fn nsenter(cmd: &mut Cmd) -> Exit {
    const LONG: &[(&str, char)] = &[
        ("target", 't'),
        ("mount", 'm'),
        ("uts", 'u'),
        ("ipc", 'i'),
        ("net", 'n'),
        ("pid", 'p'),
        ("user", 'U'),
        ("cgroup", 'C'),
        ("all", 'a'),
        ("no-fork", 'F'),
    ];
    let spec = Spec { short: "+t:muinpUCaF", long: LONG, not_modelled: "SGrw", usage: "[OPTIONS] [PROG ARGS]" };
    let options = cmd.options(&spec).await?;
    let Some(pid) = options.value('t').and_then(|t| t.parse::<Pid>().ok()) else {
        return Err(cmd.fail("neither FILE nor -t is specified").await);
    };
    let mut kinds = kinds(&options);
    if options.has('a') {
        // Entering one's own user namespace is refused (setns(2)), so only the others.
        kinds = KINDS.iter().map(|(.., kind)| *kind).filter(|kind| *kind != NamespaceKind::User).collect();
    }
    if let Err(error) = cmd.sys.enter(pid, &kinds) {
        return Err(match error {
            Errno::ESRCH | Errno::ENOENT => cmd.fail(format!("can't open '/proc/{pid}/ns/{}': {}", first(&kinds), Errno::ENOENT)).await,
            error => cmd.fail(format!("setns(): can't reassociate to namespace '{}': {error}", first(&kinds))).await,
        });
    }
    let words = if options.operands.is_empty() { vec![default_shell(cmd)] } else { options.operands.clone() };
    let environment = cmd.sys.environ();
    if !kinds.contains(&NamespaceKind::Pid) || options.has('F') {
        return Ok(become_program(cmd, &words, environment).await);
    }
    // Only a child is in the pid namespace.
    let spawn = Spawn {
        program: words[0].clone(),
        args: words.clone(),
        env: environment,
        fds: (0..3).map(|fd| (fd, fd)).collect(),
        ..Spawn::default()
    };
    match cmd.sys.spawn(spawn) {
        Ok(child) => Ok(wait(cmd, child).await),
        Err(error) => {
            cmd.fail(format!("can't execute '{}': {error}", words[0])).await;
            Ok(if error == Errno::ENOENT { 127 } else { 126 })
        }
    }
}

fn first(kinds: &[NamespaceKind]) -> &'static str {
    KINDS.iter().find(|(.., kind)| kinds.contains(kind)).map_or("mnt", |(_, _, name, _)| name)
}

/// `lsns [-t type]`: the namespaces of the processes that can be seen (util-linux's columns).
pub async fn lsns(cmd: &mut Cmd) -> Exit {
    let spec = Spec {
        short: "t:p:n",
        long: &[("type", 't'), ("task", 'p'), ("noheadings", 'n')],
        not_modelled: "oJlr",
        usage: "[-t type] [-p pid]",
    };
    let options = cmd.options(&spec).await?;
    let users = Passwd::read(&cmd.sys).await;
    // By kind and number: how many processes, and the first of them.
    let mut found: std::collections::BTreeMap<(u64, &str), (usize, crate::programs::system::proc::Process)> = Default::default();
    for process in super::proc::all(&cmd.sys).await {
        if options.value('p').is_some_and(|p| p != process.pid.to_string()) {
            continue;
        }
        for (_, _, name, _) in KINDS {
            if options.value('t').is_some_and(|t| t != name) {
                continue;
            }
            // `mnt:[4026531841]`
            let Ok(link) = cmd.sys.readlink(&format!("/proc/{}/ns/{name}", process.pid)) else { continue };
            let number = link.split(['[', ']']).nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
            found.entry((number, name)).or_insert_with(|| (0, process.clone())).0 += 1;
        }
    }
    if !options.has('n') {
        cmd.line("        NS TYPE   NPROCS   PID USER             COMMAND").await?;
    }
    for ((number, name), (count, process)) in found {
        let user = users.name(process.uid);
        cmd.line(format!("{number:>10} {name:<6} {count:>6} {:>5} {user:<16} {}", process.pid, process.command())).await?;
    }
    Ok(0)
}
