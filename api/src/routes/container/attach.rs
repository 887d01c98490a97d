//! `POST /containers/{id}/attach` and `/resize`

use super::size;
use crate::error::{Answer, ApiError, message_of};
use crate::hijack::{Framing, Wire, hijack};
use crate::pending::Joined;
use crate::query::Query;
use crate::server::{Server, Shared};
use crate::stream::empty;
use crate::version::ApiVersion;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, StatusCode};
use drydock_core::container::Status;
use drydock_core::engine::{Engine, LogsRequest};
use drydock_core::io::{Attach, Ended, Io as _, Stream, parse_detach_keys};
use drydock_core::{Error, ErrorKind, Result};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// How long to wait for a start before looking whether the client is gone, or somebody else started the container.
const GLANCE: Duration = Duration::from_millis(500);

/// What a client asked to be attached to.
struct Asked {
    id: String,
    attach: Attach,
    /// Streams as they are written; without it only what was logged.
    stream: bool,
}

/// The `detachKeys` parameter; Docker's default where it is not given.
pub(crate) fn keys(query: &Query) -> std::result::Result<Vec<u8>, ApiError> {
    match query.get("detachKeys") {
        "" => Ok(Attach::default().detach_keys),
        text => Ok(parse_detach_keys(text)?),
    }
}

/// How a client is carried on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carrier {
    Connection,
    Websocket,
}

/// Attaches to a container that runs, or that will.
pub(super) async fn attach(
    State(server): State<Shared>,
    Path(id): Path<String>,
    version: ApiVersion,
    query: Query,
    request: Request<Body>,
) -> Answer {
    begin(server, id, version, &query, request, Carrier::Connection).await
}

/// The same in the messages of a websocket.
pub(super) async fn websocket(
    State(server): State<Shared>,
    Path(id): Path<String>,
    version: ApiVersion,
    query: Query,
    request: Request<Body>,
) -> Answer {
    begin(server, id, version, &query, request, Carrier::Websocket).await
}

async fn begin(server: Shared, id: String, version: ApiVersion, query: &Query, request: Request<Body>, carrier: Carrier) -> Answer {
    // Until API 1.42 a websocket had all streams; since then those that are named, and all where none is.
    let named = ["stdin", "stdout", "stderr"].iter().any(|name| query.flag(name));
    let all = carrier == Carrier::Websocket && !(version.since(42) && named);
    let attach = Attach {
        stdin: all || query.flag("stdin"),
        stdout: all || query.flag("stdout"),
        stderr: all || query.flag("stderr"),
        logs: query.flag("logs"),
        detach_keys: keys(query)?,
    };
    let record = server.ask(move |engine| engine.container(&id)).await?;
    let refused = |what: &str| Err(Error::conflict(format!("Container {} is {what}", record.id)).into());
    match record.state.status {
        Status::Paused => return refused("paused, unpause the container before attach"),
        Status::Restarting => return refused("restarting, wait until the container is running"),
        _ => {}
    }
    let tty = record.config.tty;
    let attach = Attach { stdin: attach.stdin && record.config.open_stdin, ..attach };
    let carrying = server.carried.begin(record.id.as_str());
    let (mut wire, response) = match carrier {
        Carrier::Connection => {
            hijack(request, Framing::of(tty), version, server.settings.unread, Some(carrying)).map_err(|e| out_of_descriptors(&e))?
        }
        Carrier::Websocket => crate::websocket::upgrade(request)?,
    };
    if tty && attach.stdin {
        wire.hang_up_at_end();
    }
    let asked = Asked { id: record.id.to_string(), attach, stream: query.flag("stream") };
    // Who attaches before the start is known before the client hears of it, and starts it.
    let waits = asked.stream && record.state.status != Status::Running;
    let joining = waits.then(|| {
        let attach = Attach { logs: false, ..asked.attach.clone() };
        server.pending.join(&asked.id, attach)
    });
    tokio::task::spawn_blocking(move || {
        let served = match joining {
            Some((number, told)) => join(&server, &asked, number, &told, &mut wire),
            None if asked.stream => server.engine.attach(&asked.id, &asked.attach, &mut wire).map(Some),
            None => replay(&*server.engine, &asked, &mut wire).map(|()| None),
        };
        match served {
            Err(e) if e.kind() != ErrorKind::Interrupted => wire.say(&message_of(&e)),
            _ => {}
        }
    });
    Ok(response)
}

/// The answer where a connection cannot be taken over.
pub(crate) fn out_of_descriptors(error: &std::io::Error) -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, format!("the connection cannot be taken over: {error}"))
}

/// Writes what was logged.
fn replay(engine: &dyn Engine, asked: &Asked, wire: &mut Wire) -> Result<()> {
    if !asked.attach.logs {
        return Ok(());
    }
    let mut shown = Ok(());
    engine.logs(&asked.id, &LogsRequest::default(), &mut |line| {
        if if line.stream == Stream::Stdout { asked.attach.stdout } else { asked.attach.stderr } {
            shown = wire.output(line.stream, &line.bytes);
        }
        shown.is_ok()
    })?;
    shown
}

/// Waits for the start, and is carried on from the container's first byte.
fn join(server: &Server, asked: &Asked, number: u64, told: &Receiver<Joined>, wire: &mut Wire) -> Result<Option<Ended>> {
    replay(&*server.engine, asked, wire)?;
    let runs = || server.engine.container(&asked.id).is_ok_and(|r| r.state.status == Status::Running);
    // Somebody else started it: what was written since is in its log.
    let late = |wire: &mut Wire| server.engine.attach(&asked.id, &Attach { logs: true, ..asked.attach.clone() }, wire).map(Some);
    loop {
        match told.recv_timeout(GLANCE) {
            Ok(mut joined) => return joined.pump(wire).map(Some),
            // It could not be started, or is gone.
            Err(RecvTimeoutError::Disconnected) => return if runs() { late(wire) } else { Ok(None) },
            Err(RecvTimeoutError::Timeout) if wire.is_gone() => {
                server.pending.leave(&asked.id, number);
                return Ok(None);
            }
            Err(RecvTimeoutError::Timeout) => {
                if runs() && server.pending.leave(&asked.id, number) {
                    return late(wire);
                }
            }
        }
    }
}

/// `POST /containers/{id}/resize`
pub(super) async fn resize(State(server): State<Shared>, Path(id): Path<String>, query: Query) -> Answer {
    let size = size(&query)?;
    server.ask(move |engine| engine.resize(&id, size)).await?;
    empty(StatusCode::OK)
}
