//! `tar`, through core's reader and writer.

use super::{join, parent};
use crate::programs::cmd::{Cmd, Exit, Options, Spec};
use crate::programs::mode;
use crate::programs::time::strftime;
use crate::programs::users::{Groups, Passwd};
use crate::sys::{Errno, FileType, Sys};
use drydock_core::image::tar::{Entry, Kind, Reader, Writer};
use drydock_core::time::Timestamp;
use std::io::Read;

const TAR: Spec = Spec {
    short: "cxtvf:C:zOpkmho",
    long: &[("create", 'c'), ("extract", 'x'), ("list", 't'), ("verbose", 'v'), ("file", 'f'), ("directory", 'C')],
    not_modelled: "jJaTXZ",
    usage: "c|x|t [-zvOpkm] [-f TARFILE] [-C DIR] [FILE]...",
};

/// `tar c|x|t [-zvOpkm] [-f archive] [-C directory] [file…]`
pub async fn tar(cmd: &mut Cmd) -> Exit {
    // `tar cf x.tar d` is `tar -cf x.tar d`.
    if let Some(first) = cmd.args.first_mut()
        && !first.starts_with('-')
    {
        first.insert(0, '-');
    }
    let options = cmd.options(&TAR).await?;
    match (options.has('c'), options.has('x'), options.has('t')) {
        (true, false, false) => create(cmd, &options).await,
        (false, true, false) | (false, false, true) => read(cmd, &options).await,
        _ => Err(cmd.usage(&TAR, "").await),
    }
}

async fn enter(cmd: &mut Cmd, options: &Options) -> Result<(), i32> {
    for directory in options.values('C') {
        if let Err(error) = cmd.sys.chdir(directory) {
            return Err(cmd.fail(format!("can't change directory to '{directory}': {error}")).await);
        }
    }
    Ok(())
}

/// Everything in an archive, compressed or not.
fn entries(archive: &[u8]) -> drydock_core::Result<Vec<(Entry, Vec<u8>)>> {
    let mut source = archive;
    let stream = drydock_core::image::decompress(&mut source)?;
    let mut reader = Reader::new(stream);
    let mut all = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        if entry.size > crate::kernel::LARGEST_FILE {
            return Err(drydock_core::Error::not_modelled(format!("a file of {} bytes", entry.size)));
        }
        let mut content = Vec::new();
        reader.read_to_end(&mut content).map_err(|error| drydock_core::Error::invalid(error.to_string()))?;
        all.push((entry, content));
    }
    Ok(all)
}

async fn read(cmd: &mut Cmd, options: &Options) -> Exit {
    let path = options.value('f').unwrap_or("-").to_owned();
    let archive = match if path == "-" { cmd.sys.read_to_end(crate::sys::STDIN).await } else { cmd.sys.read_file(&path).await } {
        Ok(archive) => archive,
        Err(error) => return Err(cmd.cannot("open", &path, error).await),
    };
    enter(cmd, options).await?;
    let all = match entries(&archive) {
        Ok(all) => all,
        Err(error) => return Err(cmd.fail(error.to_string()).await),
    };
    let (users, groups) = (Passwd::read(&cmd.sys).await, Groups::read(&cmd.sys).await);
    let wanted = |name: &str| {
        let plain = |text: &str| text.trim_start_matches("./").trim_end_matches('/').to_owned();
        let name = plain(name);
        options.operands.is_empty() || options.operands.iter().any(|o| name == plain(o) || name.starts_with(&format!("{}/", plain(o))))
    };
    let mut status = 0;
    for (entry, content) in all {
        let name = String::from_utf8_lossy(&entry.path).into_owned();
        if !wanted(&name) {
            continue;
        }
        if options.has('t') {
            let line = if options.has('v') { long(&entry, &name, &users, &groups) } else { name };
            cmd.line(line).await?;
            continue;
        }
        if options.has('O') {
            cmd.write(&content).await?;
            continue;
        }
        if options.has('v') {
            cmd.line(&name).await?;
        }
        let place = name.trim_start_matches('/').trim_end_matches('/').to_owned();
        if place.split('/').any(|part| part == "..") {
            status = cmd.fail(format!("name with '..' skipped: '{name}'")).await;
            continue;
        }
        if let Err(error) = unpack(&cmd.sys, &place, &entry, &content).await {
            status = cmd.fail(format!("can't create '{place}': {error}")).await;
        }
    }
    Ok(status)
}

async fn unpack(sys: &Sys, place: &str, entry: &Entry, content: &[u8]) -> Result<(), Errno> {
    if place.is_empty() || place == "." {
        return Ok(());
    }
    make_parents(sys, parent(place));
    let existing = sys.lstat(place).ok();
    if existing.as_ref().is_some_and(|stat| stat.kind != FileType::Directory) {
        sys.unlink(place)?;
    }
    match &entry.kind {
        Kind::Directory if existing.is_some_and(|stat| stat.kind == FileType::Directory) => {}
        Kind::Directory => sys.mkdir(place, 0o755)?,
        Kind::File => sys.write_file(place, content).await?,
        Kind::HardLink(to) => return sys.link(String::from_utf8_lossy(to).trim_start_matches('/'), place),
        Kind::Symlink(to) => sys.symlink(&String::from_utf8_lossy(to), place)?,
        Kind::CharDevice(major, minor) => sys.mknod(place, FileType::Char, entry.mode, (*major, *minor))?,
        Kind::BlockDevice(major, minor) => sys.mknod(place, FileType::Block, entry.mode, (*major, *minor))?,
        Kind::Fifo => sys.mknod(place, FileType::Fifo, entry.mode, (0, 0))?,
    }
    // Only root can give files away; others keep what they unpack.
    if sys.credentials().euid == 0 {
        sys.chown(place, Some(entry.uid), Some(entry.gid), false)?;
    }
    if !matches!(entry.kind, Kind::Symlink(_)) {
        sys.chmod(place, entry.mode)?;
        let time = moment(entry);
        sys.utimens(place, Some(time), Some(time))?;
    }
    Ok(())
}

fn make_parents(sys: &Sys, path: &str) {
    if path != "." && path != "/" && sys.stat(path).is_err() {
        make_parents(sys, parent(path));
        sys.mkdir(path, 0o755).ok();
    }
}

fn moment(entry: &Entry) -> Timestamp {
    let seconds = u64::try_from(entry.mtime.0).unwrap_or(0);
    Timestamp(seconds.saturating_mul(1_000_000_000).saturating_add(u64::from(entry.mtime.1)))
}

fn long(entry: &Entry, name: &str, users: &Passwd, groups: &Groups) -> String {
    let (kind, link) = match &entry.kind {
        Kind::File => (FileType::Regular, String::new()),
        Kind::HardLink(to) => (FileType::Regular, format!(" -> {}", String::from_utf8_lossy(to))),
        Kind::Symlink(to) => (FileType::Symlink, format!(" -> {}", String::from_utf8_lossy(to))),
        Kind::CharDevice(..) => (FileType::Char, String::new()),
        Kind::BlockDevice(..) => (FileType::Block, String::new()),
        Kind::Directory => (FileType::Directory, String::new()),
        Kind::Fifo => (FileType::Fifo, String::new()),
    };
    let time = strftime(moment(entry), "%Y-%m-%d %H:%M:%S");
    format!("{} {}/{} {:9} {time} {name}{link}", mode::show(kind, entry.mode), users.name(entry.uid), groups.name(entry.gid), entry.size)
}

async fn create(cmd: &mut Cmd, options: &Options) -> Exit {
    if options.has('z') {
        return Err(cmd.not_modelled("compressing").await);
    }
    if options.operands.is_empty() {
        return Err(cmd.fail("empty archive").await);
    }
    let path = options.value('f').unwrap_or("-").to_owned();
    // The archive's own path is from where tar was started.
    let place = match cmd.sys.getcwd() {
        Ok(cwd) if path != "-" && !path.starts_with('/') => join(&cwd, &path),
        _ => path.clone(),
    };
    enter(cmd, options).await?;
    let mut writer = Writer::new(Vec::new());
    let mut status = 0;
    let mut stack: Vec<String> = options.operands.iter().rev().cloned().collect();
    while let Some(name) = stack.pop() {
        let stat = match cmd.sys.lstat(&name) {
            Ok(stat) => stat,
            Err(error) => {
                status = cmd.fail_at(&name, error).await;
                continue;
            }
        };
        let mut shown = name.trim_start_matches('/').to_owned();
        let (kind, content) = match stat.kind {
            FileType::Directory => {
                shown = format!("{}/", shown.trim_end_matches('/'));
                let mut entries = cmd.sys.readdir(&name).unwrap_or_default();
                entries.sort();
                stack.extend(entries.into_iter().rev().map(|entry| join(name.trim_end_matches('/'), &entry.name)));
                (Kind::Directory, Vec::new())
            }
            FileType::Regular => match cmd.sys.read_file(&name).await {
                Ok(content) => (Kind::File, content),
                Err(error) => {
                    status = cmd.cannot("open", &name, error).await;
                    continue;
                }
            },
            FileType::Symlink => (Kind::Symlink(cmd.sys.readlink(&name).unwrap_or_default().into_bytes()), Vec::new()),
            FileType::Char => (Kind::CharDevice(stat.rdev.0, stat.rdev.1), Vec::new()),
            FileType::Block => (Kind::BlockDevice(stat.rdev.0, stat.rdev.1), Vec::new()),
            FileType::Fifo => (Kind::Fifo, Vec::new()),
            FileType::Socket => {
                cmd.fail(format!("{name}: socket ignored")).await;
                continue;
            }
        };
        if options.has('v') && path != "-" {
            cmd.line(&shown).await?;
        }
        let seconds = i64::try_from(stat.mtime.0 / 1_000_000_000).unwrap_or(0);
        let entry = Entry {
            mode: stat.mode,
            uid: stat.uid,
            gid: stat.gid,
            mtime: (seconds, 0),
            size: content.len() as u64,
            ..Entry::new(shown, kind)
        };
        if let Err(error) = writer.append(&entry, &content) {
            return Err(cmd.fail(error.to_string()).await);
        }
    }
    let archive = match writer.finish() {
        Ok(archive) => archive,
        Err(error) => return Err(cmd.fail(error.to_string()).await),
    };
    if path == "-" {
        cmd.write(&archive).await?;
    } else if let Err(error) = cmd.sys.write_file(&place, &archive).await {
        return Err(cmd.cannot("open", &path, error).await);
    }
    Ok(status)
}
