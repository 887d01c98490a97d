//! A body that nobody reads to its end is read to it here, within bounds.
//!
//! A client that is still sending when its connection is closed sees that ("broken pipe"), and not the answer that says why it was refused
//! (RFC 9112 section 9.6).

use axum::body::{Body, Bytes};
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// The most that is read and thrown away of one body, in bytes. More than a client sends before it looks for an answer; who sends yet
/// more finds the connection closed.
const MOST: u64 = 32 << 20;
/// How long that may take.
const LONGEST: Duration = Duration::from_secs(10);

/// A request's body, which is drained when it is dropped before its end.
pub struct Drained {
    body: Option<Body>,
}

impl Drained {
    /// This body, to be drained.
    pub fn of(body: Body) -> Body {
        if body.is_end_stream() { body } else { Body::new(Self { body: Some(body) }) }
    }
}

impl HttpBody for Drained {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let body = self.body.take().filter(|body| !body.is_end_stream());
        // Without a runtime there is no connection either.
        if let (Some(body), Ok(runtime)) = (body, tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(LONGEST, drain(body)));
        }
    }
}

async fn drain(mut body: Body) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, |data| data.len() as u64);
        if read > MOST {
            return;
        }
    }
}
