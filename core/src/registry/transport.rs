//! The seam to the network: one HTTP request and its response, and jobs side by side.
//!
//! A transport decides nothing: it follows no redirect, adds no credential, tries nothing again. It bounds what it waits for.

use super::url::Url;
use crate::error::{Error, ErrorKind};
use std::fmt;
use std::io::Read;

/// The methods that the distribution specification has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    /// As it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether it may be sent somewhere else when the answer is a redirect.
    pub fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

/// How a server's certificate is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trust {
    /// Certificates of authorities in PEM, beside those of the host.
    pub authorities: Vec<u8>,
    /// A client certificate and its key in PEM.
    pub client: Option<(Vec<u8>, Vec<u8>)>,
    /// Any certificate will do.
    pub anything: bool,
}

/// One request.
pub struct Request<'a> {
    /// What to do.
    pub method: Method,
    /// Where.
    pub url: &'a Url,
    /// Headers. `Host` and `Content-Length` are the transport's.
    pub headers: &'a [(&'static str, String)],
    /// The body and its exact length.
    pub body: Option<(&'a mut dyn Read, u64)>,
    /// How the server is judged, if it has a certificate.
    pub trust: &'a Trust,
}

/// One response; its body is read as it is wanted.
pub struct Response {
    /// 200, 401…
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body. An error of it, also a body that is shorter than it was said to be, is an error of reading.
    pub body: Box<dyn Read + Send>,
}

impl Response {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What went wrong.
    pub kind: FaultKind,
    /// The rest of the sentence after the method and the address, in the words of Go's programs where Docker's users know them.
    pub message: String,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// There is no network to speak of.
    NoNetwork,
    /// No host has this name.
    NoHost,
    /// Nobody listens there, or it cannot be reached.
    Unreachable,
    /// The certificate is not to be trusted, or TLS failed otherwise.
    Tls,
    /// It asks for a certificate of the client's, and got none, or none that it trusts.
    ClientCertificate,
    /// It answered, and not in TLS.
    NotTls,
    /// It did not answer in time.
    TimedOut,
    /// The connection ended early.
    Cut,
    /// What it answered is not HTTP, or more than is read.
    Malformed,
}

impl Fault {
    /// Whether another try may go better.
    pub fn is_passing(&self) -> bool {
        matches!(self.kind, FaultKind::TimedOut | FaultKind::Cut)
    }

    /// As an error of the engine: `Get "https://host/v2/": connection refused`.
    pub fn error(&self, method: Method, url: &Url) -> Error {
        let kind = match self.kind {
            FaultKind::TimedOut => ErrorKind::TimedOut,
            FaultKind::NoNetwork => ErrorKind::Unsupported,
            FaultKind::Malformed => ErrorKind::InvalidInput,
            _ => ErrorKind::System,
        };
        let (first, rest) = method.as_str().split_at(1);
        let error = Error::new(kind, format!("{first}{} \"{}\": {}", rest.to_lowercase(), url.shown(), self.message)).op("request");
        match self.kind {
            FaultKind::NotTls => error.hint(
                "a registry without TLS must be named: --insecure-registry HOST, or \"insecure-registries\" in /etc/drydock/daemon.json",
            ),
            FaultKind::Tls => error.hint(format!("put the authority's certificate into /etc/docker/certs.d/{}/ca.crt", url.authority())),
            FaultKind::ClientCertificate => error.hint(format!(
                "the registry asks for a certificate of yours: put it and its key into /etc/docker/certs.d/{}/ as client.cert and client.key",
                url.authority()
            )),
            _ => error,
        }
    }
}

/// A piece of work that may run beside others.
pub type Job<'a> = Box<dyn FnOnce() + Send + 'a>;

/// What reaches registries: the network on Linux, simulated hosts on the simulator.
pub trait Transport: Send + Sync {
    /// Sends a request and waits for the headers of the response.
    fn send(&self, request: Request<'_>) -> Result<Response, Fault>;

    /// Runs jobs, at most so many at a time, begun in their order, and returns when all have ended. `meanwhile` is called on the
    /// calling thread again and again, and once at the end.
    fn run(&self, width: usize, jobs: Vec<Job<'_>>, meanwhile: &mut dyn FnMut());

    /// Lets go of connections that were kept for further requests: an operation is over.
    fn rest(&self);
}

impl fmt::Debug for dyn Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

/// The transport of a host that reaches no registry.
#[derive(Debug)]
pub struct NoNetwork;

impl Transport for NoNetwork {
    fn send(&self, _: Request<'_>) -> Result<Response, Fault> {
        Err(Fault { kind: FaultKind::NoNetwork, message: "this host reaches no registry".to_owned() })
    }

    fn run(&self, _: usize, jobs: Vec<Job<'_>>, meanwhile: &mut dyn FnMut()) {
        jobs.into_iter().for_each(|job| job());
        meanwhile();
    }

    fn rest(&self) {}
}
