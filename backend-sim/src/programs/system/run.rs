//! Programs that become another: `nohup`, `setsid`, `chroot`, `setpriv`; and how they do it.

use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::programs::users::Passwd;
use crate::sys::{Disposition, Errno};
use drydock_core::kernel::Signal;

/// Becomes another program; answers only with the status for why not, which has been said.
pub async fn become_program(cmd: &mut Cmd, words: &[String], environment: Vec<String>) -> i32 {
    if let Err(status) = cmd.flush().await {
        return status;
    }
    let error = cmd.sys.exec(&words[0], words.to_vec(), environment).await;
    if error == Errno::ENOEXEC {
        // Programs run through the C library, which lets the shell try.
        let args: Vec<String> = ["/bin/sh".to_owned()].into_iter().chain(words.iter().cloned()).collect();
        cmd.sys.exec("/bin/sh", args, cmd.sys.environ()).await;
    }
    cmd.fail(format!("can't execute '{}': {error}", words[0])).await;
    if error == Errno::ENOENT { 127 } else { 126 }
}

/// The shell of this environment.
pub fn default_shell(cmd: &Cmd) -> String {
    cmd.sys.getenv("SHELL").unwrap_or_else(|| "/bin/sh".to_owned())
}

/// `nohup program [argument…]`
pub async fn nohup(cmd: &mut Cmd) -> Exit {
    if cmd.args.is_empty() {
        return Err(cmd.usage(&Spec { usage: "PROG ARGS", ..Spec::default() }, "").await);
    }
    cmd.sys.set_disposition(Signal::HUP, Disposition::Ignore).ok();
    if cmd.sys.isatty(1) {
        cmd.sys.eprint("nohup: appending output to nohup.out\n").await;
        if let Ok(fd) = cmd.sys.open("nohup.out", crate::sys::OpenFlags::APPEND, 0o600).await {
            cmd.sys.dup2(fd, 1).ok();
            cmd.sys.close(fd).ok();
        }
    }
    let words = cmd.args.clone();
    let environment = cmd.sys.environ();
    Ok(become_program(cmd, &words, environment).await)
}

/// `setsid [-c] program [argument…]`
pub async fn setsid(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "+c", usage: "[-c] PROG ARGS", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    if options.operands.is_empty() {
        return Err(cmd.usage(&spec, "").await);
    }
    // The leader of a group cannot make a session (EPERM): a child of it can.
    if cmd.sys.setsid().is_err() {
        let words = options.operands.clone();
        let spawn = crate::sys::Spawn {
            program: words[0].clone(),
            args: words,
            env: cmd.sys.environ(),
            fds: (0..3).map(|fd| (fd, fd)).collect(),
            session: true,
            ..Default::default()
        };
        return match cmd.sys.spawn(spawn) {
            Ok(_) => Ok(0),
            Err(error) => Err(cmd.fail(format!("can't execute '{}': {error}", options.operands[0])).await),
        };
    }
    let environment = cmd.sys.environ();
    Ok(become_program(cmd, &options.operands, environment).await)
}

/// `chroot directory [program [argument…]]`
pub async fn chroot(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "+", usage: "NEWROOT [PROG ARGS]", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let [root, words @ ..] = options.operands.as_slice() else { return Err(cmd.usage(&spec, "").await) };
    if let Err(error) = cmd.sys.chroot(root).and_then(|()| cmd.sys.chdir("/")) {
        return Err(cmd.fail(format!("can't change root directory to '{root}': {error}")).await);
    }
    let words = if words.is_empty() { vec![default_shell(cmd), "-i".to_owned()] } else { words.to_vec() };
    let environment = cmd.sys.environ();
    Ok(become_program(cmd, &words, environment).await)
}

/// `setpriv [-d] [--nnp] [--reuid user] [--regid group] [--clear-groups] [--init-groups] program [argument…]`
pub async fn setpriv(cmd: &mut Cmd) -> Exit {
    const LONG: &[(&str, char)] = &[
        ("dump", 'd'),
        ("nnp", 'n'),
        ("no-new-privs", 'n'),
        ("reuid", 'u'),
        ("regid", 'g'),
        ("clear-groups", 'c'),
        ("init-groups", 'i'),
        ("keep-groups", 'k'),
    ];
    let spec = Spec { short: "+dnu:g:cik", long: LONG, usage: "[OPTIONS] PROG ARGS", ..Spec::default() };
    if let Some(option) = cmd.args.iter().find(|a| ["--inh-caps", "--ambient-caps", "--bounding-set"].iter().any(|o| a.starts_with(o))) {
        return Err(cmd.not_modelled(&option.clone()).await);
    }
    let options = cmd.options(&spec).await?;
    let mut credentials = cmd.sys.credentials();
    if options.has('d') {
        let groups = credentials.groups.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        cmd.line(format!("uid: {}\neuid: {}\ngid: {}\negid: {}", credentials.uid, credentials.euid, credentials.gid, credentials.egid))
            .await?;
        cmd.line(format!("Supplementary groups: {}", if groups.is_empty() { "[none]" } else { &groups })).await?;
        cmd.line(format!("no_new_privs: {}", i32::from(credentials.no_new_privs))).await?;
        return Ok(0);
    }
    if options.operands.is_empty() {
        return Err(cmd.usage(&spec, "").await);
    }
    let users = Passwd::read(&cmd.sys).await;
    if let Some(text) = options.value('u') {
        let Some(uid) = text.parse().ok().or_else(|| users.by_name(text).map(|u| u.uid)) else {
            return Err(cmd.fail(format!("unknown user {text}")).await);
        };
        (credentials.uid, credentials.euid, credentials.suid) = (uid, uid, uid);
    }
    if let Some(text) = options.value('g') {
        let groups = crate::programs::users::Groups::read(&cmd.sys).await;
        let Some(gid) = text.parse().ok().or_else(|| groups.by_name(text)) else {
            return Err(cmd.fail(format!("unknown group {text}")).await);
        };
        (credentials.gid, credentials.egid, credentials.sgid) = (gid, gid, gid);
    }
    if options.has('c') {
        credentials.groups.clear();
    }
    credentials.no_new_privs |= options.has('n');
    if let Err(error) = cmd.sys.set_credentials(credentials) {
        return Err(cmd.fail(format!("setresuid: {error}")).await);
    }
    let environment = cmd.sys.environ();
    Ok(become_program(cmd, &options.operands, environment).await)
}
