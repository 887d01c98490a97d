//! Images: their names, what they are made of, and who uses them.

use super::super::item::Item;
use super::super::look::Seen;
use super::super::text::size;

pub(crate) fn items(seen: &Seen) -> Vec<Item> {
    let shared = |layer: &drydock_core::id::ChainId| seen.images.iter().filter(|i| i.record.layers.contains(layer)).count() > 1;
    seen.images
        .iter()
        .map(|image| {
            let record = &image.record;
            let name = if image.tags.is_empty() { "without a name".to_owned() } else { image.tags.join(", ") };
            let mut item =
                Item::new(format!("image {}", record.id), "image", name).fact(format!("id {}, {}", record.id.short(), size(record.size)));
            let users: Vec<&str> = seen.containers.iter().filter(|c| c.record.image == record.id).map(|c| c.record.name.as_str()).collect();
            if !users.is_empty() {
                item = item.fact(format!("used by container {}", users.join(", ")));
            }
            item.with(record.layers.iter().map(|layer| {
                let word = if shared(layer) { " shared" } else { "" };
                Item::new(format!("{} {layer}", record.id), "layer", format!("{}{word}", layer.short()))
            }))
        })
        .collect()
}
