//! The text of a `HEALTHCHECK` instruction (Dockerfile reference): `NONE`, or flags and a `CMD`.

use super::health::Healthcheck;
use crate::error::{Error, Result};
use crate::limits::units::parse_duration;

/// Reads what follows the word `HEALTHCHECK`.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`] in Docker's words.
pub fn parse(text: &str) -> Result<Healthcheck> {
    let mut check = Healthcheck::default();
    let mut rest = text.trim();
    while let Some(flag) = rest.strip_prefix("--") {
        let (word, after) = flag.split_once(char::is_whitespace).unwrap_or((flag, ""));
        let (name, value) =
            word.split_once('=').ok_or_else(|| Error::invalid(format!("Missing a value on flag: {}", word.escape_debug())))?;
        let duration = || duration(name, value);
        match name {
            "interval" => check.interval = duration()?,
            "timeout" => check.timeout = duration()?,
            "start-period" => check.start_period = duration()?,
            "start-interval" => check.start_interval = duration()?,
            "retries" => check.retries = retries(value)?,
            _ => return Err(Error::invalid(format!("Unknown flag: {}", name.escape_debug()))),
        }
        rest = after.trim_start();
    }
    let (kind, command) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let command = command.trim();
    match kind.to_ascii_uppercase().as_str() {
        "NONE" if command.is_empty() => check.test = vec!["NONE".to_owned()],
        "NONE" => return Err(Error::invalid("HEALTHCHECK NONE takes no arguments")),
        "CMD" if command.is_empty() => return Err(Error::invalid("Missing command after HEALTHCHECK CMD")),
        "CMD" => {
            let list = command.starts_with('[').then(|| serde_json::from_str::<Vec<String>>(command).ok()).flatten();
            check.test = match list {
                Some(words) => std::iter::once("CMD".to_owned()).chain(words).collect(),
                None => vec!["CMD-SHELL".to_owned(), command.to_owned()],
            };
        }
        "" => return Err(Error::invalid("HEALTHCHECK requires at least one argument")),
        other => return Err(Error::invalid(format!("Unknown type {:?} in HEALTHCHECK (try CMD)", other))),
    }
    check.check().map(|()| check)
}

fn duration(name: &str, value: &str) -> Result<i64> {
    let time = parse_duration(value)?;
    if time < 0 {
        return Err(Error::invalid(format!("Interval {name:?} cannot be negative")));
    }
    Ok(time)
}

fn retries(value: &str) -> Result<i64> {
    let wrong = || Error::invalid(format!("strconv.ParseInt: parsing \"{}\": invalid syntax", value.escape_debug()));
    match value.parse::<i64>().map_err(|_| wrong())? {
        n if n < 0 => Err(Error::invalid(format!("--retries cannot be negative ({n})"))),
        n => Ok(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_ones() {
        let test = |text: &str| parse(text).unwrap().test.join("|");
        assert_eq!(test("NONE"), "NONE");
        assert_eq!(test("CMD curl -f http://localhost/ || exit 1"), "CMD-SHELL|curl -f http://localhost/ || exit 1");
        assert_eq!(test("cmd [\"a\", \"b c\"]"), "CMD|a|b c");
        let all = parse("--interval=5s --timeout=1m --start-period=100ms --start-interval=2s --retries=7 CMD x").unwrap();
        assert_eq!(
            (all.interval, all.timeout, all.start_period, all.start_interval, all.retries),
            (5_000_000_000, 60_000_000_000, 100_000_000, 2_000_000_000, 7)
        );
    }

    #[test]
    fn bad_ones() {
        for text in ["", "CMD", "NONE x", "RUN x", "--nope=1 CMD x", "--retries=-1 CMD x", "--interval=-1s CMD x", "--interval=1us CMD x"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
