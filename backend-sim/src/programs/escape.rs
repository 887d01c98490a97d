//! Backslash escapes, as `echo -e`, `printf` and `$'…'` read them.

/// How octal escapes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Octal {
    /// `\nnn` (printf's format, `$'…'`)
    Plain,
    /// `\0nnn` and `\nnn` (`echo -e`, printf's `%b`)
    Zero,
}

/// The bytes, and whether `\c` ended them.
pub fn unescape(text: &str, octal: Octal) -> (Vec<u8>, bool) {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] != b'\\' || i + 1 == bytes.len() {
            out.push(bytes[i]);
            i += 1;
            continue;
        }
        i += 1;
        let plain = match bytes[i] {
            b'a' => 7,
            b'b' => 8,
            b'e' => 27,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'\\' => b'\\',
            b'\'' | b'"' if octal == Octal::Plain => bytes[i],
            b'c' => return (out, true),
            b'x' => {
                let (value, count) = digits(&bytes[i + 1..], 2, 16);
                if count == 0 {
                    out.extend(b"\\x");
                } else {
                    out.push(value);
                }
                i += 1 + count;
                continue;
            }
            b'0'..=b'7' => {
                let skip = usize::from(octal == Octal::Zero && bytes[i] == b'0');
                let (value, count) = digits(&bytes[i + skip..], 3, 8);
                out.push(value);
                i += skip + count;
                continue;
            }
            other => {
                out.push(b'\\');
                other
            }
        };
        out.push(plain);
        i += 1;
    }
    (out, false)
}

fn digits(bytes: &[u8], most: usize, radix: u32) -> (u8, usize) {
    let values = bytes.iter().take(most).map_while(|&b| char::from(b).to_digit(radix));
    let (value, count) = values.fold((0u32, 0), |(value, count), digit| (value * radix + digit, count + 1));
    ((value & 0xff) as u8, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_the_c_language_and_more() {
        assert_eq!(unescape(r"a\tb\\c\q", Octal::Zero).0, b"a\tb\\c\\q");
        assert_eq!(unescape(r"\0101\x42\e", Octal::Zero).0, b"AB\x1b");
        assert_eq!(unescape(r"\101", Octal::Plain).0, b"A");
        assert_eq!(unescape(r"one\ctwo", Octal::Zero), (b"one".to_vec(), true));
        assert_eq!(unescape("end\\", Octal::Plain).0, b"end\\");
    }
}
