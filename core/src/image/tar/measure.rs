//! How many bytes of files an archive holds, counted while its bytes pass by.

use super::BLOCK;
use super::reader::{number, pax_size};

/// The most of a PAX header that is kept.
const LARGEST_HEADER: u64 = 1 << 20;

/// Counts. What is no archive, and what comes after something malformed, counts as nothing: it is refused elsewhere.
#[derive(Debug, Default)]
pub struct Measure {
    block: Vec<u8>,
    /// Bytes of the current entry's content, and of the padding after it, still to come.
    left: u64,
    padding: u64,
    /// The current entry is a PAX header, of which this much was seen.
    header: Option<Vec<u8>>,
    /// The size that a PAX header gave the next entry.
    size: Option<u64>,
    /// The header of a sparse file goes on in further blocks (GNU's old form).
    extended: bool,
    total: u64,
    over: bool,
}

impl Measure {
    /// Takes the next bytes.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.over {
            if self.left + self.padding > 0 && !self.extended {
                let content = take(&mut bytes, &mut self.left);
                if let Some(header) = &mut self.header {
                    header.extend_from_slice(content);
                }
                take(&mut bytes, &mut self.padding);
                if self.left == 0
                    && let Some(header) = self.header.take()
                {
                    self.size = pax_size(&header);
                }
                continue;
            }
            let wanted = (BLOCK - self.block.len()).min(bytes.len());
            let (now, later) = bytes.split_at(wanted);
            self.block.extend_from_slice(now);
            bytes = later;
            if self.block.len() == BLOCK {
                let block = std::mem::take(&mut self.block);
                self.entry(&block);
            }
        }
    }

    /// Bytes of files so far.
    pub fn total(&self) -> u64 {
        self.total
    }

    fn entry(&mut self, block: &[u8]) {
        if self.extended {
            self.extended = block[504] != 0;
            return;
        }
        let sum: u64 = block.iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { 32 } else { u64::from(*b) }).sum();
        let (Ok(said), Ok(size)) = (number(&block[148..156], "checksum"), number(&block[124..136], "size")) else {
            self.over = true;
            return;
        };
        if said != sum || size > i64::MAX as u64 {
            self.over = true;
            return;
        }
        let kind = block[156];
        let size = if matches!(kind, b'x' | b'g' | b'L' | b'K') { size } else { self.size.take().unwrap_or(size) };
        self.extended = kind == b'S' && block[482] != 0;
        if matches!(kind, b'0' | 0 | b'7' | b'S') {
            self.total = self.total.saturating_add(size);
        }
        self.header = (kind == b'x' && size > 0 && size <= LARGEST_HEADER).then(Vec::new);
        self.left = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }
}

/// Takes off as much as is left, at most.
fn take<'a>(bytes: &mut &'a [u8], left: &mut u64) -> &'a [u8] {
    let most = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
    let (taken, rest) = bytes.split_at(most);
    *bytes = rest;
    *left -= most as u64;
    taken
}
