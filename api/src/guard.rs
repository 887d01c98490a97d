//! Who may not be answered: pages in a browser that talk to the loopback, and requests that say two things about their length.

use crate::error::ApiError;
use axum::http::{HeaderMap, StatusCode, header};

/// Who is at the other end of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Whoever can reach the loopback.
    Anybody,
    /// One who showed a certificate, wherever from.
    Known,
}

/// Refuses what a browser would send on behalf of a page: an `Origin`, or a `Host` that is another name for the loopback (DNS
/// rebinding). For connections by TCP; no page reaches a socket in the file system.
///
/// # Errors
/// 403 where the request is such a one.
pub fn no_browser(headers: &HeaderMap, caller: Caller) -> Result<(), ApiError> {
    let forbidden = |message: &str| Err(ApiError::new(StatusCode::FORBIDDEN, message));
    if headers.contains_key(header::ORIGIN) {
        return forbidden("requests of web pages are not answered");
    }
    // A page cannot bind another name to a server that has a certificate for its own.
    if caller == Caller::Known {
        return Ok(());
    }
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let loopback = name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if loopback || name.eq_ignore_ascii_case("localhost") { Ok(()) } else { forbidden("the Host header is not this machine's loopback") }
}

/// Refuses a request whose body has two lengths: what stands between client and server may have believed the other one (RFC 9112,
/// 6.1).
///
/// # Errors
/// 400 where there are both.
pub fn one_length(headers: &HeaderMap) -> Result<(), ApiError> {
    if headers.contains_key(header::TRANSFER_ENCODING) && headers.contains_key(header::CONTENT_LENGTH) {
        return Err(ApiError::bad("a request has either Content-Length or Transfer-Encoding"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&str, &str)]) -> HeaderMap {
        all.iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect::<Vec<(header::HeaderName, _)>>()
            .into_iter()
            .collect()
    }

    #[test]
    fn only_the_loopbacks_own_names_are_hosts() {
        for host in ["localhost", "localhost:2375", "LOCALHOST", "127.0.0.1:1", "127.1.2.3", "[::1]:80", "[::1]"] {
            assert!(no_browser(&headers(&[("host", host)]), Caller::Anybody).is_ok(), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "192.168.0.1", "", "localhost.evil.example"] {
            assert!(no_browser(&headers(&[("host", host)]), Caller::Anybody).is_err(), "{host}");
        }
    }

    #[test]
    fn who_has_a_certificate_may_call_the_server_by_any_name() {
        assert!(no_browser(&headers(&[("host", "engine.example:2376")]), Caller::Known).is_ok());
    }

    #[test]
    fn no_page_is_answered() {
        for origin in ["http://localhost", "null", "http://evil.example"] {
            for caller in [Caller::Anybody, Caller::Known] {
                assert!(no_browser(&headers(&[("host", "localhost"), ("origin", origin)]), caller).is_err(), "{origin}");
            }
        }
    }

    #[test]
    fn two_lengths_are_one_too_many() {
        assert!(one_length(&headers(&[("content-length", "1"), ("transfer-encoding", "chunked")])).is_err());
        assert!(one_length(&headers(&[("content-length", "1")])).is_ok());
    }
}
