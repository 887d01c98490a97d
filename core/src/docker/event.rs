//! An event as `GET /events` tells it.

use crate::engine::EventEntry as Entry;
use crate::time::Timestamp;
use serde_json::{Map, Value, json};

fn seconds(time: Timestamp) -> u64 {
    time.0 / 1_000_000_000
}

/// What older clients read, for the two kinds of thing they knew.
pub fn old_fields(event: &Entry) -> (Option<&str>, Option<&str>, Option<&str>) {
    let known = matches!(event.kind.as_str(), "container" | "image");
    let from = event.attributes.get("image").filter(|_| event.kind == "container").map(String::as_str);
    (known.then_some(event.action.as_str()), known.then_some(event.id.as_str()).filter(|id| !id.is_empty()), from)
}

/// One event.
pub fn event(event: &Entry) -> Value {
    let mut object = Map::new();
    let (status, id, from) = old_fields(event);
    for (key, value) in [("status", status), ("id", id), ("from", from)] {
        if let Some(value) = value {
            object.insert(key.to_owned(), value.into());
        }
    }
    object.insert("Type".to_owned(), event.kind.clone().into());
    object.insert("Action".to_owned(), event.action.clone().into());
    object.insert("Actor".to_owned(), json!({ "ID": event.id, "Attributes": event.attributes }));
    object.insert("scope".to_owned(), "local".into());
    object.insert("time".to_owned(), seconds(event.time).into());
    object.insert("timeNano".to_owned(), event.time.0.into());
    Value::Object(object)
}
