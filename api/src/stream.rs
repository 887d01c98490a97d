//! Answers that are written while they come to be: a writer for code that blocks, and a response whose body it is.

use crate::error::{Answer, ApiError, message_of};
use crate::server::Server;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use drydock_core::engine::Engine;
use drydock_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// How many pieces wait for a slow client before the writer does.
const QUEUE: usize = 16;

/// The body of an answer, for code that blocks. Writing fails once the client is gone.
pub struct BodyWriter {
    pieces: mpsc::Sender<std::io::Result<Bytes>>,
    began: bool,
}

impl BodyWriter {
    /// Sends the head of the answer if nothing was sent yet: from now on an error can no longer change the status.
    pub fn begin(&mut self) -> std::io::Result<()> {
        if self.began { Ok(()) } else { self.send(Bytes::new()) }
    }

    /// Whether something was sent.
    pub fn began(&self) -> bool {
        self.began
    }

    /// Whether the client went away.
    pub fn gone(&self) -> bool {
        self.pieces.is_closed()
    }

    /// Sends a piece without copying it.
    pub fn send(&mut self, piece: Bytes) -> std::io::Result<()> {
        self.began = true;
        self.pieces.blocking_send(Ok(piece)).map_err(|_| std::io::ErrorKind::BrokenPipe.into())
    }

    /// Sends a JSON object and a line end, as Docker's streams of objects are framed.
    pub fn line(&mut self, object: &Value) -> std::io::Result<()> {
        self.send(Bytes::from(format!("{object}\r\n")))
    }
}

impl Write for BodyWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.send(Bytes::copy_from_slice(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What becomes of an error after the head was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// The connection is cut, so that nobody takes the part for the whole: archives.
    Cut,
    /// A last object says it: progress of pulls, pushes, loads and builds.
    Line,
    /// The answer just ends: logs, events, statistics.
    End,
}

/// An answer whose body `write` writes on a thread that may block. The status is 200 as soon as there is a first byte (or
/// [`BodyWriter::begin`]); an error before that is a refusal as any other.
///
/// # Errors
/// What `write` answered before it wrote anything.
pub async fn streamed(
    server: &Server,
    content_type: &'static str,
    late: Late,
    write: impl FnOnce(&dyn Engine, &mut BodyWriter) -> Result<()> + Send + 'static,
) -> Answer {
    let engine = Arc::clone(&server.engine);
    let (pieces, mut receiver) = mpsc::channel(QUEUE);
    let (tell, told) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let mut writer = BodyWriter { pieces, began: false };
        let outcome = write(&*engine, &mut writer);
        match outcome {
            Err(error) if writer.began => match late {
                Late::Cut => drop(writer.pieces.blocking_send(Err(std::io::Error::other(message_of(&error))))),
                // The client may be gone; then there is nobody to tell.
                Late::Line => {
                    // A build's step that failed gives the client its exit code.
                    let code = if error.operation() == "run" { error.about().parse().ok() } else { None };
                    let _ = writer.line(&error_line(&message_of(&error), code));
                }
                Late::End => {}
            },
            // Nobody listens once the head is out.
            outcome => drop(tell.send(outcome)),
        }
    });
    let Some(first) = receiver.recv().await else {
        return match told.await {
            Ok(Ok(())) => Ok(response(content_type, Body::empty())),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Error::new(ErrorKind::System, "the engine failed while it answered").into()),
        };
    };
    let rest = futures_util::stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|piece| (piece, receiver)) });
    let all = futures_util::StreamExt::chain(futures_util::stream::iter([first]), rest);
    Ok(response(content_type, Body::from_stream(all)))
}

/// The object that ends a stream of progress which failed.
pub fn error_line(message: &str, code: Option<i32>) -> Value {
    match code {
        Some(code) => json!({ "errorDetail": { "code": code, "message": message }, "error": message }),
        None => json!({ "errorDetail": { "message": message }, "error": message }),
    }
}

fn response(content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A JSON answer.
pub fn json_answer(status: StatusCode, value: &Value) -> Response {
    let mut response = response("application/json", Body::from(format!("{value}\n")));
    *response.status_mut() = status;
    response
}

/// A JSON answer with status 200.
///
/// # Errors
/// None; handlers end with it.
pub fn ok(value: &Value) -> Answer {
    Ok(json_answer(StatusCode::OK, value))
}

/// An empty answer with this status.
///
/// # Errors
/// None; handlers end with it.
pub fn empty(status: StatusCode) -> Result<Response, ApiError> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    Ok(response)
}
