//! `tr`

use crate::programs::cmd::{Cmd, Exit, Spec};
use crate::programs::shell::pattern::class;

/// The bytes of a set such as `a-z`, `[:upper:]`, `\n`, `[x*3]` aside.
fn set(text: &str) -> Vec<u8> {
    let (bytes, _) = crate::programs::escape::unescape(text, crate::programs::escape::Octal::Plain);
    let mut out = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i..].starts_with(b"[:")
            && let Some(length) = bytes[i + 2..].windows(2).position(|w| w == b":]")
        {
            let name = String::from_utf8_lossy(&bytes[i + 2..i + 2 + length]).into_owned();
            out.extend((0..=127u8).filter(|b| class(&name, char::from(*b))));
            i += length + 4;
        } else if bytes.get(i + 1) == Some(&b'-') && i + 2 < bytes.len() && bytes[i] <= bytes[i + 2] {
            out.extend(bytes[i]..=bytes[i + 2]);
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    out
}

/// `tr [-cds] set1 [set2]`
pub async fn tr(cmd: &mut Cmd) -> Exit {
    let spec = Spec { short: "+cCds", not_modelled: "t", usage: "[-cds] STRING1 [STRING2]", ..Spec::default() };
    let options = cmd.options(&spec).await?;
    let (first, second) = match options.operands.as_slice() {
        [first] if options.has('d') || options.has('s') => (set(first), Vec::new()),
        [first, second] => (set(first), set(second)),
        _ => return Err(cmd.usage(&spec, "").await),
    };
    let first = if options.has('c') || options.has('C') { (0..=255u8).filter(|b| !first.contains(b)).collect() } else { first };
    let delete = options.has('d');
    let mut map: [u8; 256] = std::array::from_fn(|i| i as u8);
    if !delete {
        for (i, b) in first.iter().enumerate() {
            // A shorter second set goes on with its last character.
            if let Some(to) = second.get(i).or(second.last()) {
                map[usize::from(*b)] = *to;
            }
        }
    }
    let squeezed = if !options.has('s') {
        Vec::new()
    } else if second.is_empty() {
        first.clone()
    } else {
        second
    };
    let mut last = None;
    loop {
        let bytes = match cmd.sys.read(crate::sys::STDIN, 64 * 1024).await {
            Ok(bytes) if bytes.is_empty() => return Ok(0),
            Ok(bytes) => bytes,
            Err(crate::sys::Errno::EINTR) => continue,
            Err(error) => return Err(cmd.fail(format!("read error: {error}")).await),
        };
        let mut out = Vec::with_capacity(bytes.len());
        for b in bytes {
            if delete && first.contains(&b) {
                continue;
            }
            let b = map[usize::from(b)];
            if last == Some(b) && squeezed.contains(&b) {
                continue;
            }
            last = Some(b);
            out.push(b);
        }
        cmd.write(&out).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_ranges_classes_and_escapes() {
        assert_eq!(set("a-cx"), b"abcx");
        assert_eq!(set("[:digit:]"), b"0123456789");
        assert_eq!(set(r"\n\t-"), b"\n\t-");
        assert_eq!(set("a-"), b"a-");
    }
}
