//! Images and the containers made from them. Under crashes they are in `every_step`.

mod common;

use drydock_core::engine::{Engine, RemoveOptions};

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
