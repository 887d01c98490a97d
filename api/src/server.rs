//! What all handlers share, and how they reach an engine whose calls block.

use crate::carried::Carried;
use crate::error::ApiError;
use crate::hijack::Unread;
use crate::log::Log;
use crate::pending::Pending;
use drydock_core::engine::Engine;
use drydock_core::registry::{Access, Credentials};
use drydock_core::{Error, ErrorKind, Result};
use std::sync::Arc;

/// How a server was set up, as far as its answers depend on it.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Say more about what happens.
    pub debug: bool,
    /// What its owner says about it.
    pub labels: Vec<String>,
    /// Registries that may be talked to without TLS, beside this machine's.
    pub insecure_registries: Vec<String>,
    /// Where to look before Docker Hub.
    pub registry_mirrors: Vec<String>,
    /// What is written about requests, and how.
    pub log: Log,
    /// How this machine tells what a client has not taken yet, if it can.
    pub unread: Option<Unread>,
}

impl Settings {
    /// How registries are reached for a client with these credentials.
    pub fn access(&self, credentials: Credentials) -> Access {
        Access { credentials, insecure: self.insecure_registries.clone(), mirrors: self.registry_mirrors.clone() }
    }
}

/// An engine with a front.
pub struct Server {
    /// What answers.
    pub engine: Arc<dyn Engine>,
    /// How it was set up.
    pub settings: Settings,
    /// Who is attached to what.
    pub carried: Arc<Carried>,
    /// Who attached to what is not started yet.
    pub pending: Pending,
}

/// The server as handlers get it: `State(server): State<Shared>`.
pub type Shared = Arc<Server>;

impl Server {
    /// A server for this engine.
    pub fn new(engine: Arc<dyn Engine>, settings: Settings) -> Shared {
        Arc::new(Self { engine, settings, carried: Arc::default(), pending: Pending::default() })
    }

    /// Calls the engine on a thread that may block, and waits for its answer. If the client goes away the call still ends.
    pub async fn ask<T: Send + 'static>(&self, call: impl FnOnce(&dyn Engine) -> Result<T> + Send + 'static) -> Result<T, ApiError> {
        let engine = Arc::clone(&self.engine);
        match tokio::task::spawn_blocking(move || call(&*engine)).await {
            Ok(answer) => answer.map_err(ApiError::from),
            Err(_) => Err(Error::new(ErrorKind::System, "the engine failed while it answered").into()),
        }
    }
}
