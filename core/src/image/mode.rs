//! File modes as chmod(1) takes them, octal and symbolic: for `--chmod` of COPY, and for the simulator's programs.

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
            // Set-id bits of a directory stay, as chmod(1) keeps them.
            _ => (mode & !(mask & 0o777)) & !(if directory { 0 } else { mask & 0o7000 }) | bits,
        };
        rest = &rest[end..];
    }
    Some(mode)
}

#[cfg(test)]
mod tests {
    use super::apply;

    #[test]
    fn changes_are_those_of_chmod() {
        for (text, old, directory, new) in [
            ("755", 0o600, false, Some(0o755)),
            ("u=rwX,go=rX", 0o600, false, Some(0o644)),
            ("u=rwX,go=rX", 0o700, true, Some(0o755)),
            ("a+x", 0o644, false, Some(0o755)),
            ("+x-w", 0o644, false, Some(0o555)),
            ("go=u", 0o640, false, Some(0o666)),
            ("u=rw", 0o4755, false, Some(0o655)),
            ("g=rx", 0o2755, true, Some(0o2755)),
            ("o+t", 0o755, true, Some(0o1755)),
            ("8", 0, false, None),
            ("10000", 0, false, None),
            ("rwx", 0, false, None),
            ("u+q", 0, false, None),
            ("z+r", 0, false, None),
            ("", 0, false, None),
        ] {
            assert_eq!(apply(text, old, directory), new, "{text}");
        }
    }
}
