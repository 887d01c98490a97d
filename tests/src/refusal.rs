//! The other half of a capability: what a target does not declare it refuses, and changes nothing.

use crate::outcome::{Checked, equal, fail};
use crate::residue;
use crate::script::Script;
use crate::world::World;
use drydock_core::container::{ContainerConfig, NetworkMode, UserRange};
use drydock_core::host::Capability;
use drydock_core::kernel::Protocol;
use drydock_core::network::PortRequest;
use drydock_core::{Error, ErrorKind};

/// Asks for what this capability is about; the answer must be [`ErrorKind::Unsupported`], and nothing may have changed.
pub fn check(world: &World<'_>, missing: Capability) -> Checked {
    let before = residue::observe(world)?;
    let error = ask(world, missing)?;
    equal(format_args!("the kind of error without {missing:?}"), error.kind(), ErrorKind::Unsupported)?;
    world.clean()?;
    residue::unchanged(world, &before)
}

fn ask(world: &World<'_>, missing: Capability) -> Checked<Error> {
    let run = |tweak: fn(&mut ContainerConfig)| world.refused(&["true"], tweak);
    match missing {
        Capability::Containers => run(|_| {}),
        Capability::Memory => run(|c| c.resources.memory = Some(64 << 20)),
        Capability::Cpu => run(|c| c.resources.nano_cpus = Some(500_000_000)),
        Capability::Pids => run(|c| c.resources.pids = Some(16)),
        Capability::Seccomp => run(|c| c.security_opt = vec![r#"seccomp={"defaultAction":"SCMP_ACT_ALLOW"}"#.to_owned()]),
        Capability::UserNamespaces => run(|c| c.user_range = Some(UserRange { start: 100_000, size: 65_536 })),
        Capability::Bridge => run(|c| c.network = NetworkMode::default()),
        Capability::Publish => run(|c| {
            c.network = NetworkMode::default();
            c.ports = vec![PortRequest { protocol: Protocol::Tcp, host_ip: None, host_ports: Some((8080, 8080)), container_port: 80 }];
        }),
        Capability::Images => {
            refused(world.engine().import(&mut world.busybox(), &drydock_core::engine::ImportRequest::of("unsupported", &[], "")))
        }
        Capability::BuildKit => crate::clauses::needs_buildkit(world),
        Capability::Freeze => {
            let id = world.sleeper(|_| {})?;
            refused(world.engine().pause(&id))
        }
        Capability::Exec => {
            let id = world.sleeper(|_| {})?;
            refused(world.try_exec(&id, &["true"], |_| {}, &mut Script::silent()))
        }
    }
}

fn refused<T>(result: Result<T, Error>) -> Checked<Error> {
    match result {
        Err(error) => Ok(error),
        Ok(_) => fail("it was not refused"),
    }
}
