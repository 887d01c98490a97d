//! `id`, `whoami`, `groups`, `hostname`, `uname`, `arch`, `tty`, `nproc`.

use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::programs::users::{Groups, Passwd};
use crate::sys::STDIN;

/// `id [-ugGnr] [user]`
pub async fn id(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&Spec { short: "ugGnr", not_modelled: "Z", usage: "[-ugGnr] [USER]", ..Spec::default() }).await?;
    let (users, names) = (Passwd::read(&cmd.sys).await, Groups::read(&cmd.sys).await);
    let (uid, gid, mut groups) = match options.operands.first() {
        None => {
            let c = cmd.sys.credentials();
            if options.has('r') { (c.uid, c.gid, c.groups) } else { (c.euid, c.egid, c.groups) }
        }
        Some(name) => match users.by_name(name) {
            Some(user) => (user.uid, user.gid, names.of(&user.name)),
            None => return Err(cmd.fail(format!("unknown user {name}")).await),
        },
    };
    if !groups.contains(&gid) {
        groups.insert(0, gid);
    }
    let user = |uid: u32| if options.has('n') { users.name(uid) } else { uid.to_string() };
    let group = |gid: u32| if options.has('n') { names.name(gid) } else { gid.to_string() };
    let text = if options.has('u') {
        user(uid)
    } else if options.has('g') {
        group(gid)
    } else if options.has('G') {
        // The process's own first, wherever it stands among the others.
        let rest = groups.iter().filter(|other| **other != gid);
        std::iter::once(&gid).chain(rest).map(|gid| group(*gid)).collect::<Vec<_>>().join(" ")
    } else {
        let named = |number: u32, name: Option<String>| name.map_or_else(|| number.to_string(), |name| format!("{number}({name})"));
        let list: Vec<String> = groups.iter().map(|gid| named(*gid, names.find(*gid))).collect();
        let user = named(uid, users.find(uid).map(|u| u.name.clone()));
        let all = if list.is_empty() { String::new() } else { format!(" groups={}", list.join(",")) };
        format!("uid={user} gid={}{all}", named(gid, names.find(gid)))
    };
    cmd.line(text).await?;
    Ok(0)
}

/// `whoami`
pub async fn whoami(cmd: &mut Cmd) -> Exit {
    let uid = cmd.sys.credentials().euid;
    match Passwd::read(&cmd.sys).await.find(uid) {
        Some(user) => cmd.line(&user.name).await.map(|()| 0),
        None => Err(cmd.fail(format!("unknown uid {uid}")).await),
    }
}

/// `groups`
pub async fn groups(cmd: &mut Cmd) -> Exit {
    let names = Groups::read(&cmd.sys).await;
    let credentials = cmd.sys.credentials();
    let mut all = credentials.groups;
    if !all.contains(&credentials.egid) {
        all.insert(0, credentials.egid);
    }
    cmd.line(all.into_iter().map(|gid| names.name(gid)).collect::<Vec<_>>().join(" ")).await?;
    Ok(0)
}

/// `hostname [-sif] [name]`
pub async fn hostname(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&Spec { short: "sifd", not_modelled: "F", usage: "[-sidf] [HOSTNAME | -F FILE]", ..Spec::default() }).await?;
    if let Some(name) = options.operands.first() {
        return match cmd.sys.set_hostname(name) {
            Ok(()) => Ok(0),
            Err(error) => Err(cmd.fail(format!("sethostname: {error}")).await),
        };
    }
    let name = cmd.sys.uname().node;
    let text = if options.has('i') {
        match crate::programs::network::resolve::lookup(&cmd.sys, &name).await {
            Some(address) => address.to_string(),
            None => return Err(cmd.fail(format!("{name}: Host name lookup failure")).await),
        }
    } else if options.has('s') {
        name.split('.').next().unwrap_or_default().to_owned()
    } else if options.has('d') {
        name.split_once('.').map_or("", |(_, domain)| domain).to_owned()
    } else {
        name
    };
    cmd.line(text).await?;
    Ok(0)
}

/// `uname [-amnrspvio]`
pub async fn uname(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&Spec { short: "asnrvmpio", usage: "[-amnrspvio]", ..Spec::default() }).await?;
    let name = cmd.sys.uname();
    let all = options.has('a');
    let parts = [
        ('s', name.system.as_str()),
        ('n', &name.node),
        ('r', &name.release),
        ('v', &name.version),
        ('m', &name.machine),
        ('p', "unknown"),
        ('i', "unknown"),
        ('o', "GNU/Linux"),
    ];
    let chosen = parts.iter().filter(|(letter, text)| options.has(*letter) || all && *text != "unknown");
    let mut text: Vec<&str> = chosen.map(|(_, text)| *text).collect();
    if text.is_empty() {
        text.push(&name.system);
    }
    cmd.line(text.join(" ")).await?;
    Ok(0)
}

/// `arch`
pub async fn arch(cmd: &mut Cmd) -> Exit {
    let machine = cmd.sys.uname().machine;
    cmd.line(machine).await?;
    Ok(0)
}

/// `tty [-s]`
pub async fn tty(cmd: &mut Cmd) -> Exit {
    let silent = cmd.options(&Spec { short: "s", usage: "", ..Spec::default() }).await?.has('s');
    let name = if cmd.sys.isatty(STDIN) { cmd.sys.ttyname(STDIN).ok() } else { None };
    if !silent {
        cmd.line(name.as_deref().unwrap_or("not a tty")).await?;
    }
    Ok(i32::from(name.is_none()))
}

/// `nproc`: how many processors this process may use.
pub async fn nproc(cmd: &mut Cmd) -> Exit {
    let text = String::from_utf8_lossy(&cmd.sys.read_file("/proc/self/status").await.unwrap_or_default()).into_owned();
    let allowed = text.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).and_then(|list| {
        list.trim().split(',').try_fold(0usize, |sum, part| {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            Some(sum + to.parse::<usize>().ok()?.checked_sub(from.parse().ok()?)? + 1)
        })
    });
    let count = match allowed {
        Some(count) => count,
        None => {
            let info = cmd.sys.read_file("/proc/cpuinfo").await.unwrap_or_default();
            String::from_utf8_lossy(&info).lines().filter(|line| line.starts_with("processor")).count().max(1)
        }
    };
    cmd.line(count.to_string()).await?;
    Ok(0)
}
