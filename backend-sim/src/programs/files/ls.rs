//! `ls`

use super::{human, join};
use crate::programs::cmd::{Cmd, Exit, Options, Spec};
use crate::programs::mode;
use crate::programs::time::strftime;
use crate::programs::users::{Groups, Passwd};
use crate::sys::{FileType, STDOUT, Stat};

const LS: Spec = Spec {
    short: "1AaCdeFhilnpqrRsStucULHxwTkgo",
    long: &[("color", 'q'), ("full-time", 'e'), ("group-directories-first", 'q')],
    not_modelled: "ZXv",
    usage: "[-1AaCxdLHRFplinshrSXvctu] [-w WIDTH] [FILE]...\n\nList directory contents",
};

struct Entry {
    name: String,
    path: String,
    stat: Stat,
}

/// `ls [options] [file…]`
pub async fn ls(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&LS).await?;
    let operands = if options.operands.is_empty() { vec![".".to_owned()] } else { options.operands.clone() };
    let listing = Listing {
        users: Passwd::read(&cmd.sys).await,
        groups: Groups::read(&cmd.sys).await,
        columns: cmd.sys.isatty(STDOUT) && !options.has('1') && !options.has('l') || options.has('C'),
        width: cmd.sys.window_size(STDOUT).map_or(80, |(_, cols)| usize::from(cols)),
        options,
    };
    let mut status = 0;
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    for path in operands {
        match listing.look(cmd, &path, &path, true) {
            Ok(entry) if entry.stat.kind == FileType::Directory && !listing.options.has('d') => directories.push(entry),
            Ok(entry) => files.push(entry),
            Err(error) => status = cmd.fail_at(&path, error).await,
        }
    }
    listing.sort(&mut files);
    listing.sort(&mut directories);
    let titles = listing.options.has('R') || !files.is_empty() || directories.len() + files.len() > 1;
    let mut first = files.is_empty();
    if !files.is_empty() {
        listing.print(cmd, &files).await?;
    }
    // A stack, so that what is below a directory comes right after it.
    directories.reverse();
    while let Some(directory) = directories.pop() {
        if !std::mem::take(&mut first) {
            cmd.line("").await?;
        }
        if titles {
            cmd.line(format!("{}:", directory.path)).await?;
        }
        let entries = match listing.read(cmd, &directory.path) {
            Ok(entries) => entries,
            Err(error) => {
                status = cmd.fail(format!("can't open '{}': {error}", directory.path)).await;
                continue;
            }
        };
        if listing.options.has('l') || listing.options.has('s') {
            let blocks: u64 = entries.iter().map(|e| blocks(&e.stat)).sum();
            cmd.line(if listing.options.has('h') {
                format!("total {:<7}", human(blocks * 1024).replace(".0K", "K"))
            } else {
                format!("total {blocks}")
            })
            .await?;
        }
        listing.print(cmd, &entries).await?;
        if listing.options.has('R') {
            let below = entries.into_iter().filter(|e| e.stat.kind == FileType::Directory && e.name != "." && e.name != "..");
            let mut below: Vec<Entry> = below.collect();
            below.reverse();
            directories.extend(below);
        }
    }
    Ok(status)
}

/// Kilobytes that a file takes, in whole pages.
fn blocks(stat: &Stat) -> u64 {
    match stat.kind {
        FileType::Regular | FileType::Directory => stat.size.div_ceil(4096) * 4,
        _ => 0,
    }
}

struct Listing {
    users: Passwd,
    groups: Groups,
    columns: bool,
    width: usize,
    options: Options,
}

impl Listing {
    fn look(&self, cmd: &Cmd, name: &str, path: &str, operand: bool) -> Result<Entry, crate::sys::Errno> {
        // A link given by name is followed unless it is shown in full.
        let follow = self.options.has('L') || operand && (self.options.has('H') || !self.options.has('l') && !self.options.has('d'));
        let stat = if follow { cmd.sys.stat(path).or_else(|_| cmd.sys.lstat(path)) } else { cmd.sys.lstat(path) }?;
        Ok(Entry { name: name.to_owned(), path: path.to_owned(), stat })
    }

    fn read(&self, cmd: &Cmd, path: &str) -> Result<Vec<Entry>, crate::sys::Errno> {
        let mut names: Vec<String> = cmd.sys.readdir(path)?.into_iter().map(|entry| entry.name).collect();
        if self.options.has('a') {
            names.extend([".".to_owned(), "..".to_owned()]);
        } else if !self.options.has('A') {
            names.retain(|name| !name.starts_with('.'));
        }
        // What vanishes between being listed and being looked at is left out.
        let mut entries: Vec<Entry> = names.iter().filter_map(|name| self.look(cmd, name, &join(path, name), false).ok()).collect();
        self.sort(&mut entries);
        Ok(entries)
    }

    fn sort(&self, entries: &mut [Entry]) {
        entries.sort_by(|a, b| {
            let by_name = a.name.cmp(&b.name);
            if self.options.has('t') {
                b.stat.mtime.cmp(&a.stat.mtime).then(by_name)
            } else if self.options.has('S') {
                b.stat.size.cmp(&a.stat.size).then(by_name)
            } else {
                by_name
            }
        });
        if self.options.has('r') {
            entries.reverse();
        }
    }

    async fn print(&self, cmd: &mut Cmd, entries: &[Entry]) -> Result<(), i32> {
        let long = self.options.has('l') || self.options.has('n') || self.options.has('e');
        let texts: Vec<String> = entries.iter().map(|entry| self.text(cmd, entry, long)).collect();
        if !self.columns || long {
            for text in texts {
                cmd.line(text).await?;
            }
            return Ok(());
        }
        let widest = texts.iter().map(|t| t.chars().count()).max().unwrap_or(0) + 2;
        let columns = (self.width / widest).max(1);
        let rows = texts.len().div_ceil(columns);
        for row in 0..rows {
            let cells: Vec<&String> = (row..texts.len()).step_by(rows.max(1)).map(|i| &texts[i]).collect();
            let line: String = cells.iter().map(|cell| format!("{cell:<widest$}")).collect();
            cmd.line(line.trim_end()).await?;
        }
        Ok(())
    }

    fn text(&self, cmd: &Cmd, entry: &Entry, long: bool) -> String {
        let stat = &entry.stat;
        let mut out = String::new();
        if self.options.has('i') {
            out.push_str(&format!("{:7} ", stat.ino));
        }
        if self.options.has('s') {
            out.push_str(&format!("{:6} ", blocks(stat)));
        }
        if long {
            let owner = |names: String, number: u32| if self.options.has('n') { number.to_string() } else { names };
            let (user, group) = (owner(self.users.name(stat.uid), stat.uid), owner(self.groups.name(stat.gid), stat.gid));
            let size = match (stat.kind, self.options.has('h')) {
                (FileType::Char | FileType::Block, _) => format!("{:4}, {:3}", stat.rdev.0, stat.rdev.1),
                (_, true) => format!("{:>9}", human(stat.size)),
                (_, false) => format!("{:>9}", stat.size),
            };
            // Within half a year the time of day is of interest, else the year.
            let now = cmd.sys.now();
            let age = now.since(stat.mtime).as_secs();
            let format = if self.options.has('e') {
                "%Y-%m-%d %H:%M:%S +0000"
            } else if stat.mtime > now || age > 182 * 86400 {
                "%b %e  %Y"
            } else {
                "%b %e %H:%M"
            };
            let time = strftime(stat.mtime, format);
            let mode = mode::show(stat.kind, stat.mode);
            out.push_str(&format!("{mode} {:4} {user:<8.8} {group:<8.8} {size} {time} ", stat.nlink));
        }
        out.push_str(&entry.name);
        if long
            && stat.kind == FileType::Symlink
            && let Ok(target) = cmd.sys.readlink(&entry.path)
        {
            out.push_str(&format!(" -> {target}"));
        }
        let mark = match stat.kind {
            FileType::Directory if self.options.has('F') || self.options.has('p') => "/",
            _ if !self.options.has('F') => "",
            FileType::Symlink if !long => "@",
            FileType::Fifo => "|",
            FileType::Socket => "=",
            FileType::Regular if stat.mode & 0o111 != 0 => "*",
            _ => "",
        };
        out.push_str(mark);
        out
    }
}
