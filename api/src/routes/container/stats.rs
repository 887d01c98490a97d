//! `GET /containers/{id}/stats`

use crate::error::Answer;
use crate::query::Query;
use crate::server::Shared;
use crate::stream::{Late, streamed};
use axum::extract::{Path, State};
use drydock_core::docker;
use drydock_core::{Error, ErrorKind};
use std::time::Duration;

/// Between two figures.
const EACH: Duration = Duration::from_secs(1);

/// What a container uses: once a second, or once. One figure that is not `one-shot` has another a second before it, so that clients
/// can say how busy it is.
pub(super) async fn stats(State(server): State<Shared>, Path(id): Path<String>, query: Query) -> Answer {
    let stream = query.flag_or("stream", true);
    let at_once = query.flag("one-shot");
    if stream && at_once {
        return Err(crate::ApiError::bad("cannot have stream=true and one-shot=true"));
    }
    streamed(&server, "application/json", Late::End, move |engine, writer| {
        let simulated = engine.facts().host == "sim";
        let pause = || {
            engine.sleep(EACH);
            if simulated {
                // A simulated second takes no time, and clients would be flooded.
                std::thread::sleep(EACH);
            }
        };
        let mut now = engine.stats(&id)?;
        let id = now.id.to_string();
        let mut before = None;
        if !stream && !at_once && now.running {
            pause();
            before = Some(std::mem::replace(&mut now, engine.stats(&id)?));
        }
        loop {
            let gone = |e| Error::new(ErrorKind::Interrupted, "the client went away").source(e);
            let object = docker::stats(&now, before.as_ref());
            writer.send(format!("{object}\n").into()).map_err(gone)?;
            if !stream {
                return Ok(());
            }
            pause();
            if writer.gone() {
                return Ok(());
            }
            before = Some(std::mem::replace(&mut now, engine.stats(&id)?));
        }
    })
    .await
}
