//! Single faults with an end of their own: a supervisor that dies or does not answer, a step that takes long, a system call of a
//! program that fails, a power cut after what was promised. Every step of every operation is struck in `every_step`.

mod common;

use common::cases::{archive, furnished};
use common::crash::{clear, healthy, truths};
use common::{Person, config, host, host_of};
use drydock_core::ErrorKind;
use drydock_core::container::{ContainerConfig, Status};
use drydock_core::engine::{Engine, RemoveOptions};
use drydock_core::io::{Attach, Ended};
use drydock_core::time::Clock as _;
use drydock_sim::SimConfig;
use drydock_sim::fault::{At, Fault, What};
use drydock_sim::sys::Errno;
use std::time::Duration;

#[test]
fn a_supervisor_that_dies_takes_its_container_with_it() {
    let host = host();
    let engine = host.engine().expect("the engine opens");
    let id = engine.create(&furnished()).expect("it is created");
    engine.start("box").expect("it starts");
    host.crash_supervisor(&id);
    let record = engine.container("box").expect("it is there");
    assert_eq!((record.state.status, record.state.exit_code), (Status::Exited, 137), "{:?}", record.state);
    truths(&host, "supervisor");
    clear(&host, "supervisor");
    healthy(&host, "supervisor");
}

#[test]
fn after_a_power_loss_records_say_what_is_true() {
    let host = host();
    let engine = host.engine().expect("the engine opens");
    engine.create(&furnished()).expect("it is created");
    engine.start("box").expect("it starts");
    host.power_loss();
    drop(engine);
    let engine = host.engine().expect("the engine opens after the power came back");
    let record = engine.container("box").expect("it is there");
    assert_eq!(record.state.status, Status::Exited, "{:?}", record.state);
    engine.start("box").expect("it starts again");
    assert_eq!(engine.container("box").expect("it is there").state.status, Status::Running);
}

#[test]
fn an_image_that_a_command_said_was_there_is_there_whole_after_a_power_cut() {
    for seed in 0..40 {
        let host = host_of(SimConfig { forgetful: true, seed, ..SimConfig::default() });
        let engine = host.engine().expect("the engine opens");
        let said = engine
            .import(&mut archive(b"kept").as_slice(), &drydock_core::engine::ImportRequest::of("kept:1", &[], ""))
            .expect("it is imported");
        // What comes after it may be lost, as much of it as chance says.
        engine.create(&furnished()).and_then(|id| engine.start(id.as_str())).expect("it starts");
        host.power_loss();
        drop(engine);
        let engine = host.engine().expect("the engine opens after the power came back");
        let image = engine.image("kept:1").unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        assert_eq!(image.id, said);
        truths(&host, &format!("seed {seed}"));
        healthy(&host, &format!("seed {seed}"));
    }
}

#[test]
fn a_container_that_a_command_said_was_there_is_there_after_a_power_cut_and_what_was_removed_is_not() {
    for seed in 0..40 {
        let host = host_of(SimConfig { forgetful: true, seed, ..SimConfig::default() });
        let engine = host.engine().expect("the engine opens");
        engine.create(&furnished()).expect("it is created");
        engine.rename("box", "crate").expect("it is renamed");
        let gone = engine.create(&ContainerConfig { name: Some("gone".to_owned()), ..furnished() }).expect("it is created");
        engine.remove(gone.as_str(), RemoveOptions::default()).expect("it is removed");
        host.power_loss();
        drop(engine);
        let engine = host.engine().expect("the engine opens after the power came back");
        engine.container("gone").expect_err("it was removed");
        engine.start("crate").unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        assert_eq!(engine.container("crate").expect("it is there").state.status, Status::Running);
        truths(&host, &format!("seed {seed}"));
        engine.remove("crate", RemoveOptions { force: true, volumes: true }).expect("it is removed");
        healthy(&host, &format!("seed {seed}"));
    }
}

#[test]
fn a_cut_takes_back_what_nobody_synced_and_nothing_else() {
    let mut lost = 0;
    for seed in 0..20 {
        let host = host_of(SimConfig { forgetful: true, seed, ..SimConfig::default() });
        host.shell("echo before > /root/synced");
        host.look(|w| w.fs.sync_all());
        host.shell("echo after > /root/unsynced; rm /root/synced");
        host.power_loss();
        let kept = host.shell("cat /root/synced").stdout;
        let written = host.shell("cat /root/unsynced").stdout;
        assert!(written.is_empty() || b"after\n".starts_with(&written[..]), "{written:?}");
        // The names were changed in this order, so the second change is not there without the first.
        assert!(!kept.is_empty() || host.shell("test -e /root/unsynced").code == 0, "seed {seed}");
        assert!(kept.is_empty() || kept == b"before\n");
        lost += u32::from(kept == b"before\n");
    }
    assert!((1..20).contains(&lost), "{lost} of 20 cuts took something back");
}

#[test]
fn a_supervisor_that_does_not_answer_is_not_waited_for_for_ever() {
    let host = host();
    let engine = host.engine().expect("the engine opens");
    engine.create(&furnished()).and_then(|id| engine.start(id.as_str())).expect("it starts");
    let before = host.clock().now();
    host.inject(Fault::named("request", What::Stall(Duration::from_secs(100_000))));
    let error = engine.stop("box", None, Some(1)).expect_err("nobody answers");
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(error.to_string().contains("does not answer"), "{error}");
    assert!(host.clock().now().since(before) < Duration::from_secs(200_000), "it was waited for longer than it took");
    truths(&host, "no answer");
    clear(&host, "no answer");
    healthy(&host, "no answer");
}

#[test]
fn a_step_that_takes_long_is_waited_for() {
    for name in ["add-veth", "make-cgroup", "commit", "mount-overlay", "launch"] {
        let host = host();
        let engine = host.engine().expect("the engine opens");
        let before = host.clock().now();
        host.inject(Fault::named(name, What::Stall(Duration::from_secs(30))));
        engine.create(&furnished()).and_then(|id| engine.start(id.as_str())).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(host.clock().now().since(before) >= Duration::from_secs(30), "{name} took no time");
        assert_eq!(engine.container("box").expect("it is there").state.status, Status::Running, "{name}");
    }
}

#[test]
fn a_step_inside_a_new_process_can_fail_with_any_error() {
    for (name, errno) in [("pivot-root", Errno::EINVAL), ("mount-overlay", Errno::ENOMEM), ("set-user", Errno::EAGAIN)] {
        let host = host();
        let engine = host.engine().expect("the engine opens");
        engine.create(&furnished()).expect("it is created");
        host.inject(Fault::named(name, What::Errno(errno)));
        let error = engine.start("box").expect_err("a step of it fails");
        assert!(error.to_string().contains(errno.text()), "{name}: {error}");
        engine.start("box").unwrap_or_else(|e| panic!("{name}, once the cause is gone: {e}"));
        clear(&host, name);
        healthy(&host, name);
    }
}

#[test]
fn a_system_call_of_a_program_can_fail() {
    let host = host();
    let engine = host.engine().expect("the engine opens");
    let script = "echo one > /tmp/a && echo two > /tmp/b; echo code $?";
    let run = |fault: Option<Fault>| {
        let id = engine.create(&ContainerConfig { ..config(&["sh", "-c", script]) }).expect("it is created");
        fault.into_iter().for_each(|f| host.inject(f));
        let mut person = Person::default();
        let ended = engine.start_attached(id.as_str(), &Attach::default(), &mut person).expect("it runs");
        assert_eq!(ended, Ended::Exited(0));
        (person.shown, person.errors)
    };
    assert_eq!(run(None), ("code 0\n".to_owned(), String::new()));
    let failed = |n| Fault { at: At::Call("open".to_owned(), n), what: What::Errno(Errno::ENOSPC) };
    let (shown, errors) = run(Some(failed(1)));
    assert_eq!(shown, "code 1\n");
    assert!(errors.contains("/tmp/b") && errors.contains(Errno::ENOSPC.text()), "{errors}");
    // Once, and not again.
    assert_eq!(run(None).0, "code 0\n");
}
