//! Builds and their cache.

use crate::server::Shared;
use axum::Router;

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    Router::new()
}
