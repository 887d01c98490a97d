//! Engines that are broken in one way each.

mod kernel;
mod store;

use drydock_conformance::target::sim::{Breakage, Parts};
use drydock_conformance::wrapped::Wrapped;
use drydock_core::kernel::{Firewall, Launch, Namespace, NamespaceKind, Request, Signal, Step};
use drydock_core::plan::Planned;
use drydock_core::store::Change;
use kernel::Bugs;
use std::sync::Arc;
use store::BrokenStore;

/// One broken engine.
pub struct Mutant {
    /// What is wrong with it.
    pub name: &'static str,
    /// Clauses that catch it, each by itself.
    pub killers: &'static [&'static str],
    /// Breaks an engine.
    pub breakage: Breakage,
}

fn with(parts: Parts, bugs: Bugs) -> Parts {
    Parts { kernel: Arc::new(Wrapped { kernel: parts.kernel, between: bugs }), ..parts }
}

/// The wrapper without a bug.
pub fn nothing(parts: Parts) -> Parts {
    with(parts, Bugs::default())
}

/// Carries out every step but those.
fn skipping(parts: Parts, skip: fn(&Step) -> bool) -> Parts {
    with(parts, Bugs { skip: Some(skip), ..Bugs::default() })
}

/// Changes every process before it is made.
fn launching(parts: Parts, change: fn(&mut Launch)) -> Parts {
    with(parts, Bugs { launch: Some(change), ..Bugs::default() })
}

fn without(launch: &mut Launch, what: fn(&Step) -> bool) {
    let keep = |p: &Planned| !what(&p.step);
    launch.inside.retain(keep);
    launch.last.retain(keep);
}

/// The zoo.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "the bridge is left behind",
        killers: &["NET-BRIDGE-1"],
        breakage: |parts| skipping(parts, |s| matches!(s, Step::RemoveLink { name } if name.starts_with("drydock"))),
    },
    Mutant {
        name: "control groups are left behind",
        killers: &["LIM-GROUP-1", "CTR-EXIT-1"],
        breakage: |parts| skipping(parts, |s| matches!(s, Step::RemoveCgroup { .. })),
    },
    Mutant {
        name: "rules are left behind",
        killers: &["NET-PORT-1", "NET-PORT-4"],
        breakage: |parts| skipping(parts, |s| matches!(s, Step::RemoveRules { .. })),
    },
    Mutant {
        name: "a container's files are left behind",
        killers: &["CTR-EXIT-1", "CTR-LIFE-9"],
        breakage: |parts| skipping(parts, |s| matches!(s, Step::RemoveTree { path } if path.contains("/containers/"))),
    },
    Mutant {
        name: "limits are off by one",
        killers: &["LIM-PIDS-1"],
        breakage: |parts| {
            with(
                parts,
                Bugs {
                    change: Some(|step| {
                        if let Step::WriteCgroup { value, .. } = step
                            && let Ok(number) = value.parse::<u64>()
                        {
                            *value = (number + 1).to_string();
                        }
                    }),
                    ..Bugs::default()
                },
            )
        },
    },
    Mutant {
        name: "memory is not limited",
        killers: &["LIM-MEM-1", "LIM-MEM-3", "LIM-MEM-9"],
        breakage: |parts| skipping(parts, |s| matches!(s, Step::WriteCgroup { controller, .. } if controller == "memory")),
    },
    Mutant {
        name: "a published port answers on every address",
        killers: &["NET-PORT-5"],
        breakage: |parts| {
            with(
                parts,
                Bugs {
                    change: Some(|step| {
                        if let Step::AddRule { rule: Firewall::Publish { host_ip, .. }, .. } = step {
                            *host_ip = std::net::Ipv4Addr::UNSPECIFIED.into();
                        }
                    }),
                    ..Bugs::default()
                },
            )
        },
    },
    Mutant {
        name: "a container may mount and rename its host",
        killers: &["CTR-SEC-1", "CTR-SEC-7"],
        breakage: |parts| {
            launching(parts, |launch| {
                without(launch, |s| matches!(s, Step::SetSeccomp { .. } | Step::SetCapabilities { .. }));
            })
        },
    },
    Mutant {
        name: "no system call filter is installed",
        killers: &["CTR-SEC-5"],
        breakage: |parts| launching(parts, |launch| without(launch, |s| matches!(s, Step::SetSeccomp { .. }))),
    },
    Mutant {
        name: "no_new_privs is forgotten",
        killers: &["CTR-SEC-6"],
        breakage: |parts| launching(parts, |launch| without(launch, |s| matches!(s, Step::SetNoNewPrivs))),
    },
    Mutant {
        name: "nothing is masked",
        killers: &["CTR-SEC-11"],
        breakage: |parts| launching(parts, |launch| without(launch, |s| matches!(s, Step::MaskPath { .. }))),
    },
    Mutant {
        name: "the kernel's settings can be written",
        killers: &["CTR-SEC-10"],
        breakage: |parts| launching(parts, |launch| without(launch, |s| matches!(s, Step::ReadOnlyPath { .. }))),
    },
    Mutant {
        name: "the root can be written in spite of --read-only",
        killers: &["CTR-FILES-2"],
        breakage: |parts| launching(parts, |launch| without(launch, |s| matches!(s, Step::ReadOnlyRoot))),
    },
    Mutant {
        name: "the host name is not the container's",
        killers: &["CTR-ENV-7", "CTR-ENV-8", "CTR-ISO-10"],
        breakage: |parts| launching(parts, |launch| without(launch, |s| matches!(s, Step::SetHostname { .. }))),
    },
    Mutant {
        name: "the ipc namespace is the host's",
        killers: &["CTR-ISO-3", "CTR-ISO-4"],
        breakage: |parts| launching(parts, |launch| launch.namespaces.retain(|n: &Namespace| n.kind != NamespaceKind::Ipc)),
    },
    Mutant {
        name: "the user is root whatever was asked for",
        killers: &["CTR-USER-2", "CTR-USER-3", "CTR-USER-7"],
        breakage: |parts| {
            launching(parts, |launch| {
                for planned in launch.inside.iter_mut().chain(&mut launch.last) {
                    if let Step::SetUser { uid, gid, .. } = &mut planned.step {
                        (*uid, *gid) = (0, 0);
                    }
                }
            })
        },
    },
    Mutant {
        name: "stop kills at once",
        killers: &["CTR-SIG-1", "CTR-SIG-5"],
        breakage: |parts| {
            with(
                parts,
                Bugs {
                    request: Some(|request| {
                        if let Request::Stop { signal, .. } = request {
                            *signal = Signal::KILL;
                        }
                    }),
                    ..Bugs::default()
                },
            )
        },
    },
    Mutant {
        name: "stop never comes to SIGKILL by itself",
        killers: &["CTR-SIG-2", "CTR-SIG-7"],
        breakage: |parts| {
            with(
                parts,
                Bugs {
                    request: Some(|request| {
                        if let Request::Stop { grace, .. } = request {
                            *grace = Some(std::time::Duration::from_secs(8));
                        }
                    }),
                    ..Bugs::default()
                },
            )
        },
    },
    Mutant {
        name: "an address is never free again",
        killers: &["NET-ADDR-4"],
        breakage: |parts| Parts { store: Arc::new(BrokenStore { store: parts.store, lose: never_free("Addresses") }), ..parts },
    },
    Mutant {
        name: "a port is never free again",
        killers: &["NET-PORT-4"],
        breakage: |parts| Parts { store: Arc::new(BrokenStore { store: parts.store, lose: never_free("Ports") }), ..parts },
    },
    Mutant {
        name: "a name is never free again",
        killers: &["CTR-NAME-8"],
        breakage: |parts| Parts { store: Arc::new(BrokenStore { store: parts.store, lose: never_free("Names") }), ..parts },
    },
];

fn never_free(table: &'static str) -> fn(&Change) -> bool {
    match table {
        "Addresses" => |c| matches!(c, Change::Delete(drydock_core::store::Table::Addresses, _)),
        "Ports" => |c| matches!(c, Change::Delete(drydock_core::store::Table::Ports, _)),
        _ => |c| matches!(c, Change::Delete(drydock_core::store::Table::Names, _)),
    }
}
