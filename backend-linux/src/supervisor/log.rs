//! A container's log: entries into a file, and full files out of its way.
//!
//! What cannot be written, for want of space or by any other error, does not hold the container up: it is counted, and the next
//! entry that can be written says how many were lost.

use super::forward::Forwarder;
use drydock_core::container::log::{Encoder, Move, Part, Rotor, Sink, moves};
use drydock_core::io::Stream;
use drydock_core::time::Timestamp;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::thread::JoinHandle;

/// How much of a file's end is read to find where its entries end: more than the longest entry has.
const TAIL: u64 = 256 << 10;

/// A log that is written.
#[derive(Debug)]
pub struct Log {
    path: String,
    file: Option<File>,
    rotor: Rotor,
    encoder: Encoder,
    forward: Option<Forwarder>,
    buffer: Vec<u8>,
    /// Entries that could not be written, and why the last could not.
    lost: Option<(u64, io::Error)>,
    /// Compresses the last full file.
    packer: Option<JoinHandle<()>>,
}

impl Log {
    /// Opens the log, to be added to; `None` where nothing is kept.
    pub fn open(path: &str, sink: &Sink) -> Option<Self> {
        let bounds = sink.bounds?;
        let file = add_to(path);
        let size = file.as_ref().ok().and_then(|f| f.metadata().ok()).map_or(0, |m| m.len());
        Some(Self {
            path: path.to_owned(),
            file: file.ok(),
            rotor: Rotor::new(bounds, size),
            encoder: Encoder::with(sink.attributes.clone()),
            forward: Forwarder::of(sink),
            buffer: Vec::new(),
            lost: None,
            packer: None,
        })
    }

    /// Adds what the container wrote.
    pub fn push(&mut self, stream: Stream, bytes: &[u8], now: Timestamp) {
        self.encoder.push(stream, bytes, now, &mut self.buffer);
        self.write(now);
        if let Some(forward) = &mut self.forward {
            forward.push(stream, bytes, now);
        }
    }

    /// What has been written without a line end so far, and so is not in the file.
    pub fn pending(&self) -> impl Iterator<Item = (Stream, &[u8])> {
        self.encoder.pending()
    }

    /// Adds what has no line end: the program has ended. Returns when the file is as it will stay.
    pub fn finish(&mut self, now: Timestamp) {
        self.encoder.finish(now, &mut self.buffer);
        self.write(now);
        self.tell_of_losses(now);
        if let Some(forward) = &mut self.forward {
            forward.finish(now);
        }
        self.packed();
    }

    fn write(&mut self, now: Timestamp) {
        let mut entries = std::mem::take(&mut self.buffer);
        if !entries.is_empty() {
            if let Some((count, why)) = self.lost.take() {
                match self.append(&mark(count, &why, now)) {
                    Ok(()) => self.write_entries(&entries),
                    Err((_, error)) => self.lost = Some((count + lines(&entries), error)),
                }
            } else {
                self.write_entries(&entries);
            }
        }
        entries.clear();
        self.buffer = entries;
    }

    fn write_entries(&mut self, entries: &[u8]) {
        let rotor = &mut self.rotor;
        for part in rotor.feed(entries) {
            match part {
                Part::Rotate => self.rotate(),
                Part::Write(bytes) => {
                    if let Err((kept, error)) = self.append(bytes) {
                        let lost = bytes.get(kept..).unwrap_or_default();
                        self.rotor.lost(lost.len() as u64);
                        let before = self.lost.take().map_or(0, |(count, _)| count);
                        self.lost = Some((before + lines(lost), error));
                    }
                }
            }
        }
    }

    /// Nothing comes after what was lost last: the log says so at its end. Where there is no room even for that, the entries before make
    /// room, and count as lost.
    fn tell_of_losses(&mut self, now: Timestamp) {
        let Some((count, why)) = self.lost.take() else { return };
        if self.append(&mark(count, &why, now)).is_err() {
            // What is left is that a person sees an end without a mark.
            let _ = write_over(&self.path, |cut| mark(count + cut, &why, now));
        }
    }

    /// Appends entries. After an error only whole ones of them are there, and it comes with how many bytes those are.
    fn append(&mut self, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
        if self.file.is_none() {
            self.file = Some(add_to(&self.path).map_err(|e| (0, e))?);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            let error = match file.write(rest) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(count) => {
                    done += count;
                    continue;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => e,
            };
            // Half an entry would make the next one unreadable.
            let kept = bytes.iter().take(done).rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
            if let (true, Ok(found)) = (kept < done, file.metadata()) {
                let _ = file.set_len(found.len().saturating_sub((done - kept) as u64));
            }
            return Err((kept, error));
        }
        Ok(())
    }

    fn rotate(&mut self) {
        // The file before must be out of the way, under the name that this rotation gives to the next one.
        self.packed();
        self.file = None;
        for step in moves(&self.path, &self.rotor.bounds()) {
            // What is not there is no error; anything else leaves a file that is larger than it should be, and loses nothing.
            match step {
                Move::Remove(path) => drop(fs::remove_file(path)),
                Move::Rename(from, to) => drop(fs::rename(from, to)),
                Move::Compress(from, to) => {
                    let pack = move || drop(compress(&from, &to));
                    self.packer = std::thread::Builder::new().name("pack".to_owned()).stack_size(256 << 10).spawn(pack).ok();
                }
            }
        }
        self.file = add_to(&self.path).ok();
    }

    /// Waits until the last full file is compressed.
    fn packed(&mut self) {
        if let Some(packer) = self.packer.take() {
            let _ = packer.join();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.packed();
    }
}

fn add_to(path: &str) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path)
}

fn lines(entries: &[u8]) -> u64 {
    entries.iter().filter(|b| **b == b'\n').count() as u64
}

/// An entry that says what is missing where it stands.
fn mark(count: u64, why: &io::Error, now: Timestamp) -> Vec<u8> {
    let text = format!("[drydock: {count} lines were lost here: {why}]\n");
    let mut marked = Vec::new();
    Encoder::default().push(Stream::Stderr, text.as_bytes(), now, &mut marked);
    marked
}

/// Puts an entry where the last ones of a file are, so that it needs no room. `entry` is asked for it with how many those are.
fn write_over(path: &str, entry: impl Fn(u64) -> Vec<u8>) -> io::Result<()> {
    use std::os::unix::fs::FileExt as _;
    // Not by appending, which pwrite(2) would do to a file that is open for it.
    let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
    let size = file.metadata()?.len();
    let start = size.saturating_sub(TAIL);
    let mut tail = vec![0; usize::try_from(size - start).map_err(io::Error::other)?];
    file.read_exact_at(&mut tail, start)?;
    // Where entries begin that are long enough together, the last such place.
    let ends = tail.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
    let begins = std::iter::once(0).filter(|_| start == 0).chain(ends);
    let fits = |at: &usize| tail.get(*at..).is_some_and(|rest| entry(lines(rest)).len() <= rest.len());
    let at = begins.filter(fits).last().ok_or(io::ErrorKind::StorageFull)?;
    let entry = entry(lines(tail.get(at..).unwrap_or_default()));
    let at = start + at as u64;
    file.write_all_at(&entry, at)?;
    file.set_len(at + entry.len() as u64)
}

/// Compresses a file to another name. The first goes once the second is whole: a reader finds one of them at any moment.
fn compress(from: &str, to: &str) -> io::Result<()> {
    let scratch = format!("{to}.part");
    let mut source = File::open(from)?;
    let target = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&scratch)?;
    let mut encoder = flate2::write::GzEncoder::new(target, flate2::Compression::fast());
    io::copy(&mut source, &mut encoder)?;
    encoder.finish()?;
    fs::rename(&scratch, to)?;
    fs::remove_file(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_core::container::log::Bounds;

    fn log(size: u64, files: u32, compress: bool) -> (Log, std::path::PathBuf) {
        let dir = std::env::temp_dir().join(format!("drydock-log-{}-{size}-{files}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let sink = Sink { bounds: Some(Bounds { size: Some(size), files, compress }), ..Sink::default() };
        (Log::open(dir.join("log").to_str().unwrap(), &sink).unwrap(), dir)
    }

    fn names(dir: &std::path::Path) -> Vec<String> {
        let mut all: Vec<String> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        all.sort();
        all
    }

    #[test]
    fn full_files_make_room_and_are_compressed() {
        let (mut log, dir) = log(200, 3, true);
        for n in 0..20 {
            log.push(Stream::Stdout, format!("line {n}\n").as_bytes(), Timestamp(n));
        }
        log.finish(Timestamp(20));
        assert_eq!(names(&dir), ["log", "log.1.gz", "log.2.gz"]);
        let mut text = String::new();
        io::Read::read_to_string(&mut flate2::read::GzDecoder::new(File::open(dir.join("log.1.gz")).unwrap()), &mut text).unwrap();
        assert!(text.len() >= 200 && text.ends_with("}\n"), "{text}");
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn what_is_lost_at_the_very_end_is_told_in_the_room_of_what_was_there() {
        let (mut log, dir) = log(9998, 2, false);
        for n in 0..20 {
            log.push(Stream::Stdout, format!("line {n}\n").as_bytes(), Timestamp(n));
        }
        let full = fs::metadata(dir.join("log")).unwrap().len();
        log.file = Some(File::open(dir.join("log")).unwrap());
        log.push(Stream::Stdout, b"lost\n", Timestamp(21));
        log.finish(Timestamp(22));
        let text = fs::read_to_string(dir.join("log")).unwrap();
        assert!(text.len() as u64 <= full, "it grew");
        let all: Vec<&str> = text.lines().collect();
        let kept = all.len() - 1;
        assert!(all[..kept].iter().enumerate().all(|(n, line)| line.contains(&format!("line {n}"))), "{text}");
        assert!((15..20).contains(&kept) && all[kept].contains(&format!("{} lines were lost here", 21 - kept)), "{text}");
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn what_could_not_be_written_is_told_when_something_can_be_again() {
        let (mut log, dir) = log(9999, 2, false);
        log.push(Stream::Stdout, b"one\n", Timestamp(1));
        log.file = Some(File::open(dir.join("log")).unwrap());
        log.push(Stream::Stdout, b"two\nthree\n", Timestamp(2));
        assert_eq!(log.lost.as_ref().map(|(count, _)| *count), Some(2));
        log.file = None;
        log.push(Stream::Stdout, b"four\n", Timestamp(3));
        let text = fs::read_to_string(dir.join("log")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[1].contains("2 lines were lost here") && lines[2].contains("four"), "{text}");
        fs::remove_dir_all(dir).unwrap();
    }
}
