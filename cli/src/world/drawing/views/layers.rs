//! Layers and mounts: what a container's files are made of, and what is mounted in it.

use super::super::item::Item;
use super::super::look::{Container, Seen};
use super::{first_process, state};
use drydock_core::container::{MountKind, MountRequest};
use drydock_core::image::changeset::ChangeKind;
use drydock_sim::world::World;
use std::collections::BTreeMap;

/// So many changed paths of a container are named.
const NAMED: usize = 6;

pub(crate) fn items(world: &mut World, seen: &Seen) -> Vec<Item> {
    let mut all: Vec<Item> = seen.containers.iter().map(|c| container(world, seen, c)).collect();
    all.extend(seen.volumes.iter().map(|v| {
        let name = &v.record.name;
        Item::new(format!("volume {name}"), "volume", name.clone()).fact(v.mountpoint.clone())
    }));
    all.extend(layers(seen));
    all
}

fn container(world: &mut World, seen: &Seen, c: &Container) -> Item {
    let id = c.record.id.as_str();
    let mut own = Item::new(format!("{id}/own"), "layer", "its own, writable");
    for change in c.changed.iter().take(NAMED) {
        let what = match change.kind {
            ChangeKind::Added => "added",
            ChangeKind::Changed => "changed",
            ChangeKind::Deleted => "deleted, hidden by a whiteout",
        };
        own = own.fact(format!("{}: {what}", change.path));
    }
    own = match c.changed.len() {
        0 => own.fact("nothing in it"),
        n if n > NAMED => own.fact(format!("and {} more", n - NAMED)),
        _ => own,
    };
    if let Some(image) = seen.images.iter().find(|i| i.record.id == c.record.image)
        && let Some(top) = image.record.layers.last()
    {
        own = own.link(format!("layer {top}"), format!("stands on layer {}", top.short()));
    }
    Item::new(id, "container", c.record.name.clone()).fact(state(c)).with([own]).with(mounts(world, seen, c))
}

/// The root and the mounts that somebody asked for one by one; those that every container has together.
fn mounts(world: &mut World, seen: &Seen, c: &Container) -> Vec<Item> {
    let Some((pid, ns)) = first_process(world, c).map(|p| (p.pid, p.ns.mount)) else { return Vec::new() };
    let Ok(ctx) = world.ctx(pid) else { return Vec::new() };
    let mut all = Vec::new();
    let (mut kernels, mut files, mut covered) = (Vec::new(), Vec::new(), Vec::new());
    for (number, path) in world.mount_table(&ctx, ns) {
        let Some(mount) = world.fs.mounts.get(&number) else { continue };
        let kind = world.fs.systems.get(&mount.system).map(|fs| fs.kind.clone()).unwrap_or_default();
        let asked_for = c.record.config.mounts.iter().find(|m| stands_at(m, &path));
        if asked_for.is_some() || path == "/" {
            let write = if mount.flags.read_only { "read only" } else { "can be written" };
            let item = Item::new(format!("{}{path}#{number}", c.record.id), "mount", path.clone()).fact(format!("{kind}, {write}"));
            let volume = asked_for.filter(|m| m.kind == MountKind::Volume);
            let volume = volume.and_then(|m| seen.volumes.iter().find(|v| v.record.name == m.source));
            all.push(match volume {
                Some(volume) => item.link(format!("volume {}", volume.record.name), format!("shows volume {}", volume.record.name)),
                None if path == "/" => item.fact("the layers seen as one"),
                None if kind == "tmpfs" => item,
                None => item.fact(format!("from {}", mount.source)),
            });
        } else if kind.starts_with("cgroup") || ["/proc", "/sys"].contains(&path.as_str()) {
            kernels.push(format!("{path} ({kind})"));
        } else if path.starts_with("/proc/") || path.starts_with("/sys/") {
            covered.push(path);
        } else if path.starts_with("/dev") {
            kernels.push(format!("{path} ({kind})"));
        } else {
            files.push(path);
        }
    }
    let together = [
        ("kernel", "the kernel's and in memory", kernels),
        ("files", "files of its own, written by Drydock", files),
        ("covered", "covered or read only, so that it cannot change the host", covered),
    ];
    let filled = together.into_iter().filter(|(.., paths)| !paths.is_empty());
    all.extend(filled.map(|(id, name, paths)| Item::new(format!("{}/{id}", c.record.id), "mounts", name).fact(paths.join(", "))));
    all
}

fn stands_at(mount: &MountRequest, path: &str) -> bool {
    mount.target.trim_end_matches('/') == path.trim_end_matches('/')
}

/// Every layer once, with the images that have it; the one below it is what its line leads to.
fn layers(seen: &Seen) -> Vec<Item> {
    let mut users: BTreeMap<String, (Vec<String>, Option<String>)> = BTreeMap::new();
    let mut order = Vec::new();
    for image in &seen.images {
        let name = image.tags.first().cloned().unwrap_or_else(|| image.record.id.short().to_owned());
        let mut below = None;
        for layer in &image.record.layers {
            let key = layer.to_string();
            let entry = users.entry(key.clone()).or_insert_with(|| {
                order.push(layer.clone());
                (Vec::new(), below.clone())
            });
            entry.0.push(name.clone());
            below = Some(key);
        }
    }
    order
        .into_iter()
        .rev()
        .map(|layer| {
            let key = layer.to_string();
            let (names, below) = users.remove(&key).unwrap_or_default();
            let item = Item::new(format!("layer {key}"), "layer", layer.short()).fact(format!("read only; of {}", names.join(", ")));
            match below {
                None => item,
                Some(below) => item.link(format!("layer {below}"), format!("stands on layer {}", short(&below))),
            }
        })
        .collect()
}

fn short(id: &str) -> &str {
    let hex = id.strip_prefix("sha256:").unwrap_or(id);
    hex.get(..12).unwrap_or(hex)
}
