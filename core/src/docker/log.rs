//! What stands beside the lines of a log.

use std::collections::BTreeMap;

/// What stands beside a line, as Docker prints it: `key=value` in order with commas between, escaped as in a URL's query.
pub fn details(attributes: &BTreeMap<String, String>) -> String {
    attributes.iter().map(|(key, value)| format!("{}={}", escaped(key), escaped(value))).collect::<Vec<_>>().join(",")
}

/// Go's `url.QueryEscape`.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
