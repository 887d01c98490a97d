//! The operations, one file an area. Each has a `routes` function that adds its own.

pub mod build;
pub mod container;
pub mod distribution;
pub mod event;
pub mod exec;
pub mod image;
pub mod metrics;
pub mod network;
pub mod swarm;
pub mod system;
pub mod volume;

use crate::server::Shared;
use axum::Router;

/// Every route, without the version prefix.
pub fn all() -> Router<Shared> {
    Router::new()
        .merge(system::routes())
        .merge(container::routes())
        .merge(event::routes())
        .merge(exec::routes())
        .merge(image::routes())
        .merge(build::routes())
        .merge(distribution::routes())
        .merge(metrics::routes())
        .merge(network::routes())
        .merge(volume::routes())
        .merge(swarm::routes())
}
