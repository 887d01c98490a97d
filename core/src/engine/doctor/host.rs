//! What is on the host and belongs to nothing.

use super::{Case, Chart, Cure};
use crate::engine::LocalEngine;
use crate::kernel::Step;
use crate::observe::Snapshot;
use std::collections::BTreeSet;

/// What is owned, by the names it has on the host.
struct Owned<'a> {
    charts: [&'a Chart; 2],
}

impl Owned<'_> {
    /// Whether a container's id begins so and there is such a container, or something under way with one.
    fn container(&self, prefix: &str) -> bool {
        !prefix.is_empty()
            && self.charts.iter().any(|chart| {
                chart.containers.keys().chain(&chart.plans).any(|id| id.starts_with(prefix))
                    || chart.unreadable.iter().any(|(_, key)| key.starts_with(prefix))
            })
    }

    /// Whether such a container holds things of this boot: it runs, or something is under way with it.
    fn active(&self, prefix: &str) -> bool {
        let holds = |chart: &Chart| {
            chart.plans.iter().any(|id| id.starts_with(prefix))
                || chart.containers.iter().any(|(id, c)| id.starts_with(prefix) && (c.state.under_way || c.state.process.is_some()))
        };
        !prefix.is_empty() && self.charts.iter().any(|chart| holds(chart))
    }

    /// Whether something is connected to such a network.
    fn network(&self, prefix: &str) -> bool {
        let joined = |chart: &Chart| {
            chart.plans.iter().any(|id| id.starts_with(prefix))
                || chart.containers.values().any(|c| c.endpoints.iter().any(|e| e.network.as_str().starts_with(prefix)))
        };
        self.charts.iter().any(|chart| joined(chart))
    }

    fn link(&self, name: &str) -> bool {
        let of_endpoint = |chart: &Chart| chart.containers.values().flat_map(|c| &c.endpoints).any(|e| e.host_link == name);
        let of_network = |chart: &Chart| chart.networks.values().any(|n| n.bridge == name && self.network(n.id.as_str()));
        self.charts.iter().any(|chart| of_endpoint(chart) || of_network(chart))
            || name.strip_prefix("veth").is_some_and(|id| self.active(id))
    }

    fn blob(&self, hex: &str) -> bool {
        let named = |chart: &Chart| {
            chart.pending.contains(&format!("blob/{hex}"))
                || chart.images.values().any(|i| i.id.as_str().ends_with(hex) || i.manifest.as_ref().is_some_and(|m| m.digest.hex() == hex))
                || chart.images.values().any(|i| i.blobs.iter().any(|b| b.digest.hex() == hex))
                || chart.layers.values().any(|l| l.blob.digest.hex() == hex)
        };
        self.charts.iter().any(|chart| named(chart))
    }

    fn layer(&self, hex: &str) -> bool {
        let named = |chart: &Chart| {
            chart.layers.keys().any(|c| c.ends_with(hex)) || chart.pending.iter().any(|p| p.starts_with("layer/") && p.ends_with(hex))
        };
        self.charts.iter().any(|chart| named(chart))
    }
}

fn steps(step: Step) -> Cure {
    Cure::Steps(vec![step])
}

impl LocalEngine {
    /// Everything that was seen and that no record owns.
    pub(super) fn leftovers(&self, before: &Chart, after: &Chart, seen: &Snapshot) -> Vec<Case> {
        let owned = Owned { charts: [before, after] };
        let mut cases = Vec::new();
        let groups = format!("{}/", self.layout().groups());
        for group in &seen.cgroups {
            // `drydock/ID`, and what a container made below its own.
            let Some(id) = group.strip_prefix(&groups).filter(|rest| !rest.contains('/')) else { continue };
            if !owned.active(id) {
                let remedy = "kill what is in the group, and remove it";
                cases.push(Case::unowned("cgroup", group, remedy, steps(Step::RemoveCgroup { path: group.clone() })));
            }
        }
        let bridges: BTreeSet<&str> = [before, after].iter().flat_map(|c| c.networks.values()).map(|n| n.bridge.as_str()).collect();
        for link in &seen.links {
            let ours = bridges.contains(link.as_str()) || is_our_veth(link);
            if ours && !owned.link(link) {
                cases.push(Case::unowned("link", link, "remove the link", steps(Step::RemoveLink { name: link.clone() })));
            }
        }
        let mut judged = BTreeSet::new();
        for rule in &seen.rules {
            // `CHAIN OWNER FINGERPRINT`
            let Some(owner) = rule.split(' ').nth(1).filter(|owner| judged.insert((*owner).to_owned())) else { continue };
            let mut parts = owner.splitn(3, '-');
            let is_owned = match (parts.next(), parts.next()) {
                (Some("endpoint"), Some(id)) => owned.active(id),
                (Some("network"), Some(id)) => owned.network(id),
                _ => true,
            };
            if !is_owned {
                cases.push(Case::unowned("rule", owner, "remove the rules", steps(Step::RemoveRules { owner: owner.to_owned() })));
            }
        }
        for line in &seen.processes {
            self.process(line, &owned, &mut cases);
        }
        self.mounts(seen, &mut cases);
        for path in &seen.files {
            self.file(path, &owned, &mut cases);
        }
        cases
    }

    /// `PID ARGUMENTS`: a supervisor whose container is gone. Other processes go with their group.
    fn process(&self, line: &str, owned: &Owned<'_>, cases: &mut Vec<Case>) {
        let mut words = line.split(' ');
        let (Some(pid), Some(_), Some("supervise"), Some(id)) = (words.next(), words.next(), words.next(), words.next_back()) else {
            return;
        };
        if !owned.container(id) {
            let cure = steps(Step::EndStray { seen: line.to_owned() });
            cases.push(Case::unowned("process", line, &format!("kill -9 {pid}"), cure));
        }
    }

    /// Nothing of Drydock's is mounted in the host's own namespace, but volumes that are file systems themselves. What is mounted where
    /// containers have their files was left by somebody who looked at them; elsewhere it may be a person's own disk, and is left to them.
    fn mounts(&self, seen: &Snapshot, cases: &mut Vec<Case>) {
        let layout = self.layout();
        for line in &seen.mounts {
            let Some((path, _)) = line.rsplit_once(' ') else { continue };
            let below = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
            let volume = path.starts_with(&format!("{}/volumes/", layout.data_root()));
            if (below(layout.data_root()) || below(layout.run_root())) && !volume {
                let theirs = below(&format!("{}/containers", layout.data_root())) || below(layout.run_root());
                let cure = if theirs { steps(Step::Unmount { path: path.to_owned() }) } else { Cure::ByHand };
                cases.push(Case::unowned("mount", path, &format!("umount {path}"), cure));
            }
        }
    }

    fn file(&self, path: &str, owned: &Owned<'_>, cases: &mut Vec<Case>) {
        let layout = self.layout();
        let gone = |thing: &str, top: String| {
            let cure = steps(Step::RemoveTree { path: top.clone() });
            Case::unowned(thing, top, "remove it", cure)
        };
        if let Some(rest) = path.strip_prefix(layout.data_root()).and_then(|r| r.strip_prefix('/')) {
            let mut parts = rest.splitn(3, '/');
            match (parts.next(), parts.next(), parts.next()) {
                (Some("containers"), Some(id), None) if !owned.container(id) => cases.push(gone("directory", path.to_owned())),
                (Some("blobs"), Some("sha256"), Some(name)) if name.len() == 64 && !owned.blob(name) => {
                    cases.push(gone("blob", path.to_owned()));
                }
                (Some("layers"), Some(name), None) if name.len() == 64 && !owned.layer(name) => cases.push(gone("layer", path.to_owned())),
                _ => {}
            }
        } else if let Some(rest) = path.strip_prefix(layout.run_root()).and_then(|r| r.strip_prefix('/')) {
            let mut parts = rest.splitn(3, '/');
            match (parts.next(), parts.next(), parts.next()) {
                (Some("containers"), Some(id), None) if !owned.active(id) => cases.push(gone("directory", path.to_owned())),
                (Some("s"), Some(id), None) if !owned.active(id.split('.').next().unwrap_or(id)) => {
                    cases.push(gone("socket", path.to_owned()))
                }
                (Some("locks"), Some(name), None) => {
                    cases.push(Case::unowned("lock", path, "remove the file", Cure::Unlock(name.to_owned())));
                }
                _ => {}
            }
        }
    }
}

/// `veth` and the first seven digits of a container's id, or its other end before it is moved.
fn is_our_veth(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("veth") else { return false };
    let digits = rest.strip_suffix('p').unwrap_or(rest);
    digits.len() == 7 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
