//! `df`, `du`, `dd`, `sync`.

use super::{human, join};
use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::sys::{Errno, FileType, OpenFlags, STDIN, STDOUT, Whence};
use std::collections::BTreeSet;

/// `df [-hkmT] [file…]`
pub async fn df(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "hkmPTaiB:", not_modelled: "t", usage: "[-PkmhTai] [-B SIZE] [-t TYPE] [FILESYSTEM]...", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let text = String::from_utf8_lossy(&cmd.read("/proc/mounts").await?).into_owned();
    let mounts: Vec<(String, String, String)> = text
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').map(|f| f.replace("\\040", " "));
            Some((fields.next()?, fields.next()?, fields.next()?))
        })
        .collect();
    let mut status = 0;
    let chosen: Vec<(String, String, String)> = if options.operands.is_empty() {
        mounts
    } else {
        let mut chosen = Vec::new();
        for path in &options.operands {
            match cmd.sys.realpath(path) {
                Ok(real) => {
                    let covers = |at: &str| at == "/" || real == at || real.starts_with(&format!("{at}/"));
                    chosen.extend(mounts.iter().filter(|(_, at, _)| covers(at)).max_by_key(|(_, at, _)| at.len()).cloned());
                }
                Err(error) => status = cmd.fail(format!("{path}: can't find mount point: {error}")).await,
            }
        }
        chosen
    };
    let unit = if options.has('m') { 1 << 20 } else { 1024 };
    let title = match (options.has('h'), options.has('m'), options.has('i')) {
        (_, _, true) => "    Inodes      Used Available",
        (true, ..) => "     Size      Used Available",
        (_, true, _) => "1M-blocks      Used Available",
        _ => "1K-blocks      Used Available",
    };
    let kind_title = if options.has('T') { "Type       " } else { "" };
    cmd.line(format!("Filesystem           {kind_title}{title} Use% Mounted on")).await?;
    for (source, at, kind) in chosen {
        let Ok(fs) = cmd.sys.statfs(&at) else { continue };
        let (total, used) = if options.has('i') { (fs.inodes, fs.inodes_used) } else { (fs.total, fs.used) };
        // Without operands, what has no size (proc, sysfs) is left out.
        if total == 0 && options.operands.is_empty() && !options.has('a') {
            continue;
        }
        let show = |n: u64| if options.has('h') { human(n) } else { n.div_ceil(if options.has('i') { 1 } else { unit }).to_string() };
        let free = total.saturating_sub(used);
        let percent = if total == 0 { 0 } else { (used * 100).div_ceil(total) };
        let kind = if options.has('T') { format!("{kind:<10} ") } else { String::new() };
        let source = if source.len() > 20 { format!("{source}\n{:20}", "") } else { format!("{source:<20}") };
        cmd.line(format!("{source} {kind}{:>9} {:>9} {:>9} {percent:3}% {at}", show(total), show(used), show(free))).await?;
    }
    Ok(status)
}

/// `du [-ahksm] [-d depth] [file…]`
pub async fn du(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "ahksmcxLHld:", usage: "[-aHLdclsxhmk] [FILE]...", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let most = if options.has('s') { 0 } else { options.value('d').and_then(|d| d.parse().ok()).unwrap_or(usize::MAX) };
    let mut usage = Usage { all: options.has('a'), most, seen: BTreeSet::new(), lines: Vec::new(), status: 0 };
    let operands = if options.operands.is_empty() { vec![".".to_owned()] } else { options.operands.clone() };
    let mut total = 0;
    for path in operands {
        total += usage.walk(cmd, path, 0).await;
    }
    if options.has('c') {
        usage.lines.push((total, "total".to_owned()));
    }
    for (bytes, path) in usage.lines {
        let size = if options.has('h') { human(bytes) } else { bytes.div_ceil(if options.has('m') { 1 << 20 } else { 1024 }).to_string() };
        cmd.line(format!("{size}\t{path}")).await?;
    }
    Ok(usage.status)
}

struct Usage {
    all: bool,
    most: usize,
    seen: BTreeSet<(u64, u64)>,
    lines: Vec<(u64, String)>,
    status: i32,
}

impl Usage {
    async fn walk(&mut self, cmd: &mut Cmd, path: String, depth: usize) -> u64 {
        let stat = match cmd.sys.lstat(&path) {
            Ok(stat) => stat,
            Err(error) => {
                self.status = cmd.fail_at(&path, error).await;
                return 0;
            }
        };
        // A file with several names counts once.
        if stat.nlink > 1 && stat.kind != FileType::Directory && !self.seen.insert((stat.dev, stat.ino)) {
            return 0;
        }
        let counts = matches!(stat.kind, FileType::Regular | FileType::Directory);
        let mut sum = if counts { stat.size.div_ceil(4096) * 4096 } else { 0 };
        if stat.kind == FileType::Directory {
            match cmd.sys.readdir(&path) {
                Ok(entries) => {
                    for entry in entries {
                        sum += Box::pin(self.walk(cmd, join(&path, &entry.name), depth + 1)).await;
                    }
                }
                Err(error) => self.status = cmd.cannot("open", &path, error).await,
            }
        }
        if depth == 0 || (depth <= self.most && (self.all || stat.kind == FileType::Directory)) {
            self.lines.push((sum, path));
        }
        sum
    }
}

/// `dd [if=file] [of=file] [bs=size] [count=n] [skip=n] [seek=n] [conv=notrunc,fsync] [status=none]`
pub async fn dd(cmd: &mut Cmd) -> Exit {
    let (mut input, mut output) = (None, None);
    let (mut block, mut count, mut skip, mut seek) = (512u64, u64::MAX, 0, 0);
    let (mut keep, mut sync, mut quiet) = (false, false, false);
    for word in cmd.args.clone() {
        let (name, value) = word.split_once('=').unwrap_or((&word, ""));
        let size = || crate::programs::files::make::size(value);
        let number = match name {
            "if" => {
                input = Some(value.to_owned());
                continue;
            }
            "of" => {
                output = Some(value.to_owned());
                continue;
            }
            "conv" => {
                keep |= value.contains("notrunc");
                sync |= value.contains("fsync");
                continue;
            }
            "status" => {
                quiet = value == "none";
                continue;
            }
            "bs" | "ibs" | "obs" => size().map(|n| block = n.max(1)),
            "count" => size().map(|n| count = n),
            "skip" => size().map(|n| skip = n),
            "seek" => size().map(|n| seek = n),
            "oflag" | "iflag" => return Err(cmd.not_modelled(name).await),
            _ => {
                return Err(cmd
                    .usage(&Spec { usage: "[if=FILE] [of=FILE] [bs=N] [count=N] [skip=N] [seek=N]", ..Spec::default() }, "")
                    .await);
            }
        };
        if number.is_none() {
            return Err(cmd.fail(format!("invalid number '{value}'")).await);
        }
    }
    let from = match &input {
        None => STDIN,
        Some(path) => match cmd.sys.open(path, OpenFlags::READ, 0).await {
            Ok(fd) => fd,
            Err(error) => return Err(cmd.cannot("open", path, error).await),
        },
    };
    let to = match &output {
        None => STDOUT,
        Some(path) => {
            let flags = OpenFlags { truncate: !keep && seek == 0, ..OpenFlags::REPLACE };
            match cmd.sys.open(path, flags, 0o666).await {
                Ok(fd) => fd,
                Err(error) => return Err(cmd.cannot("open", path, error).await),
            }
        }
    };
    // The buffer is one block, and is touched: that is what dd takes memory for.
    if cmd.sys.alloc(block).await.is_err() {
        return Err(cmd.fail("out of memory".to_owned()).await);
    }
    let offset = |blocks: u64| i64::try_from(blocks.saturating_mul(block)).unwrap_or(i64::MAX);
    if seek > 0 {
        cmd.sys.seek(to, offset(seek), Whence::Set).ok();
    }
    if skip > 0 && cmd.sys.seek(from, offset(skip), Whence::Current).is_err() {
        for _ in 0..skip {
            cmd.sys.read(from, block as usize).await.ok();
        }
    }
    let (mut full, mut partial, mut bytes, mut failure) = (0u64, 0u64, 0u64, None);
    let start = cmd.sys.moment();
    while full + partial < count {
        match cmd.sys.read(from, block as usize).await {
            Ok(chunk) if chunk.is_empty() => break,
            Ok(chunk) => {
                if let Err(error) = cmd.sys.write_all(to, &chunk).await {
                    failure = Some(("writing", output.clone().unwrap_or_else(|| "standard output".to_owned()), error));
                    break;
                }
                if chunk.len() as u64 == block {
                    full += 1
                } else {
                    partial += 1
                }
                bytes += chunk.len() as u64;
            }
            Err(Errno::EINTR) => {}
            Err(error) => {
                failure = Some(("reading", input.clone().unwrap_or_else(|| "standard input".to_owned()), error));
                break;
            }
        }
    }
    if sync {
        cmd.sys.fsync(to).ok();
    }
    if let Some((doing, path, error)) = &failure {
        cmd.fail(format!("error {doing} '{path}': {error}")).await;
    }
    if !quiet {
        let seconds = cmd.sys.moment().since(start).as_secs_f64();
        let rate = if seconds > 0.0 { format!("{}B/s", human((bytes as f64 / seconds) as u64)) } else { "0B/s".to_owned() };
        let size = if bytes < 1024 { format!("{bytes} bytes") } else { format!("{bytes} bytes ({}B)", human(bytes)) };
        let text = format!("{full}+{partial} records in\n{full}+{partial} records out\n{size} copied, {seconds:.6} seconds, {rate}\n");
        cmd.sys.eprint(&text).await;
    }
    Ok(i32::from(failure.is_some()))
}

/// `sync [file…]`
pub async fn sync(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&Spec { short: "df", usage: "[-df] [FILE]...", ..Spec::default() }).await?;
    let mut status = 0;
    for path in &options.operands {
        let done = match cmd.sys.open(path, OpenFlags::READ, 0).await {
            Ok(fd) => {
                let done = cmd.sys.fsync(fd);
                cmd.sys.close(fd).ok();
                done
            }
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            status = cmd.fail_at(path, error).await;
        }
    }
    Ok(status)
}
