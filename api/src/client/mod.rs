//! A client of any Docker Engine: the engine's trait over Docker's HTTP API, so that the command line, the suite and the labs can be
//! pointed at a real dockerd, or at `drydock serve`.
//!
//! One file an area, as on the other side of the wire. What Docker's API has no operation for (the doctor, explanations, what is on the
//! host) is answered with [`drydock_core::ErrorKind::Unsupported`] and nothing is sent.

pub mod address;
mod archives;
mod build;
mod containers;
mod engine;
mod events;
mod exec;
pub mod failure;
mod http;
mod images;
mod json;
mod networks;
mod prune;
mod read;
mod registries;
mod stats;
mod streams;
mod system;
mod volumes;

pub use address::Address;

use crate::version::{ApiVersion, NEWEST, OLDEST};
use drydock_core::io::Size;
use drydock_core::kernel::Facts;
use drydock_core::{Error, Result};
use http::{Answer, Body, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read};
use std::sync::{Mutex, OnceLock};

/// What stands as it is in a part of a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The same in names of images, which are parts of a path with what is in them.
const NAMES: &AsciiSet = &PLAIN.remove(b'/').remove(b':').remove(b'@');

/// An engine that is reached through Docker's API.
#[derive(Debug)]
pub struct DockerEngine {
    address: Address,
    version: ApiVersion,
    facts: OnceLock<Facts>,
    /// Real time of the engine less real time here, in nanoseconds; `None` where time is virtual and must be asked for.
    ahead: Option<i64>,
    /// Sizes of terminals that an engine older than 1.42 is still to be told, by the id of their container.
    sizes: Mutex<BTreeMap<String, Size>>,
    /// How many events of a moment were seen, where time is virtual.
    seen: Mutex<BTreeMap<u64, usize>>,
}

/// A part of a path, escaped.
fn part(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// A name of an image in a path, escaped.
fn image_part(text: &str) -> String {
    utf8_percent_encode(text, NAMES).to_string()
}

/// Parameters of a request.
#[derive(Clone, Debug, Default)]
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.0.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Adds one that is there.
    fn with_some(self, name: &str, value: Option<impl AsRef<str>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds a switch that is on.
    fn with_flag(self, name: &str, on: bool) -> Self {
        if on { self.with(name, "1") } else { self }
    }

    /// Adds filters, if there are any.
    fn with_filters(self, pairs: &[(String, String)]) -> Self {
        let mut all: std::collections::BTreeMap<&str, Vec<&str>> = std::collections::BTreeMap::new();
        for (key, value) in pairs {
            all.entry(key).or_default().push(value);
        }
        if all.is_empty() { self } else { self.with("filters", serde_json::json!(all).to_string()) }
    }

    fn after(self, path: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(self.0).finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }
}

impl DockerEngine {
    /// Reaches an engine, and agrees with it on a version.
    ///
    /// # Errors
    /// Nobody listens there, or who does speaks none of the versions that are spoken here.
    pub fn open(address: &str) -> Result<Self> {
        let address = Address::parse(address)?;
        let request = Request { method: "GET", target: "/_ping".to_owned(), fields: Vec::new(), body: Body::None };
        let ping = http::send(&address, request)?;
        if ping.status != 200 {
            return Err(refusal(ping));
        }
        let (newest, oldest) = (ping.field("api-version").map(str::to_owned), ping.field("server").map(str::to_owned));
        let theirs = newest.as_deref().and_then(ApiVersion::parse).unwrap_or(OLDEST);
        if theirs < OLDEST {
            return Err(Error::unsupported(format!("API version {theirs} of the engine at {address}; the oldest is {OLDEST}")));
        }
        let drydock = oldest.is_some_and(|server| server.starts_with("Drydock"));
        let mut engine = Self {
            address,
            version: theirs.min(NEWEST),
            facts: OnceLock::new(),
            ahead: None,
            sizes: Mutex::default(),
            seen: Mutex::default(),
        };
        if !drydock {
            // Behind a socket of this machine is this machine's clock.
            engine.ahead = if matches!(engine.address, Address::Unix(_)) { Some(0) } else { engine.offset() };
        }
        Ok(engine)
    }

    /// The version that is spoken.
    pub fn version(&self) -> ApiVersion {
        self.version
    }

    /// Sends a request and answers whatever comes.
    fn send<'a>(
        &self,
        method: &'a str,
        path: &str,
        parameters: Parameters,
        fields: Vec<(&'static str, String)>,
        body: Body<'a>,
    ) -> Result<Answer> {
        let target = parameters.after(&format!("/v{}{path}", self.version));
        http::send(&self.address, Request { method, target, fields, body })
    }

    /// The same, where only success is wanted.
    fn ask<'a>(
        &self,
        method: &'a str,
        path: &str,
        parameters: Parameters,
        fields: Vec<(&'static str, String)>,
        body: Body<'a>,
    ) -> Result<Answer> {
        if path.starts_with("/containers//") || path.starts_with("/images//") {
            return Err(Error::invalid("invalid container name or ID: value is empty"));
        }
        let answer = self.send(method, path, parameters, fields, body)?;
        // What is elsewhere has not been done. 304 says that there was nothing to do.
        if answer.status >= 400 || matches!(answer.status, 301 | 302 | 307 | 308) { Err(refusal(answer)) } else { Ok(answer) }
    }

    /// An object.
    fn get(&self, path: &str, parameters: Parameters) -> Result<Value> {
        self.ask("GET", path, parameters, Vec::new(), Body::None)?.json()
    }

    /// Asks for something to be done.
    fn post(&self, path: &str, parameters: Parameters) -> Result<Value> {
        self.ask("POST", path, parameters, Vec::new(), Body::None)?.json()
    }

    /// Asks for something that takes an object.
    fn post_json(&self, path: &str, parameters: Parameters, body: &Value) -> Result<Value> {
        self.ask("POST", path, parameters, Vec::new(), Body::Json(body))?.json()
    }

    /// Asks for something to be removed.
    fn delete(&self, path: &str, parameters: Parameters) -> Result<Value> {
        self.ask("DELETE", path, parameters, Vec::new(), Body::None)?.json()
    }
}

/// The error that an answer is.
fn refusal(mut answer: Answer) -> Error {
    let mut body = Vec::new();
    // What came of it before the connection broke is all that can be said.
    let _ = answer.by_ref().take(1 << 20).read_to_end(&mut body);
    failure::refused(answer.status, &body)
}

/// Reads lines of JSON until they end or one is an error.
fn lines(answer: Answer, each: &mut dyn FnMut(&Value) -> Result<()>) -> Result<()> {
    let mut reader = BufReader::new(answer);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(|e| failure::cut_off("progress", e))? == 0 {
            return Ok(());
        }
        // dockerd puts several objects on a line where it pleases.
        for object in serde_json::Deserializer::from_slice(&line).into_iter::<Value>() {
            let object = object.map_err(|e| Error::new(drydock_core::ErrorKind::System, "the engine's answer is no JSON").source(e))?;
            let message = object.pointer("/errorDetail/message").or_else(|| object.get("error")).and_then(Value::as_str);
            if let Some(message) = message {
                return Err(failure::said(message));
            }
            each(&object)?;
        }
    }
}
