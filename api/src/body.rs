//! Bodies of requests: JSON, bounded and tolerant of fields that nobody knows; or bytes for a reader that blocks.

use crate::error::ApiError;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use std::io::Read;
use std::time::Duration;
use tokio::sync::mpsc;

/// The largest JSON body, in bytes.
pub const LARGEST_JSON: usize = 1 << 20;
/// How long a client may be silent in the middle of a body.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Reads a JSON body; `None` for an empty one.
///
/// # Errors
/// It is too large, too slow, not declared as JSON, or not what is expected.
pub async fn json_or_none<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<Option<T>, ApiError> {
    let whole = tokio::time::timeout(PATIENCE, Limited::new(body, LARGEST_JSON).collect()).await;
    let bytes = match whole {
        Err(_) => return Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "the request's body did not come")),
        Ok(Err(e)) if e.is::<LengthLimitError>() => {
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the request's body is larger than {LARGEST_JSON} bytes")));
        }
        Ok(Err(_)) => return Err(ApiError::bad("the request's body cannot be read")),
        Ok(Ok(whole)) => whole.to_bytes(),
    };
    if bytes.is_empty() {
        return Ok(None);
    }
    let kind = headers.get(header::CONTENT_TYPE).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(ApiError::bad(format!("unsupported Content-Type header ({}): must be 'application/json'", kind.escape_debug())));
    }
    // A list would be taken for the fields of an object in their order.
    match serde_json::from_slice::<serde_json::Value>(&bytes) {
        Ok(serde_json::Value::Null) => return Ok(None),
        Ok(serde_json::Value::Object(_)) => {}
        Ok(_) => return Err(ApiError::bad("invalid JSON: an object is expected")),
        Err(e) => return Err(ApiError::bad(in_gos_words(&bytes, &e))),
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|e| ApiError::bad(in_gos_words(&bytes, &e)))
}

/// What is wrong with a body, as Go's decoder says it, which clients have seen for ten years.
pub(crate) fn in_gos_words(bytes: &[u8], error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "invalid JSON: unexpected EOF".to_owned();
    }
    let said = error.to_string();
    if said.starts_with("trailing characters") {
        return "unexpected content after JSON".to_owned();
    }
    let place = [
        ("key must be a string", "looking for beginning of object key string"),
        ("expected value", "looking for beginning of value"),
        ("expected `:`", "after object key"),
        ("expected `,` or `}`", "after object key:value pair"),
        ("expected `,` or `]`", "after array element"),
    ];
    let line = bytes.split(|b| *b == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let found = line.get(error.column().saturating_sub(1)).map(|b| char::from(*b).escape_debug().to_string());
    match (place.iter().find(|(ours, _)| said.starts_with(ours)), found) {
        (Some((_, gos)), Some(found)) => format!("invalid JSON: invalid character '{found}' {gos}"),
        _ if said.starts_with("recursion limit") => "invalid JSON: exceeded max depth".to_owned(),
        _ => format!("invalid JSON: {said}"),
    }
}

/// Reads a JSON body that must be there.
///
/// # Errors
/// [`json_or_none`], and where there is none.
pub async fn json<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, ApiError> {
    json_or_none(headers, body).await?.ok_or_else(|| ApiError::bad("invalid JSON: got EOF while reading request body"))
}

/// A body as a reader for code that blocks. Reading ends early, with an error, when the client goes away or is silent too long.
pub struct BodyReader {
    incoming: mpsc::Receiver<std::io::Result<Bytes>>,
    chunk: Bytes,
}

impl BodyReader {
    /// Begins to read a body. Must be called within the runtime.
    pub fn new(mut body: Body) -> Self {
        let (send, incoming) = mpsc::channel(4);
        tokio::spawn(async move {
            loop {
                let next = match tokio::time::timeout(PATIENCE, body.frame()).await {
                    Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
                    Ok(None) => break,
                    Ok(Some(Ok(frame))) => match frame.into_data() {
                        Ok(data) => Ok(data),
                        Err(_) => continue,
                    },
                    Ok(Some(Err(e))) => Err(std::io::Error::other(e)),
                };
                let last = next.is_err();
                if send.send(next).await.is_err() || last {
                    break;
                }
            }
        });
        Self { incoming, chunk: Bytes::new() }
    }
}

impl Read for BodyReader {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.chunk.is_empty() {
            match self.incoming.blocking_recv() {
                None => return Ok(0),
                Some(next) => self.chunk = next?,
            }
        }
        let piece = self.chunk.split_to(self.chunk.len().min(into.len()));
        if let Some(room) = into.get_mut(..piece.len()) {
            room.copy_from_slice(&piece);
        }
        Ok(piece.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn mistakes_are_told_in_gos_words() {
        let deep = "[".repeat(1000);
        for (text, told) in [
            ("{invalid json", "invalid JSON: invalid character 'i' looking for beginning of object key string"),
            ("x", "invalid JSON: invalid character 'x' looking for beginning of value"),
            ("{\"a\" 1}", "invalid JSON: invalid character '1' after object key"),
            ("{\"a\":1 2}", "invalid JSON: invalid character '2' after object key:value pair"),
            ("[1 2]", "invalid JSON: invalid character '2' after array element"),
            ("{}{}", "unexpected content after JSON"),
            ("{", "invalid JSON: unexpected EOF"),
            (deep.as_str(), "invalid JSON: exceeded max depth"),
        ] {
            let error = serde_json::from_str::<Value>(text).unwrap_err();
            assert_eq!(in_gos_words(text.as_bytes(), &error), told, "{text}");
        }
    }
}
