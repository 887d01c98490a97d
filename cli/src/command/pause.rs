//! `drydock pause` and `drydock unpause`

use super::Definition;

/// `pause`
pub const PAUSE: Definition = Definition {
    name: "pause",
    group: "container",
    in_group: &["pause"],
    about: "Pause all processes within one or more containers",
    usage: "CONTAINER [CONTAINER...]",
    arity: (1, None),
    run: |_, names, session| {
        session.each(names, &mut |_, engine, name| {
            engine.pause(name)?;
            Ok(Some(name.to_owned()))
        })
    },
    ..Definition::PLAIN
};

/// `unpause`
pub const UNPAUSE: Definition = Definition {
    name: "unpause",
    in_group: &["unpause"],
    about: "Unpause all processes within one or more containers",
    run: |_, names, session| {
        session.each(names, &mut |_, engine, name| {
            engine.unpause(name)?;
            Ok(Some(name.to_owned()))
        })
    },
    ..PAUSE
};
