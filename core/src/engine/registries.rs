//! The engine's way to a registry: settings of the host, the address that answers, and what the small requests need.

use super::LocalEngine;
use crate::error::{Error, ErrorKind, Result};
use crate::image::reference::{DEFAULT_HOST, Reference};
use crate::registry::auth::Scope;
use crate::registry::client::{Call, Client, Judge, Outside};
use crate::registry::endpoint::{self, Endpoint};
use crate::registry::problem::Problem;
use crate::registry::settings::{self, Settings};
use crate::registry::transport::{Method, Trust};
use crate::registry::url::Url;
use crate::registry::{Access, Found, RemoteManifest, SearchRequest, fetch, search};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

/// The most repositories that one search answers (Docker's bound).
const MOST_FOUND: usize = 100;
/// How many it answers unless asked otherwise.
const FOUND: usize = 25;

/// What the requests of one operation share.
pub(super) struct Operation<'a> {
    engine: &'a LocalEngine,
    settings: Settings,
    access: &'a Access,
    trusts: Mutex<BTreeMap<String, Trust>>,
    pub(super) stopped: AtomicBool,
}

impl Drop for Operation<'_> {
    fn drop(&mut self) {
        self.engine.host.transport.rest();
    }
}

impl<'a> Operation<'a> {
    pub(super) fn begin(engine: &'a LocalEngine, access: &'a Access) -> Result<Self> {
        let settings = Settings::of(engine.kernel())?.with_mirrors(&access.mirrors);
        Ok(Self { engine, settings, access, trusts: Mutex::default(), stopped: AtomicBool::new(false) })
    }

    /// How a server is judged; each one's files are read once.
    fn trust(&self, authority: &str) -> Result<Trust> {
        let mut known = self.trusts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(trust) = known.get(authority) {
            return Ok(trust.clone());
        }
        let insecure = self.settings.is_insecure(authority, &self.access.insecure);
        let trust = settings::trust(self.engine.kernel(), authority, insecure)?;
        known.insert(authority.to_owned(), trust.clone());
        Ok(trust)
    }

    /// Calls `act` with a client of the registry, at the first address that answers. One that stands in for the registry is passed
    /// over when it fails in whatever way.
    pub(super) fn with_client<T>(&self, host: &str, mirrors: bool, act: &mut dyn FnMut(&Client<'_>) -> Result<T>) -> Result<T> {
        self.at(endpoint::endpoints(host, &self.settings, &self.access.insecure, mirrors)?, act)
    }

    fn at<T>(&self, endpoints: Vec<Endpoint>, act: &mut dyn FnMut(&Client<'_>) -> Result<T>) -> Result<T> {
        let judge = |authority: &str| self.trust(authority);
        let judge: Judge<'_> = &judge;
        let outside = Outside {
            transport: &*self.engine.host.transport,
            clock: &*self.engine.host.clock,
            judge,
            realms: &self.settings.trusted_realms,
            stopped: &self.stopped,
        };
        let mut last = Error::new(ErrorKind::System, "the registry has no address");
        for endpoint in endpoints {
            let client = Client::new(outside, endpoint, &self.access.credentials);
            match client.ping() {
                Err(fault) => last = fault.error(Method::Get, &client.base().at("/v2/")),
                Ok(_) => match act(&client) {
                    Err(error) if client.is_mirror() => last = error,
                    outcome => return outcome,
                },
            }
        }
        Err(last)
    }
}

impl LocalEngine {
    /// Asks a registry whether it knows somebody.
    pub(super) fn check_login(&self, server: &str, access: &Access) -> Result<()> {
        let host = endpoint::server(server);
        let operation = Operation::begin(self, access)?;
        operation.with_client(&host, false, &mut |client| {
            let scope = Scope::default();
            let call = Call::new(Method::Get, client.base().at("/v2/"), &scope);
            let response = client.send(&call)?;
            if response.status == 200 {
                return Ok(());
            }
            let shown = call.url.shown();
            let problem = Problem::read(response, Method::Get, &call.url);
            let status = match problem.status {
                401 => "401 Unauthorized".to_owned(),
                403 => "403 Forbidden".to_owned(),
                other => other.to_string(),
            };
            Err(Error::new(problem.kind(), format!("login attempt to {shown} failed with status: {status}")))
        })
    }

    /// Looks for repositories.
    pub(super) fn search_registry(&self, request: &SearchRequest) -> Result<Vec<Found>> {
        if request.limit > MOST_FOUND {
            return Err(Error::invalid(format!("Limit {} is outside the range of [1, 100]", request.limit)));
        }
        let limit = if request.limit == 0 { FOUND } else { request.limit };
        let operation = Operation::begin(self, &request.access)?;
        let (host, words) = search::split(&request.term);
        let act = &mut |client: &Client<'_>| search::search(client, words, limit);
        let Some(host) = host.filter(|h| !matches!(*h, DEFAULT_HOST | "index.docker.io")) else {
            let index = Endpoint { base: Url::parse(search::HUB_INDEX)?, mirror: false, insecure: false };
            return operation.at(vec![index], act);
        };
        let mut found = operation.with_client(host, false, act)?;
        for one in &mut found {
            one.name = format!("{host}/{}", one.name);
        }
        Ok(found)
    }

    /// A manifest or index as the registry has it.
    pub(super) fn fetch_manifest(&self, name: &str, access: &Access) -> Result<RemoteManifest> {
        let reference = Reference::parse(name)?;
        let operation = Operation::begin(self, access)?;
        operation.with_client(&reference.host, true, &mut |client| {
            fetch::manifest(client, &reference.path, which(&reference), None).map_err(|refused| super::pull::explained(refused, &reference))
        })
    }
}

/// What a registry is asked for: the digest if there is one, else the tag.
pub(super) fn which(reference: &Reference) -> &str {
    match &reference.digest {
        Some(digest) => digest.as_str(),
        None => reference.tag.as_deref().unwrap_or_default(),
    }
}
