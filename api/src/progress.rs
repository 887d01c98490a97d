//! What happens during a pull, push or load, as lines of JSON in Docker's shape.

use drydock_core::registry::Progress;
use serde_json::{Map, Value, json};

/// How many characters the bar has.
const WIDTH: u64 = 50;

/// The object of one line.
pub fn object(progress: &Progress) -> Value {
    let mut object = Map::new();
    object.insert("status".to_owned(), progress.status.clone().into());
    if let Some((current, total)) = progress.bytes {
        object.insert("progressDetail".to_owned(), json!({ "current": current, "total": total }));
        object.insert("progress".to_owned(), bar(current, total).into());
    } else if !progress.id.is_empty() && !progress.status.starts_with("Pulling from") {
        object.insert("progressDetail".to_owned(), json!({}));
    }
    if !progress.id.is_empty() {
        object.insert("id".to_owned(), progress.id.clone().into());
    }
    Value::Object(object)
}

/// The object that says what a push made of a tag, read off the line that ends it (`latest: digest: sha256:… size: 528`).
pub fn pushed(status: &str) -> Option<Value> {
    let (tag, rest) = status.split_once(": digest: ")?;
    let (digest, size) = rest.split_once(" size: ")?;
    let size: u64 = size.parse().ok()?;
    Some(json!({ "progressDetail": {}, "aux": { "Tag": tag, "Digest": digest, "Size": size } }))
}

/// `[=====>     ]  1.2MB/2.4MB`
fn bar(current: u64, total: u64) -> String {
    if total == 0 {
        return format!("{:>8}", bytes(current));
    }
    let done = current.min(total).saturating_mul(WIDTH) / total;
    let spaces = usize::try_from(WIDTH - done).unwrap_or(0);
    let (bar, head) = ("=".repeat(usize::try_from(done).unwrap_or(0)), if done < WIDTH { ">" } else { "" });
    let gap = " ".repeat(spaces.saturating_sub(1));
    format!("[{bar}{head}{gap}]  {}/{}", bytes(current), bytes(total))
}

/// Four digits and a unit.
fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut scale, mut unit) = (1u64, 0usize);
    while bytes / scale >= 1000 && unit + 1 < UNITS.len() {
        scale *= 1000;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    let whole = bytes / scale;
    let digits = match whole {
        _ if unit == 0 => 0,
        0..=9 => 3,
        10..=99 => 2,
        _ => 1,
    };
    let shift = 10u64.pow(digits);
    let fraction = (bytes % scale) * shift / scale;
    let width = usize::try_from(digits).unwrap_or(0);
    let number = if digits == 0 { whole.to_string() } else { format!("{whole}.{fraction:0>width$}") };
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { &number };
    format!("{number}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_grows() {
        assert_eq!(bar(512, 1024), format!("[{}>{}]  512B/1.024kB", "=".repeat(25), " ".repeat(24)));
        assert_eq!(bar(5, 5), format!("[{}]  5B/5B", "=".repeat(50)));
        assert_eq!(bar(0, 2_207_000), format!("[>{}]  0B/2.207MB", " ".repeat(49)));
    }

    #[test]
    fn the_end_of_a_push_is_told_in_fields() {
        let aux = pushed("1.0: digest: sha256:ab size: 528").unwrap();
        assert_eq!(aux.pointer("/aux/Tag").unwrap(), "1.0");
        assert_eq!(aux.pointer("/aux/Size").unwrap(), 528);
        assert_eq!(pushed("Pushed"), None);
    }
}
