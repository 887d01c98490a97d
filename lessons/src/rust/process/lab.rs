//! A process in namespaces of its own, with a root of its own: all that a container is.

use super::words::{NAMESPACES, Process, Step, Wanted};

/// How the first process of a container is made.
pub fn process(wanted: &Wanted) -> Process {
    // Every namespace is new but those that somebody wants to share.
    // -- solution
    let namespaces = NAMESPACES.into_iter().filter(|kind| !wanted.shared.contains(kind)).collect();
    // -- starter
    //> let namespaces = Vec::new();
    // -- end

    // -- solution
    // ANCHOR: steps
    let mut steps = vec![
        // Before anything is mounted: what is mounted where mounts are shared, the host sees too.
        Step::MakePrivate,
        Step::Furnish,
        // After the root is there, by a process that is in the new pid namespace: /proc shows the namespace of whoever mounts it.
        Step::Mount { kind: "proc".to_string(), target: "/proc".to_string() },
        Step::PivotRoot { root: wanted.root.clone() },
    ];
    // The name is the namespace's: where that is the host's, it would be the host that is renamed.
    if let Some(name) = &wanted.hostname {
        steps.push(Step::SetHostname { name: name.clone() });
    }
    // What is hidden is hidden at the container's own paths.
    steps.push(Step::Confine);
    // ANCHOR_END: steps
    // -- starter
    //> // To do: the host must not see what is mounted; /proc must show the container's own processes; the host's files must be out of
    //> // reach; the container must have its name; and Step::Confine must find the paths that it hides.
    //> let steps = vec![Step::Furnish];
    // -- end
    Process { namespaces, steps }
}
