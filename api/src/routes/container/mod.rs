//! Containers: list, life, streams and files.

mod attach;
mod create;
mod files;
mod life;
mod logs;
mod look;
mod stats;
mod wait;

pub(crate) use attach::{keys, out_of_descriptors};
pub(crate) use logs::moment;

use crate::error::ApiError;
use crate::query::Query;
use crate::server::Shared;
use axum::Router;
use axum::routing::{delete, get, post};
use drydock_core::engine::PruneFilters;
use drydock_core::io::Size;
use drydock_core::kernel::Signal;

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/containers/json", get(look::list))
        .route("/containers/create", post(create::create))
        .route("/containers/prune", post(life::prune))
        .route("/containers/{id}/json", get(look::inspect))
        .route("/containers/{id}/top", get(look::top))
        .route("/containers/{id}/changes", get(files::changes))
        .route("/containers/{id}/export", get(files::export))
        .route("/containers/{id}/archive", get(files::get).head(files::head).put(files::put))
        .route("/containers/{id}/logs", get(logs::logs))
        .route("/containers/{id}/stats", get(stats::stats))
        .route("/containers/{id}/attach", post(attach::attach))
        .route("/containers/{id}/attach/ws", get(attach::websocket))
        .route("/containers/{id}/resize", post(attach::resize))
        .route("/containers/{id}/wait", post(wait::wait))
        .route("/containers/{id}/start", post(life::start))
        .route("/containers/{id}/stop", post(life::stop))
        .route("/containers/{id}/restart", post(life::restart))
        .route("/containers/{id}/kill", post(life::kill))
        .route("/containers/{id}/pause", post(life::pause))
        .route("/containers/{id}/unpause", post(life::unpause))
        .route("/containers/{id}/rename", post(life::rename))
        .route("/containers/{id}/update", post(life::update))
        .route("/containers/{id}", delete(life::remove))
}

/// The size of a terminal from `h` and `w`.
pub(crate) fn size(query: &Query) -> Result<Size, ApiError> {
    let side = |name: &str| {
        let number = query.number(name)?.ok_or_else(|| ApiError::bad("strconv.Atoi: parsing \"\": invalid syntax"))?;
        u16::try_from(number).map_err(|_| ApiError::bad(format!("invalid size of a terminal: {number}")))
    };
    Ok(Size { rows: side("h")?, cols: side("w")? })
}

/// The `signal` parameter.
fn signal(query: &Query) -> Result<Option<Signal>, ApiError> {
    let given = Some(query.get("signal")).filter(|s| !s.is_empty());
    Ok(given.map(Signal::parse).transpose()?)
}

/// The filters that every prune knows.
pub(super) fn prune_filters(server: &Shared, query: &Query) -> Result<PruneFilters, ApiError> {
    let filters = query.filters()?;
    filters.only(&["until", "label", "label!"])?;
    let until = match filters.of("until") {
        [] => None,
        [one] => Some(drydock_core::docker::time::moment(one, server.engine.now())?),
        _ => return Err(ApiError::bad("more than one until filter specified")),
    };
    Ok(PruneFilters { until, labels: filters.of("label").to_vec(), without_labels: filters.of("label!").to_vec(), dry_run: false })
}
