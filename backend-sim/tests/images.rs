//! Images under crashes: taken in, loaded and removed, with the engine dying at every step; afterwards everything that is left is
//! whole and listed, and removing it leaves nothing.

mod common;

use drydock_core::Result;
use drydock_core::engine::{Engine, RemoveOptions};
use drydock_core::image::tar::{Entry, Kind, Writer};
use drydock_core::observe::Snapshot;
use drydock_sim::fault::{At, Fault, What};
use drydock_sim::{SimConfig, SimHost};

fn archive(content: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    writer.append(&Entry::new("etc", Kind::Directory), b"").expect("a vector takes it");
    writer.append(&Entry::new("etc/file", Kind::File), content).expect("a vector takes it");
    writer.finish().expect("a vector takes it")
}

/// Two images with a tag each, one moved to the other, and both removed.
fn life(host: &SimHost) -> Result<()> {
    let engine = host.engine()?;
    engine.import(&mut archive(b"one").as_slice(), "first:1", &["CMD true".to_owned()], "")?;
    engine.import(&mut archive(b"two").as_slice(), "first:1", &[], "")?;
    for image in engine.images()? {
        engine.remove_image(image.id.as_str(), false, true)?;
    }
    Ok(())
}

/// Everything that is listed is there, and can be removed; then nothing is left but what was there before.
fn tidy(host: &SimHost, what: &str, before: &Snapshot) {
    let engine = host.engine().unwrap_or_else(|e| panic!("{what}: the engine does not open again: {e}"));
    for image in engine.images().expect("images can be listed") {
        let record = engine.image(image.id.as_str()).expect("a listed image is there");
        assert_eq!(record.layers.len(), record.diff_ids.len(), "{what}");
        engine.remove_image(image.id.as_str(), true, true).unwrap_or_else(|e| panic!("{what}: {e}"));
    }
    let after = engine.observe().expect("the host can be looked at");
    assert_eq!(before.difference(&after), Vec::<String>::new(), "{what}");
}

/// What an engine leaves that had images and has none any more.
fn empty(host: &SimHost) -> Snapshot {
    life(host).expect("without faults it goes well");
    host.engine().and_then(|e| e.observe()).expect("the host can be looked at")
}

#[test]
fn a_crash_at_any_moment_leaves_no_half_image() {
    let mut reached = 0;
    for what in [What::CrashBefore, What::CrashAfter, What::Fail] {
        for n in 0.. {
            let host = SimHost::new(SimConfig::default());
            let before = empty(&host);
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
    assert!(reached > 20, "only {reached} faults struck");
}

#[test]
fn an_image_removed_by_force_goes_with_its_last_container() {
    let host = common::host();
    let engine = host.engine().expect("the engine opens");
    let id = engine.create(&common::config(&["true"])).expect("it is created");
    let image = engine.container(id.as_str()).expect("it is there").image;
    engine.remove_image(image.as_str(), false, true).expect_err("a container is made from it");
    engine.remove_image(image.as_str(), true, true).expect("by force it goes");
    assert!(engine.images().expect("images can be listed").is_empty());
    engine.image("busybox").expect_err("it has no name any more");
    engine.start(id.as_str()).expect("its containers run all the same");
    host.settle();
    engine.remove(id.as_str(), RemoveOptions { force: true, volumes: false }).expect("it is removed");
    let left = engine.observe().expect("the host can be looked at").files;
    assert!(!left.iter().any(|f| f.contains("/layers/") || f.contains("/blobs/sha256/")), "{left:?}");
}
