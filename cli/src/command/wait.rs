//! `drydock wait`

use super::Definition;

/// `wait`
pub const DEFINITION: Definition = Definition {
    name: "wait",
    group: "container",
    in_group: &["wait"],
    about: "Block until one or more containers stop, then print their exit codes",
    usage: "CONTAINER [CONTAINER...]",
    arity: (1, None),
    run: |_, names, session| session.each(names, &mut |_, engine, name| Ok(Some(engine.wait(name, None)?.to_string()))),
    ..Definition::PLAIN
};
