//! The value grammars of sizes, processor counts and durations, as Docker's command line reads them.

use crate::error::{Error, Result};

/// A size in bytes: a decimal number and, at will, a blank and one of `b k m g t p` with `b` or `ib` behind it, in either case.
/// Every unit is a power of 1024.
///
/// # Errors
/// `invalid size: '…'`, `invalid suffix: '…'`; and, where Docker would wrap around, that the size is too large.
pub fn parse_bytes(text: &str) -> Result<u64> {
    size(text, 1024.0)
}

/// A size in bytes whose suffixes are powers of a thousand, as Docker reads sizes of files: `10k` is 10,000.
///
/// # Errors
/// As [`parse_bytes`].
pub fn parse_decimal(text: &str) -> Result<u64> {
    size(text, 1000.0)
}

fn size(text: &str, base: f64) -> Result<u64> {
    let invalid = || Error::invalid(format!("invalid size: '{}'", text.escape_debug()));
    let last = text.rfind(|c: char| c.is_ascii_digit() || c == '.' || c == ' ').ok_or_else(invalid)?;
    let (head, tail) = text.split_at(last + 1);
    let number = head.strip_suffix(' ').unwrap_or(head);
    let size = float(number).filter(|n| *n >= 0.0).ok_or_else(invalid)?;
    let suffix = tail.to_ascii_lowercase();
    let power = match (suffix.chars().next(), suffix.get(1..)) {
        (None, _) => 0,
        (Some('b'), Some("")) => 0,
        (Some(unit), Some("" | "b" | "ib")) if "kmgtp".contains(unit) => 1 + "kmgtp".find(unit).unwrap_or(0),
        _ => return Err(Error::invalid(format!("invalid suffix: '{}'", suffix.escape_debug()))),
    };
    let bytes = size * base.powi(i32::try_from(power).unwrap_or(0));
    // Beyond 2^63-1 the number does not fit where the kernel and Docker's API keep it.
    if bytes >= 9_223_372_036_854_775_808.0 {
        return Err(Error::invalid(format!("size too large: '{}'", text.escape_debug())).hint("the largest size is 8 EiB less one byte"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in range; a fraction of a byte is dropped as Docker drops it"
    )]
    Ok(bytes as u64)
}

/// Memory and swap together: a size, or `-1` for unlimited swap.
pub fn parse_swap(text: &str) -> Result<i64> {
    if text == "-1" {
        return Ok(-1);
    }
    parse_bytes(text).and_then(|n| i64::try_from(n).map_err(|_| Error::invalid(format!("size too large: '{text}'"))))
}

/// A plain decimal floating-point number: no names, no hexadecimal, no underscores.
fn float(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-' | b'e' | b'E'));
    (plain && !text.is_empty()).then(|| text.parse::<f64>().ok()).flatten().filter(|n| n.is_finite())
}

/// A number of processors in billionths: `1.5`, `.5`, `3/2`, `1e-2`.
///
/// # Errors
/// `failed to parse … as a rational number`, `value is too precise`.
pub fn parse_cpus(text: &str) -> Result<u64> {
    let invalid = || Error::invalid(format!("failed to parse {} as a rational number", text.escape_debug()));
    let (numerator, denominator) = match text.split_once('/') {
        Some((n, d)) => (decimal(n).ok_or_else(invalid)?, decimal(d).filter(|d| d.0 > 0).ok_or_else(invalid)?),
        None => (decimal(text).ok_or_else(invalid)?, (1, 0)),
    };
    if numerator.0 < 0 {
        return Err(Error::invalid(format!("invalid number of CPUs: {}", text.escape_debug())).hint("the least is 0.01"));
    }
    // value = n·10^-a / (d·10^-b); in billionths: n·10^(9+b-a) / d
    let exponent = 9 + denominator.1 - numerator.1;
    let scale = 10i128.checked_pow(exponent.unsigned_abs()).ok_or_else(invalid)?;
    let (top, bottom) = if exponent >= 0 {
        (numerator.0.checked_mul(scale).ok_or_else(invalid)?, denominator.0)
    } else {
        (numerator.0, denominator.0.checked_mul(scale).ok_or_else(invalid)?)
    };
    if top % bottom != 0 {
        return Err(Error::invalid("value is too precise"));
    }
    u64::try_from(top / bottom).map_err(|_| invalid())
}

/// A decimal number as digits and the count of those behind the point.
fn decimal(text: &str) -> Option<(i128, i32)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((m, e)) => (m, e.parse::<i32>().ok().filter(|e| (-30..=30).contains(e))?),
        None => (text, 0),
    };
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || all.len() > 30 || !all.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((sign * all.parse::<i128>().ok()?, i32::try_from(fraction.len()).ok()? - exponent))
}

/// A duration in nanoseconds as Go writes one: `1h30m`, `1.5s`, `-2m`, `0`.
///
/// # Errors
/// `time: invalid duration "…"`, `time: missing unit in duration "…"`, `time: unknown unit "…" in duration "…"`.
pub fn parse_duration(text: &str) -> Result<i64> {
    let quoted = format!("\"{}\"", text.escape_debug());
    let invalid = || Error::invalid(format!("time: invalid duration {quoted}"));
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let (digits, places) = decimal(number).ok_or_else(invalid)?;
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let factor: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "" => return Err(Error::invalid(format!("time: missing unit in duration {quoted}"))),
            _ => return Err(Error::invalid(format!("time: unknown unit \"{}\" in duration {quoted}", unit.escape_debug()))),
        };
        let divisor = 10i128.checked_pow(places.unsigned_abs()).ok_or_else(invalid)?;
        total = digits.checked_mul(factor).and_then(|n| total.checked_add(n / divisor)).ok_or_else(invalid)?;
        rest = after;
    }
    i64::try_from(sign * total).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_read_as_docker_reads_them() {
        const M64: u64 = 64 << 20;
        for text in ["64m", "64M", "64mb", "64MiB", "64 m", "+64m", "67108864", "67108864b", "0.0625g"] {
            assert_eq!(parse_bytes(text).unwrap(), M64, "{text}");
        }
        assert_eq!(parse_bytes("1.5g").unwrap(), 3 << 29);
        assert_eq!(parse_bytes(".5g").unwrap(), 1 << 29);
        assert_eq!(parse_bytes("8e18").unwrap(), 8_000_000_000_000_000_000);
        assert_eq!(parse_bytes("1024p").unwrap(), 1 << 60);
        assert_eq!(parse_bytes("1e3").unwrap(), 1000);
        // The largest number there is comes out as 2^63 where numbers are read as fractions: it is named as too large, not wrapped.
        for text in ["9223372036854775807", "9223372036854775808", "9e18k"] {
            assert_eq!(parse_bytes(text).unwrap_err().message(), format!("size too large: '{text}'"));
        }
        assert_eq!(parse_bytes("6mi").unwrap_err().message(), "invalid suffix: 'mi'");
        for text in
            ["-1", "abc", "", "0x4000000", "64mm", "1g2", "NaN", "inf", "۶۴m", "1_000", "64\tm", "8192p", "9223372036854775808", " "]
        {
            assert!(parse_bytes(text).is_err(), "{text:?}");
        }
        assert_eq!(parse_bytes("8192p").unwrap_err().message(), "size too large: '8192p'");
    }

    #[test]
    fn swap_may_be_unlimited() {
        assert_eq!(parse_swap("-1").unwrap(), -1);
        assert_eq!(parse_swap("1g").unwrap(), 1 << 30);
        assert!(parse_swap("-2").is_err());
    }

    #[test]
    fn processors_are_exact_billionths() {
        for (text, nano) in [
            ("1.5", 1_500_000_000),
            (".5", 500_000_000),
            ("3/2", 1_500_000_000),
            ("1e-9", 1),
            ("0", 0),
            ("2", 2_000_000_000),
            ("0.01", 10_000_000),
            ("0.001", 1_000_000),
            ("99", 99_000_000_000),
        ] {
            assert_eq!(parse_cpus(text).unwrap(), nano, "{text}");
        }
        assert_eq!(parse_cpus("abc").unwrap_err().message(), "failed to parse abc as a rational number");
        assert_eq!(parse_cpus("0.0000000001").unwrap_err().message(), "value is too precise");
        for text in ["", "-1", "NaN", "1/0", "1/3", "1e99", ".", "1_0"] {
            assert!(parse_cpus(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_gos() {
        for (text, nanoseconds) in
            [("0", 0), ("1h30m", 5_400_000_000_000), ("1.5s", 1_500_000_000), ("-5s", -5_000_000_000), ("300ms", 300_000_000)]
        {
            assert_eq!(parse_duration(text).unwrap(), nanoseconds, "{text}");
        }
        assert_eq!(parse_duration("1h1").unwrap_err().message(), "time: missing unit in duration \"1h1\"");
        assert_eq!(parse_duration("3x").unwrap_err().message(), "time: unknown unit \"x\" in duration \"3x\"");
        for text in ["", "-", "s", ".s", "9223372036854775808ns"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_whole_number_of_bytes_is_itself(n in 0u64..(1 << 53)) {
            prop_assert_eq!(parse_bytes(&n.to_string()).unwrap(), n);
            prop_assert_eq!(parse_bytes(&format!("{n}b")).unwrap(), n);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = (parse_bytes(&text), parse_swap(&text), parse_cpus(&text), parse_duration(&text));
        }
    }
}
