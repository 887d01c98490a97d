//! Versions of the API: the prefix of paths, and which a client may speak.

use crate::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::convert::Infallible;

/// A version of the API as `(major, minor)`, from a request's extensions; the newest where its path names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion(pub u32, pub u32);

/// The newest that is spoken.
pub const NEWEST: ApiVersion = ApiVersion(1, 50);
/// The oldest that is spoken.
pub const OLDEST: ApiVersion = ApiVersion(1, 24);

impl std::fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl ApiVersion {
    /// Reads `1.41`.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }

    /// Whether this version is `1.minor` or newer.
    pub fn since(self, minor: u32) -> bool {
        self >= Self(1, minor)
    }
}

impl<S: Sync> FromRequestParts<S> for ApiVersion {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(NEWEST))
    }
}

/// Splits a path into the version that its prefix names and the rest. A path without a version is for the newest.
///
/// # Errors
/// A version that is not spoken, in Docker's words.
pub fn split(path: &str) -> Result<(ApiVersion, &str), ApiError> {
    let Some((word, _)) = path.strip_prefix("/v").and_then(|rest| rest.split_once('/')) else { return Ok((NEWEST, path)) };
    if word.is_empty() || !word.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Ok((NEWEST, path));
    }
    let rest = path.get(word.len() + 2..).unwrap_or("/");
    let mut numbers = word.split('.').map(|part| part.parse::<u32>().unwrap_or(if part.is_empty() { 0 } else { u32::MAX }));
    let version = ApiVersion(numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version > NEWEST {
        return Err(ApiError::bad(format!("client version {word} is too new. Maximum supported API version is {NEWEST}")));
    }
    if version < OLDEST {
        return Err(ApiError::bad(format!(
            "client version {word} is too old. Minimum supported API version is {OLDEST}, please upgrade your client to a newer version"
        )));
    }
    Ok((version, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_versions_or_part_of_the_path() {
        assert_eq!(split("/v1.41/info").unwrap(), (ApiVersion(1, 41), "/info"));
        assert_eq!(split("/info").unwrap(), (NEWEST, "/info"));
        assert_eq!(split("/version").unwrap(), (NEWEST, "/version"));
        assert_eq!(split("/volumes/v").unwrap(), (NEWEST, "/volumes/v"));
        assert_eq!(split("/v1.24/").unwrap(), (OLDEST, "/"));
        assert_eq!(split("/vX/info").unwrap(), (NEWEST, "/vX/info"));
    }

    #[test]
    fn versions_out_of_range_are_refused_in_dockers_words() {
        let too_new = split("/v1.99/info").unwrap_err();
        assert_eq!(too_new.message(), "client version 1.99 is too new. Maximum supported API version is 1.50");
        for old in ["/v1.23/info", "/v0.1/info", "/v1/info", "/v./info"] {
            assert!(split(old).unwrap_err().message().contains("is too old. Minimum supported API version is 1.24"), "{old}");
        }
        assert!(split("/v99999999999999999999.1/info").is_err());
    }
}
