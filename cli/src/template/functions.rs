//! The functions: those of Go's templates, and those that Docker adds.

use super::eval::truth;
use super::print;
use serde_json::Value;
use std::cmp::Ordering;

const NAMES: [&str; 27] = [
    "and", "eq", "ge", "gt", "html", "index", "join", "json", "le", "len", "lower", "lt", "ne", "not", "or", "pad", "print", "printf",
    "println", "slice", "split", "title", "trim", "truncate", "upper", "urlquery", "js",
];

/// Whether there is a function of this name.
pub(crate) fn exists(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Calls a function.
pub(crate) fn call(name: &str, arguments: &[Value]) -> Result<Value, String> {
    let text = |i: usize| -> Result<&str, String> {
        match arguments.get(i) {
            Some(Value::String(s)) => Ok(s.as_str()),
            Some(other) => Err(format!("wrong type for value; expected string; got {}", print::type_name(other))),
            None => Err(format!("wrong number of args for {name}: want {} got {}", i + 1, arguments.len())),
        }
    };
    let number = |i: usize| -> Result<usize, String> {
        let value = arguments.get(i).ok_or_else(|| format!("wrong number of args for {name}: want {} got {}", i + 1, arguments.len()))?;
        value.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or_else(|| "wrong type for value; expected int".to_owned())
    };
    let one = || arguments.first().ok_or_else(|| format!("wrong number of args for {name}: want 1 got 0"));
    let string = |s: String| Ok(Value::String(s));
    match name {
        "json" => string(print::json(one()?)),
        "not" => Ok(Value::Bool(!truth(one()?))),
        "len" => length(one()?),
        "index" => index(arguments),
        "slice" => slice(arguments),
        "join" => {
            let separator = text(1)?;
            match one()? {
                Value::Array(items) => string(items.iter().map(print::plain).collect::<Vec<_>>().join(separator)),
                Value::Null => string(String::new()),
                other => Err(format!("wrong type for value; expected []string; got {}", print::type_name(other))),
            }
        }
        "split" => Ok(Value::Array(text(0)?.split(text(1)?).map(Value::from).collect())),
        "upper" => string(text(0)?.to_uppercase()),
        "lower" => string(text(0)?.to_lowercase()),
        "title" => string(title(text(0)?)),
        "trim" => string(text(0)?.trim().to_owned()),
        "pad" => {
            let (prefix, suffix) = (number(1)?, number(2)?);
            if prefix.max(suffix) > 4096 {
                return Err("padding is too wide".to_owned());
            }
            string(format!("{}{}{}", " ".repeat(prefix), text(0)?, " ".repeat(suffix)))
        }
        "truncate" => string(text(0)?.chars().take(number(1)?).collect()),
        "print" => string(printed(arguments)),
        "println" => string(arguments.iter().map(print::plain).collect::<Vec<_>>().join(" ") + "\n"),
        "printf" => string(print::formatted(text(0)?, arguments.get(1..).unwrap_or_default())?),
        "html" => string(escaped(&printed(arguments))),
        "js" => string(printed(arguments).escape_default().to_string()),
        "urlquery" => string(percent(&printed(arguments))),
        "eq" => {
            let (first, others) = (one()?, arguments.get(1..).unwrap_or_default());
            if others.is_empty() {
                return Err("missing argument for comparison".to_owned());
            }
            for other in others {
                if equal(first, other)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        "ne" => Ok(Value::Bool(!pair(arguments).and_then(|(a, b)| equal(a, b))?)),
        "lt" => compare(arguments, |o| o == Ordering::Less),
        "le" => compare(arguments, |o| o != Ordering::Greater),
        "gt" => compare(arguments, |o| o == Ordering::Greater),
        "ge" => compare(arguments, |o| o != Ordering::Less),
        // `and` and `or` with arguments are evaluated where their arguments are.
        _ => Err(format!("wrong number of args for {name}: want at least 1 got 0")),
    }
}

/// Go's `Sprint`: blanks between operands when neither is a string.
fn printed(arguments: &[Value]) -> String {
    let mut text = String::new();
    for (i, value) in arguments.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|j| arguments.get(j));
        if before.is_some_and(|b| !b.is_string() && !value.is_string()) {
            text.push(' ');
        }
        text.push_str(&print::plain(value));
    }
    text
}

fn length(value: &Value) -> Result<Value, String> {
    match value {
        Value::String(s) => Ok(Value::from(s.len())),
        Value::Array(a) => Ok(Value::from(a.len())),
        Value::Object(o) => Ok(Value::from(o.len())),
        // Lists that Docker leaves null are slices without elements to its templates.
        Value::Null => Ok(Value::from(0)),
        other => Err(format!("len of type {}", print::type_name(other))),
    }
}

fn index(arguments: &[Value]) -> Result<Value, String> {
    let (first, keys) = arguments.split_first().ok_or("wrong number of args for index: want at least 1 got 0")?;
    let mut value = first.clone();
    for key in keys {
        value = match (&value, key) {
            (Value::Array(items), key) => {
                let i = key.as_i64().ok_or_else(|| format!("cannot index slice/array with type {}", print::type_name(key)))?;
                let item = usize::try_from(i).ok().and_then(|i| items.get(i));
                item.cloned().ok_or_else(|| format!("index out of range: {i}"))?
            }
            // What is missing in a map of texts is the empty text.
            (Value::Object(map), Value::String(key)) => {
                let texts = !map.is_empty() && map.values().all(Value::is_string);
                map.get(key).cloned().unwrap_or(if texts { Value::from("") } else { Value::Null })
            }
            (Value::Object(_), key) => return Err(format!("value has type {}; should be string", print::type_name(key))),
            (Value::String(s), key) => {
                let i = key.as_i64().ok_or_else(|| format!("cannot index slice/array with type {}", print::type_name(key)))?;
                let byte = usize::try_from(i).ok().and_then(|i| s.as_bytes().get(i));
                Value::from(*byte.ok_or_else(|| format!("index out of range: {i}"))?)
            }
            (Value::Null, _) => return Err("index of untyped nil".to_owned()),
            (other, _) => return Err(format!("can't index item of type {}", print::type_name(other))),
        };
    }
    Ok(value)
}

fn slice(arguments: &[Value]) -> Result<Value, String> {
    let bound = |i: usize, default: usize| match arguments.get(i) {
        None => Ok(default),
        Some(v) => v.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or_else(|| "cannot index slice/array".to_owned()),
    };
    let out_of_range = || "index out of range".to_owned();
    match arguments.first() {
        Some(Value::String(s)) => s.get(bound(1, 0)?..bound(2, s.len())?).map(Value::from).ok_or_else(out_of_range),
        Some(Value::Array(a)) => a.get(bound(1, 0)?..bound(2, a.len())?).map(|part| Value::Array(part.to_vec())).ok_or_else(out_of_range),
        Some(other) => Err(format!("can't slice item of type {}", print::type_name(other))),
        None => Err("wrong number of args for slice: want at least 1 got 0".to_owned()),
    }
}

fn title(text: &str) -> String {
    let mut start = true;
    text.chars()
        .flat_map(|c| {
            let letter = if start { c.to_uppercase().collect::<Vec<_>>() } else { vec![c] };
            start = !(c.is_alphanumeric() || c == '_' || c == '\'');
            letter
        })
        .collect()
}

fn pair(arguments: &[Value]) -> Result<(&Value, &Value), String> {
    match arguments {
        [a, b] => Ok((a, b)),
        _ => Err("missing argument for comparison".to_owned()),
    }
}

fn equal(a: &Value, b: &Value) -> Result<bool, String> {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => Ok(x.as_f64() == y.as_f64()),
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => Err("invalid type for comparison".to_owned()),
        (Value::Null, _) | (_, Value::Null) => Ok(a == b),
        // A number of JSON is its digits, too.
        (Value::Number(n), Value::String(s)) | (Value::String(s), Value::Number(n)) => Ok(n.to_string() == *s),
        _ if std::mem::discriminant(a) == std::mem::discriminant(b) => Ok(a == b),
        _ => Err("incompatible types for comparison".to_owned()),
    }
}

fn compare(arguments: &[Value], holds: impl Fn(Ordering) -> bool) -> Result<Value, String> {
    let order = match pair(arguments)? {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(x), Some(y)) => Some(x.cmp(&y)),
            _ => a.as_f64().zip(b.as_f64()).and_then(|(x, y)| x.partial_cmp(&y)),
        },
        (a, b) if std::mem::discriminant(a) == std::mem::discriminant(b) => return Err("invalid type for comparison".to_owned()),
        _ => return Err("incompatible types for comparison".to_owned()),
    };
    order.map(|o| Value::Bool(holds(o))).ok_or_else(|| "invalid type for comparison".to_owned())
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, b| {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(b)),
            b' ' => out.push('+'),
            b => out.push_str(&format!("%{b:02X}")),
        }
        out
    })
}
