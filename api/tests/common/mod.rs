//! What the tests of the API share: a server over a simulated host, and answers as they come over the wire.

// Each test program uses a part of it.
#![allow(dead_code)]

pub mod description;

use drydock_api::log::{Level, Log};
use drydock_api::router::Api;
use drydock_api::{Server, Settings};
use drydock_core::engine::Engine;
use drydock_sim::{SimConfig, SimHost, image};
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// A server over a simulated host with the image busybox.
pub struct World {
    pub api: Api,
    pub engine: Arc<dyn Engine>,
    pub stop: watch::Sender<bool>,
}

impl World {
    pub fn new() -> Self {
        let engine = SimHost::new(SimConfig::default()).engine().unwrap();
        import(&*engine);
        let engine: Arc<dyn Engine> = engine;
        // What is refused is looked at in the answer.
        let settings = Settings { log: Log { level: Level::Fatal, ..Log::default() }, ..Settings::default() };
        Self { api: Api::new(Server::new(Arc::clone(&engine), settings)), engine, stop: watch::channel(false).0 }
    }
}

/// Gives an engine the image busybox.
pub fn import(engine: &dyn Engine) {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    let archive = IMAGE.get_or_init(|| image::busybox().unwrap());
    let request = drydock_core::engine::ImportRequest::of("busybox", &["CMD [\"sh\"]".to_owned()], "");
    engine.import(&mut archive.as_slice(), &request).unwrap();
}

/// An answer's status, head in small letters, and body.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// Takes a whole answer apart that has been read until its end.
    pub fn parse(all: &[u8]) -> Self {
        let end = all.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
        Self::of(&String::from_utf8_lossy(&all[..end]), &all[end + 4..])
    }

    /// An answer of its head and of what came behind it.
    pub fn of(head: &str, body: &[u8]) -> Self {
        let head = head.to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = if head.contains("transfer-encoding: chunked") { unchunked(body) } else { body.to_vec() };
        Self { status, head, body }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn message(&self) -> String {
        self.json().get("message").and_then(Value::as_str).unwrap_or_else(|| panic!("no message: {}", self.text())).to_owned()
    }
}

/// The bytes out of chunks.
pub fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(end) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        all.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[(end + 4 + size).min(rest.len())..];
    }
    all
}
