//! Garbage collection under random histories: images come by import, load, commit and build, get and lose names, are removed and pruned,
//! in any order, and any of it may be struck at any step by a dead process, a failed step or a power cut. What is in use is never
//! removed, and what nothing can reach does not stay.
//!
//! DRYDOCK_HISTORIES says how many histories (40).

mod common;

use common::cases::{archive, saved};
use common::crash::{clear, healthy};
use common::{config, host_of};
use drydock_core::Result;
use drydock_core::build::progress::Silent;
use drydock_core::build::request::{BuildRequest, Surface};
use drydock_core::container::{ContainerConfig, NetworkMode};
use drydock_core::engine::{CommitOptions, Engine, PruneCache, PruneFilters, RemoveOptions};
use drydock_sim::fault::{Fault, What};
use drydock_sim::{SimConfig, SimHost};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeSet;

/// What is done. Numbers choose among a few names, contents and containers, so that histories meet.
#[derive(Clone, Copy, Debug)]
enum Op {
    Import(u8, u8),
    Load,
    Tag(u8, u8),
    Untag(u8),
    RemoveImage(u8),
    Create(u8, u8),
    Commit(u8, u8),
    Build(u8, u8),
    RemoveContainer(u8),
    PruneImages(bool),
    PruneCache(bool),
    PruneContainers,
}

/// How it is struck, and at which step.
type Strike = Option<(What, u64)>;

fn op() -> impl Strategy<Value = Op> {
    let few = || 0..3u8;
    prop_oneof![
        3 => (few(), few()).prop_map(|(a, b)| Op::Import(a, b)),
        1 => Just(Op::Load),
        2 => (few(), few()).prop_map(|(a, b)| Op::Tag(a, b)),
        2 => few().prop_map(Op::Untag),
        2 => few().prop_map(Op::RemoveImage),
        2 => (few(), few()).prop_map(|(a, b)| Op::Create(a, b)),
        2 => (few(), few()).prop_map(|(a, b)| Op::Commit(a, b)),
        2 => (few(), few()).prop_map(|(a, b)| Op::Build(a, b)),
        2 => few().prop_map(Op::RemoveContainer),
        2 => any::<bool>().prop_map(Op::PruneImages),
        1 => any::<bool>().prop_map(Op::PruneCache),
        1 => Just(Op::PruneContainers),
    ]
}

fn strike() -> impl Strategy<Value = Strike> {
    let what = prop_oneof![Just(What::CrashBefore), Just(What::CrashAfter), Just(What::Fail), Just(What::PowerLoss)];
    prop_oneof![1 => Just(None), 2 => (what, 0..60u64).prop_map(Some)]
}

fn image(n: u8) -> String {
    // The first is the one that everything begins with.
    if n == 0 { "busybox".to_owned() } else { format!("some:{n}") }
}

fn perform(engine: &dyn Engine, op: Op) -> Result<()> {
    match op {
        // A name that everything begins with is not given away.
        Op::Import(content, name) => engine
            .import(&mut archive(&[content]).as_slice(), &drydock_core::engine::ImportRequest::of(&format!("some:{}", name + 1), &[], ""))
            .map(drop),
        Op::Load => engine.load(&mut saved().as_slice()).map(drop),
        Op::Tag(from, to) => engine.tag(&image(from), &format!("some:{}", to + 1)),
        Op::Untag(n) => engine.remove_image(&image(n + 1), false, true).map(drop),
        Op::RemoveImage(n) => {
            let id = engine.image(&image(n + 1))?.id;
            engine.remove_image(id.as_str(), true, true).map(drop)
        }
        Op::Create(n, name) => {
            let config = ContainerConfig { image: image(n), name: Some(format!("box{name}")), ..config(&["true"]) };
            engine.create(&config).map(drop)
        }
        Op::Commit(container, name) => {
            let options = CommitOptions { reference: format!("some:{}", name + 1), ..CommitOptions::default() };
            engine.commit(&format!("box{container}"), &options).map(drop)
        }
        Op::Build(content, name) => {
            let request = BuildRequest {
                dockerfile: Some(format!("FROM busybox\nRUN echo {content} > /made\nCOPY etc/file /copied\n").into_bytes()),
                file: "Dockerfile".to_owned(),
                ignore: Some(Vec::new()),
                tags: vec![format!("some:{}", name + 1)],
                network: Some(NetworkMode::None),
                ..BuildRequest::default()
            };
            let context = archive(&[content]);
            engine.build(&request, Surface::plain(&mut context.as_slice(), &Silent)).map(drop)
        }
        Op::RemoveContainer(n) => engine.remove(&format!("box{n}"), RemoveOptions { force: true, volumes: true }),
        Op::PruneImages(all) => engine.prune_images(all, &PruneFilters::default()).map(drop),
        Op::PruneCache(all) => engine.prune_build_cache(&PruneCache { all, ..PruneCache::default() }).map(drop),
        Op::PruneContainers => engine.prune_containers(&PruneFilters::default()).map(drop),
    }
}

/// Names of images that were there, and that the operation does not take away, are there.
fn names(host: &SimHost) -> Result<BTreeSet<String>> {
    Ok(host.engine()?.images()?.into_iter().flat_map(|image| image.tags).collect())
}

fn takes_away(op: Op) -> bool {
    matches!(op, Op::Untag(_) | Op::RemoveImage(_) | Op::PruneImages(_))
}

fn live(seed: u64, history: &[(Op, Strike)]) {
    let host = host_of(SimConfig { forgetful: true, seed, ..SimConfig::default() });
    for (at, (op, strike)) in history.iter().enumerate() {
        let said = format!("{at}: {op:?} struck by {strike:?} in {history:?}");
        let before = names(&host).unwrap_or_else(|e| panic!("{said}: {e}"));
        if let Some((what, step)) = strike {
            host.inject(Fault::nth(*step, *what));
        }
        let done = host.engine().and_then(|engine| perform(engine.as_ref(), *op));
        match strike {
            Some((What::PowerLoss, _)) => host.power_loss(),
            Some(_) => host.reboot_engine(),
            None => {}
        }
        host.look(|w| w.faults.clear());
        // Whoever lists makes what was cut off true.
        host.engine().and_then(|engine| engine.containers(true)).unwrap_or_else(|e| panic!("{said}: {e}"));
        healthy(&host, &said);
        let after = names(&host).unwrap_or_else(|e| panic!("{said}: {e}"));
        assert!(takes_away(*op) || before.is_subset(&after), "{said}: {before:?} became {after:?} ({done:?})");
    }
    let said = format!("after {history:?}");
    clear(&host, &said);
    let engine = host.engine().expect("the engine opens");
    let left = engine.observe().expect("the host can be looked at").files;
    assert!(!left.iter().any(|f| f.contains("/layers/") || f.contains("/blobs/sha256/")), "{said}: {left:?}");
}

#[test]
fn what_is_in_use_stays_and_what_nothing_reaches_goes() {
    #[allow(clippy::disallowed_methods, reason = "how long to look is for whoever runs the test to say")]
    let histories = std::env::var("DRYDOCK_HISTORIES").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let mut runner = TestRunner::new(Config { cases: histories, failure_persistence: None, ..Config::default() });
    let history = proptest::collection::vec((op(), strike()), 1..14);
    let outcome = runner.run(&(any::<u64>(), history), |(seed, history)| {
        live(seed, &history);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
