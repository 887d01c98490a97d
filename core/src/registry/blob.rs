//! Reading a blob: to its end, from where it broke off if it breaks off, and not a byte further than it is said to be long.

use super::auth::Scope;
use super::client::{Call, Client};
use super::fetch::address;
use super::limits;
use super::problem::Problem;
use super::retry;
use super::transport::{Method, Response};
use super::url::Url;
use crate::error::{Error, ErrorKind, Result};
use crate::image::Blob;
use crate::time::Timestamp;
use std::io::{self, Read};

/// How many bytes pass before somebody is told.
const TOLD: u64 = 512 << 10;

/// A blob of a repository as it comes. After an error of reading, [`Download::failure`] has the engine's own.
pub struct Download<'a> {
    client: &'a Client<'a>,
    scope: Scope,
    url: Url,
    blob: Blob,
    at: u64,
    body: Option<Box<dyn Read + Send>>,
    failures: u32,
    since_failure: u64,
    window: (Timestamp, u64),
    told: u64,
    tell: &'a (dyn Fn(u64) + Sync),
    failure: Option<Error>,
}

impl<'a> Download<'a> {
    /// Begins; nothing is sent before the first byte is wanted. `tell` hears how many bytes there are.
    pub fn new(client: &'a Client<'a>, repository: &str, blob: &Blob, tell: &'a (dyn Fn(u64) + Sync)) -> Self {
        Self {
            client,
            scope: Scope::pull(repository),
            url: address(client, repository, "blobs", blob.digest.as_str()),
            blob: blob.clone(),
            at: 0,
            body: None,
            failures: 0,
            since_failure: 0,
            window: (client.clock().now(), 0),
            told: 0,
            tell,
            failure: None,
        }
    }

    /// Why reading ended, if it ended with an error of this reader.
    pub fn failure(self) -> Option<Error> {
        self.failure
    }

    /// Ends reading with an error, and keeps it whole.
    fn fail<T>(&mut self, error: Error) -> io::Result<T> {
        let text = error.to_string();
        self.failure = Some(error);
        Err(io::Error::other(text))
    }

    /// Asks for the rest of the blob.
    fn open(&mut self) -> Result<Box<dyn Read + Send>> {
        let mut call = Call::new(Method::Get, self.url.clone(), &self.scope);
        if self.at > 0 {
            call = call.header("Range", format!("bytes={}-", self.at));
        }
        let response = self.client.send(&call)?;
        self.window = (self.client.clock().now(), 0);
        match response.status {
            200 => {
                let mut body = self.of_length(response, self.blob.size)?;
                // A registry that knows no ranges begins at the beginning; what is there already is passed over.
                let passed = io::copy(&mut (&mut body).take(self.at), &mut io::sink());
                passed.map_err(|e| Error::new(ErrorKind::System, "the blob breaks off").source(e))?;
                Ok(body)
            }
            206 if self.at > 0 => {
                let range = response.header("content-range").unwrap_or_default();
                let start = range.strip_prefix("bytes ").and_then(|r| r.split('-').next()).and_then(|n| n.trim().parse::<u64>().ok());
                if start != Some(self.at) {
                    return Err(self.wrong(&format!(
                        "byte {} was asked for, and what came is \"{}\"",
                        self.at,
                        super::problem::line(range)
                    )));
                }
                self.of_length(response, self.blob.size - self.at)
            }
            404 => Err(Error::not_found(format!("blob {} is not in the registry", self.blob.digest))),
            _ => Err(Problem::read(response, Method::Get, &self.url).error()),
        }
    }

    fn of_length(&self, response: Response, length: u64) -> Result<Box<dyn Read + Send>> {
        let said = response.header("content-length").and_then(|l| l.parse::<u64>().ok());
        match said {
            Some(said) if said != length => Err(self.wrong(&format!("it should have {length} bytes, and the registry says {said}"))),
            _ => Ok(response.body),
        }
    }

    fn wrong(&self, what: &str) -> Error {
        Error::invalid(format!("blob {}: {what}", self.blob.digest))
    }

    /// Whether reading may go on after a failure; waits a little if so.
    fn may_go_on(&mut self) -> bool {
        if self.since_failure >= limits::HEALED {
            self.failures = 0;
        }
        self.since_failure = 0;
        self.failures += 1;
        self.body = None;
        if self.failures >= limits::TRIES || self.client.check_going().is_err() {
            return false;
        }
        self.client.clock().sleep(retry::pause(self.client.clock(), self.failures + 1));
        true
    }

    /// Notes what came, and whether it comes fast enough.
    fn note(&mut self, count: u64) -> bool {
        self.at += count;
        self.since_failure += count;
        self.window.1 += count;
        if self.at >= self.told + TOLD || self.at == self.blob.size {
            self.told = self.at;
            (self.tell)(self.at);
        }
        let now = self.client.clock().now();
        if now.since(self.window.0) < limits::SLOW {
            return true;
        }
        let fast = self.window.1 >= limits::SLOWEST * limits::SLOW.as_secs();
        self.window = (now, 0);
        fast
    }
}

impl Read for Download<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Err(error) = self.client.check_going() {
                return self.fail(error);
            }
            if self.body.is_none() {
                if self.at == self.blob.size && self.at > 0 {
                    return Ok(0);
                }
                match self.open() {
                    Ok(body) => self.body = Some(body),
                    Err(error) => return self.fail(error),
                }
            }
            let Some(body) = &mut self.body else { continue };
            let read = body.read(buffer);
            let left = self.blob.size - self.at;
            match read {
                Ok(0) if left == 0 => return Ok(0),
                Ok(n) if n as u64 > left => {
                    let error = self.wrong(&format!("it is longer than {} bytes", self.blob.size));
                    return self.fail(error);
                }
                Ok(n) if n > 0 => {
                    if !self.note(n as u64) {
                        self.body = None;
                        if !self.may_go_on() {
                            let error = Error::new(ErrorKind::TimedOut, format!("blob {} comes too slowly", self.blob.digest));
                            return self.fail(error);
                        }
                    }
                    return Ok(n);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                broken => {
                    if !self.may_go_on() {
                        let kind = match &broken {
                            Err(e) if e.kind() == io::ErrorKind::TimedOut => ErrorKind::TimedOut,
                            _ => ErrorKind::System,
                        };
                        let text = format!("blob {} breaks off after {} of {} bytes", self.blob.digest, self.at, self.blob.size);
                        let error = Error::new(kind, text);
                        return self.fail(match broken {
                            Err(source) => error.source(source),
                            Ok(_) => error,
                        });
                    }
                }
            }
        }
    }
}
