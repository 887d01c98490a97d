//! Bytes on their way between threads: one reads, others digest, count or unpack the same pieces at the same time.
//!
//! What has passed is not copied: every listener has the same piece, and the last one gives its room back.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

/// Bytes of a piece.
pub const PIECE: usize = 256 << 10;
/// How many pieces may wait for a listener that is behind.
const WAITING: usize = 8;

/// Where pieces go in.
pub struct Sink {
    to: Vec<SyncSender<Arc<Vec<u8>>>>,
    spare: Receiver<Vec<u8>>,
}

/// Where they come out.
pub struct Source {
    from: Receiver<Arc<Vec<u8>>>,
    spare: Sender<Vec<u8>>,
    piece: Option<Arc<Vec<u8>>>,
    at: usize,
}

/// A pipe with several ends to read, which see the same.
pub fn pipe<const ENDS: usize>() -> (Sink, [Source; ENDS]) {
    let (spare_in, spare) = channel();
    let mut to = Vec::with_capacity(ENDS);
    let ends = std::array::from_fn(|_| {
        let (end, from) = sync_channel(WAITING);
        to.push(end);
        Source { from, spare: spare_in.clone(), piece: None, at: 0 }
    });
    (Sink { to, spare }, ends)
}

impl Sink {
    /// Room for a piece, used before if there is some.
    pub fn room(&self) -> Vec<u8> {
        let mut room = self.spare.try_recv().unwrap_or_default();
        room.resize(PIECE, 0);
        room
    }

    /// Passes a piece on. `false` if somebody does not listen any more.
    pub fn send(&self, piece: Vec<u8>) -> bool {
        let piece = Arc::new(piece);
        self.to.iter().all(|to| to.send(Arc::clone(&piece)).is_ok())
    }
}

/// Fills a buffer from a stream. Answers how far: less than all only at the stream's end.
pub fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.piece.as_ref().is_none_or(|piece| self.at >= piece.len()) {
            // The last one who has a piece gives it back; nobody may want it any more.
            if let Some(spare) = self.piece.take().and_then(Arc::into_inner) {
                let _ = self.spare.send(spare);
            }
            self.piece = self.from.recv().ok();
            self.at = 0;
        }
        Ok(self.piece.as_ref().and_then(|piece| piece.get(self.at..)).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut from = self.fill_buf()?;
        let n = from.read(buffer)?;
        self.consume(n);
        Ok(n)
    }
}

/// What a thread answered. One that panicked takes this one with it.
pub fn join<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_see_everything_in_order() {
        let all: Vec<u8> = (0..5 * PIECE + 77).map(|i| (i % 251) as u8).collect();
        let (sink, [mut one, mut two]) = pipe();
        let (first, second) = std::thread::scope(|scope| {
            let mut rest = &all[..];
            let writer = scope.spawn(move || {
                loop {
                    let mut room = sink.room();
                    let n = fill(&mut rest, &mut room).expect("reads");
                    room.truncate(n);
                    if n == 0 || !sink.send(room) {
                        return;
                    }
                }
            });
            let slow = scope.spawn(move || {
                let mut seen = Vec::new();
                one.read_to_end(&mut seen).map(|_| seen)
            });
            let mut seen = Vec::new();
            two.read_to_end(&mut seen).expect("reads");
            join(writer);
            (join(slow).expect("reads"), seen)
        });
        assert!(first == all && second == all);
    }

    #[test]
    fn who_does_not_listen_any_more_ends_it() {
        let (sink, [one, two]) = pipe();
        assert!(sink.send(vec![1]));
        drop(one);
        assert!(!sink.send(vec![2]));
        drop(two);
    }
}
