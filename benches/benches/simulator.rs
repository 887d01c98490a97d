//! The simulator against itself, growing: kernel steps, and engine operations beside 10, 1 000 and 100 000 other containers.
//!
//! Criterion prints the time of one and how many a second. The budget (book, "Inside Drydock"): a million steps a second, and an
//! operation beside 100 000 containers at most twice as long as beside 10.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use drydock_core::container::{ContainerConfig, NetworkMode};
use drydock_core::engine::{Engine, RemoveOptions};
use drydock_core::kernel::{Kernel, Step};
use drydock_sim::{SimConfig, SimHost};
use std::sync::Arc;
use std::time::Duration;

/// How many other containers there are.
const SIZES: [u32; 3] = [10, 1_000, 100_000];
/// How many of them run; the others have been created.
const RUNNING: u32 = 10;

fn steps(criterion: &mut Criterion) {
    let host = SimHost::new(SimConfig::default());
    let kernel = host.kernel();
    let path = "/var/lib/bench".to_owned();
    let cycle = [
        Step::MakeDir { path: path.clone(), mode: 0o755 },
        Step::WriteFile { path: format!("{path}/f"), mode: 0o644, content: "x".to_owned() },
        Step::MakeCgroup { path: "bench".to_owned() },
        Step::WriteCgroup {
            path: "bench".to_owned(),
            controller: "memory".to_owned(),
            file: "memory.max".to_owned(),
            value: "67108864".to_owned(),
        },
        Step::RemoveCgroup { path: "bench".to_owned() },
        Step::RemoveTree { path },
    ];
    let mut group = criterion.benchmark_group("kernel");
    group.throughput(Throughput::Elements(cycle.len() as u64));
    group.bench_function("steps", |bencher| {
        bencher.iter(|| cycle.iter().for_each(|step| kernel.perform(step, None).expect("a step the kernel knows")));
    });
    group.finish();
}

fn config(command: &[&str]) -> ContainerConfig {
    ContainerConfig {
        image: "busybox".to_owned(),
        command: command.iter().map(|a| (*a).to_owned()).collect(),
        network: NetworkMode::None,
        ..ContainerConfig::default()
    }
}

/// One container's whole life: create, start, wait, remove.
fn life(engine: &dyn Engine) {
    let id = engine.create(&config(&["true"])).expect("creates");
    engine.start(id.as_str()).expect("starts");
    engine.wait(id.as_str(), Some(Duration::from_secs(10))).expect("ends");
    engine.remove(id.as_str(), RemoveOptions { force: false, volumes: true }).expect("is removed");
}

fn engine_operations(criterion: &mut Criterion) {
    let host = SimHost::new(SimConfig { memory: 1 << 40, disk: 1 << 44, ..SimConfig::default() });
    let engine: Arc<dyn Engine> = host.engine().expect("opens");
    engine
        .import(
            &mut drydock_sim::image::busybox().expect("an image").as_slice(),
            &drydock_core::engine::ImportRequest::of("busybox", &[], ""),
        )
        .expect("imports");
    let mut others = 0;
    let mut last = String::new();
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(1)).sample_size(20).measurement_time(Duration::from_secs(2));
    for size in SIZES {
        while others < size {
            last = engine.create(&config(&["sleep", "1000000000"])).expect("creates").as_str().to_owned();
            if others < RUNNING {
                engine.start(&last).expect("starts");
            }
            others += 1;
        }
        group.bench_function(BenchmarkId::new("inspect", size), |bencher| bencher.iter(|| engine.container(&last).expect("is there")));
        group.bench_function(BenchmarkId::new("life", size), |bencher| {
            bencher.iter_batched(|| (), |()| life(engine.as_ref()), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, steps, engine_operations);
criterion_main!(benches);
