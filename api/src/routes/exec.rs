//! Programs that are run in containers beside their first.

use super::container::{keys, out_of_descriptors, size};
use crate::body;
use crate::error::{Answer, ApiError, message_of};
use crate::hijack::{Framing, hijack};
use crate::query::Query;
use crate::server::Shared;
use crate::stream::{empty, json_answer, ok};
use crate::version::ApiVersion;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::routing::{get, post};
use drydock_core::container::{ExecConfig, ExecStage, ExecStart};
use drydock_core::io::{Attach, Size, parse_detach_keys};
use drydock_core::{ErrorKind, docker};
use http_body_util::{BodyExt as _, Limited};
use serde::Deserialize;
use serde_json::{Value, json};

/// The routes of this area.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/containers/{id}/exec", post(create))
        .route("/exec/{id}/start", post(start))
        .route("/exec/{id}/json", get(inspect))
        .route("/exec/{id}/resize", post(resize))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[allow(clippy::struct_excessive_bools, reason = "Docker's own switches")]
struct CreateBody {
    attach_stdin: bool,
    attach_stdout: bool,
    attach_stderr: bool,
    console_size: Vec<u16>,
    detach_keys: String,
    tty: bool,
    env: Vec<String>,
    cmd: Vec<String>,
    privileged: bool,
    user: String,
    working_dir: String,
}

/// Lines and characters; zeros are no size.
fn console(size: &[u16]) -> Option<Size> {
    match size {
        [rows, cols] if *rows > 0 || *cols > 0 => Some(Size { rows: *rows, cols: *cols }),
        _ => None,
    }
}

/// `POST /containers/{id}/exec`
async fn create(State(server): State<Shared>, Path(id): Path<String>, headers: HeaderMap, body: Body) -> Answer {
    let asked: Value = body::json(&headers, body).await?;
    let asked: CreateBody = docker::body::read(asked)?;
    if asked.cmd.is_empty() {
        return Err(ApiError::bad("No exec command specified"));
    }
    parse_detach_keys(&asked.detach_keys)?;
    let config = ExecConfig {
        command: asked.cmd,
        env: asked.env,
        user: asked.user,
        workdir: asked.working_dir,
        tty: asked.tty,
        stdin: asked.attach_stdin,
        privileged: asked.privileged,
        console_size: console(&asked.console_size),
        attach_stdout: asked.attach_stdout,
        attach_stderr: asked.attach_stderr,
        detach_keys: asked.detach_keys,
        ..ExecConfig::default()
    };
    let exec = server.ask(move |engine| engine.exec_create(&id, &config)).await?;
    Ok(json_answer(StatusCode::CREATED, &json!({ "Id": exec })))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct StartBody {
    detach: bool,
    tty: bool,
    console_size: Vec<u16>,
}

/// `POST /exec/{id}/start`: in the background, or with the connection as its streams. Once that is taken over, what goes wrong is said
/// in place of output, as dockerd does; the exit code says it too.
async fn start(State(server): State<Shared>, Path(id): Path<String>, version: ApiVersion, mut request: Request<Body>) -> Answer {
    let asked = start_body(&mut request).await?;
    let record = {
        let id = id.clone();
        server.ask(move |engine| engine.exec_inspect(&id)).await?
    };
    if record.stage == ExecStage::Ended {
        return Err(ApiError::new(StatusCode::CONFLICT, format!("Error: Exec command {} has already run", record.id)));
    }
    let start = ExecStart { detach: asked.detach, console_size: console(&asked.console_size) };
    let detach_keys = match record.config.detach_keys.as_str() {
        "" => keys(&Query::default())?,
        text => parse_detach_keys(text)?,
    };
    let attach = Attach {
        stdin: record.config.stdin,
        stdout: record.config.attach_stdout || record.config.tty,
        stderr: record.config.attach_stderr,
        logs: false,
        detach_keys,
    };
    if start.detach {
        server
            .ask(move |engine| {
                let mut nobody = Nobody;
                engine.exec_start(&id, &start, &attach, &mut nobody).map(drop)
            })
            .await?;
        return empty(StatusCode::OK);
    }
    // How output is framed is for whoever starts it to say, whatever it runs on: docker-py starts programs on terminals as if they
    // had none.
    let (mut wire, response) =
        hijack(request, Framing::of(asked.tty), version, server.settings.unread, None).map_err(|e| out_of_descriptors(&e))?;
    if (record.config.tty || asked.tty) && attach.stdin {
        wire.hang_up_at_end();
    }
    tokio::task::spawn_blocking(move || match server.engine.exec_start(&id, &start, &attach, &mut wire) {
        Err(e) if e.kind() != ErrorKind::Interrupted => wire.say(&message_of(&e)),
        _ => {}
    });
    Ok(response)
}

/// Reads the options, whose length the head says: what comes after them is input.
async fn start_body(request: &mut Request<Body>) -> Result<StartBody, ApiError> {
    let body = std::mem::replace(request.body_mut(), Body::empty());
    let whole = tokio::time::timeout(body::PATIENCE, Limited::new(body, body::LARGEST_JSON).collect()).await;
    let bytes = match whole {
        Ok(Ok(whole)) => whole.to_bytes(),
        _ => return Err(ApiError::bad("the request's body cannot be read")),
    };
    if bytes.is_empty() && request.headers().contains_key(header::CONTENT_TYPE) {
        return Err(ApiError::bad("invalid JSON: got EOF while reading request body"));
    }
    if bytes.is_empty() {
        return Ok(StartBody::default());
    }
    let value: Value = serde_json::from_slice(&bytes).map_err(|e| ApiError::bad(body::in_gos_words(&bytes, &e)))?;
    Ok(docker::body::read(value)?)
}

/// The streams of what runs in the background.
struct Nobody;

impl drydock_core::io::Io for Nobody {
    fn output(&mut self, _: drydock_core::io::Stream, _: &[u8]) -> drydock_core::Result<()> {
        Ok(())
    }

    fn input(&mut self, _: bool) -> drydock_core::Result<drydock_core::io::Input> {
        Ok(drydock_core::io::Input::Closed)
    }

    fn descriptors(&self) -> Vec<i32> {
        Vec::new()
    }
}

/// `GET /exec/{id}/json`
async fn inspect(State(server): State<Shared>, Path(id): Path<String>) -> Answer {
    let record = server.ask(move |engine| engine.exec_inspect(&id)).await?;
    ok(&docker::exec(&record))
}

/// `POST /exec/{id}/resize`
async fn resize(State(server): State<Shared>, Path(id): Path<String>, query: Query) -> Answer {
    let size = size(&query)?;
    server.ask(move |engine| engine.exec_resize(&id, size)).await?;
    empty(StatusCode::OK)
}
