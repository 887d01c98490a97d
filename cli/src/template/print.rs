//! How values look as text: Go's `%v` and its relatives.

use serde_json::{Map, Value};

/// Whether an object stands for a Go structure (keys with capital letters) rather than for a map.
pub(crate) fn is_structure(map: &Map<String, Value>) -> bool {
    map.keys().next().is_some_and(|key| key.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// Fields of Docker's objects that are lists: where JSON has null, Go has a list without items.
const LISTS: [&str; 16] = [
    "Args",
    "Binds",
    "CapAdd",
    "CapDrop",
    "Cmd",
    "Dns",
    "DnsOptions",
    "DnsSearch",
    "Entrypoint",
    "Env",
    "ExecIDs",
    "ExtraHosts",
    "GroupAdd",
    "Links",
    "OnBuild",
    "SecurityOpt",
];
/// And those that are maps.
const MAPS: [&str; 5] = ["ExposedPorts", "Labels", "PortBindings", "Sysctls", "Volumes"];

/// What is not there, at the top of an action, by the field that it was looked for in.
pub(crate) fn missing(field: Option<&str>) -> String {
    let field = field.unwrap_or_default();
    let text = if LISTS.contains(&field) {
        "[]"
    } else if MAPS.contains(&field) {
        "map[]"
    } else {
        "<no value>"
    };
    text.to_owned()
}

/// A value as Go's `%v` prints it.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::String(s) => s.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(" ")),
        Value::Object(map) if is_structure(map) => format!("{{{}}}", map.values().map(plain).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let mut entries: Vec<String> = map.iter().map(|(k, v)| format!("{k}:{}", inner(v))).collect();
            entries.sort();
            format!("map[{}]", entries.join(" "))
        }
    }
}

/// A value in a map. An object without fields is a structure there: the ports of an image, `map[80/tcp:{}]`.
fn inner(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        other => plain(other),
    }
}

/// What Go would call the type.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float64",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// JSON as Go's encoder writes it for a template: no HTML escapes, one line.
pub(crate) fn json(value: &Value) -> String {
    value.to_string()
}

/// `printf`: verbs `%v %s %q %d %x %t %f %%` with flags `-` and `0`, width and precision.
///
/// # Errors
/// A width or precision beyond 4096.
pub(crate) fn formatted(format: &str, arguments: &[Value]) -> Result<String, String> {
    let mut text = String::new();
    let mut given = arguments.iter();
    let mut letters = format.chars().peekable();
    while let Some(c) = letters.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let (mut left, mut zero) = (false, false);
        while let Some(flag) = letters.next_if(|c| matches!(c, '-' | '0' | '+' | ' ' | '#')) {
            left |= flag == '-';
            zero |= flag == '0';
        }
        let mut number = || -> Result<Option<usize>, String> {
            let mut digits = String::new();
            while let Some(d) = letters.next_if(char::is_ascii_digit) {
                digits.push(d);
            }
            match digits.parse::<usize>() {
                _ if digits.is_empty() => Ok(None),
                Ok(n) if n <= 4096 => Ok(Some(n)),
                _ => Err(format!("width {digits} is too large")),
            }
        };
        let width = number()?.unwrap_or(0);
        let precision = if letters.next_if_eq(&'.').is_some() {
            let mut digits = String::new();
            while let Some(d) = letters.next_if(char::is_ascii_digit) {
                digits.push(d);
            }
            Some(digits.parse::<usize>().unwrap_or(0).min(4096))
        } else {
            None
        };
        let Some(verb) = letters.next() else {
            text.push_str("%!(NOVERB)");
            break;
        };
        if verb == '%' {
            text.push('%');
            continue;
        }
        let Some(value) = given.next() else {
            text.push_str(&format!("%!{verb}(MISSING)"));
            continue;
        };
        let body = one(verb, value, precision);
        let missing = width.saturating_sub(body.chars().count());
        match (left, zero) {
            (true, _) => text.push_str(&(body + &" ".repeat(missing))),
            (false, true) if value.is_number() => text.push_str(&("0".repeat(missing) + &body)),
            _ => text.push_str(&(" ".repeat(missing) + &body)),
        }
    }
    let extra: Vec<String> = given.map(|v| format!("{}={}", type_name(v), plain(v))).collect();
    if !extra.is_empty() {
        text.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    Ok(text)
}

fn one(verb: char, value: &Value, precision: Option<usize>) -> String {
    let wrong = || format!("%!{verb}({}={})", type_name(value), plain(value));
    match verb {
        'v' => plain(value),
        's' if value.is_number() || value.is_boolean() => wrong(),
        's' => precision.map_or_else(|| plain(value), |p| plain(value).chars().take(p).collect()),
        'q' => value.as_str().map_or_else(wrong, |s| format!("\"{}\"", s.escape_debug())),
        'd' => value.as_i64().map_or_else(wrong, |n| n.to_string()),
        'x' => match value {
            Value::String(s) => s.bytes().map(|b| format!("{b:02x}")).collect(),
            other => other.as_i64().map_or_else(wrong, |n| format!("{n:x}")),
        },
        't' => value.as_bool().map_or_else(wrong, |b| b.to_string()),
        'f' => value.as_f64().map_or_else(wrong, |n| format!("{n:.*}", precision.unwrap_or(6))),
        _ => wrong(),
    }
}
