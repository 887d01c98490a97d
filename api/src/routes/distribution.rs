//! What registries say about an image.

use crate::server::Shared;
use axum::Router;

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    Router::new()
}
