//! A file at an address: what ADD of a URL and `import URL` ask for.

use super::LocalEngine;
use crate::error::{Error, ErrorKind, Result};
use crate::registry::limits::REDIRECTS;
use crate::registry::settings;
use crate::registry::transport::{Method, Request, Response};
use crate::registry::url::{Url, is_link_local, is_loopback};
use std::time::Duration;

/// How many times a request is sent.
const TRIES: u32 = 3;
/// Who asks.
const AGENT: &str = concat!("drydock/", env!("CARGO_PKG_VERSION"));

impl LocalEngine {
    /// Sends the request, and follows where it leads: never from TLS to none, never from elsewhere into this machine. With `tag`, what
    /// the server still calls so is answered by 304. `going` ends it between two tries.
    pub(super) fn get(&self, url: &Url, tag: Option<&str>, going: &dyn Fn() -> Result<()>) -> Result<Response> {
        let mut headers = vec![("User-Agent", AGENT.to_owned())];
        headers.extend(tag.map(|t| ("If-None-Match", t.to_owned())));
        let (mut to, mut hops, mut tried) = (url.clone(), 0, 0);
        loop {
            going()?;
            let trust = settings::trust(self.kernel(), &to.authority(), false)?;
            let request = Request { method: Method::Get, url: &to, headers: &headers, body: None, trust: &trust };
            let response = match self.host.transport.send(request) {
                Ok(response) => response,
                Err(fault) if fault.is_passing() && tried + 1 < TRIES => {
                    tried += 1;
                    self.host.clock.sleep(Duration::from_secs(1 << tried));
                    continue;
                }
                Err(fault) => return Err(fault.error(Method::Get, &to)),
            };
            if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            hops += 1;
            let refused = |why: String| Error::new(ErrorKind::Denied, format!("{} redirects {why}", url.shown()));
            if hops > REDIRECTS {
                return Err(refused(format!("more than {REDIRECTS} times")));
            }
            let next = to.join(response.header("location").ok_or_else(|| refused("to nowhere".to_owned()))?)?;
            if to.is_tls() && !next.is_tls() {
                return Err(refused(format!("to {}, which is not encrypted", next.shown())));
            }
            if is_link_local(next.host()) || (is_loopback(next.host()) && !is_loopback(url.host())) {
                return Err(refused(format!("to {}, which is on this machine's own network", next.shown())));
            }
            to = next;
        }
    }
}
