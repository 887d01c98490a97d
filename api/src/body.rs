//! Bodies of requests: JSON, bounded and tolerant of fields that nobody knows; or bytes for a reader that blocks.

use crate::error::ApiError;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use drydock_core::Error;
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
    json_within(headers, body, PATIENCE).await
}

/// The same where the whole body may take this long.
async fn json_within<T: DeserializeOwned>(headers: &HeaderMap, body: Body, patience: Duration) -> Result<Option<T>, ApiError> {
    let whole = tokio::time::timeout(patience, Limited::new(body, LARGEST_JSON).collect()).await;
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
    broken: bool,
}

impl BodyReader {
    /// Begins to read a body. Must be called within the runtime.
    pub fn new(body: Body) -> Self {
        Self::within(body, PATIENCE)
    }

    /// The same where the client may be silent this long.
    fn within(mut body: Body, patience: Duration) -> Self {
        let (send, incoming) = mpsc::channel(4);
        tokio::spawn(async move {
            loop {
                let next = match tokio::time::timeout(patience, body.frame()).await {
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
        Self { incoming, chunk: Bytes::new(), broken: false }
    }

    /// What came of reading it: that a body broke off before its end is the client's doing.
    pub fn blame(&self, error: Error) -> Error {
        if self.broken { Error::invalid(error.message().to_owned()) } else { error }
    }
}

impl Read for BodyReader {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.chunk.is_empty() {
            match self.incoming.blocking_recv() {
                None => return Ok(0),
                Some(next) => self.chunk = next.inspect_err(|_| self.broken = true)?,
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
    use futures_util::StreamExt as _;
    use serde_json::Value;

    const SHORT: Duration = Duration::from_millis(100);

    /// A byte, and another one each time so long has passed, for ever.
    fn dripping(every: Duration) -> Body {
        let drops = futures_util::stream::unfold((), move |()| async move {
            tokio::time::sleep(every).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
        });
        Body::from_stream(futures_util::stream::iter([Ok(Bytes::from_static(b"{"))]).chain(drops))
    }

    #[tokio::test]
    async fn an_object_that_does_not_come_is_given_up() {
        // Silence, and a byte now and then.
        for every in [SHORT * 1000, SHORT / 10] {
            let headers = HeaderMap::new();
            let read = json_within::<Value>(&headers, dripping(every), SHORT);
            let answered = tokio::time::timeout(SHORT * 100, read).await.expect("an answer");
            assert_eq!(answered.err().map(|e| e.status()), Some(StatusCode::REQUEST_TIMEOUT), "{every:?}");
        }
    }

    #[tokio::test]
    async fn a_reader_waits_for_a_client_only_so_long() {
        let mut reader = BodyReader::within(dripping(SHORT * 1000), SHORT);
        let read = tokio::task::spawn_blocking(move || (reader.read(&mut [0; 10]).ok(), reader.read(&mut [0; 10]).map_err(|e| e.kind())));
        let (first, second) = tokio::time::timeout(SHORT * 100, read).await.expect("it does not hang").unwrap();
        assert_eq!((first, second), (Some(1), Err(std::io::ErrorKind::TimedOut)));
    }

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
