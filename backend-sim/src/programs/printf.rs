//! `printf`

use super::cmd::{Cmd, Exit};
use super::escape::{Octal, unescape};

/// One `%` directive.
#[derive(Debug, Default)]
struct Directive {
    left: bool,
    zero: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// The bytes, and complaints about operands that are not what the format needs.
pub fn format(format: &str, operands: &[String]) -> (Vec<u8>, Vec<String>) {
    let mut state = State { operands: operands.iter(), out: Vec::new(), complaints: Vec::new(), used: 0, stop: false };
    loop {
        let before = state.used;
        state.round(format);
        // The format is used again while operands are left, and it takes any.
        if state.stop || state.operands.as_slice().is_empty() || state.used == before {
            return (state.out, state.complaints);
        }
    }
}

struct State<'a> {
    operands: std::slice::Iter<'a, String>,
    out: Vec<u8>,
    complaints: Vec<String>,
    used: usize,
    stop: bool,
}

impl State<'_> {
    fn next(&mut self) -> Option<String> {
        let next = self.operands.next().cloned();
        self.used += usize::from(next.is_some());
        next
    }

    fn number(&mut self) -> i64 {
        let Some(text) = self.next() else { return 0 };
        match parse_number(&text) {
            Some(n) => n,
            None => {
                self.complaints.push(format!("printf: invalid number '{text}'"));
                0
            }
        }
    }

    fn size(&mut self, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<i64> {
        if chars.next_if_eq(&'*').is_some() {
            return Some(self.number());
        }
        let mut digits = String::new();
        while let Some(c) = chars.next_if(char::is_ascii_digit) {
            digits.push(c);
        }
        digits.parse().ok()
    }

    fn round(&mut self, format: &str) {
        let mut plain = String::new();
        let mut chars = format.chars().peekable();
        while let Some(c) = chars.next() {
            if c == '\\' {
                plain.push(c);
                plain.extend(chars.next());
                continue;
            }
            if c != '%' {
                plain.push(c);
                continue;
            }
            if self.plain(&mut plain) {
                return;
            }
            if chars.next_if_eq(&'%').is_some() {
                self.out.push(b'%');
                continue;
            }
            let mut d = Directive::default();
            while let Some(flag) = chars.next_if(|c| "-0+ #".contains(*c)) {
                match flag {
                    '-' => d.left = true,
                    '0' => d.zero = true,
                    '+' => d.plus = true,
                    ' ' => d.space = true,
                    _ => d.alternate = true,
                }
            }
            if let Some(width) = self.size(&mut chars) {
                d.left |= width < 0;
                d.width = usize::try_from(width.unsigned_abs()).ok();
            }
            if chars.next_if_eq(&'.').is_some() {
                d.precision = Some(self.size(&mut chars).and_then(|p| usize::try_from(p).ok()).unwrap_or(0));
            }
            while chars.next_if(|c| "lhzjt".contains(*c)).is_some() {}
            match chars.next() {
                Some(kind) => self.directive(&d, kind),
                None => self.invalid("%"),
            }
            if self.stop {
                return;
            }
        }
        self.plain(&mut plain);
    }

    /// Writes text of the format; `true` if `\c` stopped everything.
    fn plain(&mut self, plain: &mut String) -> bool {
        let (bytes, stop) = unescape(&std::mem::take(plain), Octal::Plain);
        self.out.extend(bytes);
        self.stop |= stop;
        stop
    }

    fn invalid(&mut self, what: &str) {
        self.complaints.push(format!("printf: {what}: invalid format"));
        self.stop = true;
    }

    fn directive(&mut self, d: &Directive, kind: char) {
        let text = match kind {
            's' => cut(self.next().unwrap_or_default(), d.precision),
            'c' => self.next().unwrap_or_default().chars().take(1).collect(),
            'b' => {
                let (bytes, stop) = unescape(&self.next().unwrap_or_default(), Octal::Zero);
                self.stop |= stop;
                cut(String::from_utf8_lossy(&bytes).into_owned(), d.precision)
            }
            'd' | 'i' => {
                let n = self.number();
                let sign = if n < 0 { "-" } else { positive_sign(d) };
                return self.padded_number(d, sign, n.unsigned_abs().to_string());
            }
            'u' => {
                let n = self.number().cast_unsigned();
                return self.padded_number(d, "", n.to_string());
            }
            'x' | 'X' | 'o' => {
                let n = self.number().cast_unsigned();
                let prefix = |text| if d.alternate && n != 0 { text } else { "" };
                let (digits, prefix) = match kind {
                    'x' => (format!("{n:x}"), prefix("0x")),
                    'X' => (format!("{n:X}"), prefix("0X")),
                    _ => (format!("{n:o}"), prefix("0")),
                };
                return self.padded_number(d, prefix, digits);
            }
            'f' | 'F' | 'e' | 'E' | 'g' | 'G' => {
                let text = self.next().unwrap_or_default();
                let n: f64 = if text.is_empty() {
                    0.0
                } else {
                    text.trim().parse().unwrap_or_else(|_| {
                        self.complaints.push(format!("printf: invalid number '{text}'"));
                        0.0
                    })
                };
                let sign = if n.is_sign_negative() { "-" } else { positive_sign(d) };
                return self.padded_float(d, sign, float(n.abs(), kind, d.precision.unwrap_or(6)));
            }
            other => return self.invalid(&format!("%{other}")),
        };
        let count = text.chars().count();
        let fill = " ".repeat(d.width.unwrap_or(0).saturating_sub(count));
        let padded = if d.left { format!("{text}{fill}") } else { format!("{fill}{text}") };
        self.out.extend(padded.into_bytes());
    }

    fn padded_number(&mut self, d: &Directive, sign: &str, digits: String) {
        let digits = match d.precision {
            Some(least) => format!("{digits:0>least$}"),
            None => digits,
        };
        self.padded(d, sign, digits, d.zero && d.precision.is_none());
    }

    fn padded_float(&mut self, d: &Directive, sign: &str, digits: String) {
        self.padded(d, sign, digits, d.zero);
    }

    fn padded(&mut self, d: &Directive, sign: &str, digits: String, zero: bool) {
        let missing = d.width.unwrap_or(0).saturating_sub(sign.len() + digits.len());
        let text = match (d.left, zero) {
            (true, _) => format!("{sign}{digits}{}", " ".repeat(missing)),
            (false, true) => format!("{sign}{}{digits}", "0".repeat(missing)),
            (false, false) => format!("{}{sign}{digits}", " ".repeat(missing)),
        };
        self.out.extend(text.into_bytes());
    }
}

fn positive_sign(d: &Directive) -> &'static str {
    match (d.plus, d.space) {
        (true, _) => "+",
        (false, true) => " ",
        (false, false) => "",
    }
}

fn cut(text: String, most: Option<usize>) -> String {
    most.map_or_else(|| text.clone(), |most| text.chars().take(most).collect())
}

/// An integer as strtol(3) with base 0 reads it, or the code of a character after a quote.
fn parse_number(text: &str) -> Option<i64> {
    if let Some(rest) = text.strip_prefix(['\'', '"']) {
        return rest.chars().next().map(|c| i64::from(u32::from(c)));
    }
    let text = text.trim_start();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        u64::from_str_radix(hex, 16).ok()?
    } else if digits.len() > 1 && digits.starts_with('0') {
        u64::from_str_radix(digits, 8).ok()?
    } else {
        digits.parse().ok()?
    };
    Some(if negative { value.cast_signed().wrapping_neg() } else { value.cast_signed() })
}

fn float(n: f64, kind: char, precision: usize) -> String {
    let exponent = |n: f64, precision: usize| {
        let text = format!("{n:.precision$e}");
        let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
        let power: i32 = power.parse().unwrap_or(0);
        format!("{mantissa}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs())
    };
    let text = match kind.to_ascii_lowercase() {
        'f' => format!("{n:.precision$}"),
        'e' => exponent(n, precision),
        _ => {
            let significant = precision.max(1);
            let power = if n == 0.0 { 0 } else { n.log10().floor() as i32 };
            let trim = |text: String| match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            };
            if power < -4 || power >= significant as i32 {
                let text = exponent(n, significant - 1);
                let (mantissa, power) = text.split_once('e').unwrap_or((&text, "+00"));
                format!("{}e{power}", trim(mantissa.to_owned()))
            } else {
                trim(format!("{n:.*}", (significant as i32 - 1 - power).max(0) as usize))
            }
        }
    };
    if kind.is_ascii_uppercase() { text.to_uppercase() } else { text }
}

/// `printf format [operand…]`
pub async fn printf(cmd: &mut Cmd) -> Exit {
    let Some((text, operands)) = cmd.args.split_first() else {
        let spec = super::cmd::Spec { usage: "FORMAT [ARG]...", ..Default::default() };
        return Err(cmd.usage(&spec, "").await);
    };
    let (bytes, complaints) = format(text, operands);
    for complaint in &complaints {
        cmd.sys.eprint(&format!("{complaint}\n")).await;
    }
    cmd.write(&bytes).await?;
    Ok(i32::from(!complaints.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str, operands: &[&str]) -> String {
        let operands: Vec<String> = operands.iter().map(|o| (*o).to_owned()).collect();
        String::from_utf8(format(text, &operands).0).expect("text")
    }

    #[test]
    fn directives_are_those_of_c() {
        assert_eq!(run(r"%s|%5d|%-5s|%05d\n", &["a", "3", "b", "42"]), "a|    3|b    |00042\n");
        assert_eq!(run("%x %X %o %#x", &["255", "255", "8", "16"]), "ff FF 10 0x10");
        assert_eq!(run("%.2f %e %g", &["3.14159", "1234.5", "0.0001"]), "3.14 1.234500e+03 0.0001");
        assert_eq!(run("%.3s|%c|%%", &["abcdef", "xyz"]), "abc|x|%");
        assert_eq!(run("%d", &["'A"]), "65");
        assert_eq!(run("%b", &[r"a\tb"]), "a\tb");
        assert_eq!(run("%*d", &["5", "7"]), "    7");
        assert_eq!(run("%+d % d %d", &["5", "5", "-5"]), "+5  5 -5");
    }

    #[test]
    fn the_format_is_used_again_while_operands_are_left() {
        assert_eq!(run("%s-%s\n", &["a", "b", "c"]), "a-b\nc-\n");
        assert_eq!(run("plain\n", &["unused"]), "plain\n");
        assert_eq!(format("%d", &["x".to_owned()]).1, ["printf: invalid number 'x'"]);
    }
}
