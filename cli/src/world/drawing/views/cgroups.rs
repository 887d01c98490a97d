//! Control groups: the tree, who is in which group, what it may use and what it does.

use super::super::item::Item;
use super::super::look::Seen;
use super::super::text::size;
use drydock_sim::cgroup::Group;
use drydock_sim::world::World;

pub(crate) fn items(world: &World, seen: &Seen) -> Vec<Item> {
    vec![group(world, seen, 0)]
}

fn group(world: &World, seen: &Seen, id: u32) -> Item {
    let Some(group) = world.cgroups.groups.get(&id) else { return Item::default() };
    let name = match seen.containers.iter().find(|c| c.record.id.as_str() == group.name) {
        Some(c) => format!("{}, of container {}", c.record.id.short(), c.record.name),
        None if id == 0 => "/".to_owned(),
        None => group.name.clone(),
    };
    let mut item = limits(Item::new(format!("group {id}"), "group", name), group);
    let all = usize::try_from(group.pids).unwrap_or(usize::MAX);
    if !group.members.is_empty() {
        let pids: Vec<String> = group.members.iter().take(12).map(ToString::to_string).collect();
        let more = if group.members.len() > pids.len() { " and more" } else { "" };
        item = item.fact(format!("processes {}{more}", pids.join(", ")));
    }
    if id != 0 && group.children.is_empty() && all == 0 {
        item = item.fact("no process is in it");
    }
    let children: Vec<Item> = group.children.values().map(|child| self::group(world, seen, *child)).collect();
    item.with(children)
}

fn limits(mut item: Item, group: &Group) -> Item {
    if let Some(limit) = group.memory_limit {
        item = item.fact(format!("memory: at most {}", size(limit)));
        item.bar = Some((group.memory, limit));
    }
    if let Some((quota, period)) = group.quota {
        item = item.fact(format!("processor: {quota} of every {period} microseconds"));
    }
    if group.shares != 1024 {
        item = item.fact(format!("processor: {} shares where others have 1024", group.shares));
    }
    if let Some(limit) = group.pids_limit {
        item = item.fact(format!("processes: at most {limit}"));
    }
    if group.oom_kills > 0 {
        item = item.fact(format!("killed for want of memory: {}", group.oom_kills));
    }
    if group.frozen {
        item = item.fact("frozen");
    }
    item
}
