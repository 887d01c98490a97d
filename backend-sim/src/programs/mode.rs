//! File modes: octal and symbolic (chmod(1)), and as `ls -l` shows them.

use crate::sys::FileType;

/// The mode after a change such as `755`, `u+x,go-w`, `a=rX`; `None` if it does not parse. `directory` is for `X`.
pub fn apply(text: &str, old: u32, directory: bool) -> Option<u32> {
    if !text.is_empty() && text.chars().all(|c| c.is_digit(8)) {
        return u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
    }
    text.split(',').try_fold(old, |mode, clause| change(clause, mode, directory))
}

fn change(clause: &str, mut mode: u32, directory: bool) -> Option<u32> {
    let at = clause.find(['+', '-', '='])?;
    let (who, mut rest) = clause.split_at(at);
    let mut mask = 0;
    for c in who.chars() {
        mask |= match c {
            'u' => 0o4700,
            'g' => 0o2070,
            'o' => 0o1007,
            'a' => 0o7777,
            _ => return None,
        };
    }
    if who.is_empty() {
        mask = 0o7777;
    }
    while let Some(op) = rest.chars().next() {
        if !"+-=".contains(op) {
            return None;
        }
        rest = &rest[1..];
        let end = rest.find(['+', '-', '=']).unwrap_or(rest.len());
        let mut bits = 0;
        for c in rest[..end].chars() {
            bits |= match c {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                'X' if directory || mode & 0o111 != 0 => 0o111,
                'X' => 0,
                's' => 0o6000,
                't' => 0o1000,
                'u' => (mode >> 6 & 7) * 0o111,
                'g' => (mode >> 3 & 7) * 0o111,
                'o' => (mode & 7) * 0o111,
                _ => return None,
            };
        }
        bits &= mask;
        mode = match op {
            '+' => mode | bits,
            '-' => mode & !bits,
            _ => (mode & !(mask & 0o777)) | bits,
        };
        rest = &rest[end..];
    }
    Some(mode)
}

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
