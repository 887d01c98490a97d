//! A person or program at the other end of a connection that was taken over: bytes both ways until one side ends.

use super::failure::cut_off;
use super::http::Answer;
use drydock_core::Result;
use drydock_core::io::{Attach, DetachKeys, Input, Io, Size, Stream};
use drydock_core::kernel::Signal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use std::io::Read as _;
use std::time::Duration;

/// Bytes carried at once.
const CHUNK: usize = 64 << 10;
/// What stands before each piece of output where there is no terminal: the stream, three zeros, the length.
const HEADER: usize = 8;
/// The number of standard input.
const STDIN: i32 = 0;
/// How long an engine may be silent about a container that has ended.
const SILENCE: Duration = Duration::from_secs(1);
/// How often it is looked for what cannot be waited for.
const GLANCE: Duration = Duration::from_millis(30);

/// How long an engine is waited for that is told that the person leaves.
const FAREWELL: Duration = Duration::from_millis(500);

/// Takes output apart that comes in frames.
#[derive(Debug, Default)]
pub struct Frames {
    header: Vec<u8>,
    left: usize,
}

impl Frames {
    /// Whether a frame has just ended.
    pub fn is_between(&self) -> bool {
        self.left == 0 && self.header.is_empty()
    }

    /// How many bytes there are at least until a frame can end.
    pub fn want(&self) -> usize {
        if self.left == 0 { HEADER - self.header.len() } else { self.left }
    }

    /// Takes bytes as they come, and gives what is in them to `each`.
    pub fn take(&mut self, mut bytes: &[u8], each: &mut dyn FnMut(Stream, &[u8]) -> Result<()>) -> Result<()> {
        while !bytes.is_empty() {
            if self.left == 0 {
                let (header, rest) = bytes.split_at(bytes.len().min(HEADER - self.header.len()));
                self.header.extend_from_slice(header);
                bytes = rest;
                let &[_, _, _, _, a, b, c, d] = self.header.as_slice() else { continue };
                self.left = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
                if self.left == 0 {
                    self.header.clear();
                }
                continue;
            }
            let (piece, rest) = bytes.split_at(bytes.len().min(self.left));
            // 3 is what the engine itself has to say.
            let stream = if self.header.first() == Some(&1) { Stream::Stdout } else { Stream::Stderr };
            each(stream, piece)?;
            self.left -= piece.len();
            bytes = rest;
            if self.left == 0 {
                self.header.clear();
            }
        }
        Ok(())
    }
}

/// What a person does that is no byte of input.
pub struct Asides<'a> {
    /// The terminal has another size.
    pub resize: &'a dyn Fn(Size) -> Result<()>,
    /// A signal for the container.
    pub signal: &'a dyn Fn(Signal) -> Result<()>,
    /// Whether the container had ended before anybody could be sure to hear its end: then silence is the end.
    pub ended: bool,
}

/// How the two sides parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parted {
    /// The engine closed the connection: it is over.
    Over,
    /// The person left.
    Detached,
}

/// Input on its way.
struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
    /// No more comes.
    ended: bool,
    /// The other side knows that.
    closed: bool,
    /// There is a terminal at the other side.
    tty: bool,
}

impl Outbox {
    fn pending(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    fn put(&mut self, bytes: Vec<u8>) {
        (self.bytes, self.sent) = (bytes, 0);
    }

    /// Sends as much as goes without waiting: output must not wait for input that nobody reads.
    fn push(&mut self, answer: &Answer) {
        while !self.pending().is_empty() {
            match send(answer.stream(), self.pending(), SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(n) => self.sent += n,
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => {}
                // Nobody reads it any more. What the other side has to say may still come.
                Err(_) => (self.sent, self.ended) = (self.bytes.len(), true),
            }
        }
        // At a terminal the engine would take the end of input for the end of everything: the key that ends input is typed there.
        if self.ended && !self.closed && !self.tty {
            self.closed = true;
            let _ = answer.stream().half_close();
        }
    }
}

/// Carries bytes both ways.
pub fn pump(answer: &mut Answer, tty: bool, attach: &Attach, io: &mut dyn Io, asides: &Asides<'_>) -> Result<Parted> {
    let mut frames = Frames::default();
    let mut keys = DetachKeys::new(if tty { &attach.detach_keys } else { &[] });
    let mut outbox = Outbox { bytes: Vec::new(), sent: 0, ended: false, closed: false, tty };
    let mut buffer = vec![0; CHUNK];
    loop {
        while outbox.pending().is_empty() {
            match io.input(false)? {
                Input::Bytes(bytes) if attach.stdin && !outbox.ended => {
                    let (pass, left) = keys.filter(&bytes);
                    outbox.put(pass);
                    outbox.push(answer);
                    if left {
                        leave(answer, &attach.detach_keys);
                        return Ok(Parted::Detached);
                    }
                }
                Input::Bytes(_) => {}
                Input::Closed if attach.stdin => {
                    outbox.put(keys.rest());
                    outbox.ended = true;
                    outbox.push(answer);
                }
                Input::Closed => {}
                Input::Resize(size) => (asides.resize)(size)?,
                Input::Signal(signal) => (asides.signal)(signal)?,
                Input::Pending => break,
            }
        }
        outbox.push(answer);
        if !answer.is_ahead() {
            match readable(answer, &outbox, io, asides.ended.then_some(SILENCE))? {
                Happened::Output => {}
                Happened::Silence => return Ok(Parted::Over),
                Happened::Else => continue,
            }
        }
        let n = match answer.read(&mut buffer) {
            Ok(0) => return Ok(Parted::Over),
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            // An engine that ends with the container resets what it had not read.
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => return Ok(Parted::Over),
            Err(e) => return Err(cut_off("streams", e)),
        };
        let piece = buffer.get(..n).unwrap_or_default();
        if tty {
            io.output(Stream::Stdout, piece)?;
        } else {
            frames.take(piece, &mut |stream, bytes| io.output(stream, bytes))?;
        }
    }
}

/// Tells the engine that the person leaves: it knows the keys too, and closes the connection when it has seen them.
fn leave(answer: &mut Answer, keys: &[u8]) {
    if send(answer.stream(), keys, SendFlags::NOSIGNAL).is_err() || answer.stream().patience(Some(FAREWELL)).is_err() {
        return;
    }
    let mut rest = [0; 512];
    // Whatever is still on its way is no longer looked at.
    while matches!(answer.read(&mut rest), Ok(n) if n > 0) {}
}

/// What was waited for.
enum Happened {
    /// There is output, or its end.
    Output,
    /// Nothing, for as long as that means something.
    Silence,
    /// Input, or it is time to look for it.
    Else,
}

/// Waits for something to happen on either side, at most for `patience`.
fn readable(answer: &Answer, outbox: &Outbox, io: &dyn Io, patience: Option<Duration>) -> Result<Happened> {
    let mut wanted = PollFlags::IN;
    if !outbox.pending().is_empty() {
        wanted |= PollFlags::OUT;
    }
    let descriptors = if outbox.pending().is_empty() { io.descriptors() } else { Vec::new() };
    let stdin = std::io::stdin();
    let mut fds = vec![PollFd::new(answer.stream(), wanted)];
    if descriptors.contains(&STDIN) {
        fds.push(PollFd::new(&stdin, PollFlags::IN));
    }
    // A number is no descriptor that may be waited on without further promises; signals and sizes of terminals can wait a moment.
    let glance = patience.or(descriptors.iter().any(|fd| *fd != STDIN).then_some(GLANCE)).and_then(|time| Timespec::try_from(time).ok());
    match poll(&mut fds, glance.as_ref()) {
        Ok(0) if patience.is_some() => Ok(Happened::Silence),
        Ok(_) if fds.first().is_some_and(|fd| fd.revents().intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR)) => {
            Ok(Happened::Output)
        }
        Ok(_) | Err(Errno::INTR) => Ok(Happened::Else),
        Err(e) => Err(cut_off("poll", e.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_whole_however_they_are_cut() {
        let wire = [&[1, 0, 0, 0, 0, 0, 0, 3][..], b"abc", &[2, 0, 0, 0, 0, 0, 0, 0], &[2, 0, 0, 0, 0, 0, 0, 2], b"de"].concat();
        for size in 1..wire.len() {
            let (mut frames, mut out, mut err) = (Frames::default(), Vec::new(), Vec::new());
            for piece in wire.chunks(size) {
                let mut each = |stream: Stream, bytes: &[u8]| {
                    if stream == Stream::Stdout {
                        out.extend_from_slice(bytes)
                    } else {
                        err.extend_from_slice(bytes)
                    }
                    Ok(())
                };
                frames.take(piece, &mut each).unwrap();
            }
            assert_eq!((out.as_slice(), err.as_slice()), (&b"abc"[..], &b"de"[..]), "in pieces of {size}");
        }
    }
}
