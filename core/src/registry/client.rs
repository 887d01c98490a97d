//! One registry, and requests to it as they must be sent.
//!
//! Credentials go to the registry's own origin, and to its token server, and nowhere else (CVE-2020-15157): after a redirect a request
//! carries none.

use super::auth::{self, Answer, Auth, Scope};
use super::credentials::Credentials;
use super::endpoint::Endpoint;
use super::limits;
use super::problem::Problem;
use super::retry;
use super::transport::{Fault, FaultKind, Method, Request, Response, Transport, Trust};
use super::url::{Url, encode, is_link_local, is_loopback};
use crate::error::{Error, ErrorKind, Result};
use crate::time::Clock;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Who asks, sent with every request.
const AGENT: &str = concat!("drydock/", env!("CARGO_PKG_VERSION"));

/// A body that can be sent more than once.
#[derive(Clone, Copy)]
pub enum Payload<'a> {
    /// None.
    Empty,
    /// These bytes.
    Bytes(&'a [u8]),
    /// So many bytes of a source that is opened for every try.
    Stream(&'a dyn Fn() -> Result<Box<dyn Read + 'a>>, u64),
}

/// A request before credentials, redirects and tries.
pub struct Call<'a> {
    /// What to do.
    pub method: Method,
    /// Where.
    pub url: Url,
    /// Headers of its own.
    pub headers: Vec<(&'static str, String)>,
    /// What a token must be for.
    pub scope: &'a Scope,
    /// What is sent along.
    pub payload: Payload<'a>,
    /// Whether it is sent again where that may help.
    pub again: bool,
}

impl<'a> Call<'a> {
    /// A request without a body.
    pub fn new(method: Method, url: Url, scope: &'a Scope) -> Self {
        Self { method, url, headers: Vec::new(), scope, payload: Payload::Empty, again: true }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// How servers are judged, by host and port.
pub type Judge<'a> = &'a (dyn Fn(&str) -> Result<Trust> + Sync);

/// What every request of one operation shares.
#[derive(Clone, Copy)]
pub struct Outside<'a> {
    /// The network.
    pub transport: &'a dyn Transport,
    /// Time and chance.
    pub clock: &'a dyn Clock,
    /// How servers are judged.
    pub judge: Judge<'a>,
    /// Token servers of other domains that may see credentials.
    pub realms: &'a [String],
    /// Set when the operation has failed or was given up: nothing more is sent.
    pub stopped: &'a AtomicBool,
}

/// A registry at one address.
pub struct Client<'a> {
    outside: Outside<'a>,
    endpoint: Endpoint,
    credentials: Credentials,
    auth: Mutex<Auth>,
}

impl<'a> Client<'a> {
    /// A client of an endpoint. A mirror is shown no credentials.
    pub fn new(outside: Outside<'a>, endpoint: Endpoint, credentials: &Credentials) -> Self {
        let credentials = if endpoint.mirror { Credentials::None } else { credentials.clone() };
        Self { outside, endpoint, credentials, auth: Mutex::default() }
    }

    /// The registry's root.
    pub fn base(&self) -> &Url {
        &self.endpoint.base
    }

    /// Whether it stands in for another one.
    pub fn is_mirror(&self) -> bool {
        self.endpoint.mirror
    }

    /// Time and chance.
    pub fn clock(&self) -> &'a dyn Clock {
        self.outside.clock
    }

    /// An error once the operation is over for another reason.
    pub fn check_going(&self) -> Result<()> {
        if self.outside.stopped.load(Ordering::Relaxed) {
            Err(Error::new(ErrorKind::Interrupted, "the transfer was given up"))
        } else {
            Ok(())
        }
    }

    fn auth(&self) -> MutexGuard<'_, Auth> {
        self.auth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The check of the version (distribution-spec "Determining Support"): answers whether the registry is satisfied with who asks.
    /// A 401 is an answer too.
    ///
    /// # Errors
    /// The fault, where nobody answers at this address as a registry would.
    pub fn ping(&self) -> std::result::Result<u16, Fault> {
        let url = self.base().at("/v2/");
        let response = self.exchange_once(Method::Get, &url, &[], Payload::Empty).map_err(|e| match e {
            Failed::Fault(fault) => fault,
            Failed::Error(error) => Fault { kind: FaultKind::Malformed, message: error.message().to_owned() },
        })?;
        let status = response.status;
        if status == 401 {
            // What it will ask for is known now; whether that can be given is the next request's matter.
            if let Ok(answer) = self.asked_for(&response) {
                self.auth().learn(&answer);
            }
        }
        // A connection whose body was read can be used again.
        let _ = response.body.take(limits::PROBLEM as u64).read_to_end(&mut Vec::new());
        Ok(status)
    }

    /// Sends a request until it is answered with something that another try would not better. Any status may come back.
    pub fn send(&self, call: &Call<'_>) -> Result<Response> {
        for tried in 1.. {
            self.check_going()?;
            let last = tried >= limits::TRIES || !call.again;
            let wait = match self.exchange(call) {
                Ok(response) if retry::is_passing(response.status) && !last => match retry::asked(&response) {
                    Some(wait) if !retry::is_patient(wait) => return Ok(response),
                    asked => asked.unwrap_or_default(),
                },
                Err(Failed::Fault(fault)) if fault.is_passing() && !last => std::time::Duration::ZERO,
                Err(Failed::Fault(fault)) => return Err(fault.error(call.method, &call.url)),
                Err(Failed::Error(error)) => return Err(error),
                Ok(response) => return Ok(response),
            };
            self.outside.clock.sleep(wait.max(retry::pause(self.outside.clock, tried + 1)));
        }
        Err(Error::new(ErrorKind::Interrupted, "the transfer was given up"))
    }

    /// Sends a request whose answer must have one of these statuses.
    pub fn expect(&self, call: &Call<'_>, statuses: &[u16]) -> Result<Response, Refused> {
        let response = self.send(call).map_err(Refused::Error)?;
        if statuses.contains(&response.status) {
            return Ok(response);
        }
        Err(Refused::Problem(Problem::read(response, call.method, &call.url)))
    }

    /// One try: with a token if one is asked for, along redirects.
    fn exchange(&self, call: &Call<'_>) -> Result<Response, Failed> {
        let mut url = call.url.clone();
        let mut asked = false;
        let mut hops = 0;
        loop {
            let own = url.same_origin(self.base());
            let mut headers = call.headers.clone();
            if own {
                let header = self.authorization(call.scope)?;
                headers.extend(header.map(|h| ("Authorization", h)));
            }
            let response = self.exchange_once(call.method, &url, &headers, call.payload)?;
            match response.status {
                401 if own && !asked => {
                    asked = true;
                    self.satisfy(&response, call.scope)?;
                }
                301 | 302 | 303 | 307 | 308 => {
                    hops += 1;
                    url = self.redirected(&response, &url, call.method, hops)?;
                }
                _ => return Ok(response),
            }
        }
    }

    /// Where a redirect may lead: never from TLS to none, never from elsewhere to this machine's own network, and with a body only to
    /// the registry itself.
    fn redirected(&self, response: &Response, from: &Url, method: Method, hops: usize) -> Result<Url> {
        let refused = |why: String| Error::invalid(format!("the registry {} redirects {why}", self.base().authority()));
        if hops > limits::REDIRECTS {
            return Err(refused(format!("more than {} times", limits::REDIRECTS)));
        }
        let to = from.join(response.header("location").ok_or_else(|| refused("to nowhere".to_owned()))?)?;
        if !method.is_safe() && !to.same_origin(self.base()) {
            return Err(refused(format!("what is sent to it to {}", to.shown())));
        }
        if from.is_tls() && !to.is_tls() {
            return Err(refused(format!("to {}, which is not encrypted", to.shown())));
        }
        if is_link_local(to.host()) || (is_loopback(to.host()) && !is_loopback(self.base().host())) {
            return Err(refused(format!("to {}, which is on this machine's own network", to.shown())));
        }
        Ok(to)
    }

    fn exchange_once(
        &self,
        method: Method,
        url: &Url,
        headers: &[(&'static str, String)],
        payload: Payload<'_>,
    ) -> Result<Response, Failed> {
        let trust = (self.outside.judge)(&url.authority())?;
        let mut all = vec![("User-Agent", AGENT.to_owned())];
        all.extend_from_slice(headers);
        let mut opened;
        let mut bytes;
        let body: Option<(&mut dyn Read, u64)> = match payload {
            Payload::Empty if method.is_safe() => None,
            Payload::Empty => {
                bytes = &b""[..];
                Some((&mut bytes, 0))
            }
            Payload::Bytes(all) => {
                bytes = all;
                Some((&mut bytes, all.len() as u64))
            }
            Payload::Stream(open, length) => {
                opened = open()?;
                Some((&mut *opened, length))
            }
        };
        self.outside.transport.send(Request { method, url, headers: &all, body, trust: &trust }).map_err(Failed::Fault)
    }

    /// The header that the registry wants, if it is known; a token that has run out is bought again before it is missed.
    fn authorization(&self, scope: &Scope) -> Result<Option<String>, Failed> {
        let now = self.outside.clock.now();
        let (header, realm) = {
            let auth = self.auth();
            (auth.header(&self.credentials, scope, now), auth.realm().cloned())
        };
        match (header, realm) {
            (None, Some(realm)) if !scope.0.is_empty() => {
                self.buy(&realm, scope)?;
                Ok(self.auth().header(&self.credentials, scope, now))
            }
            (header, _) => Ok(header),
        }
    }

    /// Does what a 401 asks for.
    fn satisfy(&self, response: &Response, scope: &Scope) -> Result<(), Failed> {
        let answer = self.asked_for(response)?;
        self.auth().forget(scope);
        self.auth().learn(&answer);
        match answer {
            Answer::Basic => Ok(()),
            Answer::Token(realm) => self.buy(&realm, scope),
        }
    }

    fn asked_for(&self, response: &Response) -> Result<Answer> {
        let headers = response.headers.iter().filter(|(key, _)| key == "www-authenticate").map(|(_, value)| value.as_str());
        auth::answer(&headers.take(8).collect::<Vec<_>>(), self.base(), &self.credentials)
    }

    /// Gets a token (distribution's token authentication: GET; with an identity token: OAuth 2, POST).
    fn buy(&self, realm: &auth::Realm, scope: &Scope) -> Result<(), Failed> {
        if !matches!(self.credentials, Credentials::None) && !auth::may_see(&realm.url, self.base(), self.outside.realms) {
            let (server, registry) = (realm.url.authority(), self.base().authority());
            return Err(Failed::Error(
                Error::new(
                    ErrorKind::Denied,
                    format!("the credentials for {registry} are not sent to {server}, which is of another domain"),
                )
                .hint("if it is to be trusted, name it in \"trusted-realms\" in /etc/drydock/daemon.json"),
            ));
        }
        let (method, url, headers, form) = self.token_request(realm, scope);
        let payload = form.as_deref().map_or(Payload::Empty, |form| Payload::Bytes(form.as_bytes()));
        for tried in 1.. {
            self.check_going()?;
            let response = match self.exchange_once(method, &url, &headers, payload) {
                Err(Failed::Fault(fault)) if fault.is_passing() && tried < limits::TRIES => None,
                Err(Failed::Fault(fault)) => return Err(Failed::Error(fault.error(method, &url))),
                Err(other) => return Err(other),
                Ok(response) if retry::is_passing(response.status) && tried < limits::TRIES => None,
                Ok(response) => Some(response),
            };
            let Some(response) = response else {
                self.outside.clock.sleep(retry::pause(self.outside.clock, tried + 1));
                continue;
            };
            if response.status != 200 {
                return Err(Failed::Error(Problem::read(response, method, &url).error()));
            }
            let token = auth::token(&body(response, limits::TOKEN, "the token server's answer")?)?;
            self.auth().keep(scope.clone(), token, self.outside.clock.now());
            return Ok(());
        }
        Ok(())
    }

    fn token_request(&self, realm: &auth::Realm, scope: &Scope) -> (Method, Url, Vec<(&'static str, String)>, Option<String>) {
        if let Credentials::Identity(secret) = &self.credentials {
            let pairs = [
                ("grant_type", "refresh_token"),
                ("service", &realm.service),
                ("client_id", "drydock"),
                ("scope", &scope.0.join(" ")),
                ("refresh_token", secret.reveal()),
            ];
            let form: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
            let headers = vec![("Content-Type", "application/x-www-form-urlencoded".to_owned())];
            return (Method::Post, realm.url.clone(), headers, Some(form.join("&")));
        }
        let mut url = realm.url.clone();
        if let Credentials::Basic { username, .. } = &self.credentials {
            url = url.with("account", username);
        }
        if !realm.service.is_empty() {
            url = url.with("service", &realm.service);
        }
        for one in &scope.0 {
            url = url.with("scope", one);
        }
        let headers = self.credentials.basic().map(|header| ("Authorization", header)).into_iter().collect();
        (Method::Get, url, headers, None)
    }
}

/// Why a request was not answered as it should be.
pub enum Refused {
    /// The registry said no.
    Problem(Problem),
    /// It did not come to that.
    Error(Error),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Error {
        match refused {
            Refused::Problem(problem) => problem.error(),
            Refused::Error(error) => error,
        }
    }
}

enum Failed {
    Fault(Fault),
    Error(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// The whole body of a response, at most `limit` bytes of it.
pub fn body(response: Response, limit: usize, what: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = response.body.take(limit as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|e| Error::new(ErrorKind::System, format!("{what} breaks off")).source(e))?;
    if bytes.len() > limit {
        return Err(Error::invalid(format!("{what} is larger than {limit} bytes")));
    }
    Ok(bytes)
}
