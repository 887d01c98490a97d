//! The drawing in words.

use super::escape::escaped;
use super::item::Item;
use crate::words::Language;

/// A share of a whole in words.
pub(crate) fn bar((used, most): (u64, u64)) -> String {
    format!("{} of {} used", size(used), size(most))
}

/// A size as people write it: `64 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut scale = 1_u64;
    while unit + 1 < units.len() && bytes / scale >= 1024 {
        scale *= 1024;
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or_default();
    let tenths = (u128::from(bytes) * 10 / u128::from(scale)) % 10;
    if tenths == 0 || bytes / scale >= 100 { format!("{} {name}", bytes / scale) } else { format!("{}.{tenths} {name}", bytes / scale) }
}

/// Things as a nested list.
pub(crate) fn list(items: &[Item], language: Language) -> String {
    if items.is_empty() {
        return format!("<p>{}</p>", language.say("There is nothing."));
    }
    let mut html = String::from("<ul>");
    for item in items {
        let class = item.change.word().map_or_else(String::new, |word| format!(" class=\"{word}\""));
        html.push_str(&format!("<li{class}>{} <b>{}</b>", escaped(&language.say(item.kind)), escaped(&item.name)));
        if let Some(word) = item.change.word() {
            html.push_str(&format!(" <em>({})</em>", language.say(word)));
        }
        let said = item
            .facts
            .iter()
            .cloned()
            .chain(item.bar.map(|b| language.say(&bar(b))))
            .chain(item.links.iter().map(|(_, words)| words.clone()));
        let said: Vec<String> = said.map(|fact| escaped(&fact)).collect();
        if !said.is_empty() {
            html.push_str(&format!(": {}", said.join("; ")));
        }
        if !item.inside.is_empty() {
            html.push_str(&list(&item.inside, language));
        }
        html.push_str("</li>");
    }
    html.push_str("</ul>");
    html
}
