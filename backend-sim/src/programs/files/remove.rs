//! `rm`, `rmdir`, `unlink`.

use super::{base, join, parent};
use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::sys::{Errno, FileType};
use futures_util::future::{BoxFuture, FutureExt};

/// `rm [-rRf] file…`
pub async fn rm(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "rRfv", not_modelled: "i", usage: "[-irf] FILE...\n\nRemove (unlink) FILEs", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let (recursive, force) = (options.has('r') || options.has('R'), options.has('f'));
    if options.operands.is_empty() && !force {
        return Err(cmd.usage(&spec, "").await);
    }
    let mut status = 0;
    for path in options.operands {
        if matches!(base(&path), "." | "..") {
            status = cmd.fail("can't remove '.' or '..'").await;
            continue;
        }
        let stat = match cmd.sys.lstat(&path) {
            Err(Errno::ENOENT) if force => continue,
            Err(error) => {
                status = cmd.cannot("remove", &path, error).await;
                continue;
            }
            Ok(stat) => stat,
        };
        if stat.kind == FileType::Directory && !recursive {
            status = cmd.fail(format!("'{path}' is a directory")).await;
        } else {
            status |= remove_tree(cmd, path, force).await;
        }
    }
    Ok(status)
}

/// Removes a file or a directory with all that is below it.
pub(super) fn remove_tree(cmd: &mut Cmd, path: String, force: bool) -> BoxFuture<'_, i32> {
    async move {
        let is_directory = cmd.sys.lstat(&path).is_ok_and(|stat| stat.kind == FileType::Directory);
        let mut status = 0;
        if is_directory {
            for entry in cmd.sys.readdir(&path).unwrap_or_default() {
                status |= remove_tree(cmd, join(&path, &entry.name), force).await;
            }
        }
        match if is_directory { cmd.sys.rmdir(&path) } else { cmd.sys.unlink(&path) } {
            Ok(()) => status,
            Err(Errno::ENOENT) if force => status,
            Err(error) => cmd.cannot("remove", &path, error).await,
        }
    }
    .boxed()
}

/// `rmdir [-p] directory…`
pub async fn rmdir(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "p", usage: "[-p] DIRECTORY...\n\nRemove DIRECTORY if it is empty", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    if options.operands.is_empty() {
        return Err(cmd.usage(&spec, "").await);
    }
    let mut status = 0;
    for operand in &options.operands {
        let mut path = operand.as_str();
        loop {
            if let Err(error) = cmd.sys.rmdir(path) {
                status = cmd.fail(format!("'{path}': {error}")).await;
                break;
            }
            path = parent(path);
            if !options.has('p') || path == "." || path == "/" {
                break;
            }
        }
    }
    Ok(status)
}

/// `unlink file`
pub async fn unlink(cmd: &mut Cmd) -> Exit {
    let [path] = cmd.args.as_slice() else { return Err(cmd.usage(&Spec { usage: "FILE", ..Spec::default() }, "").await) };
    let path = path.clone();
    match cmd.sys.unlink(&path) {
        Ok(()) => Ok(0),
        Err(error) => Err(cmd.cannot("remove file", &path, error).await),
    }
}
