//! A student's plan of a process, in the place of the planner's.

use super::{Asked, unreadable};
use crate::wrapped::Between;
use drydock_core::Result;
use drydock_core::kernel::{Kernel, Launch, MountFlags, Namespace, NamespaceFrom, NamespaceKind, Process, Step};
use drydock_core::plan::Planned;
use std::sync::Arc;

/// Has every container's first process made as somebody says.
pub(super) struct Isolating(pub Arc<dyn Asked>);

impl Between for Isolating {
    fn launch(&self, kernel: &dyn Kernel, launch: &Launch) -> Result<Process> {
        kernel.launch(&replanned(launch, &*self.0)?)
    }
}

/// The kinds that the lab has a word for. A user namespace is not among them: its ids are decided elsewhere.
const KINDS: [(NamespaceKind, &str); 6] = [
    (NamespaceKind::Ipc, "Ipc"),
    (NamespaceKind::Uts, "Uts"),
    (NamespaceKind::Network, "Network"),
    (NamespaceKind::Pid, "Pid"),
    (NamespaceKind::Cgroup, "Cgroup"),
    (NamespaceKind::Mount, "Mount"),
];

/// What the planner planned, in the order in which somebody else has it. An exec, which pivots nowhere, stays as it is.
fn replanned(launch: &Launch, asked: &dyn Asked) -> Result<Launch> {
    let pivot = launch.inside.iter().position(|p| matches!(p.step, Step::PivotRoot { .. }));
    let Some((at, Step::PivotRoot { root })) = pivot.and_then(|at| Some((at, &launch.inside.get(at)?.step))) else {
        return Ok(launch.clone());
    };
    let (before, after) = launch.inside.split_at(at);
    let mut question = format!("root {root}\n");
    for planned in after {
        if let Step::SetHostname { name } = &planned.step {
            question.push_str(&format!("hostname {name}\n"));
        }
    }
    let new = |kind| launch.namespaces.iter().any(|n| n.kind == kind && n.from == NamespaceFrom::New);
    for (_, word) in KINDS.iter().filter(|(kind, _)| !new(*kind)) {
        question.push_str(&format!("shared {word}\n"));
    }
    let furnish = before.iter().filter(|p| !is_theirs(&p.step));
    let confine = after.iter().filter(|p| !matches!(p.step, Step::PivotRoot { .. } | Step::SetHostname { .. }));
    let (furnish, confine): (Vec<Planned>, Vec<Planned>) = (furnish.cloned().collect(), confine.cloned().collect());

    let mut inside = Vec::new();
    let mut pivoted = false;
    // What is shared with another container, and user namespaces, are not the lab's.
    let mut namespaces: Vec<Namespace> =
        launch.namespaces.iter().filter(|n| n.from != NamespaceFrom::New || n.kind == NamespaceKind::User).cloned().collect();
    for line in asked.ask(&question)?.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let step = match words.as_slice() {
            ["namespace", word] => {
                let (kind, _) = KINDS.iter().find(|(_, known)| known == word).ok_or_else(|| unreadable(line))?;
                if !namespaces.iter().any(|n| n.kind == *kind) {
                    namespaces.push(Namespace { kind: *kind, from: NamespaceFrom::New });
                }
                continue;
            }
            ["step", "Furnish"] => {
                inside.extend(furnish.iter().cloned());
                continue;
            }
            ["step", "Confine"] => {
                inside.extend(confine.iter().cloned());
                continue;
            }
            ["step", "MakePrivate"] => Step::MakePrivate,
            ["step", "Mount", kind, target] => Step::Mount {
                kind: (*kind).to_owned(),
                source: (*kind).to_owned(),
                root: (!pivoted).then(|| root.clone()),
                target: (*target).to_owned(),
                flags: MountFlags { nosuid: true, nodev: true, noexec: true, ..MountFlags::default() },
                data: String::new(),
            },
            ["step", "PivotRoot", root] => {
                pivoted = true;
                Step::PivotRoot { root: (*root).to_owned() }
            }
            ["step", "SetHostname", name] => Step::SetHostname { name: (*name).to_owned() },
            _ => return Err(unreadable(line)),
        };
        inside.push(Planned::new(step, "As the student says.", "the lab"));
    }
    namespaces.sort_by_key(|n| n.kind);
    Ok(Launch { namespaces, inside, ..launch.clone() })
}

/// What a student has to think of.
fn is_theirs(step: &Step) -> bool {
    matches!(step, Step::MakePrivate) || matches!(step, Step::Mount { kind, .. } if kind == "proc")
}
