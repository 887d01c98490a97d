//! `chmod`, `chown`, `chgrp`, `stat`.

use super::join;
use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::programs::mode;
use crate::programs::time::strftime;
use crate::programs::users::{Groups, Passwd};
use crate::sys::{FileType, Stat, Sys};

/// A path and all that is below it, links not followed.
fn tree(sys: &Sys, path: &str, recursive: bool) -> Vec<String> {
    let mut all = vec![path.to_owned()];
    if recursive && sys.lstat(path).is_ok_and(|stat| stat.kind == FileType::Directory) {
        for entry in sys.readdir(path).unwrap_or_default() {
            all.extend(tree(sys, &join(path, &entry.name), true));
        }
    }
    all
}

/// `chmod [-Rvcf] mode file…`
pub async fn chmod(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "Rvcf", usage: "[-Rcvf] MODE[,MODE]... FILE...", ..Spec::default() };
    // A mode such as `-x` is not an option.
    if let Some(at) = cmd.args.iter().position(|a| a.starts_with('-') && a[1..].starts_with(['r', 'w', 'x', 's', 't', 'X'])) {
        cmd.args.insert(at, "--".to_owned());
    }
    let options = cmd.options(&spec).await?;
    let [text, paths @ ..] = options.operands.as_slice() else { return Err(cmd.usage(&spec, "").await) };
    if mode::apply(text, 0, false).is_none() {
        return Err(cmd.fail(format!("invalid mode '{text}'")).await);
    }
    let mut status = 0;
    for path in paths.iter().flat_map(|path| tree(&cmd.sys, path, options.has('R'))).collect::<Vec<_>>() {
        let changed = cmd.sys.stat(&path).and_then(|stat| {
            let new = mode::apply(text, stat.mode, stat.kind == FileType::Directory).unwrap_or(stat.mode);
            cmd.sys.chmod(&path, new)
        });
        match changed {
            Ok(()) => {}
            Err(_) if options.has('f') => status = 1,
            Err(error) => status = cmd.fail_at(&path, error).await,
        }
    }
    Ok(status)
}

/// `chown [-RhLP] user[:group] file…`
pub async fn chown(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "RhLPHvcf", usage: "[-Rhcvf] USER[:[GRP]] FILE...", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let [who, paths @ ..] = options.operands.as_slice() else { return Err(cmd.usage(&spec, "").await) };
    let (users, groups) = (Passwd::read(&cmd.sys).await, Groups::read(&cmd.sys).await);
    let (user, group) = match who.split_once([':', '.']) {
        Some((user, group)) => (user, Some(group)),
        None => (who.as_str(), None),
    };
    let uid = match (user, users.by_name(user), user.parse()) {
        ("", ..) => None,
        (_, Some(user), _) => Some(user.uid),
        (_, None, Ok(uid)) => Some(uid),
        _ => return Err(cmd.fail(format!("unknown user {user}")).await),
    };
    let gid = match group {
        None => None,
        // `user:` is the user's own group.
        Some("") => uid.and_then(|uid| users.find(uid)).map(|user| user.gid),
        Some(name) => match (groups.by_name(name), name.parse()) {
            (Some(gid), _) | (None, Ok(gid)) => Some(gid),
            _ => return Err(cmd.fail(format!("unknown group {name}")).await),
        },
    };
    change(cmd, paths, uid, gid, &options).await
}

/// `chgrp [-Rh] group file…`
pub async fn chgrp(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "RhLPHvcf", usage: "[-Rhcvf] GROUP FILE...", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let [name, paths @ ..] = options.operands.as_slice() else { return Err(cmd.usage(&spec, "").await) };
    let gid = match (Groups::read(&cmd.sys).await.by_name(name), name.parse()) {
        (Some(gid), _) | (None, Ok(gid)) => gid,
        _ => return Err(cmd.fail(format!("unknown group {name}")).await),
    };
    change(cmd, paths, None, Some(gid), &options).await
}

async fn change(cmd: &mut Cmd, paths: &[String], uid: Option<u32>, gid: Option<u32>, options: &crate::programs::cmd::Options) -> Exit {
    let recursive = options.has('R');
    let mut status = 0;
    for path in paths.iter().flat_map(|path| tree(&cmd.sys, path, recursive)).collect::<Vec<_>>() {
        if let Err(error) = cmd.sys.chown(&path, uid, gid, !options.has('h') && !recursive) {
            status = cmd.fail_at(&path, error).await;
        }
    }
    Ok(status)
}

/// What `stat` calls a kind of file.
fn kind(stat: &Stat) -> &'static str {
    match stat.kind {
        FileType::Regular if stat.size == 0 => "regular empty file",
        FileType::Regular => "regular file",
        FileType::Directory => "directory",
        FileType::Symlink => "symbolic link",
        FileType::Char => "character special file",
        FileType::Block => "block special file",
        FileType::Fifo => "fifo",
        FileType::Socket => "socket",
    }
}

fn type_bits(kind: FileType) -> u32 {
    match kind {
        FileType::Regular => 0o100_000,
        FileType::Directory => 0o040_000,
        FileType::Symlink => 0o120_000,
        FileType::Char => 0o020_000,
        FileType::Block => 0o060_000,
        FileType::Fifo => 0o010_000,
        FileType::Socket => 0o140_000,
    }
}

fn blocks(stat: &Stat) -> u64 {
    if stat.kind == FileType::Regular || stat.kind == FileType::Directory { stat.size.div_ceil(4096) * 8 } else { 0 }
}

/// `stat [-L] [-t] [-f] [-c format] file…`
pub async fn stat(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "Lc:f", long: &[("format", 'c')], not_modelled: "tZ", usage: "[-ltf] [-c FMT] FILE..." };
    let options = cmd.options(&spec).await?;
    let (users, groups) = (Passwd::read(&cmd.sys).await, Groups::read(&cmd.sys).await);
    let mut status = 0;
    for path in &options.operands {
        if options.has('f') {
            match cmd.sys.statfs(path) {
                Ok(fs) => {
                    let format = options.value('c').unwrap_or("%T");
                    let text = expand(format, |letter| match letter {
                        'T' => Some(fs.kind.clone()),
                        'b' => Some((fs.total / 4096).to_string()),
                        'f' | 'a' => Some(((fs.total - fs.used.min(fs.total)) / 4096).to_string()),
                        's' | 'S' => Some("4096".to_owned()),
                        'c' => Some(fs.inodes.to_string()),
                        'd' => Some(fs.inodes.saturating_sub(fs.inodes_used).to_string()),
                        'n' => Some(path.clone()),
                        _ => None,
                    });
                    cmd.line(text).await?;
                }
                Err(error) => status = cmd.fail(format!("can't read file system information for '{path}': {error}")).await,
            }
            continue;
        }
        let found = if options.has('L') { cmd.sys.stat(path) } else { cmd.sys.lstat(path) };
        let stat = match found {
            Ok(stat) => stat,
            Err(error) => {
                status = cmd.cannot("stat", path, error).await;
                continue;
            }
        };
        let name = match cmd.sys.readlink(path) {
            Ok(target) if stat.kind == FileType::Symlink => format!("'{path}' -> '{target}'"),
            Ok(_) | Err(_) => path.clone(),
        };
        let text = match options.value('c') {
            Some(format) => expand(format, |letter| field(letter, path, &name, &stat, &users, &groups)),
            None => full(&name, &stat, &users, &groups),
        };
        cmd.line(text).await?;
    }
    Ok(status)
}

fn full(name: &str, stat: &Stat, users: &Passwd, groups: &Groups) -> String {
    let time = |t| strftime(t, "%Y-%m-%d %H:%M:%S.%N +0000");
    let device = match stat.kind {
        FileType::Char | FileType::Block => format!("     Device type: {:x},{:x}", stat.rdev.0, stat.rdev.1),
        _ => String::new(),
    };
    format!(
        "  File: {name}\n  Size: {:<10}\tBlocks: {:<10} IO Block: 4096   {}\nDevice: {:x}h/{}d\tInode: {:<10}  Links: {:<5}{device}\n\
         Access: ({:04o}/{})  Uid: ({:5}/{:>8})   Gid: ({:5}/{:>8})\nAccess: {}\nModify: {}\nChange: {}",
        stat.size,
        blocks(stat),
        kind(stat),
        stat.dev,
        stat.dev,
        stat.ino,
        stat.nlink,
        stat.mode,
        mode::show(stat.kind, stat.mode),
        stat.uid,
        users.find(stat.uid).map_or("UNKNOWN", |user| &user.name),
        stat.gid,
        groups.find(stat.gid).unwrap_or_else(|| "UNKNOWN".to_owned()),
        time(stat.atime),
        time(stat.mtime),
        time(stat.ctime),
    )
}

fn field(letter: char, path: &str, name: &str, stat: &Stat, users: &Passwd, groups: &Groups) -> Option<String> {
    Some(match letter {
        'a' => format!("{:o}", stat.mode),
        'A' => mode::show(stat.kind, stat.mode),
        'b' => blocks(stat).to_string(),
        'B' => "512".to_owned(),
        'd' => stat.dev.to_string(),
        'f' => format!("{:x}", type_bits(stat.kind) | stat.mode),
        'F' => kind(stat).to_owned(),
        'g' => stat.gid.to_string(),
        'G' => groups.find(stat.gid).unwrap_or_else(|| "UNKNOWN".to_owned()),
        'h' => stat.nlink.to_string(),
        'i' => stat.ino.to_string(),
        'n' => path.to_owned(),
        'N' => name.to_owned(),
        'o' => "4096".to_owned(),
        's' => stat.size.to_string(),
        't' => format!("{:x}", stat.rdev.0),
        'T' => format!("{:x}", stat.rdev.1),
        'u' => stat.uid.to_string(),
        'U' => users.find(stat.uid).map_or_else(|| "UNKNOWN".to_owned(), |user| user.name.clone()),
        'X' => (stat.atime.0 / 1_000_000_000).to_string(),
        'Y' => (stat.mtime.0 / 1_000_000_000).to_string(),
        'Z' => (stat.ctime.0 / 1_000_000_000).to_string(),
        'x' => strftime(stat.atime, "%Y-%m-%d %H:%M:%S.%N"),
        'y' => strftime(stat.mtime, "%Y-%m-%d %H:%M:%S.%N"),
        'z' => strftime(stat.ctime, "%Y-%m-%d %H:%M:%S.%N"),
        _ => return None,
    })
}

/// `%` letters replaced; what has no meaning is `?`.
fn expand(format: &str, value: impl Fn(char) -> Option<String>) -> String {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '%' { chars.next() } else { None }) {
            ('%', Some('%')) => out.push('%'),
            ('%', Some(letter)) => out.push_str(&value(letter).unwrap_or_else(|| "?".to_owned())),
            (c, _) => out.push(c),
        }
    }
    out
}
