//! What a host holds: the question behind the residue law, the state drawings and the lockstep comparison.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Everything on the host that could be left behind, each as one line of text that names it.
///
/// The residue law of the suite: the snapshot after a clause equals the one before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Mount points, with their file system type.
    pub mounts: BTreeSet<String>,
    /// Control groups below Drydock's own.
    pub cgroups: BTreeSet<String>,
    /// Network namespaces.
    pub network_namespaces: BTreeSet<String>,
    /// Links of the host.
    pub links: BTreeSet<String>,
    /// Addresses of the host, with their link.
    pub addresses: BTreeSet<String>,
    /// Rules in Drydock's own table.
    pub rules: BTreeSet<String>,
    /// Processes Drydock started.
    pub processes: BTreeSet<String>,
    /// Descriptors of the process that asks.
    pub descriptors: BTreeSet<String>,
    /// Files under the data root and the run root.
    pub files: BTreeSet<String>,
}

impl Snapshot {
    /// What `after` has that this has not (`+`) and the reverse (`-`), a line each.
    pub fn difference(&self, after: &Snapshot) -> Vec<String> {
        let pairs = [
            ("mount", &self.mounts, &after.mounts),
            ("cgroup", &self.cgroups, &after.cgroups),
            ("netns", &self.network_namespaces, &after.network_namespaces),
            ("link", &self.links, &after.links),
            ("address", &self.addresses, &after.addresses),
            ("rule", &self.rules, &after.rules),
            ("process", &self.processes, &after.processes),
            ("descriptor", &self.descriptors, &after.descriptors),
            ("file", &self.files, &after.files),
        ];
        let mut lines = Vec::new();
        for (what, before, after) in pairs {
            lines.extend(after.difference(before).map(|x| format!("+ {what} {x}")));
            lines.extend(before.difference(after).map(|x| format!("- {what} {x}")));
        }
        lines
    }
}
