//! Small files that the kernel writes at once, as most of /proc, /sys and the control groups are.
//!
//! The standard library does not believe their size, which is 0, and asks again and again with a buffer that grows: eight calls for
//! /proc/self/status. Here it is one.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// More than any of these files has.
const ROOM: usize = 4096;

/// The whole of a file whose content comes in one piece: a read that leaves room has read to the end. Not for lists that grow, such as
/// cgroup.procs or mountinfo, where a piece may be short.
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut bytes = vec![0; ROOM];
    let mut filled = 0;
    loop {
        let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) else {
            bytes.resize(bytes.len() * 2, 0);
            continue;
        };
        let wanted = rest.len();
        match file.read(rest) {
            Ok(count) => {
                filled += count;
                if count < wanted {
                    bytes.truncate(filled);
                    return Ok(bytes);
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// The same as text.
pub fn read_text(path: impl AsRef<Path>) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_the_whole_file_whatever_its_size() {
        let path = std::env::temp_dir().join(format!("drydock-small-{}", std::process::id()));
        for size in [0, 1, ROOM - 1, ROOM, ROOM + 1, 3 * ROOM] {
            let content: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).expect("fits")).collect();
            std::fs::write(&path, &content).expect("writes");
            assert_eq!(read(&path).expect("reads"), content, "{size}");
        }
        let _ = std::fs::remove_file(&path);
        assert_eq!(read_text("/proc/self/comm").expect("reads"), std::fs::read_to_string("/proc/self/comm").expect("reads"));
        assert_eq!(read(&path).expect_err("gone").kind(), io::ErrorKind::NotFound);
    }
}
