//! `cat`, `tac`, `rev`, `more` and `less`, which only show.

use super::inputs;
use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::sys::{Errno, Fd, OpenFlags, STDIN};

const CAT: Spec = Spec {
    short: "nbusvteA",
    long: &[],
    not_modelled: "",
    usage: "[-nbvteA] [FILE]...\n\nPrint FILEs to stdout\n\n\t-n\tNumber output lines\n\t-b\tNumber nonempty lines\n\t-v\tShow nonprinting characters as ^x or M-x\n\t-t\t...and tabs as ^I\n\t-e\t...and end lines with $\n\t-A\tSame as -vte",
};

/// `cat [-nbvteA] [file…]`
pub async fn cat(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&CAT).await?;
    let all = options.has('A');
    let show = Show {
        number: options.has('n'),
        number_full: options.has('b'),
        tabs: all || options.has('t'),
        ends: all || options.has('e'),
        odd: all || options.has('v') || options.has('t') || options.has('e'),
    };
    let plain = !(show.number || show.number_full || show.odd);
    let mut status = 0;
    let mut line = Line { count: 0, start: true };
    for path in inputs(&options.operands) {
        let fd = match open(cmd, &path).await {
            Ok(fd) => fd,
            Err(error) => {
                status = cmd.cannot("open", &path, error).await;
                continue;
            }
        };
        // Block by block, so that an endless file shows as it comes.
        loop {
            match cmd.sys.read(fd, 64 * 1024).await {
                Ok(bytes) if bytes.is_empty() => break,
                Ok(bytes) if plain => cmd.write(&bytes).await?,
                Ok(bytes) => cmd.write(&show.format(&bytes, &mut line)).await?,
                Err(Errno::EINTR) => {}
                Err(error) => {
                    status = cmd.fail(format!("read error: {error}")).await;
                    break;
                }
            }
        }
        if fd != STDIN {
            cmd.sys.close(fd).ok();
        }
    }
    Ok(status)
}

async fn open(cmd: &Cmd, path: &str) -> Result<Fd, Errno> {
    if path == "-" { Ok(STDIN) } else { cmd.sys.open(path, OpenFlags::READ, 0).await }
}

struct Show {
    number: bool,
    number_full: bool,
    tabs: bool,
    ends: bool,
    odd: bool,
}

struct Line {
    count: usize,
    start: bool,
}

impl Show {
    fn format(&self, bytes: &[u8], line: &mut Line) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for &b in bytes {
            if line.start && (self.number || (self.number_full && b != b'\n')) {
                line.count += 1;
                out.extend(format!("{:6}\t", line.count).into_bytes());
            }
            line.start = b == b'\n';
            match b {
                b'\n' => {
                    out.extend(self.ends.then_some(b'$'));
                    out.push(b);
                }
                b'\t' if !self.tabs => out.push(b),
                _ if !self.odd => out.push(b),
                _ => {
                    let low = b & 0x7f;
                    if b >= 128 {
                        out.extend(b"M-");
                    }
                    match low {
                        127 => out.extend(b"^?"),
                        0..32 => out.extend([b'^', low + 64]),
                        _ => out.push(low),
                    }
                }
            }
        }
        out
    }
}

/// `tac [file…]`
pub async fn tac(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&Spec { usage: "[FILE]...", ..Spec::default() }).await?;
    let mut status = 0;
    let mut all = Vec::new();
    for path in inputs(&options.operands) {
        match super::text(cmd, &path).await {
            Some(text) => all.extend(super::lines(&text).into_iter().map(str::to_owned)),
            None => status = 1,
        }
    }
    for line in all.iter().rev() {
        cmd.line(line).await?;
    }
    Ok(status)
}

/// `rev [file…]`
pub async fn rev(cmd: &mut Cmd) -> Exit {
    let options = cmd.options(&Spec { usage: "[FILE]...", ..Spec::default() }).await?;
    let mut status = 0;
    for path in inputs(&options.operands) {
        match super::text(cmd, &path).await {
            Some(text) => {
                for line in super::lines(&text) {
                    cmd.line(line.chars().rev().collect::<String>()).await?;
                }
            }
            None => status = 1,
        }
    }
    Ok(status)
}

/// `more`, `less`: without somebody to press keys they are `cat`.
pub async fn more(cmd: &mut Cmd) -> Exit {
    cat(cmd).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_characters_and_numbers_are_shown() {
        let show = Show { number: true, number_full: false, tabs: true, ends: true, odd: true };
        let mut line = Line { count: 0, start: true };
        assert_eq!(show.format(b"a\tb\n\x01\xff\n", &mut line), b"     1\ta^Ib$\n     2\t^AM-^?$\n");
    }
}
