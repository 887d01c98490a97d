//! `cp` and `mv`.

use super::{base, is_directory, join};
use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::programs::files::remove::remove_tree;
use crate::sys::{Errno, FileType, OpenFlags, Stat};
use futures_util::future::{BoxFuture, FutureExt};

/// How to copy.
#[derive(Clone, Copy, Default)]
struct How {
    recursive: bool,
    follow: bool,
    preserve: bool,
    force: bool,
    keep: bool,
    newer: bool,
    link: bool,
    symlink: bool,
}

/// `cp [-arRdPLpfnuls] [-t directory] source… destination`
pub async fn cp(cmd: &mut Cmd) -> Exit {
    let usage = "[-arPLHpfinlsTu] SOURCE DEST\nor: cp [-arPLHpfinlsu] SOURCE... { -t DIRECTORY | DIRECTORY }";
    let spec = Spec { short: "arRdPLHpfnulsTt:v", not_modelled: "i", usage, ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let recursive = options.has('a') || options.has('r') || options.has('R');
    let how = How {
        recursive,
        follow: options.has('L') || !(recursive || options.has('P') || options.has('d')),
        preserve: options.has('a') || options.has('p'),
        force: options.has('f'),
        keep: options.has('n'),
        newer: options.has('u'),
        link: options.has('l'),
        symlink: options.has('s'),
    };
    let (sources, target, into) = destination(cmd, &options, &spec).await?;
    let mut status = 0;
    for source in sources {
        let to = if into { join(&target, base(&source)) } else { target.clone() };
        status |= copy(cmd, source, to, how, true).await;
    }
    Ok(status)
}

/// Sources, the target, and whether they go into it.
async fn destination(cmd: &mut Cmd, options: &crate::programs::cmd::Options, spec: &Spec) -> Result<(Vec<String>, String, bool), i32> {
    let mut operands = options.operands.clone();
    if let Some(directory) = options.value('t') {
        return Ok((operands, directory.to_owned(), true));
    }
    let target = match operands.pop() {
        Some(target) if !operands.is_empty() => target,
        _ => return Err(cmd.usage(spec, "").await),
    };
    let into = is_directory(&cmd.sys, &target) && !options.has('T');
    if operands.len() > 1 && !into {
        return Err(cmd.fail(format!("target '{target}' is not a directory")).await);
    }
    Ok((operands, target, into))
}

fn copy<'a>(cmd: &'a mut Cmd, from: String, to: String, how: How, operand: bool) -> BoxFuture<'a, i32> {
    async move {
        let stat = match if how.follow || (operand && !how.recursive && !how.preserve) { cmd.sys.stat(&from) } else { cmd.sys.lstat(&from) }
        {
            Ok(stat) => stat,
            Err(error) => return cmd.cannot("stat", &from, error).await,
        };
        if let Ok(old) = cmd.sys.stat(&to) {
            if (old.dev, old.ino) == (stat.dev, stat.ino) {
                return cmd.fail(format!("'{from}' and '{to}' are the same file")).await;
            }
            if how.keep || (how.newer && old.mtime >= stat.mtime && stat.kind != FileType::Directory) {
                return 0;
            }
        }
        let done = match stat.kind {
            FileType::Directory if !how.recursive => return cmd.fail(format!("omitting directory '{from}'")).await,
            FileType::Directory => return directory(cmd, &from, &to, how, &stat).await,
            _ if how.link => cmd.sys.link(&from, &to),
            _ if how.symlink => cmd.sys.symlink(&from, &to),
            FileType::Symlink => symlink(cmd, &from, &to),
            FileType::Regular => match content(cmd, &from, &to, &stat, how).await {
                Ok(()) => Ok(()),
                Err(code) => return code,
            },
            FileType::Char | FileType::Block | FileType::Fifo if !how.recursive => match content(cmd, &from, &to, &stat, how).await {
                Ok(()) => Ok(()),
                Err(code) => return code,
            },
            kind => cmd.sys.mknod(&to, kind, stat.mode, stat.rdev),
        };
        if let Err(error) = done {
            return cmd.cannot("create", &to, error).await;
        }
        preserve(cmd, &to, &stat, how);
        0
    }
    .boxed()
}

async fn directory(cmd: &mut Cmd, from: &str, to: &str, how: How, stat: &Stat) -> i32 {
    let made = match cmd.sys.mkdir(to, stat.mode | 0o700) {
        Ok(()) => true,
        Err(Errno::EEXIST) if is_directory(&cmd.sys, to) => false,
        Err(error) => return cmd.fail(format!("can't create directory '{to}': {error}")).await,
    };
    let entries = match cmd.sys.readdir(from) {
        Ok(entries) => entries,
        Err(error) => return cmd.cannot("open", from, error).await,
    };
    let mut status = 0;
    for entry in entries {
        status |= copy(cmd, join(from, &entry.name), join(to, &entry.name), how, false).await;
    }
    if made {
        preserve(cmd, to, stat, how);
    }
    status
}

fn symlink(cmd: &Cmd, from: &str, to: &str) -> Result<(), Errno> {
    let target = cmd.sys.readlink(from)?;
    match cmd.sys.symlink(&target, to) {
        Err(Errno::EEXIST) if !is_directory(&cmd.sys, to) => {
            cmd.sys.unlink(to)?;
            cmd.sys.symlink(&target, to)
        }
        done => done,
    }
}

async fn content(cmd: &mut Cmd, from: &str, to: &str, stat: &Stat, how: How) -> Result<(), i32> {
    let input = match cmd.sys.open(from, OpenFlags::READ, 0).await {
        Ok(fd) => fd,
        Err(error) => return Err(cmd.cannot("open", from, error).await),
    };
    let mut opened = cmd.sys.open(to, OpenFlags::REPLACE, stat.mode & 0o777).await;
    if opened.is_err() && how.force && cmd.sys.unlink(to).is_ok() {
        opened = cmd.sys.open(to, OpenFlags::REPLACE, stat.mode & 0o777).await;
    }
    let output = match opened {
        Ok(fd) => fd,
        Err(error) => {
            cmd.sys.close(input).ok();
            return Err(cmd.cannot("create", to, error).await);
        }
    };
    let done = loop {
        match cmd.sys.read(input, 64 * 1024).await {
            Ok(bytes) if bytes.is_empty() => break Ok(()),
            Ok(bytes) => {
                if let Err(error) = cmd.sys.write_all(output, &bytes).await {
                    break Err(format!("write error: {error}"));
                }
            }
            Err(Errno::EINTR) => {}
            Err(error) => break Err(format!("read error: {error}")),
        }
    };
    cmd.sys.close(input).ok();
    cmd.sys.close(output).ok();
    match done {
        Ok(()) => Ok(()),
        Err(message) => Err(cmd.fail(message).await),
    }
}

fn preserve(cmd: &Cmd, to: &str, stat: &Stat, how: How) {
    if how.preserve {
        cmd.sys.chown(to, Some(stat.uid), Some(stat.gid), false).ok();
        if stat.kind != FileType::Symlink {
            cmd.sys.chmod(to, stat.mode).ok();
            cmd.sys.utimens(to, Some(stat.atime), Some(stat.mtime)).ok();
        }
    }
}

/// `mv [-fnT] [-t directory] source… destination`
pub async fn mv(cmd: &mut Cmd) -> Exit {
    let usage = "[-finT] SOURCE DEST\nor: mv [-fin] SOURCE... { -t DIRECTORY | DIRECTORY }";
    let spec = Spec { short: "fnTt:uv", not_modelled: "i", usage, ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let (sources, target, into) = destination(cmd, &options, &spec).await?;
    let mut status = 0;
    for source in sources {
        let to = if into { join(&target, base(&source)) } else { target.clone() };
        if options.has('n') && cmd.sys.lstat(&to).is_ok() {
            continue;
        }
        match cmd.sys.rename(&source, &to) {
            Ok(()) => {}
            Err(Errno::EXDEV) => {
                // Onto another file system: copy, then remove.
                let how = How { recursive: true, preserve: true, force: true, ..How::default() };
                let code = copy(cmd, source.clone(), to, how, true).await;
                status |= code;
                if code == 0 {
                    status |= remove_tree(cmd, source, true).await;
                }
            }
            Err(error) => status = cmd.cannot("rename", &source, error).await,
        }
    }
    Ok(status)
}
