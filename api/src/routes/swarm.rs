//! What is off here, as on an engine that is in no swarm and has no plugins.

use crate::server::Shared;
use axum::Router;

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    Router::new()
}
