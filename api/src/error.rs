//! How a request fails: a status and `{"message": …}`, decided in one place.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use drydock_core::{Error, ErrorKind};

/// What a wait answers beside the words where a container ended with its supervisor, so that programs need not read them.
pub(crate) const SUPERVISOR_LOST: &str = "supervisor-lost";

/// A refused request.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    message: String,
}

impl ApiError {
    /// A refusal with this status.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// The client's mistake.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// What a path that is no operation answers, in Docker's words.
    pub fn no_page() -> Self {
        Self::new(StatusCode::NOT_FOUND, "page not found")
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same refusal with another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

/// What the API says for an engine's error: its sentence and what is underneath, without the hint, which speaks of this program's own
/// command line.
pub fn message_of(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(source) if error.kind() != ErrorKind::InvalidInput => format!("{}: {source}", error.message()),
        _ => error.message().to_owned(),
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let status = StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, message: message_of(&error) }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "message": self.message }).to_string() + "\n";
        let kind = HeaderValue::from_static("application/json");
        let mut response = (self.status, [(header::CONTENT_TYPE, kind)], body).into_response();
        response.extensions_mut().insert(Refused(self.message));
        response
    }
}

/// Why a request was refused, beside the answer that says so: for the server's log.
#[derive(Clone, Debug)]
pub(crate) struct Refused(pub(crate) String);

/// What handlers answer.
pub type Answer = Result<Response, ApiError>;
