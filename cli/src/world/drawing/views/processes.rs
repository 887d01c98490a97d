//! Processes and namespaces: who runs, under which number, and what it shares with whom.

use super::super::item::Item;
use super::super::look::{Container, Seen};
use super::{first_process, namespace, state};
use drydock_core::kernel::NamespaceKind;
use drydock_sim::process::{KINDS, Proc};
use drydock_sim::sys::WaitStatus;
use drydock_sim::world::World;

pub(crate) fn items(world: &World, seen: &Seen) -> Vec<Item> {
    let of = |p: &Proc| seen.of_group(&world.cgroups.path(p.cgroup, 0)).map(|c| c.record.id.clone());
    let hosts = tree(world, &|p| of(p).is_none());
    let host = Item::new("host", "host", world.config.hostname.clone()).with(hosts);
    let containers = seen.containers.iter().map(|c| {
        let id = &c.record.id;
        let mut item = Item::new(id.as_str(), "container", c.record.name.clone()).fact(format!("{} · {}", state(c), c.image));
        if let Some(first) = first_process(world, c) {
            item = namespaces(world, c, first, item);
        }
        item.with(tree(world, &|p| of(p).as_ref() == Some(id)))
    });
    std::iter::once(host).chain(containers).collect()
}

/// Its own namespaces, and those that it shares.
fn namespaces(world: &World, container: &Container, first: &Proc, mut item: Item) -> Item {
    let host = &world.ns.host;
    let (own, shared): (Vec<_>, Vec<_>) = KINDS.into_iter().partition(|(kind, _)| first.ns.get(*kind) != host.get(*kind));
    if !shared.is_empty() {
        let names: Vec<&str> = shared.iter().map(|(_, name)| *name).collect();
        item = item.fact(format!("shares with the host: {}", names.join(", ")));
    }
    if let Some(uts) = world.ns.uts.get(&first.ns.get(NamespaceKind::Uts)) {
        item = item.fact(format!("host name inside: {}", uts.host));
    }
    if !own.is_empty() {
        item = item.fact("namespaces of its own:");
    }
    let chip = |(kind, name): (NamespaceKind, &str)| {
        let number = first.ns.get(kind);
        Item::new(format!("{}/{name}", container.record.id), "namespace", namespace(name, number))
    };
    item.with(own.into_iter().map(chip))
}

/// The processes that are meant, each with its children among them inside.
fn tree(world: &World, meant: &dyn Fn(&Proc) -> bool) -> Vec<Item> {
    let is_top = |p: &&Proc| meant(p) && !world.procs.get(&p.parent).is_some_and(meant);
    world.procs.values().filter(is_top).map(|p| process(world, p, meant)).collect()
}

fn process(world: &World, p: &Proc, meant: &dyn Fn(&Proc) -> bool) -> Item {
    let inside = p.pid_in(p.ns.pid);
    let mut item = Item::new(format!("process {}", p.born), "process", format!("{inside} {}", shortened(&p.args)));
    if inside != p.pid {
        item = item.fact(format!("for the host it is process {}", p.pid));
    }
    match p.ended {
        Some(WaitStatus::Exited(code)) => item = item.fact(format!("a zombie: it ended with {code} and nobody has asked")),
        Some(WaitStatus::Signaled(signal)) => item = item.fact(format!("a zombie: {signal} killed it and nobody has asked")),
        _ if p.stopped => item = item.fact("stopped by a signal"),
        _ => {}
    }
    if p.creds.euid != 0 {
        item = item.fact(format!("user {}", p.creds.euid));
    }
    let children = p.children.iter().filter_map(|c| world.procs.get(c)).filter(|c| meant(c));
    item.with(children.map(|c| process(world, c, meant)))
}

/// Arguments, whole ids as lists show them.
fn shortened(args: &[String]) -> String {
    let short = |word: &String| match word.get(..12) {
        Some(first) if word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit()) => first.to_owned(),
        _ => word.clone(),
    };
    args.iter().map(short).collect::<Vec<_>>().join(" ")
}
