//! The simulated host's way to registries.

use super::{Answered, Asked, Shared, held};
use crate::clock::SimClock;
use drydock_core::registry::transport::{Fault, FaultKind, Job, Request, Response, Transport};
use drydock_core::registry::url::is_loopback;
use drydock_core::time::Clock;
use std::io::{self, Read};
use std::time::Duration;

/// How long a host waits for a registry that says nothing more.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most bytes of headers that are read.
const LARGEST_HEADERS: usize = 64 << 10;

/// Asks the world's registries. No time passes unless one of them stalls.
#[derive(Clone)]
pub struct SimTransport {
    remotes: Shared,
    clock: SimClock,
}

impl SimTransport {
    pub(crate) fn new(remotes: Shared, clock: SimClock) -> Self {
        Self { remotes, clock }
    }
}

impl Transport for SimTransport {
    fn send(&self, request: Request<'_>) -> Result<Response, Fault> {
        let mut body = Vec::new();
        if let Some((reader, length)) = request.body {
            let read = reader.take(length).read_to_end(&mut body);
            read.map_err(|e| Fault { kind: FaultKind::Malformed, message: e.to_string() })?;
        }
        let headers = request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        let asked = Asked { method: request.method.as_str().to_owned(), target: request.url.target().to_owned(), headers, body };
        let answer = {
            let mut remotes = held(&self.remotes);
            remotes.stock();
            let (host, authority) = (request.url.host(), request.url.authority());
            let Some(registry) = remotes.at(&authority) else {
                let place = format!("{host}:{}", request.url.port());
                return Err(if is_loopback(host) {
                    Fault { kind: FaultKind::Unreachable, message: format!("dial tcp {place}: connect: connection refused") }
                } else {
                    Fault { kind: FaultKind::NoHost, message: format!("dial tcp: lookup {host}: no such host") }
                });
            };
            match (request.url.is_tls(), registry.tls) {
                (true, false) => {
                    let message = "http: server gave HTTP response to HTTPS client".to_owned();
                    return Err(Fault { kind: FaultKind::NotTls, message });
                }
                (false, true) => Answered::status(400).body("text/plain", "Client sent an HTTP request to an HTTPS server.\n"),
                _ => registry.serve(&asked),
            }
        };
        self.response(answer)
    }

    fn run(&self, _: usize, jobs: Vec<Job<'_>>, meanwhile: &mut dyn FnMut()) {
        for job in jobs {
            job();
            meanwhile();
        }
        meanwhile();
    }

    fn rest(&self) {}
}

impl SimTransport {
    fn response(&self, answer: Answered) -> Result<Response, Fault> {
        if answer.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > LARGEST_HEADERS {
            let message = format!("the registry sends more than {LARGEST_HEADERS} bytes of headers");
            return Err(Fault { kind: FaultKind::Malformed, message });
        }
        let mut headers = answer.headers;
        let length = answer.claimed.unwrap_or(answer.body.len() as u64);
        if answer.endless.is_none() {
            headers.push(("content-length".to_owned(), length.to_string()));
        }
        // No bytes come that were not announced; fewer are a connection that ended early.
        let whole = usize::try_from(length).unwrap_or(usize::MAX);
        let come = answer.body.len().min(whole).min(answer.cut.unwrap_or(usize::MAX)).min(answer.stall.unwrap_or(usize::MAX));
        let mut bytes = answer.body;
        let is_whole = come as u64 == length && answer.endless.is_none();
        bytes.truncate(come);
        let end = match (answer.endless, is_whole, answer.stall) {
            (Some(byte), ..) => End::Never(byte),
            (None, true, _) => End::Whole,
            (None, false, Some(_)) => End::Stall(self.clock.clone()),
            (None, false, None) => End::Cut,
        };
        Ok(Response { status: answer.status, headers, body: Box::new(Body { bytes, at: 0, end }) })
    }
}

enum End {
    Whole,
    Cut,
    Stall(SimClock),
    Never(u8),
}

struct Body {
    bytes: Vec<u8>,
    at: usize,
    end: End,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if !rest.is_empty() {
            let count = rest.len().min(buffer.len());
            buffer.get_mut(..count).unwrap_or_default().copy_from_slice(rest.get(..count).unwrap_or_default());
            self.at += count;
            return Ok(count);
        }
        match &self.end {
            End::Whole => Ok(0),
            End::Cut => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended early")),
            End::Stall(clock) => {
                clock.sleep(PATIENCE);
                Err(io::Error::new(io::ErrorKind::TimedOut, "the registry sends nothing more"))
            }
            End::Never(byte) => {
                buffer.fill(*byte);
                Ok(buffer.len())
            }
        }
    }
}
