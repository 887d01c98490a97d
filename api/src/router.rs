//! From a request to its handler: version prefix, then path and method; what every answer carries.

use crate::drain::Drained;
use crate::error::{ApiError, Refused};
use crate::guard;
use crate::log::{Level, Log};
use crate::routes;
use crate::server::Shared;
use crate::version::{self, NEWEST};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, Uri, header};
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;
use tokio::sync::Notify;
use tower_service::Service as _;

/// What [`Api::answer`] calls this program in the `Server` header.
const NAME: &str = concat!("Drydock/", env!("CARGO_PKG_VERSION"), " (linux)");

/// Every operation there is.
#[derive(Clone)]
pub struct Api {
    router: Router,
    log: Log,
    /// Told of every request.
    pub(crate) busy: Arc<Notify>,
}

impl Api {
    /// The API of a server.
    pub fn new(server: Shared) -> Self {
        let log = server.settings.log;
        let router = routes::all()
            .fallback(|| async { ApiError::no_page() })
            .method_not_allowed_fallback(|| async { ApiError::no_page() })
            .with_state(server);
        Self { router, log, busy: Arc::default() }
    }

    /// Answers a request. Never fails: what goes wrong is an answer too.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        self.busy.notify_one();
        let debug = self.log.wants(Level::Debug);
        let told = (debug || self.log.wants(Level::Error)).then(|| format!("{} {}", request.method(), request.uri().path()));
        if let (true, Some(call)) = (debug, &told) {
            self.log.say(Level::Debug, &format!("Calling {call}"));
        }
        // Whatever it is refused for, and by whom.
        let request = request.map(Drained::of);
        let mut response = match guard::one_length(request.headers()).and_then(|()| prepare(request)) {
            Ok(request) => self.router.clone().call(request).await.unwrap_or_else(|never| match never {}),
            Err(refused) => refused.into_response(),
        };
        add_headers(response.headers_mut());
        if let (true, Some(call), Some(Refused(why))) =
            (response.status().is_client_error() || response.status().is_server_error(), &told, response.extensions().get())
        {
            let level = if response.status().is_server_error() { Level::Error } else { Level::Debug };
            self.log.say(level, &format!("Handler for {call} returned error: {why}"));
        }
        response
    }
}

/// Takes the version off the path and keeps it beside the request.
fn prepare(mut request: Request<Body>) -> Result<Request<Body>, ApiError> {
    let path = request.uri().path().to_owned();
    if percent_encoding::percent_decode_str(&path).decode_utf8().is_err() {
        return Err(ApiError::bad("the request's path is no UTF-8"));
    }
    let (version, rest) = version::split(&path)?;
    if rest.len() != path.len() {
        let query = request.uri().query().map(|q| format!("?{q}")).unwrap_or_default();
        *request.uri_mut() = format!("{rest}{query}").parse::<Uri>().map_err(|_| ApiError::no_page())?;
    }
    request.extensions_mut().insert(version);
    Ok(request)
}

fn add_headers(headers: &mut HeaderMap) {
    let newest = HeaderValue::from_str(&NEWEST.to_string()).unwrap_or(HeaderValue::from_static(""));
    headers.insert("api-version", newest);
    headers.insert("docker-experimental", HeaderValue::from_static("false"));
    headers.insert("ostype", HeaderValue::from_static("linux"));
    headers.insert(header::SERVER, HeaderValue::from_static(NAME));
}
