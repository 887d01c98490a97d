//! Images as archives: get and load.

use crate::body::BodyReader;
use crate::error::{Answer, ApiError};
use crate::query::Query;
use crate::server::{Server, Shared};
use crate::stream::{Late, streamed};
use axum::body::Body;
use axum::extract::State;
use drydock_core::engine::ArchiveFormat;
use drydock_core::{Error, ErrorKind};
use serde_json::json;

/// `GET /images/get`
pub(super) async fn get(State(server): State<Shared>, query: Query) -> Answer {
    save(&server, query.all("names"), &query).await
}

/// Answers images as one archive.
pub(super) async fn save(server: &Server, names: Vec<String>, _: &Query) -> Answer {
    if names.is_empty() {
        return Err(ApiError::bad("no images to save"));
    }
    streamed(server, "application/x-tar", Late::Cut, move |engine, writer| {
        let mut buffered = std::io::BufWriter::with_capacity(64 << 10, writer);
        engine.save(&names, ArchiveFormat::Docker, &mut buffered)?;
        std::io::Write::flush(&mut buffered).map_err(|e| Error::new(ErrorKind::Interrupted, "the client went away").source(e))
    })
    .await
}

/// `POST /images/load`
pub(super) async fn load(State(server): State<Shared>, body: Body) -> Answer {
    let mut reader = BodyReader::new(body);
    streamed(&server, "application/json", Late::Line, move |engine, writer| {
        // Docker answers before it reads: what is wrong comes as a line.
        let _ = writer.begin();
        for name in engine.load(&mut reader).map_err(|e| reader.blame(e))? {
            let what = if name.starts_with("sha256:") { "Loaded image ID" } else { "Loaded image" };
            // The images are there, whoever still listens.
            let _ = writer.line(&json!({ "stream": format!("{what}: {name}\n") }));
        }
        Ok(())
    })
    .await
}
