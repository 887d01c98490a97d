//! Another engine as a host: any that offers Docker's API.

use drydock_api::client::{Address, DockerEngine};
use drydock_core::Result;
use drydock_core::engine::Engine;
use std::sync::Arc;

/// Whether a host is named by an address.
pub(super) fn is_address(host: &str) -> bool {
    Address::is_one(host)
}

/// Reaches the engine at an address.
pub(super) fn open(address: &str) -> Result<Arc<dyn Engine>> {
    Ok(Arc::new(DockerEngine::open(address)?))
}
