//! What ADD extracts and what a build reads as its context, told by the first bytes: tar as it is, or compressed by gzip, Zstandard,
//! bzip2 or xz.

use crate::image::{BZIP2, XZ};

/// Whether something that begins so may be an archive.
pub fn may_be_archive(start: &[u8]) -> bool {
    let compressed: [&[u8]; 4] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd], BZIP2, XZ];
    compressed.iter().any(|magic| start.starts_with(magic)) || start.get(257..262) == Some(b"ustar") || is_old_tar(start)
}

/// An archive from before POSIX: its header's checksum is right.
fn is_old_tar(start: &[u8]) -> bool {
    start.len() >= 512 && start[0] != 0 && crate::image::tar::Reader::new(&start[..512]).next_entry().is_ok_and(|e| e.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_told_by_how_they_begin() {
        let mut tar = crate::image::tar::Writer::new(Vec::new());
        tar.append(&crate::image::tar::Entry::new("a", crate::image::tar::Kind::File), b"x").unwrap();
        let tar = tar.finish().unwrap();
        assert!(may_be_archive(&tar));
        assert!(may_be_archive(b"\x1f\x8b..") && may_be_archive(b"BZh9") && may_be_archive(b"\xfd7zXZ\0"));
        assert!(!may_be_archive(b"PK\x03\x04") && !may_be_archive(b"plain text") && !may_be_archive(&[0; 600]));
    }
}
