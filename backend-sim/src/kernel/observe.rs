//! Everything on the simulated host that Drydock could leave behind.

use super::{DATA_ROOT, RUN_ROOT};
use crate::host::Machine;
use crate::world::World;
use drydock_core::id::Digest;
use drydock_core::kernel::Firewall;
use drydock_core::observe::Snapshot;
use std::collections::BTreeSet;

/// The group above all containers' groups.
const GROUP: &str = "drydock";

impl Machine {
    /// Looks at the whole host.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let descriptors = {
            let actors = self.actors();
            actors.locks.keys().map(|name| format!("lock {name}")).collect()
        };
        let engine = self.actors().engine;
        let mut world = self.shared.lock();
        Snapshot {
            mounts: world.host_mounts(),
            cgroups: world.groups_below(GROUP),
            network_namespaces: world
                .net
                .spaces
                .keys()
                .filter(|ns| **ns != world.outside_ns && **ns != world.net.host)
                .map(|ns| format!("net:[{ns}]"))
                .collect(),
            links: world.show_links(world.net.host).into_iter().map(|l| l.name).collect(),
            addresses: world.show_addresses(world.net.host).into_iter().map(|a| format!("{} {}", a.link, a.address)).collect(),
            rules: world.net.rules.iter().map(|(owner, rule)| rule_line(owner, rule)).collect(),
            processes: world.drydock_processes(engine),
            descriptors,
            files: [DATA_ROOT, RUN_ROOT].iter().flat_map(|root| world.files_below(root)).collect(),
        }
    }
}

/// `CHAIN OWNER FINGERPRINT`, as rules are listed on Linux.
fn rule_line(owner: &str, rule: &Firewall) -> String {
    let chain = if matches!(rule, Firewall::Bridge { .. }) { "postrouting" } else { "prerouting" };
    let fingerprint = Digest::of(&serde_json::to_vec(rule).unwrap_or_default());
    format!("{chain} {owner} {}", fingerprint.hex().get(..12).unwrap_or_default())
}

impl World {
    fn host_mounts(&mut self) -> BTreeSet<String> {
        let ctx = self.kernel_ctx();
        let ns = self.ns.host.mount;
        let table = self.mount_table(&ctx, ns);
        let kind = |w: &World, id| w.fs.mounts.get(&id).and_then(|m| w.fs.systems.get(&m.system)).map(|fs| fs.kind.clone());
        table.into_iter().map(|(id, path)| format!("{path} {}", kind(self, id).unwrap_or_default())).collect()
    }

    fn groups_below(&self, top: &str) -> BTreeSet<String> {
        let Some(top) = self.cgroups.find(top) else { return BTreeSet::new() };
        let mut all = BTreeSet::new();
        let mut next = vec![top];
        while let Some(at) = next.pop() {
            if let Ok(group) = self.cgroups.get(at) {
                next.extend(group.children.values());
                if at != top {
                    all.insert(self.cgroups.path(at, 0).trim_start_matches('/').to_owned());
                }
            }
        }
        all
    }

    /// Processes that Drydock started: all that descend from one of its own.
    fn drydock_processes(&self, engine: u32) -> BTreeSet<String> {
        let ours = |p: &&crate::process::Proc| p.pid != engine && (p.actor && p.name == "drydock" || p.cgroup != 0 || p.parent == engine);
        self.procs.values().filter(ours).map(|p| format!("{} {}", p.pid, p.args.join(" "))).collect()
    }

    /// Kills a process of a line of a snapshot, if it still is that one.
    pub(super) fn step_end_stray(&mut self, seen: &str) -> drydock_core::Result<()> {
        let found = self.procs.values().find(|p| format!("{} {}", p.pid, p.args.join(" ")) == seen).map(|p| p.pid);
        if let Some(pid) = found {
            self.deliver(pid, drydock_core::kernel::Signal::KILL, true);
        }
        Ok(())
    }

    fn files_below(&mut self, root: &str) -> Vec<String> {
        let ctx = self.kernel_ctx();
        let Ok(at) = self.walk(&ctx, root, true) else { return Vec::new() };
        let mut all = Vec::new();
        let mut next = vec![(at.node, root.to_owned())];
        while let Some((node, path)) = next.pop() {
            let crate::vfs::Node::Plain(ino) = node else { continue };
            let Ok(inode) = self.fs.get(ino) else { continue };
            for (name, child) in inode.entries().into_iter().flatten() {
                let path = format!("{path}/{name}");
                // The drawers that things lie in are no things: they stay when they are empty. What is inside a thing is its own affair.
                let drawer = node == at.node || path.ends_with("/blobs/sha256");
                let is_dir = self.fs.get(*child).is_ok_and(|c| c.entries().is_some());
                if drawer && is_dir {
                    next.push((crate::vfs::Node::Plain(*child), path));
                } else {
                    all.push(path);
                }
            }
        }
        all
    }
}
