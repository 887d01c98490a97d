//! `GET /metrics`: counts, in the text format of Prometheus.

use crate::error::Answer;
use crate::server::Shared;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse as _;
use axum::routing::get;
use drydock_core::engine::EngineInfo;
use std::fmt::Write as _;

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    Router::new().route("/metrics", get(metrics))
}

async fn metrics(State(server): State<Shared>) -> Answer {
    let (info, last) = server.ask(|engine| Ok((engine.info()?, engine.last_event()?))).await?;
    let mut response = text(&info, last).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    Ok(response)
}

fn text(info: &EngineInfo, last: u64) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, help: &str, samples: &[(&str, u64)]| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let states = [("{state=\"paused\"}", info.paused), ("{state=\"running\"}", info.running), ("{state=\"stopped\"}", info.stopped)];
    family("engine_daemon_container_states_containers", "gauge", "The count of containers in various states", &states);
    family(
        "engine_daemon_engine_cpus_cpus",
        "gauge",
        "The number of cpus that the host system of the engine has",
        &[("", u64::from(info.facts.cpus))],
    );
    family(
        "engine_daemon_engine_memory_bytes",
        "gauge",
        "The number of bytes of memory that the host system of the engine has",
        &[("", info.facts.memory)],
    );
    family("drydock_images", "gauge", "The count of images", &[("", info.images)]);
    family("engine_daemon_events_total", "counter", "The number of events logged", &[("", last)]);
    text
}
