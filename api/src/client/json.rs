//! Fields of objects, read tolerantly: what is missing or null is nothing.

use drydock_core::docker::time::moment;
use drydock_core::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// A text.
pub fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A whole number that is not below zero.
pub fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or(0)
}

/// A whole number.
pub fn signed(value: &Value, name: &str) -> i64 {
    value.get(name).and_then(Value::as_i64).unwrap_or(0)
}

/// Whether it is true.
pub fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// Texts.
pub fn texts(value: &Value, name: &str) -> Vec<String> {
    list(value, name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Items.
pub fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Texts by name.
pub fn map(value: &Value, name: &str) -> BTreeMap<String, String> {
    let entry = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    value.get(name).and_then(Value::as_object).map(|all| all.iter().filter_map(entry).collect()).unwrap_or_default()
}

/// A moment in RFC 3339. The year 1, which is Go's way to say never, is before every time.
pub fn time(value: &Value, name: &str) -> Timestamp {
    moment(&text(value, name), Timestamp::NEVER).unwrap_or(Timestamp::NEVER)
}

/// A moment in seconds since 1970.
pub fn seconds(value: &Value, name: &str) -> Timestamp {
    Timestamp(u64::try_from(signed(value, name)).unwrap_or(0).saturating_mul(1_000_000_000))
}
