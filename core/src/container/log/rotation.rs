//! When a log's file is full, and what is done then: the file and those before it move up by one, and the oldest goes.
//!
//! `LOG` is being written; `LOG.1` was before it, `LOG.2` before that, each perhaps compressed as `LOG.1.gz` (Docker's names).

use super::Bounds;

/// What a log's file has taken so far, and when it is full. Entries are never cut.
#[derive(Clone, Debug)]
pub struct Rotor {
    bounds: Bounds,
    size: u64,
}

/// What to do with entries, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Append these to the file.
    Write(&'a [u8]),
    /// Do what [`moves`] says, and go on with a new file.
    Rotate,
}

/// One thing to do to files. One that is not there is no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Remove it.
    Remove(String),
    /// Give it another name, in place of what has that.
    Rename(String, String),
    /// Compress it to the second name, and remove it once that is whole.
    Compress(String, String),
}

impl Rotor {
    /// For a file that has `size` bytes already.
    pub fn new(bounds: Bounds, size: u64) -> Self {
        Self { bounds, size }
    }

    /// The bounds it keeps to.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// What to do with whole entries, each with its line feed. Whoever could not write a part says so with [`Rotor::lost`].
    pub fn feed<'a>(&mut self, mut entries: &'a [u8]) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        while !entries.is_empty() {
            let Some(most) = self.bounds.size else {
                self.size += entries.len() as u64;
                parts.push(Part::Write(entries));
                break;
            };
            if self.size >= most {
                self.size = 0;
                parts.push(Part::Rotate);
            }
            // All that begins before the file is full still belongs into it, the entry that fills it whole.
            let room = usize::try_from(most - self.size).unwrap_or(usize::MAX);
            let end = match entries.get(room.saturating_sub(1)..).and_then(|rest| rest.iter().position(|b| *b == b'\n')) {
                Some(at) => room.saturating_sub(1) + at + 1,
                None => entries.len(),
            };
            let (now, later) = entries.split_at(end);
            self.size += now.len() as u64;
            parts.push(Part::Write(now));
            entries = later;
        }
        parts
    }

    /// So many bytes could not be written after all.
    pub fn lost(&mut self, bytes: u64) {
        self.size = self.size.saturating_sub(bytes);
    }
}

/// The name of the file that was full so many files ago; 0 is the one being written.
pub fn name(path: &str, index: u32, compressed: bool) -> String {
    match (index, compressed) {
        (0, _) => path.to_owned(),
        (n, false) => format!("{path}.{n}"),
        (n, true) => format!("{path}.{n}.gz"),
    }
}

/// What is done when the file is full, in order. Compressing, the last, may be done while the next file is written already.
pub fn moves(path: &str, bounds: &Bounds) -> Vec<Move> {
    let oldest = bounds.files.saturating_sub(1);
    if oldest == 0 {
        return vec![Move::Remove(path.to_owned())];
    }
    let mut all = vec![Move::Remove(name(path, oldest, false)), Move::Remove(name(path, oldest, true))];
    for n in (1..oldest).rev() {
        for packed in [false, true] {
            all.push(Move::Rename(name(path, n, packed), name(path, n + 1, packed)));
        }
    }
    all.push(Move::Rename(path.to_owned(), name(path, 1, false)));
    if bounds.compress {
        all.push(Move::Compress(name(path, 1, false), name(path, 1, true)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bounds(size: u64, files: u32) -> Bounds {
        Bounds { size: Some(size), files, compress: false }
    }

    #[test]
    fn the_entry_that_fills_a_file_is_the_last_in_it() {
        let mut rotor = Rotor::new(bounds(5, 2), 0);
        assert_eq!(rotor.feed(b"ab\ncd\nef\n"), [Part::Write(b"ab\ncd\n"), Part::Rotate, Part::Write(b"ef\n")]);
        assert_eq!(rotor.feed(b"g\n"), [Part::Write(b"g\n")]);
        assert_eq!(rotor.feed(b"h\n"), [Part::Rotate, Part::Write(b"h\n")]);
        assert_eq!(Rotor::new(bounds(5, 2), 7).feed(b"x\n"), [Part::Rotate, Part::Write(b"x\n")]);
    }

    #[test]
    fn files_move_up_and_the_oldest_goes() {
        let rename = |a: &str, b: &str| Move::Rename(a.to_owned(), b.to_owned());
        let remove = |a: &str| Move::Remove(a.to_owned());
        assert_eq!(moves("L", &bounds(9, 1)), [remove("L")]);
        assert_eq!(moves("L", &bounds(9, 2)), [remove("L.1"), remove("L.1.gz"), rename("L", "L.1")]);
        let three = Bounds { compress: true, ..bounds(9, 3) };
        let compress = Move::Compress("L.1".to_owned(), "L.1.gz".to_owned());
        let wanted = [remove("L.2"), remove("L.2.gz"), rename("L.1", "L.2"), rename("L.1.gz", "L.2.gz"), rename("L", "L.1"), compress];
        assert_eq!(moves("L", &three), wanted);
    }

    proptest! {
        /// However entries arrive: none is cut or lost, and no file but for its last entry is larger than its bound.
        #[test]
        fn files_are_as_large_as_they_may(lines in proptest::collection::vec("[a-z]{0,30}\n", 0..60), most in 1..80u64, batch in 1..7usize) {
            let mut rotor = Rotor::new(bounds(most, 3), 0);
            let mut files = vec![Vec::new()];
            for some in lines.chunks(batch) {
                let entries = some.concat().into_bytes();
                for part in rotor.feed(&entries) {
                    match part {
                        Part::Write(bytes) => files.last_mut().unwrap().extend_from_slice(bytes),
                        Part::Rotate => files.push(Vec::new()),
                    }
                }
            }
            prop_assert_eq!(String::from_utf8(files.concat()).unwrap(), lines.concat());
            for file in &files {
                prop_assert!(file.is_empty() || file.ends_with(b"\n"));
                let last = file.len() - file.strip_suffix(b"\n").and_then(|f| f.iter().rposition(|b| *b == b'\n')).map_or(0, |i| i + 1);
                prop_assert!(((file.len() - last) as u64) < most, "{} before the last entry, bound {}", file.len() - last, most);
            }
        }
    }
}
