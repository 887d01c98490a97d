//! What other programs read in an archive; `None` where they refuse it.

use super::{Reading, Told};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn output(program: &str, words: &[&str], path: &Path) -> Option<Vec<u8>> {
    let mut command = Command::new(program);
    command.args(words).arg(path).env("LC_ALL", "C").env("TZ", "UTC").stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|e| panic!("{program} is needed here: {e}"));
    output.status.success().then_some(output.stdout)
}

/// GNU tar. Names come quoted as in C, so that each line can be taken apart.
pub fn gnu(path: &Path) -> Option<Reading> {
    let list = output("tar", &["-P", "--list", "--verbose", "--quoting-style=c", "--numeric-owner", "--full-time", "--file"], path)?;
    let content = output("tar", &["-P", "--extract", "--to-stdout", "--file"], path)?;
    let entries = String::from_utf8(list).ok()?.lines().map(of_gnu).collect::<Option<_>>()?;
    Some(Reading { entries, content })
}

/// `-rw-r--r-- 0/0   3 1970-01-01 00:00:00 "a"`, and then ` -> "b"` or ` link to "b"`.
fn of_gnu(line: &str) -> Option<Told> {
    let mut quoted = line.split('"');
    let before: Vec<&str> = quoted.next()?.split_whitespace().collect();
    let name = quoted.next()?;
    let link = quoted.nth(1).unwrap_or_default();
    let kind = line.chars().next()?;
    let size = before.get(2)?.parse().unwrap_or(0);
    told(kind, name, size, link)
}

fn told(kind: char, name: &str, size: u64, link: &str) -> Option<Told> {
    let kind = if kind == 'C' { '-' } else { kind };
    let trimmed = |text: &str| text.trim_end_matches('/').to_owned();
    Some(Told { kind, name: trimmed(name), size: if kind == '-' { size } else { 0 }, link: trimmed(link) })
}

/// bsdtar. The names of these archives have no blanks.
pub fn bsd(path: &Path) -> Option<Reading> {
    let list = output("bsdtar", &["-P", "--numeric-owner", "-tvf"], path)?;
    let content = output("bsdtar", &["-P", "-xOf"], path)?;
    let entries = String::from_utf8(list).ok()?.lines().map(of_bsd).collect::<Option<_>>()?;
    Some(Reading { entries, content })
}

/// `-rw-r--r--  0 0      0           3 Jan  1  1970 a`, and then ` -> b` or ` link to b`.
fn of_bsd(line: &str) -> Option<Told> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (kind, rest) = (line.chars().next()?, words.get(8..)?);
    let name = rest.first().copied().unwrap_or_default();
    match rest.get(1..)? {
        ["->", link] => told('l', name, 0, link),
        ["->"] => told('l', name, 0, ""),
        ["link", "to", link] => told('h', name, 0, link),
        ["link", "to"] => told('h', name, 0, ""),
        [] => told(kind, name, words.get(4)?.parse().unwrap_or(0), ""),
        _ => None,
    }
}

/// Reads each archive named on standard input, one to a line, and prints what is in it. tarfile takes a header that it cannot read for
/// the end of the archive unless it is the first: such an archive counts as refused.
const PYTHON: &str = r#"
import json, sys, tarfile
LETTERS = {tarfile.REGTYPE: "-", tarfile.AREGTYPE: "-", tarfile.CONTTYPE: "-", tarfile.GNUTYPE_SPARSE: "-", tarfile.LNKTYPE: "h",
           tarfile.SYMTYPE: "l", tarfile.CHRTYPE: "c", tarfile.BLKTYPE: "b", tarfile.DIRTYPE: "d", tarfile.FIFOTYPE: "p"}
def read(path):
    with tarfile.open(path, "r:", encoding="latin-1") as archive:
        entries, content = [], b""
        for member in archive:
            if member.type not in LETTERS:
                return None
            entries.append([LETTERS[member.type], member.name, member.size if member.isreg() else 0, member.linkname])
            if member.isreg():
                content += archive.extractfile(member).read()
        archive.fileobj.seek(archive.offset)
        if archive.fileobj.read(512).strip(b"\0"):
            return None
        return {"entries": entries, "content": content.hex()}
for line in sys.stdin:
    try:
        found = read(line.rstrip("\n"))
    except Exception:
        found = None
    print(json.dumps(found))
"#;

#[derive(Deserialize)]
struct Found {
    entries: Vec<(char, String, u64, String)>,
    content: String,
}

/// Python's tarfile, of all archives in one go.
pub fn python(paths: &[PathBuf]) -> Vec<Option<Reading>> {
    many(Command::new("python3").args(["-c", PYTHON]), paths)
}

/// Go's archive/tar, of all archives in one go. The program is compiled below `scratch`.
pub fn go(paths: &[PathBuf], scratch: &Path) -> Vec<Option<Reading>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers/reader.go");
    let program = scratch.join("go-reader");
    let mut build = Command::new("go");
    build.arg("build").arg("-o").arg(&program).arg(source).env("GOCACHE", scratch.join("go-cache")).env("GOTOOLCHAIN", "local");
    let built = build.output().unwrap_or_else(|e| panic!("go is needed here: {e}"));
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    many(&mut Command::new(program), paths)
}

/// What a program prints, a line for each archive that it is told of on its input.
fn many(command: &mut Command, paths: &[PathBuf]) -> Vec<Option<Reading>> {
    use std::io::Write as _;
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap_or_else(|e| panic!("{program} is needed here: {e}"));
    let mut input = child.stdin.take().unwrap();
    let names: String = paths.iter().map(|path| format!("{}\n", path.display())).collect();
    let writer = std::thread::spawn(move || input.write_all(names.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let all: Vec<Option<Reading>> =
        lines.lines().map(|line| serde_json::from_str::<Option<Found>>(line).unwrap().and_then(of_lines)).collect();
    assert_eq!(all.len(), paths.len(), "{program} ended early");
    all
}

fn of_lines(found: Found) -> Option<Reading> {
    let entries = found.entries.iter().map(|(kind, name, size, link)| {
        let link = if matches!(kind, 'h' | 'l') { link.as_str() } else { "" };
        told(*kind, name, *size, link)
    });
    let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let content = found.content.as_bytes().chunks(2).map(digits).collect::<Option<_>>()?;
    Some(Reading { entries: entries.collect::<Option<_>>()?, content })
}
