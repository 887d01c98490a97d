//! File modes as chmod(1) takes them and as `ls -l` shows them.

use crate::sys::FileType;

pub use drydock_core::image::mode::apply;

/// `drwxr-xr-x`
pub fn show(kind: FileType, mode: u32) -> String {
    let mut out = String::from(match kind {
        FileType::Regular => '-',
        FileType::Directory => 'd',
        FileType::Symlink => 'l',
        FileType::Char => 'c',
        FileType::Block => 'b',
        FileType::Fifo => 'p',
        FileType::Socket => 's',
    });
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift & 7;
        out.push(if bits & 4 != 0 { 'r' } else { '-' });
        out.push(if bits & 2 != 0 { 'w' } else { '-' });
        out.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_change_as_chmod_says() {
        for (text, old, expected) in [
            ("755", 0, Some(0o755)),
            ("u+x", 0o644, Some(0o744)),
            ("go-r", 0o644, Some(0o600)),
            ("a=rX", 0o600, Some(0o444)),
            ("u=rwx,g=u", 0o000, Some(0o770)),
            ("+t", 0o777, Some(0o1777)),
            ("u+s", 0o755, Some(0o4755)),
            ("9", 0, None),
            ("u?x", 0, None),
        ] {
            assert_eq!(apply(text, old, false), expected, "{text}");
        }
        assert_eq!(apply("a+X", 0o644, true), Some(0o755));
        assert_eq!(show(FileType::Directory, 0o1777), "drwxrwxrwt");
        assert_eq!(show(FileType::Regular, 0o4755), "-rwsr-xr-x");
    }
}
