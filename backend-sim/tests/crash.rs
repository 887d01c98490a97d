//! The engine and the supervisor die at every step there is; afterwards the records are true, and removal leaves nothing.

use drydock_core::container::{ContainerConfig, NetworkMode, Status};
use drydock_core::engine::{Engine, RemoveOptions};
use drydock_core::kernel::Protocol;
use drydock_core::network::PortRequest;
use drydock_core::{ErrorKind, Result};
use drydock_sim::fault::{At, Fault, What};
use drydock_sim::{SimConfig, SimHost};
use std::time::Duration;

fn host() -> SimHost {
    let host = SimHost::new(SimConfig::default());
    let engine = host.engine().expect("the engine opens");
    let image = drydock_sim::image::busybox().expect("the image is made");
    engine.import(&mut image.as_slice(), "busybox", &[], "").expect("the image is imported");
    host
}

fn config() -> ContainerConfig {
    let port = PortRequest { protocol: Protocol::Tcp, host_ip: None, host_ports: Some((8080, 8080)), container_port: 80 };
    let mut config = ContainerConfig {
        image: "busybox".to_owned(),
        name: Some("box".to_owned()),
        command: ["sleep", "1000"].map(str::to_owned).to_vec(),
        network: NetworkMode::Named("bridge".to_owned()),
        ports: vec![port],
        ..ContainerConfig::default()
    };
    config.resources.memory = Some(64 << 20);
    config
}

/// The whole life of a container.
fn life(host: &SimHost) -> Result<()> {
    let engine = host.engine()?;
    let id = engine.create(&config())?;
    engine.start(id.as_str())?;
    host.advance(Duration::from_secs(1));
    engine.stop("box", None, Some(1))?;
    engine.remove("box", RemoveOptions { force: false, volumes: true })
}

/// Looks after a crash: nothing is said to run that does not, and everything can be removed.
fn tidy(host: &SimHost, what: &str, before: &drydock_core::observe::Snapshot) {
    let engine = host.engine().unwrap_or_else(|e| panic!("{what}: the engine does not open again: {e}"));
    for summary in engine.containers(true).expect("containers can be listed") {
        let record = engine.container(summary.id.as_str()).expect("a listed container is there");
        if record.state.status == Status::Running {
            let process = record.state.process.clone().expect("what runs has a process");
            assert!(drydock_core::kernel::Kernel::alive(&host.kernel(), &process).expect("it can be asked for"), "{what}: {record:?}");
        }
        let removed = engine.remove(record.id.as_str(), RemoveOptions { force: true, volumes: true });
        if let Err(error) = removed {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{what}: {error}");
        }
    }
    host.advance(Duration::from_secs(20));
    let after = engine.observe().expect("the host can be looked at");
    assert_eq!(before.difference(&after), Vec::<String>::new(), "{what}");
}

#[test]
fn a_crash_at_any_moment_leaves_nothing_behind() {
    let mut reached = 0;
    for what in [What::CrashBefore, What::CrashAfter] {
        for n in 0.. {
            let host = host();
            let before = host.engine().and_then(|e| e.observe()).expect("the host can be looked at");
            host.inject(Fault { at: At::Nth(n), what });
            let lived = life(&host);
            if host.look(|w| w.faults.watching()) {
                assert!(lived.is_ok(), "no fault, and yet {lived:?}");
                break;
            }
            host.reboot_engine();
            tidy(&host, &format!("{what:?} at {n}"), &before);
            reached += 1;
        }
    }
    assert!(reached > 100, "only {reached} faults struck");
}

#[test]
fn a_step_that_fails_is_undone() {
    for n in 0.. {
        let host = host();
        let before = host.engine().and_then(|e| e.observe()).expect("the host can be looked at");
        host.inject(Fault { at: At::Nth(n), what: What::Fail });
        let lived = life(&host);
        if host.look(|w| w.faults.watching()) {
            assert!(lived.is_ok(), "no fault, and yet {lived:?}");
            break;
        }
        tidy(&host, &format!("failure at {n}"), &before);
    }
}

#[test]
fn a_supervisor_that_dies_takes_its_container_with_it() {
    let host = host();
    let engine = host.engine().expect("the engine opens");
    let before = engine.observe().expect("the host can be looked at");
    let id = engine.create(&config()).expect("it is created");
    engine.start("box").expect("it starts");
    host.crash_supervisor(&id);
    let record = engine.container("box").expect("it is there");
    assert_eq!((record.state.status, record.state.exit_code), (Status::Exited, 137), "{:?}", record.state);
    drop(engine);
    tidy(&host, "supervisor", &before);
}

#[test]
fn after_a_power_loss_records_say_what_is_true() {
    let host = host();
    let engine = host.engine().expect("the engine opens");
    let before = engine.observe().expect("the host can be looked at");
    engine.create(&config()).expect("it is created");
    engine.start("box").expect("it starts");
    host.power_loss();
    drop(engine);
    let engine = host.engine().expect("the engine opens after the power came back");
    let record = engine.container("box").expect("it is there");
    assert_eq!(record.state.status, Status::Exited, "{:?}", record.state);
    engine.start("box").expect("it starts again");
    assert_eq!(engine.container("box").expect("it is there").state.status, Status::Running);
    drop(engine);
    tidy(&host, "power loss", &before);
}
