//! `GET /containers/{id}/logs`

use crate::error::{Answer, ApiError};
use crate::hijack::Framing;
use crate::query::Query;
use crate::server::Shared;
use crate::stream::{Late, streamed};
use crate::version::ApiVersion;
use axum::extract::{Path, State};
use drydock_core::docker;
use drydock_core::engine::LogsRequest;
use drydock_core::io::Stream;
use drydock_core::time::Timestamp;
use drydock_core::{Error, ErrorKind};

/// A moment; `0` and nothing are none.
pub(crate) fn moment(query: &Query, name: &str, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
    let given = Some(query.get(name)).filter(|t| !t.is_empty() && *t != "0");
    let read = given.map(|t| docker::time::moment(t, now)).transpose();
    read.map_err(|e| ApiError::bad(format!("invalid value for \"{name}\": {}", e.message())))
}

/// The log, in frames where there is no terminal.
pub(super) async fn logs(State(server): State<Shared>, Path(id): Path<String>, version: ApiVersion, query: Query) -> Answer {
    let (stdout, stderr) = (query.flag("stdout"), query.flag("stderr"));
    if !(stdout || stderr) {
        return Err(ApiError::bad("Bad parameters: you must choose at least one stream"));
    }
    let now = server.engine.now();
    let request = LogsRequest {
        follow: query.flag("follow"),
        // What is no number, or a negative one, means all lines.
        tail: query.get("tail").parse().ok(),
        since: moment(&query, "since", now)?,
        until: moment(&query, "until", now)?,
        pulse: true,
    };
    let (timestamps, beside) = (query.flag("timestamps"), query.flag("details"));
    let asked = id.clone();
    let framing = Framing::of(server.ask(move |engine| Ok(engine.container(&asked)?.config.tty)).await?);
    streamed(&server, framing.content_type(version), Late::End, move |engine, writer| {
        let gone = |e| Error::new(ErrorKind::Interrupted, "the client went away").source(e);
        let mut failure = None;
        let mut first = true;
        engine.logs(&id, &request, &mut |line| {
            if line.bytes.is_empty() {
                // Between lines: the head goes out at once, and a client that left is noticed.
                let begun = if std::mem::take(&mut first) { writer.begin().is_ok() } else { true };
                return begun && !writer.gone();
            }
            if !if line.stream == Stream::Stdout { stdout } else { stderr } {
                return true;
            }
            let mut text = Vec::with_capacity(line.bytes.len() + 64);
            if timestamps {
                text.extend_from_slice(docker::time::nanoseconds(line.time).as_bytes());
                text.push(b' ');
            }
            if beside {
                text.extend_from_slice(docker::details(&line.attributes).as_bytes());
                text.push(b' ');
            }
            text.extend_from_slice(&line.bytes);
            failure = writer.send(framing.frame(line.stream, &text).into()).err();
            failure.is_none()
        })?;
        failure.map_or(Ok(()), |e| Err(gone(e)))
    })
    .await
}
