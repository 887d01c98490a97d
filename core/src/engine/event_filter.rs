//! The filters of events, as `events --filter` takes them.

use super::events::Entry;
use std::collections::BTreeSet;

/// Whether an event passes the filters: values of one key are alternatives, labels and keys must all hold, and unknown keys mean
/// nothing, as in dockerd. Names and ids are matched from their beginning.
pub fn event_passes(event: &Entry, filters: &[(String, String)]) -> bool {
    let keys: BTreeSet<&str> = filters.iter().map(|(key, _)| key.as_str()).filter(|key| *key != "label").collect();
    let labels = filters.iter().filter(|(key, _)| key == "label").all(|(key, value)| holds(event, key, value));
    labels && keys.into_iter().all(|key| filters.iter().any(|(k, value)| k == key && holds(event, key, value)))
}

fn attribute<'a>(event: &'a Entry, name: &str) -> &'a str {
    event.attributes.get(name).map_or("", String::as_str)
}

fn holds(event: &Entry, key: &str, value: &str) -> bool {
    let of_kind = || event.kind == key && (event.id.starts_with(value) || attribute(event, "name").starts_with(value));
    match key {
        "type" => event.kind == value,
        // What is executed, and how healthy something is, follow the name of an event after a colon.
        "event" => event.action == value || event.action.split(':').next() == Some(value),
        "container" => of_kind() || (event.kind != "container" && attribute(event, "container").starts_with(value)),
        "image" => image(event, value),
        "label" => match value.split_once('=') {
            Some((name, wanted)) => event.attributes.get(name).is_some_and(|v| v == wanted),
            None => event.attributes.contains_key(value),
        },
        "scope" => value == "local",
        "network" | "volume" | "daemon" | "node" | "service" | "secret" | "config" | "plugin" => of_kind(),
        _ => true,
    }
}

/// By the image's id or name, and by the name that a container was made from, with or without its tag.
fn image(event: &Entry, wanted: &str) -> bool {
    let untagged = |name: &str| name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(name.to_owned(), |(n, _)| n.to_owned());
    let (id, name) = match event.kind.as_str() {
        "container" => ("", attribute(event, "image")),
        "image" => (event.id.as_str(), attribute(event, "name")),
        _ => return false,
    };
    id == wanted || name == wanted || untagged(name) == wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn event(kind: &str, action: &str, attributes: &[(&str, &str)]) -> Entry {
        Entry {
            number: 1,
            time: Timestamp(1),
            kind: kind.to_owned(),
            action: action.to_owned(),
            id: "abc".to_owned(),
            attributes: attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        }
    }

    #[test]
    fn filters_are_read_as_dockerd_reads_them() {
        let start = event("container", "start", &[("image", "busybox:latest"), ("name", "web"), ("team", "red")]);
        let exec = event("container", "exec_create: true ", &[("name", "web")]);
        let joined = event("network", "connect", &[("container", "abc"), ("name", "bridge")]);
        let fits = |event: &Entry, text: &str| {
            let pairs: Vec<_> = text.split(' ').filter_map(|p| p.split_once('~')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
            event_passes(event, &pairs)
        };
        for (text, on_start) in [
            ("", true),
            ("type~container", true),
            ("type~network", false),
            ("type~network type~container", true),
            ("container~web", true),
            ("container~w", true),
            ("container~ab", true),
            ("container~db", false),
            ("event~start", true),
            ("event~stop", false),
            ("image~busybox", true),
            ("image~busybox:latest", true),
            ("image~nginx", false),
            ("label~team", true),
            ("label~team=red", true),
            ("label~team label~other", false),
            ("scope~swarm", false),
            ("nonsense~x", true),
        ] {
            assert_eq!(fits(&start, text), on_start, "{text}");
        }
        assert!(fits(&exec, "event~exec_create") && !fits(&exec, "event~exec"));
        assert!(fits(&joined, "network~bridge") && fits(&joined, "container~abc") && !fits(&joined, "container~web"));
    }
}
