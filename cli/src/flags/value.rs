//! Values of flags that are numbers, and the sentence for a value that will not do.

use super::parse::display;
use clap::Command;
use clap::error::{ContextKind, ContextValue};
use std::error::Error as _;

/// The sentence for what clap refused: `invalid argument "foo" for "-m, --memory" flag: …`.
pub fn invalid_value(command: &Command, error: &clap::Error) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let (Some(flag), Some(value)) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue)) else {
        return error.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    };
    let long = flag.trim_start_matches('-').split([' ', '=']).next().unwrap_or_default();
    let shown = command.get_arguments().find(|a| a.get_long() == Some(long)).map_or(flag.clone(), display);
    let why = error.source().map(|e| format!(": {e}")).unwrap_or_default();
    format!("invalid argument \"{}\" for \"{shown}\" flag{why}", value.escape_debug())
}

/// A whole number, as Go's `strconv.ParseInt` says it is not one.
pub fn integer(text: &str) -> Result<i64, String> {
    text.parse().map_err(|e: std::num::ParseIntError| refused("ParseInt", text, &e))
}

/// A whole number that is not negative.
pub fn unsigned(text: &str) -> Result<u64, String> {
    text.parse().map_err(|e: std::num::ParseIntError| refused("ParseUint", text, &e))
}

fn refused(function: &str, text: &str, error: &std::num::ParseIntError) -> String {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    let why = if matches!(error.kind(), PosOverflow | NegOverflow) { "value out of range" } else { "invalid syntax" };
    format!("strconv.{function}: parsing \"{}\": {why}", text.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_none_are_refused_in_gos_words() {
        assert_eq!(integer("x").unwrap_err(), "strconv.ParseInt: parsing \"x\": invalid syntax");
        assert_eq!(integer("9223372036854775808").unwrap_err(), "strconv.ParseInt: parsing \"9223372036854775808\": value out of range");
        assert_eq!(integer("-1"), Ok(-1));
    }
}
