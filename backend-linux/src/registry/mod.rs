//! The way to registries: HTTP and TLS over the network of this machine.
//!
//! Nothing is decided here. What is waited for is bounded: connecting, the headers, and every single read and write.

mod side_by_side;
mod tls;

use drydock_core::registry::transport::{Fault, FaultKind, Job, Request, Response, Transport, Trust};
use drydock_core::registry::url::{Url, is_loopback};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use ureq::{Agent, SendBody, http};

/// How long names and connections may take.
const CONNECT: Duration = Duration::from_secs(15);
/// How long the headers of a response may take, from the last byte of the request.
const HEADERS: Duration = Duration::from_secs(30);
/// How long one read or write may take.
const PIECE: Duration = Duration::from_secs(15);
/// How many bytes of headers are read.
const LARGEST_HEADERS: usize = 64 << 10;
/// How many bytes are read and written at a time.
const BUFFER: usize = 256 << 10;

/// This machine's network.
#[derive(Debug)]
pub struct Network {
    piece: Duration,
    agents: Mutex<BTreeMap<(Trust, bool), Agent>>,
}

impl Default for Network {
    fn default() -> Self {
        Self::waiting(PIECE)
    }
}

impl Network {
    /// With another bound on how long one read or write may take.
    pub fn waiting(piece: Duration) -> Self {
        Self { piece, agents: Mutex::default() }
    }

    /// What keeps connections to servers that are judged alike.
    fn agent(&self, trust: &Trust, proxied: bool) -> Result<Agent, Fault> {
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (trust.clone(), proxied);
        if let Some(agent) = agents.get(&key) {
            return Ok(agent.clone());
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // Who follows a redirect decides what it shows there.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(tls::config(trust)?)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(HEADERS))
            .timeout_per_read(Some(self.piece))
            .timeout_per_write(Some(self.piece))
            .max_response_header_size(LARGEST_HEADERS)
            .input_buffer_size(BUFFER)
            .output_buffer_size(BUFFER);
        if !proxied {
            config = config.proxy(None);
        }
        let agent = config.build().new_agent();
        agents.insert(key, agent.clone());
        Ok(agent)
    }
}

impl Transport for Network {
    fn send(&self, request: Request<'_>) -> Result<Response, Fault> {
        // What a proxy says is this machine would be the proxy's.
        let agent = self.agent(request.trust, !is_loopback(request.url.host()))?;
        let mut builder = http::Request::builder().method(request.method.as_str()).uri(request.url.to_string());
        for (name, value) in request.headers {
            builder = builder.header(*name, value);
        }
        let malformed = |e: http::Error| Fault { kind: FaultKind::Malformed, message: e.to_string() };
        let answered = match request.body {
            Some((reader, length)) => {
                let mut exact = reader.take(length);
                let message = builder.header("Content-Length", length).body(SendBody::from_reader(&mut exact)).map_err(malformed)?;
                agent.run(message)
            }
            None => agent.run(builder.body(()).map_err(malformed)?),
        };
        let (parts, body) = answered.map_err(|e| fault(&e, request.url))?.into_parts();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let body = body.into_with_config().limit(u64::MAX).reader();
        Ok(Response { status: parts.status.as_u16(), headers, body: Box::new(Body(body)) })
    }

    fn run(&self, width: usize, jobs: Vec<Job<'_>>, meanwhile: &mut dyn FnMut()) {
        side_by_side::run(width, jobs, meanwhile);
    }

    fn rest(&self) {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A body whose errors have the kinds that readers tell apart.
struct Body(ureq::BodyReader<'static>);

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|e| {
            let timed_out =
                e.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()).is_some_and(|e| matches!(e, ureq::Error::Timeout(_)));
            if timed_out { io::Error::new(io::ErrorKind::TimedOut, "the registry sends nothing more") } else { e }
        })
    }
}

/// Why there was no response, in the words of Go's programs.
fn fault(error: &ureq::Error, url: &Url) -> Fault {
    let place = format!("{}:{}", url.host(), url.port());
    let (kind, message) = match error {
        ureq::Error::HostNotFound => (FaultKind::NoHost, format!("dial tcp: lookup {}: no such host", url.host())),
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            (FaultKind::Unreachable, format!("dial tcp {place}: i/o timeout"))
        }
        ureq::Error::Timeout(_) => (FaultKind::TimedOut, "net/http: timeout awaiting response headers".to_owned()),
        ureq::Error::Tls(what) => (FaultKind::Tls, format!("tls: {what}")),
        ureq::Error::Rustls(e) => tls::fault(e),
        ureq::Error::Pem(e) => (FaultKind::Tls, format!("tls: a certificate file cannot be read: {e}")),
        ureq::Error::ConnectionFailed => (FaultKind::Unreachable, format!("dial tcp {place}: connect: connection failed")),
        ureq::Error::LargeResponseHeader(..) => {
            (FaultKind::Malformed, format!("the registry sends more than {LARGEST_HEADERS} bytes of headers"))
        }
        ureq::Error::Protocol(e) => (FaultKind::Malformed, format!("malformed HTTP response: {e}")),
        ureq::Error::Io(e) => of_io(e, &place),
        other => (FaultKind::Malformed, other.to_string()),
    };
    Fault { kind, message }
}

fn of_io(error: &io::Error, place: &str) -> (FaultKind, String) {
    if let Some(e) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return tls::fault(e);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => (FaultKind::Unreachable, format!("dial tcp {place}: connect: connection refused")),
        io::ErrorKind::HostUnreachable => (FaultKind::Unreachable, format!("dial tcp {place}: connect: no route to host")),
        io::ErrorKind::NetworkUnreachable => (FaultKind::Unreachable, format!("dial tcp {place}: connect: network is unreachable")),
        io::ErrorKind::TimedOut => (FaultKind::TimedOut, "i/o timeout".to_owned()),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
            (FaultKind::Cut, format!("the connection ended early: {error}"))
        }
        _ if error.to_string().contains("lookup address") => {
            (FaultKind::NoHost, format!("dial tcp: lookup {}: no such host", place.rsplit_once(':').map_or(place, |(host, _)| host)))
        }
        _ => (FaultKind::Cut, error.to_string()),
    }
}
