//! The simulator against itself, growing: kernel steps a second, and the cost of one container's whole life beside 10, 1 000 and
//! 100 000 running ones: `simulator [MOST]`.

use drydock_core::Result;
use drydock_core::container::{ContainerConfig, NetworkMode};
use drydock_core::engine::{Engine, RemoveOptions};
use drydock_core::kernel::{Kernel, Step};
use drydock_sim::{SimConfig, SimHost};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Lives measured at each size.
const LIVES: u32 = 200;
/// Steps measured.
const STEPS: u32 = 300_000;

fn main() -> ExitCode {
    let most = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(100_000);
    match run(most) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(most: u32) -> Result<()> {
    println!("{:>12.0} kernel steps a second", steps()?);
    let host = SimHost::new(SimConfig { memory: 1 << 40, disk: 1 << 44, ..SimConfig::default() });
    let engine = host.engine()?;
    engine.import(&mut drydock_sim::image::busybox()?.as_slice(), "busybox", &[], "")?;
    let mut running = 0;
    let mut first = None;
    for size in [10, 1000, 100_000] {
        if size > most {
            break;
        }
        while running < size {
            let id = engine.create(&config(&["sleep", "1000000000"]))?;
            engine.start(id.as_str())?;
            running += 1;
        }
        let start = Instant::now();
        for _ in 0..LIVES {
            let id = engine.create(&config(&["true"]))?;
            engine.start(id.as_str())?;
            engine.wait(id.as_str(), Some(Duration::from_secs(10)))?;
            engine.remove(id.as_str(), RemoveOptions { force: false, volumes: true })?;
        }
        let life = start.elapsed() / LIVES;
        let base = *first.get_or_insert(life);
        let ratio = life.as_secs_f64() / base.as_secs_f64();
        println!("{:>12.1} µs a container's life beside {size} others ({ratio:.2} times that beside 10)", life.as_secs_f64() * 1e6);
    }
    Ok(())
}

fn config(command: &[&str]) -> ContainerConfig {
    ContainerConfig {
        image: "busybox".to_owned(),
        command: command.iter().map(|a| (*a).to_owned()).collect(),
        network: NetworkMode::None,
        ..ContainerConfig::default()
    }
}

/// Files and control groups made and removed, as containers' plans do.
fn steps() -> Result<f64> {
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
    let start = Instant::now();
    for step in cycle.iter().cycle().take(STEPS as usize) {
        kernel.perform(step, None)?;
    }
    Ok(f64::from(STEPS) / start.elapsed().as_secs_f64())
}
