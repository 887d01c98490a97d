//! `mkdir`, `touch`, `ln`, `mkfifo`, `mknod`, `mktemp`, `truncate`, `install` aside.

use super::{base, is_directory, join, parent};
use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::programs::mode;
use crate::sys::{Errno, FileType, OpenFlags};

/// `mkdir [-p] [-m mode] directory…`
pub async fn mkdir(cmd: &mut Cmd) -> Exit {
    let spec =
        Spec { short: "pm:v", long: &[("parents", 'p')], usage: "[-m MODE] [-p] DIRECTORY...\n\nCreate DIRECTORY", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    if options.operands.is_empty() {
        return Err(cmd.usage(&spec, "").await);
    }
    let wanted = match options.value('m') {
        None => None,
        Some(text) => match mode::apply(text, 0o777, true) {
            Some(mode) => Some(mode),
            None => return Err(cmd.fail(format!("invalid mode '{text}'")).await),
        },
    };
    let mut status = 0;
    for path in &options.operands {
        if let Err((at, error)) = make(cmd, path, options.has('p'), wanted) {
            status = cmd.fail(format!("can't create directory '{at}': {error}")).await;
        }
    }
    Ok(status)
}

fn make(cmd: &Cmd, path: &str, parents: bool, wanted: Option<u32>) -> Result<(), (String, Errno)> {
    let above = parent(path);
    if parents && above != "." && above != "/" && cmd.sys.stat(above).is_err() {
        make(cmd, above, true, None)?;
    }
    match cmd.sys.mkdir(path, 0o777) {
        Ok(()) => {}
        Err(_) if parents && is_directory(&cmd.sys, path) => return Ok(()),
        Err(error) => return Err((path.to_owned(), error)),
    }
    wanted.map_or(Ok(()), |mode| cmd.sys.chmod(path, mode).map_err(|error| (path.to_owned(), error)))
}

/// `touch [-cam] [-r file] file…`
pub async fn touch(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "camr:", not_modelled: "dht", usage: "[-cham] [-d DATE] [-t DATE] [-r FILE] FILE...", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    if options.operands.is_empty() {
        return Err(cmd.usage(&spec, "").await);
    }
    let (mut access, mut change) = (cmd.sys.now(), cmd.sys.now());
    if let Some(path) = options.value('r') {
        match cmd.sys.stat(path) {
            Ok(stat) => (access, change) = (stat.atime, stat.mtime),
            Err(error) => {
                let path = path.to_owned();
                return Err(cmd.fail_at(&path, error).await);
            }
        }
    }
    let both = options.has('a') == options.has('m');
    let mut status = 0;
    for path in &options.operands {
        if cmd.sys.stat(path) == Err(Errno::ENOENT) {
            if options.has('c') {
                continue;
            }
            let flags = OpenFlags { truncate: false, ..OpenFlags::REPLACE };
            match cmd.sys.open(path, flags, 0o666).await {
                Ok(fd) => {
                    cmd.sys.close(fd).ok();
                }
                Err(error) => {
                    status = cmd.fail_at(path, error).await;
                    continue;
                }
            }
        }
        let atime = (both || options.has('a')).then_some(access);
        let mtime = (both || options.has('m')).then_some(change);
        if let Err(error) = cmd.sys.utimens(path, atime, mtime) {
            status = cmd.fail_at(path, error).await;
        }
    }
    Ok(status)
}

/// `ln [-sfnT] target… link|directory`
pub async fn ln(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "sfnTv", not_modelled: "bSt", usage: "[-sfnbtv] [-S SUF] TARGET... LINK|DIR", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let mut targets = options.operands.clone();
    let last = match targets.len() {
        0 => return Err(cmd.usage(&spec, "").await),
        1 => base(&targets[0]).to_owned(),
        _ => targets.pop().unwrap_or_default(),
    };
    let is_link = cmd.sys.lstat(&last).is_ok_and(|stat| stat.kind == FileType::Symlink);
    let into = is_directory(&cmd.sys, &last) && !(options.has('T') || options.has('n') && is_link);
    let mut status = 0;
    for target in targets {
        let path = if into { join(&last, base(&target)) } else { last.clone() };
        if options.has('f') {
            cmd.sys.unlink(&path).ok();
        }
        let made = if options.has('s') { cmd.sys.symlink(&target, &path) } else { cmd.sys.link(&target, &path) };
        if let Err(error) = made {
            status = cmd.fail_at(&path, error).await;
        }
    }
    Ok(status)
}

/// `mkfifo [-m mode] name…`
pub async fn mkfifo(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "m:", usage: "[-m MODE] NAME", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let wanted = options.value('m').and_then(|m| mode::apply(m, 0o666, false)).unwrap_or(0o666);
    let mut status = 0;
    for path in &options.operands {
        if let Err(error) = cmd.sys.mknod(path, FileType::Fifo, wanted, (0, 0)) {
            status = cmd.fail_at(path, error).await;
        }
    }
    Ok(status)
}

/// `mknod [-m mode] name b|c|p [major minor]`
pub async fn mknod(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "m:", usage: "[-m MODE] NAME TYPE [MAJOR MINOR]", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let wanted = options.value('m').and_then(|m| mode::apply(m, 0o666, false)).unwrap_or(0o666);
    let operands: Vec<&str> = options.operands.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u32>().ok();
    let made = match operands.as_slice() {
        [path, "p"] => Some((*path, FileType::Fifo, (0, 0))),
        [path, kind @ ("b" | "c" | "u"), major, minor] => number(major).zip(number(minor)).map(|rdev| {
            let kind = if *kind == "b" { FileType::Block } else { FileType::Char };
            (*path, kind, rdev)
        }),
        _ => None,
    };
    let Some((path, kind, rdev)) = made else { return Err(cmd.usage(&spec, "").await) };
    match cmd.sys.mknod(path, kind, wanted, rdev) {
        Ok(()) => Ok(0),
        Err(error) => Err(cmd.fail_at(path, error).await),
    }
}

/// `mktemp [-dtu] [-p directory] [template]`
pub async fn mktemp(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "dtuqp:", usage: "[-dtu] [-p DIR] [TEMPLATE]", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let template = options.operands.first().map_or("tmp.XXXXXX", String::as_str);
    let Some(stem) = template.strip_suffix("XXXXXX") else {
        return Err(cmd.fail(format!("(null): {}", Errno::EINVAL)).await);
    };
    let directory = options.value('p').map(str::to_owned).or_else(|| cmd.sys.getenv("TMPDIR")).unwrap_or_else(|| "/tmp".to_owned());
    let place = options.operands.is_empty() || options.has('t') || options.has('p');
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    for _ in 0..100 {
        let random: String = cmd.sys.random(6).iter().map(|b| char::from(LETTERS[usize::from(*b) % LETTERS.len()])).collect();
        let path = if place { join(&directory, &format!("{stem}{random}")) } else { format!("{stem}{random}") };
        let made = if options.has('u') {
            Ok(())
        } else if options.has('d') {
            cmd.sys.mkdir(&path, 0o700)
        } else {
            let flags = OpenFlags { exclusive: true, ..OpenFlags::REPLACE };
            cmd.sys.open(&path, flags, 0o600).await.and_then(|fd| cmd.sys.close(fd))
        };
        match made {
            Ok(()) => {
                cmd.line(path).await?;
                return Ok(0);
            }
            Err(Errno::EEXIST) => {}
            Err(error) => return Err(cmd.fail_at(&path, error).await),
        }
    }
    Err(cmd.fail_at(template, Errno::EEXIST).await)
}

/// `truncate [-c] -s size file…`
pub async fn truncate(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "cs:", usage: "[-c] -s SIZE FILE...", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let Some(text) = options.value('s') else { return Err(cmd.usage(&spec, "").await) };
    let Some(size) = size(text) else { return Err(cmd.fail(format!("invalid number '{text}'")).await) };
    let mut status = 0;
    for path in &options.operands {
        if cmd.sys.stat(path) == Err(Errno::ENOENT) && !options.has('c') {
            match cmd.sys.open(path, OpenFlags::REPLACE, 0o666).await {
                Ok(fd) => {
                    cmd.sys.close(fd).ok();
                }
                Err(error) => {
                    status = cmd.fail_at(path, error).await;
                    continue;
                }
            }
        }
        if let Err(error) = cmd.sys.truncate(path, size) {
            status = cmd.fail_at(path, error).await;
        }
    }
    Ok(status)
}

/// A number of bytes with busybox's units: `c`, `b` (512), `k`, `m`, `g`.
pub(in crate::programs) fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "c" => 1,
        "w" => 2,
        "b" => 512,
        "k" | "kib" => 1024,
        "kd" | "kb" => 1000,
        "m" | "mib" => 1 << 20,
        "mb" | "md" => 1_000_000,
        "g" | "gib" => 1 << 30,
        "t" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}
