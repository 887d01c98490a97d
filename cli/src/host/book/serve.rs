//! `drydock book serve`: the built book over HTTP, to this machine alone.

use super::{directory, written, wrong};
use axum::Router;
use drydock_core::{Error, Result};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use tokio::signal::unix::{SignalKind, signal};
use tower_http::services::ServeDir;

#[derive(clap::Args)]
pub(super) struct Serve {
    /// The book's directory (default: ./book, or this one)
    book: Option<PathBuf>,
    /// Where the built book is (default: the folder `book` in it)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The port; 0 for any that is free
    #[arg(long, default_value_t = 3000)]
    port: u16,
}

impl Serve {
    pub(super) fn run(self) -> Result<i32> {
        let out = match &self.out {
            Some(out) => out.clone(),
            None => directory(self.book.as_deref())?.join("book"),
        };
        if !out.join("index.html").is_file() {
            return Err(Error::not_found(format!("there is no built book in {}", out.display())).hint("drydock book build"));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| wrong("serve", &out, e))?;
        runtime.block_on(serve(&out, SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))))?;
        Ok(0)
    }
}

async fn serve(out: &Path, address: SocketAddr) -> Result<()> {
    let place = format!("{address}");
    let failed = |e| wrong("serve the book at", Path::new(&place), e);
    let listener = tokio::net::TcpListener::bind(address).await.map_err(failed)?;
    let mut ends = (signal(SignalKind::interrupt()).map_err(failed)?, signal(SignalKind::terminate()).map_err(failed)?);
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "http://{}/", listener.local_addr().map_err(failed)?).and_then(|()| stdout.flush()).map_err(written)?;
    let pages = Router::new().fallback_service(ServeDir::new(out));
    let end = async move {
        tokio::select! {
            _ = ends.0.recv() => {}
            _ = ends.1.recv() => {}
        }
    };
    // Nobody waits for readers that keep their connection: a page that was sent was sent.
    tokio::select! {
        served = axum::serve(listener, pages).into_future() => served.map_err(failed),
        () = end => Ok(()),
    }
}
