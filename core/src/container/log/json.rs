//! A line of output as a JSON string, as fast as a container can write lines: what needs no escape is copied in one piece.

/// What a byte becomes in a string (RFC 8259, section 7): 0 for itself, `u` for `\u00XX`, else the letter after the backslash.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = b'u';
        byte += 1;
    }
    table[0x08] = b'b';
    table[b'\t' as usize] = b't';
    table[b'\n' as usize] = b'n';
    table[0x0c] = b'f';
    table[b'\r' as usize] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends a string without its quotation marks. Bytes that are not UTF-8 stand as U+FFFD.
pub(super) fn string(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        text(chunk.valid().as_bytes(), out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

fn text(bytes: &[u8], out: &mut Vec<u8>) {
    let escape = |byte: &u8| ESCAPES[usize::from(*byte)];
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| escape(byte) != 0) {
        let (plain, after) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, after)) = after.split_first() else { return };
        match escape(byte) {
            b'u' => out.extend_from_slice(&[b'\\', b'u', b'0', b'0', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]),
            letter => out.extend_from_slice(&[b'\\', letter]),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_what_a_library_writes(bytes in proptest::collection::vec(any::<u8>(), 0..64), words in "[a-z\"\\\\\u{0}-\u{20}é€😀]{0,40}") {
            for bytes in [bytes.as_slice(), words.as_bytes()] {
                let mut out = vec![b'"'];
                string(bytes, &mut out);
                out.push(b'"');
                prop_assert_eq!(out, serde_json::to_vec(&String::from_utf8_lossy(bytes)).unwrap());
            }
        }
    }
}
