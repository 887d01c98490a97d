//! Connections that stop speaking HTTP: streams of containers in both directions.
//!
//! A client that asks for an upgrade (`Upgrade: tcp`) gets 101, and from then on the connection is its own: what it sends is standard
//! input, what it gets is output, raw where there is a terminal and in frames otherwise. One that asks for none gets the same output as
//! the body of a 200, and the body of its request is the input.
//!
//! Between the asynchronous connection and the engine, whose calls block, stands a pair of sockets: each end reads only as fast as
//! the other writes, so nothing is lost and nothing piles up. The two directions end on their own: a client that has no more input may
//! still read (half-close).

use crate::carried::Carrying;
use crate::version::ApiVersion;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use drydock_core::io::{Input, Io, Stream};
use drydock_core::{Error, ErrorKind, Result};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, Interest};

/// Bytes carried at once.
const CHUNK: usize = 64 << 10;
/// How long the head of an answer is ahead of the first output where nobody can tell whether the client has taken it.
const HEAD_START: Duration = Duration::from_millis(5);
/// How often it is looked at the least whether the client has taken the head.
const PEEK: Duration = Duration::from_millis(1);
/// How long a simulated host that others move waits for a client's input before it looks again what they did.
const MOMENT: Duration = Duration::from_millis(10);
/// How often it is looked whether a client that has no more input still is there.
const GLANCE: Duration = Duration::from_secs(1);

/// How output is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// As it is: a terminal has one stream.
    Raw,
    /// Eight bytes before each piece: 1 or 2 for the stream, three zeros, the length in network order.
    Multiplexed,
}

impl Framing {
    /// What a container with or without a terminal has.
    pub fn of(tty: bool) -> Self {
        if tty { Self::Raw } else { Self::Multiplexed }
    }

    /// One piece of output as it goes over the wire.
    pub fn frame(self, stream: Stream, bytes: &[u8]) -> Vec<u8> {
        if self == Self::Raw {
            return bytes.to_vec();
        }
        let mut framed = Vec::with_capacity(bytes.len() + 8);
        framed.extend_from_slice(&[if stream == Stream::Stdout { 1 } else { 2 }, 0, 0, 0]);
        // A piece is never longer than a chunk of a supervisor's or a line of a log.
        framed.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        framed.extend_from_slice(bytes);
        framed
    }

    /// The type of what is answered; frames have one of their own since API 1.42.
    pub fn content_type(self, version: ApiVersion) -> &'static str {
        if self == Self::Multiplexed && version.since(42) {
            "application/vnd.docker.multiplexed-stream"
        } else {
            "application/vnd.docker.raw-stream"
        }
    }
}

/// How many bytes of what was written to a socket of this machine its other side has not taken yet.
pub type Unread = fn(BorrowedFd<'_>) -> std::io::Result<usize>;

/// The engine's end of a connection.
pub struct Wire {
    data: UnixStream,
    /// Can be read once the client is gone.
    gone: UnixStream,
    framing: Framing,
    /// No more input comes.
    closed: bool,
    /// The end of input is the end of the client: on a terminal nothing is left to see for who hangs up.
    hangs_up: bool,
}

/// What ends with a connection, in this order: the engine hears that the client is gone, and who waits that it has everything.
struct Leaving {
    _client: UnixStream,
    _carrying: Option<Carrying>,
}

fn went_away() -> Error {
    Error::new(ErrorKind::Interrupted, "the client went away")
}

impl Wire {
    /// Whether the client is gone, as far as anybody can tell.
    pub fn is_gone(&self) -> bool {
        ready(&[&self.gone], Some(Duration::ZERO)).first().copied().unwrap_or(false)
    }

    /// Takes the end of input for the end of the client.
    pub fn hang_up_at_end(&mut self) {
        self.hangs_up = true;
    }

    /// Tells what went wrong in place of output, since the head of the answer is gone.
    pub fn say(&mut self, text: &str) {
        // The client may be gone; then there is nobody to tell.
        let _ = self.output(Stream::Stdout, format!("{text}\r\n").as_bytes());
    }
}

/// Which of these can be read, waiting at most this long.
fn ready(sockets: &[&UnixStream], patience: Option<Duration>) -> Vec<bool> {
    let patience = patience.and_then(|p| Timespec::try_from(p).ok());
    let mut fds: Vec<_> = sockets.iter().map(|s| PollFd::new(*s, PollFlags::IN)).collect();
    match poll(&mut fds, patience.as_ref()) {
        Ok(_) => fds.iter().map(|fd| !fd.revents().is_empty()).collect(),
        Err(_) => vec![false; sockets.len()],
    }
}

impl Io for Wire {
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> Result<()> {
        let written = match self.framing {
            Framing::Raw => self.data.write_all(bytes),
            Framing::Multiplexed => self.data.write_all(&self.framing.frame(stream, bytes)),
        };
        written.map_err(|_| went_away())
    }

    fn input(&mut self, block: bool) -> Result<Input> {
        self.next(if block { None } else { Some(Duration::ZERO) })
    }

    fn input_soon(&mut self) -> Result<Option<Input>> {
        Ok(Some(self.next(Some(MOMENT))?).filter(|input| *input != Input::Pending))
    }

    fn descriptors(&self) -> Vec<i32> {
        let data = (!self.closed).then(|| self.data.as_raw_fd());
        data.into_iter().chain([self.gone.as_raw_fd()]).collect()
    }
}

impl Wire {
    /// The next input; `Pending` if none came within this time.
    fn next(&mut self, patience: Option<Duration>) -> Result<Input> {
        let sockets = if self.closed { vec![&self.gone] } else { vec![&self.gone, &self.data] };
        let readable = ready(&sockets, patience);
        if readable.first() == Some(&true) {
            return Err(went_away());
        }
        if readable.get(1) != Some(&true) {
            return Ok(Input::Pending);
        }
        let mut buffer = vec![0; CHUNK];
        match self.data.read(&mut buffer) {
            Ok(0) if self.hangs_up => Err(went_away()),
            Ok(0) => {
                self.closed = true;
                Ok(Input::Closed)
            }
            Ok(n) => {
                buffer.truncate(n);
                Ok(Input::Bytes(buffer))
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => Ok(Input::Pending),
            Err(_) => Err(went_away()),
        }
    }
}

/// Takes a connection over. The wire is there at once, so that whoever waits for it can be known before the client hears of it.
///
/// # Errors
/// No descriptors are left.
pub fn hijack(
    request: Request<Body>,
    framing: Framing,
    version: ApiVersion,
    unread: Option<Unread>,
    carrying: Option<Carrying>,
) -> std::io::Result<(Wire, Response)> {
    let (wire, far, leaving) = wire(framing)?;
    let leaving = Leaving { _client: leaving, _carrying: carrying };
    let kind = HeaderValue::from_static(framing.content_type(version));
    let response = if asks_for_upgrade(request.headers()) { upgraded(request, far, leaving, unread) } else { plain(request, far, leaving) };
    let mut response = response;
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok((wire, response))
}

/// The engine's end of a connection, the end that carries its bytes on, and what is dropped when the client is gone.
pub(crate) fn wire(framing: Framing) -> std::io::Result<(Wire, tokio::net::UnixStream, UnixStream)> {
    let (data, far) = UnixStream::pair()?;
    let (gone, leaving) = UnixStream::pair()?;
    far.set_nonblocking(true)?;
    let far = tokio::net::UnixStream::from_std(far)?;
    Ok((Wire { data, gone, framing, closed: false, hangs_up: false }, far, leaving))
}

fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

fn upgraded(mut request: Request<Body>, far: tokio::net::UnixStream, leaving: Leaving, unread: Option<Unread>) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        // What was sent right behind the head has been read already.
        match upgraded.downcast::<TokioIo<tokio::net::UnixStream>>() {
            Ok(parts) => {
                let socket = parts.io.into_inner();
                let head = socket.as_fd().try_clone_to_owned().ok().zip(unread);
                carry(Ahead { first: parts.read_buf, rest: socket }, far, |peer| left(&peer.rest), leaving, taken(head)).await;
            }
            Err(other) => carry(TokioIo::new(other), far, |_| false, leaving, taken(None)).await,
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("tcp"));
    response
}

/// Whether the other side of a socket has closed it whole, and not only for writing.
fn left(socket: &tokio::net::UnixStream) -> bool {
    let mut fds = [PollFd::new(socket, PollFlags::empty())];
    matches!(poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(1..))
        && fds.iter().any(|fd| fd.revents().contains(PollFlags::HUP))
}

/// Waits until the client has taken the head of the answer. docker-py reads the head through a buffer and all that follows past it, so
/// what a read brings it along with the head is lost. Output that is written when the head has left the socket cannot come with it.
/// dockerd writes the head before it starts the program, and is ahead by as long as that takes; a simulated program takes no time.
async fn taken(head: Option<(OwnedFd, Unread)>) {
    let watched = head.and_then(|(socket, unread)| Some((tokio::net::UnixStream::from_std(UnixStream::from(socket)).ok()?, unread)));
    let Some((socket, unread)) = watched else {
        // A port tells what has arrived, and not what was taken.
        return tokio::time::sleep(HEAD_START).await;
    };
    let looks = || match unread(socket.as_fd()) {
        Ok(1..) => Err(std::io::ErrorKind::WouldBlock.into()),
        _ => Ok(()),
    };
    // The socket wakes who waits to write each time something is taken from it. The second look comes with forgetting what it woke for
    // before, so nothing in between is missed; and now and then it is looked again, for it wakes a moment before all is accounted for.
    while looks().is_err() && socket.try_io(Interest::WRITABLE, looks).is_err() {
        let _ = tokio::time::timeout(PEEK, socket.writable()).await;
    }
}

/// Carries bytes both ways until the engine's end is done or the client is gone. Output waits for `ahead`.
async fn carry<P: AsyncRead + AsyncWrite + Unpin>(
    peer: P,
    far: tokio::net::UnixStream,
    left: impl Fn(&P) -> bool,
    leaving: Leaving,
    ahead: impl Future<Output = ()>,
) {
    let (mut from_engine, mut to_engine) = far.into_split();
    // Both directions are in one task; the lock is never waited for.
    let peer = std::sync::Mutex::new(peer);
    let here = || peer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let inwards = async {
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = std::future::poll_fn(|cx| {
                let mut into = tokio::io::ReadBuf::new(&mut buffer);
                let polled = std::pin::Pin::new(&mut *here()).poll_read(cx, &mut into);
                polled.map_ok(|()| into.filled().len())
            });
            match read.await {
                Ok(0) => break,
                Ok(n) => {
                    // Nobody takes input any more; output may still come.
                    if to_engine.write_all(buffer.get(..n).unwrap_or_default()).await.is_err() {
                        return std::future::pending().await;
                    }
                }
                Err(_) => return,
            }
        }
        let _ = to_engine.shutdown().await;
        loop {
            tokio::time::sleep(GLANCE).await;
            if left(&here()) {
                return;
            }
        }
    };
    let outwards = async {
        ahead.await;
        let mut buffer = vec![0; CHUNK];
        loop {
            let n = match from_engine.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(n) => n,
            };
            let mut rest = buffer.get(..n).unwrap_or_default();
            while !rest.is_empty() {
                let written = std::future::poll_fn(|cx| std::pin::Pin::new(&mut *here()).poll_write(cx, rest)).await;
                match written {
                    Ok(0) | Err(_) => return,
                    Ok(n) => rest = rest.get(n..).unwrap_or_default(),
                }
            }
        }
        let _ = std::future::poll_fn(|cx| std::pin::Pin::new(&mut *here()).poll_shutdown(cx)).await;
    };
    tokio::select! {
        () = inwards => {}
        () = outwards => {}
    }
    drop(leaving);
}

/// A connection whose first bytes were read with the request's head.
struct Ahead<S> {
    first: Bytes,
    rest: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Ahead<S> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        into: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        if self.first.is_empty() {
            return std::pin::Pin::new(&mut self.rest).poll_read(cx, into);
        }
        let length = self.first.len().min(into.remaining());
        into.put_slice(&self.first.split_to(length));
        std::task::Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Ahead<S> {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::pin::Pin::new(&mut self.rest).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.rest).poll_flush(cx)
    }

    fn poll_shutdown(mut self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.rest).poll_shutdown(cx)
    }
}

/// The same without an upgrade: the request's body is the input, the answer's body the output.
fn plain(request: Request<Body>, far: tokio::net::UnixStream, leaving: Leaving) -> Response {
    let (from_engine, mut to_engine) = far.into_split();
    let mut body = request.into_body();
    tokio::spawn(async move {
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(data) = frame.into_data() else { continue };
            if to_engine.write_all(&data).await.is_err() {
                return;
            }
        }
        let _ = to_engine.shutdown().await;
    });
    let pieces = futures_util::stream::unfold((from_engine, leaving), |(mut from, leaving)| async {
        let mut buffer = vec![0; CHUNK];
        let n = from.read(&mut buffer).await.unwrap_or(0);
        buffer.truncate(n);
        (n > 0).then(|| (Ok::<_, std::io::Error>(Bytes::from(buffer)), (from, leaving)))
    });
    Response::new(Body::from_stream(pieces))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_their_stream_and_length_in_front() {
        assert_eq!(Framing::Multiplexed.frame(Stream::Stderr, b"abc"), [2, 0, 0, 0, 0, 0, 0, 3, b'a', b'b', b'c']);
        assert_eq!(Framing::Multiplexed.frame(Stream::Stdout, b"")[..4], [1, 0, 0, 0]);
        assert_eq!(Framing::Raw.frame(Stream::Stderr, b"abc"), b"abc");
        assert_eq!(Framing::Multiplexed.content_type(ApiVersion(1, 41)), "application/vnd.docker.raw-stream");
        assert_eq!(Framing::Multiplexed.content_type(ApiVersion(1, 42)), "application/vnd.docker.multiplexed-stream");
    }
}
