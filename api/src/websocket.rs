//! `GET …/attach/ws`: the streams of a container in the messages of a websocket (RFC 6455), for clients that cannot take a connection
//! over, such as a terminal in a page. Output is raw, as Docker's; what comes in, text or bytes, is standard input.

use crate::error::ApiError;
use crate::hijack::{Framing, Wire, wire};
use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper_util::rt::TokioIo;
use std::os::unix::net::UnixStream;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

/// The largest message that is taken, in bytes.
const LARGEST: usize = 1 << 20;
/// Bytes carried at once.
const CHUNK: usize = 64 << 10;

/// Takes a connection over for a websocket.
///
/// # Errors
/// 400 where the request asks for none; 503 where no descriptors are left.
pub fn upgrade(mut request: Request<Body>) -> Result<(Wire, Response), ApiError> {
    let says = |name: &str, word: &str| {
        let values = request.headers().get_all(name).iter().filter_map(|v| v.to_str().ok());
        values.flat_map(|v| v.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).filter(|key| !key.is_empty());
    let accept = match key {
        Some(key) if says("upgrade", "websocket") && says("connection", "upgrade") && says("sec-websocket-version", "13") => {
            derive_accept_key(key.as_bytes())
        }
        _ => return Err(ApiError::bad("the request is no handshake of a websocket")),
    };
    let (wire, far, leaving) = wire(Framing::Raw).map_err(|e| crate::routes::container::out_of_descriptors(&e))?;
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let config = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
        carry(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await, far, leaving).await;
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    Ok((wire, response))
}

/// Carries messages both ways until the engine's end is done or the client is gone.
async fn carry<S: AsyncRead + AsyncWrite + Unpin>(socket: WebSocketStream<S>, far: tokio::net::UnixStream, leaving: UnixStream) {
    let (mut to_client, mut from_client) = socket.split();
    let (mut from_engine, mut to_engine) = far.into_split();
    let inwards = async {
        while let Some(Ok(message)) = from_client.next().await {
            let data = match message {
                Message::Text(text) => Bytes::from(text),
                Message::Binary(bytes) => bytes,
                Message::Close(_) => break,
                // A ping is answered by the library as it reads on.
                _ => continue,
            };
            if to_engine.write_all(&data).await.is_err() {
                // Nobody takes input any more; output may still come.
                return std::future::pending().await;
            }
        }
    };
    let outwards = async {
        let mut buffer = vec![0; CHUNK];
        loop {
            let n = match from_engine.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(n) => n,
            };
            let piece = Bytes::copy_from_slice(buffer.get(..n).unwrap_or_default());
            if to_client.send(Message::Binary(piece)).await.is_err() {
                return;
            }
        }
        match to_client.send(Message::Close(None)).await {
            Ok(()) | Err(Error::ConnectionClosed) => {}
            Err(_) => return,
        }
        let _ = to_client.flush().await;
    };
    tokio::select! {
        () = inwards => {}
        () = outwards => {}
    }
    drop(leaving);
}
