//! Bytes in words, in powers of 1000 (images) and of 1024 (memory).

/// Three significant digits and a decimal unit: `1.24MB`.
pub fn decimal(bytes: u64) -> String {
    scaled(bytes, 1000, &["B", "kB", "MB", "GB", "TB", "PB", "EB"], 3)
}

/// Four significant digits and a decimal unit, where Docker says how much there is altogether: `1.984MB`.
pub fn total(bytes: u64) -> String {
    scaled(bytes, 1000, &["B", "kB", "MB", "GB", "TB", "PB", "EB"], 4)
}

/// Four significant digits and a binary unit: `7.771GiB`.
pub fn binary(bytes: u64) -> String {
    scaled(bytes, 1024, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"], 4)
}

/// The decimal digits are worked out with whole numbers, so that every platform prints the same.
fn scaled(bytes: u64, base: u64, units: &[&str], digits: u32) -> String {
    let mut power: u128 = 1;
    let mut unit = 0;
    while unit + 1 < units.len() && u128::from(bytes) >= power * u128::from(base) {
        power *= u128::from(base);
        unit += 1;
    }
    let whole = u128::from(bytes) / power;
    let mut places = digits.saturating_sub(whole.max(1).ilog10() + 1);
    let mut scaled = rounded(u128::from(bytes) * 10u128.pow(places), power);
    if places > 0 && scaled >= 10u128.pow(digits) {
        places -= 1;
        scaled = rounded(u128::from(bytes) * 10u128.pow(places), power);
    }
    if unit + 1 < units.len() && scaled >= u128::from(base) * 10u128.pow(places) {
        return format!("1{}", units.get(unit + 1).unwrap_or(&""));
    }
    let (whole, fraction) = (scaled / 10u128.pow(places), scaled % 10u128.pow(places));
    let fraction = format!("{fraction:0width$}", width = usize::try_from(places).unwrap_or(0));
    let fraction = fraction.trim_end_matches('0');
    let point = if places == 0 || fraction.is_empty() { String::new() } else { format!(".{fraction}") };
    format!("{whole}{point}{}", units.get(unit).unwrap_or(&""))
}

fn rounded(value: u128, by: u128) -> u128 {
    (value + by / 2) / by
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_sizes() {
        for (bytes, text) in [
            (0, "0B"),
            (5, "5B"),
            (999, "999B"),
            (1000, "1kB"),
            (1240, "1.24kB"),
            (1_235_000, "1.24MB"),
            (12_349_000, "12.3MB"),
            (123_900_000, "124MB"),
            (999_600, "1MB"),
            (1_500_000_000, "1.5GB"),
            (u64::MAX, "18.4EB"),
        ] {
            assert_eq!(decimal(bytes), text, "{bytes}");
        }
        for (bytes, text) in [(0, "0B"), (1023, "1023B"), (1024, "1KiB"), (134_217_728, "128MiB"), (8_344_000_000, "7.771GiB")] {
            assert_eq!(binary(bytes), text, "{bytes}");
        }
    }
}
