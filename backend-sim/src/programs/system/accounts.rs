//! `adduser`, `addgroup`, `deluser`, `delgroup`: the basics, without passwords.

use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::programs::users::{Groups, Passwd};
use crate::sys::{Errno, OpenFlags};

async fn append(cmd: &mut Cmd, path: &str, line: &str) -> Result<(), i32> {
    let done = match cmd.sys.open(path, OpenFlags::APPEND, 0o644).await {
        Ok(fd) => {
            let done = cmd.sys.write_all(fd, line.as_bytes()).await;
            cmd.sys.close(fd).ok();
            done
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(()),
        Err(error) => Err(cmd.fail_at(path, error).await),
    }
}

/// Keeps the lines of a file that a test accepts.
async fn keep(cmd: &mut Cmd, path: &str, test: impl Fn(&str) -> bool) -> Result<(), i32> {
    let text = String::from_utf8_lossy(&cmd.read(path).await?).into_owned();
    let kept: String = text.lines().filter(|line| test(line)).map(|line| format!("{line}\n")).collect();
    match cmd.sys.write_file(path, kept.as_bytes()).await {
        Ok(()) => Ok(()),
        Err(error) => Err(cmd.fail_at(path, error).await),
    }
}

/// `adduser [-h home] [-s shell] [-G group] [-S] [-D] [-H] [-u uid] name`, `adduser user group`
pub async fn adduser(cmd: &mut Cmd) -> Exit {
    let usage = "[OPTIONS] USER [GROUP]";
    let long = &[
        ("home", 'h'),
        ("shell", 's'),
        ("ingroup", 'G'),
        ("system", 'S'),
        ("disabled-password", 'D'),
        ("no-create-home", 'H'),
        ("uid", 'u'),
        ("gecos", 'g'),
    ];
    let options = cmd.options(&Spec { short: "h:s:G:SDHu:g:", long, not_modelled: "k", usage }).await?;
    let name = match options.operands.as_slice() {
        [user, group] => {
            let (user, group) = (user.clone(), group.clone());
            return join(cmd, &user, &group).await;
        }
        [name] => name.clone(),
        _ => return Err(cmd.usage(&Spec { usage, ..Spec::default() }, "").await),
    };
    let (users, groups) = (Passwd::read(&cmd.sys).await, Groups::read(&cmd.sys).await);
    if users.by_name(&name).is_some() {
        return Err(cmd.fail(format!("user '{name}' in use")).await);
    }
    if !options.has('D') && !options.has('S') {
        // It would ask for a password.
        return Err(cmd.not_modelled("without -D: asking for a password").await);
    }
    let least = if options.has('S') { 100 } else { 1000 };
    let uid = options.value('u').and_then(|u| u.parse().ok()).unwrap_or_else(|| users.free(least));
    let gid = match options.value('G') {
        Some(group) => match groups.by_name(group) {
            Some(gid) => gid,
            None => {
                let message = format!("unknown group {group}");
                return Err(cmd.fail(message).await);
            }
        },
        None if options.has('S') => 65533,
        None => {
            let gid = if groups.find(uid).is_none() { uid } else { groups.free(least) };
            append(cmd, "/etc/group", &format!("{name}:x:{gid}:\n")).await?;
            gid
        }
    };
    let home = options.value('h').map_or_else(|| format!("/home/{name}"), str::to_owned);
    let shell = options.value('s').unwrap_or(if options.has('S') { "/bin/false" } else { "/bin/sh" }).to_owned();
    let gecos = options.value('g').unwrap_or("Linux User,,,").to_owned();
    append(cmd, "/etc/passwd", &format!("{name}:x:{uid}:{gid}:{gecos}:{home}:{shell}\n")).await?;
    if !options.has('H') && !options.has('S') {
        match cmd.sys.mkdir("/home", 0o755) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(error) => return Err(cmd.fail_at("/home", error).await),
        }
        match cmd.sys.mkdir(&home, 0o755).and_then(|()| cmd.sys.chown(&home, Some(uid), Some(gid), true)) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(error) => return Err(cmd.fail_at(&home, error).await),
        }
    }
    Ok(0)
}

/// Makes a user a member of a group.
async fn join(cmd: &mut Cmd, user: &str, group: &str) -> Exit {
    let text = String::from_utf8_lossy(&cmd.read("/etc/group").await?).into_owned();
    if !text.lines().any(|line| line.split(':').next() == Some(group)) {
        return Err(cmd.fail(format!("unknown group {group}")).await);
    }
    let add = |line: &str| {
        let members = line.rsplit(':').next().unwrap_or_default();
        if line.split(':').next() != Some(group) || members.split(',').any(|m| m == user) {
            return format!("{line}\n");
        }
        format!("{line}{}{user}\n", if members.is_empty() { "" } else { "," })
    };
    let text: String = text.lines().map(add).collect();
    match cmd.sys.write_file("/etc/group", text.as_bytes()).await {
        Ok(()) => Ok(0),
        Err(error) => Err(cmd.fail_at("/etc/group", error).await),
    }
}

/// `addgroup [-g gid] [-S] name`, `addgroup user group`
pub async fn addgroup(cmd: &mut Cmd) -> Exit {
    let usage = "[-g GID] [-S] [USER] GROUP";
    let options = cmd.options(&Spec { short: "g:S", long: &[("gid", 'g'), ("system", 'S')], not_modelled: "", usage }).await?;
    let name = match options.operands.as_slice() {
        [user, group] => {
            let (user, group) = (user.clone(), group.clone());
            return join(cmd, &user, &group).await;
        }
        [name] => name.clone(),
        _ => return Err(cmd.usage(&Spec { usage, ..Spec::default() }, "").await),
    };
    let groups = Groups::read(&cmd.sys).await;
    if groups.by_name(&name).is_some() {
        return Err(cmd.fail(format!("group '{name}' in use")).await);
    }
    let gid = options.value('g').and_then(|g| g.parse().ok()).unwrap_or_else(|| groups.free(if options.has('S') { 100 } else { 1000 }));
    append(cmd, "/etc/group", &format!("{name}:x:{gid}:\n")).await?;
    Ok(0)
}

/// `deluser name`, `delgroup name`
pub async fn delete(cmd: &mut Cmd) -> Exit {
    let [name] = cmd.args.clone().try_into().unwrap_or_else(|_| [String::new()]);
    let group = cmd.name == "delgroup";
    let known =
        if group { Groups::read(&cmd.sys).await.by_name(&name).is_some() } else { Passwd::read(&cmd.sys).await.by_name(&name).is_some() };
    if !known {
        let what = if group { "group" } else { "user" };
        return Err(cmd.fail(format!("unknown {what} {name}")).await);
    }
    let path = if group { "/etc/group" } else { "/etc/passwd" };
    keep(cmd, path, |line| line.split(':').next() != Some(&name)).await?;
    Ok(0)
}
