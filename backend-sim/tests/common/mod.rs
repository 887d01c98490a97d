//! What tests of whole hosts share.
#![allow(dead_code, reason = "each test uses its part")]

pub mod cases;
pub mod crash;

use drydock_core::Result;
use drydock_core::container::{ContainerConfig, NetworkMode};
use drydock_core::engine::Engine;
use drydock_core::io::{Input, Io, Stream};
use drydock_sim::{SimConfig, SimHost};

/// Somebody who types what was prepared, and keeps what is shown.
#[derive(Default)]
pub struct Person {
    pub input: Vec<Input>,
    pub shown: String,
    pub errors: String,
}

impl Io for Person {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> Result<()> {
        let to = if stream == Stream::Stdout { &mut self.shown } else { &mut self.errors };
        to.push_str(&String::from_utf8_lossy(bytes));
        Ok(())
    }

    fn input(&mut self, _: bool) -> Result<Input> {
        Ok(if self.input.is_empty() { Input::Pending } else { self.input.remove(0) })
    }

    fn descriptors(&self) -> Vec<i32> {
        Vec::new()
    }
}

/// A host with the image `busybox`.
pub fn host() -> SimHost {
    host_of(SimConfig::default())
}

/// Such a host, made so.
pub fn host_of(config: SimConfig) -> SimHost {
    let host = SimHost::new(config);
    let engine = host.engine().expect("the engine opens");
    static IMAGE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let image = IMAGE.get_or_init(|| drydock_sim::image::busybox().expect("the image is made"));
    engine.import(&mut image.as_slice(), &drydock_core::engine::ImportRequest::of("busybox", &[], "")).expect("the image is imported");
    host
}

/// A container of that image without a network.
pub fn config(command: &[&str]) -> ContainerConfig {
    ContainerConfig {
        image: "busybox".to_owned(),
        command: command.iter().map(|a| (*a).to_owned()).collect(),
        network: NetworkMode::None,
        ..ContainerConfig::default()
    }
}
