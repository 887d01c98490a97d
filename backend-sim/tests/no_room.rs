//! A store with no room: how a program ended is told at once, and recorded when there is room again.

mod common;

use common::{config, host};
use drydock_core::container::{ContainerConfig, RestartPolicy, Status};
use drydock_core::engine::Engine;
use drydock_core::io::{Attach, Ended, Input, Io, Stream};
use drydock_core::time::Clock as _;
use drydock_core::{ErrorKind, Result};
use drydock_sim::SimHost;
use drydock_sim::fault::{Fault, What};
use drydock_sim::sys::Errno;
use std::time::Duration;

/// Fills the disk when the container writes something.
struct Filler<'a> {
    host: &'a SimHost,
    /// How many writes find no room.
    writes: u32,
}

impl Io for Filler<'_> {
    fn output(&mut self, _: Stream, _: &[u8]) -> Result<()> {
        fill(self.host, self.writes);
        Ok(())
    }

    fn input(&mut self, _: bool) -> Result<Input> {
        Ok(Input::Pending)
    }

    fn descriptors(&self) -> Vec<i32> {
        Vec::new()
    }
}

fn fill(host: &SimHost, writes: u32) {
    for _ in 0..writes {
        host.inject(Fault::named("commit", What::Errno(Errno::ENOSPC)));
    }
}

fn boxed(command: &str, restart: RestartPolicy) -> ContainerConfig {
    ContainerConfig { name: Some("box".to_owned()), restart, ..config(&["sh", "-c", command]) }
}

#[test]
fn whoever_is_attached_hears_the_exit_code_and_everybody_else_what_is_wrong() {
    let host = host();
    let engine = host.engine().expect("the engine opens");
    engine.create(&boxed("echo on; sleep 1; exit 5", RestartPolicy::No)).expect("it is created");
    let before = host.clock().now();
    let ended = engine.start_attached("box", &Attach::default(), &mut Filler { host: &host, writes: 100_000 });
    assert_eq!(ended.expect("it is served"), Ended::Exited(5));
    let took = host.clock().now().since(before);
    assert!(took < Duration::from_secs(20), "the exit code was told after {took:?}");
    let record = engine.container("box").expect("it is there");
    assert!(record.state.error.contains("has ended with code 5, which cannot be recorded"), "{:?}", record.state);
    let refused = engine.stop("box", None, None).expect_err("there is nothing to stop, and no way to write that down");
    assert_eq!(refused.kind(), ErrorKind::Exhausted, "{refused}");
    assert!(refused.to_string().contains("code 5"), "{refused}");
}

#[test]
fn an_end_is_recorded_once_there_is_room_and_then_what_was_to_come_next_comes() {
    for restart in [RestartPolicy::No, RestartPolicy::OnFailure(Some(1))] {
        let host = host();
        let engine = host.engine().expect("the engine opens");
        engine.create(&boxed("sleep 1; exit 5", restart)).and_then(|id| engine.start(id.as_str())).expect("it starts");
        let told = engine.now();
        // More than one stretch of trying, and one more try after that.
        fill(&host, 12);
        host.clock().sleep(Duration::from_secs(120));
        let record = engine.container("box").expect("it is there");
        assert_eq!((record.state.status, record.state.exit_code), (Status::Exited, 5), "{restart:?}: {:?}", record.state);
        assert_eq!(record.state.restarts, u32::from(restart != RestartPolicy::No), "{restart:?}");
        assert!(record.state.error.is_empty(), "{restart:?}: {}", record.state.error);
        if restart == RestartPolicy::No {
            assert!(record.state.finished.since(told) < Duration::from_secs(3), "it ended when it ended, not when that was recorded");
        }
        engine.remove("box", drydock_core::engine::RemoveOptions::default()).expect("it is removed");
    }
}
