//! Accepting connections: a socket in the file system or on the loopback, and HTTP/1.1 on each connection.

mod activation;
pub mod tls;

use crate::guard::{self, Caller};
use crate::log::Level;
use crate::router::Api;
use crate::server::Shared;
use axum::body::Body;
use axum::response::IntoResponse as _;
use drydock_core::{Error, ErrorKind};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio_rustls::TlsAcceptor;

/// How long a client may take for the head of a request, and how long a connection may wait for its next one.
const HEAD: Duration = Duration::from_secs(60);
/// The largest head, in bytes; a larger one is 431.
const LARGEST_HEAD: usize = 64 << 10;

/// How long a client may take to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long requests that are under way may take to end after a signal.
const DRAIN: Duration = Duration::from_secs(10);
/// Threads for calls that block: each stream that is followed holds one.
const BLOCKING: usize = 4096;

/// How often it is tried whether somebody listens at a socket that is there already.
const TRIES: u32 = 20;
/// How long is waited in between.
const AGAIN: Duration = Duration::from_millis(50);

/// How long a thread stays that has nothing to do.
const KEEP: Duration = Duration::from_secs(2);
/// How long without a request is a pause.
const QUIET: Duration = Duration::from_secs(4);

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A socket at this path.
    Unix(PathBuf),
    /// A port of the loopback.
    Tcp(SocketAddr),
    /// The sockets that systemd has opened (sd_listen_fds(3)).
    Inherited,
}

impl Endpoint {
    /// Reads `unix:///PATH` or `tcp://ADDRESS:PORT`.
    ///
    /// # Errors
    /// It is neither, or an address that others can reach: whoever can talk to the engine is root. Where clients are `verified` it may
    /// be.
    pub fn parse(text: &str, verified: bool) -> drydock_core::Result<Self> {
        let shown = text.escape_debug();
        if text == "fd://" {
            return Ok(Self::Inherited);
        }
        if let Some(path) = text.strip_prefix("unix://")
            && !path.is_empty()
        {
            return Ok(Self::Unix(path.into()));
        }
        let Some(address) = text.strip_prefix("tcp://") else {
            return Err(Error::invalid(format!("invalid address \"{shown}\": unix:///PATH or tcp://ADDRESS:PORT is expected")));
        };
        let address = address.trim_end_matches('/').replace("localhost:", "127.0.0.1:");
        let address: SocketAddr = address.parse().map_err(|_| Error::invalid(format!("invalid address \"{shown}\"")))?;
        if !verified && !address.ip().is_loopback() {
            return Err(Error::invalid(format!("\"{shown}\" can be reached by others, and whoever reaches the engine is root"))
                .hint("use an address of the loopback, or --tlsverify, which lets in who has a certificate"));
        }
        Ok(Self::Tcp(address))
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Inherited => f.write_str("fd://"),
        }
    }
}

/// How to listen.
#[derive(Clone, Debug, Default)]
pub struct Listening {
    /// Where.
    pub endpoints: Vec<Endpoint>,
    /// The group that may use sockets in the file system; `docker` by default, where there is one. A number will do.
    pub group: Option<String>,
    /// TLS on ports.
    pub tls: Option<tls::Files>,
    /// Called when there was no request for a while, on a thread of its own.
    pub idle: Option<fn()>,
}

/// Serves an engine on these endpoints until SIGTERM or SIGINT; then ends what is under way, for a while.
///
/// # Errors
/// An endpoint that cannot be had.
pub fn run(listening: &Listening, server: Shared) -> drydock_core::Result<()> {
    let Listening { endpoints, group, tls, idle } = listening;
    let log = server.settings.log;
    let tls = tls.as_ref().map(tls::Files::acceptor).transpose()?;
    let caller = if listening.tls.as_ref().is_some_and(|files| files.clients.is_some()) { Caller::Known } else { Caller::Anybody };
    let failed = |e: std::io::Error| Error::new(ErrorKind::System, "cannot serve").op("serve").source(e);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).max_blocking_threads(BLOCKING).thread_keep_alive(KEEP).enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let (tell, stop) = watch::channel(false);
        let api = Api::new(server);
        if let Some(idle) = *idle {
            tokio::spawn(settle(Arc::clone(&api.busy), idle));
        }
        let mut serving = tokio::task::JoinSet::new();
        for endpoint in endpoints {
            for listener in bind(endpoint, group.as_deref())? {
                let doors = Doors { listener, tls: tls.clone(), caller };
                serving.spawn(serve(doors, api.clone(), stop.clone()));
            }
            log.say(Level::Info, &format!("API listen on {endpoint}"));
            if tls.is_none() && matches!(endpoint, Endpoint::Tcp(_)) {
                log.say(Level::Warn, &format!("every user of this machine can use {endpoint}, and is root with it: it has no TLS"));
            }
        }
        drop(stop);
        activation::tell("READY=1");
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let name = tokio::select! {
            _ = terminate.recv() => "terminated",
            _ = interrupt.recv() => "interrupt",
        };
        log.say(Level::Info, &format!("Processing signal '{name}'"));
        activation::tell("STOPPING=1");
        // Every connection holds a receiver; when the last is dropped, all have ended.
        let _ = tell.send(true);
        for endpoint in endpoints {
            if let Endpoint::Unix(path) = endpoint {
                // Somebody may have removed it before.
                let _ = std::fs::remove_file(path);
            }
        }
        if tokio::time::timeout(DRAIN, tell.closed()).await.is_err() {
            log.say(Level::Warn, "requests that are still under way are left");
        }
        Ok::<(), Error>(())
    })?;
    // Calls that block for ever, such as a followed log, have lost their readers; nobody waits for them.
    runtime.shutdown_background();
    Ok(())
}

/// Calls `idle` each time requests have ceased. A server that nobody asks anything never wakes up.
async fn settle(busy: Arc<Notify>, idle: fn()) {
    loop {
        busy.notified().await;
        while tokio::time::timeout(QUIET, busy.notified()).await.is_ok() {}
        // It cannot fail but by a panic, and then there is less memory to give back and nothing else amiss.
        let _ = tokio::task::spawn_blocking(idle).await;
    }
}

fn bind(endpoint: &Endpoint, group: Option<&str>) -> drydock_core::Result<Vec<Listener>> {
    let failed = |e: std::io::Error| {
        Error::new(ErrorKind::System, format!("cannot listen on {endpoint}")).op("bind").subject(endpoint.to_string()).source(e)
    };
    match endpoint {
        Endpoint::Tcp(address) => {
            let socket = std::net::TcpListener::bind(address).map_err(failed)?;
            socket.set_nonblocking(true).map_err(failed)?;
            Ok(vec![Listener::Tcp(TcpListener::from_std(socket).map_err(failed)?)])
        }
        Endpoint::Unix(path) => Ok(vec![Listener::Unix(socket_file(path, group).map_err(failed)?)]),
        Endpoint::Inherited => activation::sockets().map_err(failed),
    }
}

/// Makes the socket, for root and a group; one that a dead server left is taken over.
fn socket_file(path: &Path, group: Option<&str>) -> std::io::Result<UnixListener> {
    // What a killed server was starting that moment has its descriptors until its own program begins.
    let listens = || std::os::unix::net::UnixStream::connect(path).is_ok();
    if (0..TRIES).all(|_| listens() && (std::thread::sleep(AGAIN), true).1) && listens() {
        return Err(std::io::Error::new(std::io::ErrorKind::AddrInUse, "another server listens there"));
    }
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path)?,
        _ => {}
    }
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let socket = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    // One that was named must be there; Docker's own need not.
    let id = match group {
        None => group_id("docker"),
        Some("") => None,
        Some(name) => Some(group_id(name).or_else(|| name.parse().ok()).ok_or_else(|| {
            let _ = std::fs::remove_file(path);
            std::io::Error::new(std::io::ErrorKind::NotFound, format!("group {} not found", name.escape_debug()))
        })?),
    };
    if let Some(id) = id {
        std::os::unix::fs::chown(path, None, Some(id))?;
    }
    Ok(socket)
}

/// The number of a group of this machine, if it has one of this name.
fn group_id(name: &str) -> Option<u32> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
    })
}

/// Where connections come from.
pub enum Listener {
    /// A socket in the file system.
    Unix(UnixListener),
    /// A port.
    Tcp(TcpListener),
}

/// A listener, and who comes in there.
struct Doors {
    listener: Listener,
    tls: Option<TlsAcceptor>,
    caller: Caller,
}

/// Accepts connections until `stop` says so; then lets those that are there end their request.
async fn serve(doors: Doors, api: Api, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            next = accept(&doors.listener) => match next {
                Ok(Accepted::Unix(stream)) => drop(tokio::spawn(connection(stream, api.clone(), stop.clone()))),
                Ok(Accepted::Tcp(stream)) => match &doors.tls {
                    None => drop(tokio::spawn(guarded(stream, api.clone(), stop.clone(), Some(Caller::Anybody)))),
                    Some(tls) => drop(tokio::spawn(sealed(stream, tls.clone(), api.clone(), stop.clone(), doors.caller))),
                },
                // Out of descriptors, most likely: others end, and then there is room.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

enum Accepted {
    Unix(tokio::net::UnixStream),
    Tcp(tokio::net::TcpStream),
}

async fn accept(listener: &Listener) -> std::io::Result<Accepted> {
    match listener {
        Listener::Unix(socket) => Ok(Accepted::Unix(socket.accept().await?.0)),
        Listener::Tcp(socket) => Ok(Accepted::Tcp(socket.accept().await?.0)),
    }
}

/// Serves one connection until it ends, or until `stop` and the end of its request.
pub async fn connection(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, api: Api, stop: watch::Receiver<bool>) {
    guarded(stream, api, stop, None).await;
}

/// Serves one connection inside of TLS. Who cannot agree on it in time, or has no certificate, is not served.
async fn sealed(stream: tokio::net::TcpStream, tls: TlsAcceptor, api: Api, stop: watch::Receiver<bool>, caller: Caller) {
    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        guarded(stream, api, stop, Some(caller)).await;
    }
}

/// The same for a connection that a browser could be at the other end of, where it says who else.
pub async fn guarded(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    api: Api,
    stop: watch::Receiver<bool>,
    caller: Option<Caller>,
) {
    patient(stream, api, stop, caller, HEAD).await;
}

/// The same where a head may take this long, and a connection wait so long for its next one.
pub async fn patient(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    api: Api,
    mut stop: watch::Receiver<bool>,
    caller: Option<Caller>,
    head: Duration,
) {
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let api = api.clone();
        async move {
            let allowed = caller.map_or(Ok(()), |caller| guard::no_browser(request.headers(), caller));
            Ok::<_, Infallible>(match allowed {
                Ok(()) => api.answer(request.map(Body::new)).await,
                Err(refused) => refused.into_response(),
            })
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(LARGEST_HEAD);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    tokio::select! {
        // A client that breaks off, or speaks no HTTP, is no error of ours.
        _ = connection.as_mut() => return,
        _ = stop.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
