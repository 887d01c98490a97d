//! `GET /events`

use super::container::moment;
use crate::error::Answer;
use crate::query::Query;
use crate::server::Shared;
use crate::stream::{Late, streamed};
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use drydock_core::docker;
use drydock_core::engine::event_passes;
use drydock_core::{Error, ErrorKind};
use std::time::Duration;

/// Events read at once.
const PART: usize = 1000;
/// How long to wait for news before looking whether it is over.
const PATIENCE: Duration = Duration::from_millis(500);

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    Router::new().route("/events", get(events))
}

/// What happens, as it happens. Without a beginning only what happens from now on, unless an end is given: then all up to it.
async fn events(State(server): State<Shared>, query: Query) -> Answer {
    let now = server.engine.now();
    let (since, until) = (moment(&query, "since", now)?, moment(&query, "until", now)?);
    let filters = query.filters()?;
    let filters: Vec<(String, String)> =
        filters.0.into_iter().flat_map(|(key, values)| values.into_iter().map(move |v| (key.clone(), v))).collect();
    streamed(&server, "application/json", Late::End, move |engine, writer| {
        let simulated = engine.facts().host == "sim";
        let gone = |e| Error::new(ErrorKind::Interrupted, "the client went away").source(e);
        let mut after = if since.is_some() || until.is_some() { 0 } else { engine.last_event()? };
        writer.begin().map_err(gone)?;
        loop {
            let now = engine.now();
            let left = until.map(|until| Duration::from_nanos(until.0.saturating_sub(now.0)));
            let over = left.is_some_and(|left| left.is_zero());
            // In a simulated world time does not pass by being waited for from outside.
            let patience = if simulated || over { Duration::ZERO } else { left.map_or(PATIENCE, |left| PATIENCE.min(left)) };
            let events = engine.follow_events(after, PART, patience)?;
            for event in &events {
                after = event.number;
                if until.is_some_and(|until| event.time > until) {
                    return Ok(());
                }
                if since.is_none_or(|since| event.time >= since) && event_passes(event, &filters) {
                    writer.send(format!("{}\n", docker::event(event)).into()).map_err(gone)?;
                }
            }
            if writer.gone() || (over && events.is_empty()) {
                return Ok(());
            }
            if simulated && events.is_empty() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    })
    .await
}
