//! What a registry has asked for, and the tokens that it was given.

use super::challenge::{self, Challenge};
use super::credentials::Credentials;
use super::url::{Url, is_link_local, is_loopback};
use crate::error::{Error, ErrorKind, Result};
use crate::time::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a token holds that does not say how long (distribution-spec token authentication: "60 seconds").
const UNSAID: Duration = Duration::from_secs(60);
/// The longest that a token is believed in.
const LONGEST: Duration = Duration::from_secs(3600);
/// How long before its end a token is not used any more.
const EARLY: Duration = Duration::from_secs(5);

/// What a token is for: `repository:library/busybox:pull`, one or several.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope(pub Vec<String>);

impl Scope {
    /// To read a repository.
    pub fn pull(repository: &str) -> Self {
        Self(vec![format!("repository:{repository}:pull")])
    }

    /// To write to a repository.
    pub fn push(repository: &str) -> Self {
        Self(vec![format!("repository:{repository}:pull,push")])
    }

    /// And to read another one, for a mount.
    #[must_use]
    pub fn and_pull(mut self, repository: &str) -> Self {
        self.0.push(format!("repository:{repository}:pull"));
        self
    }
}

/// A token server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm {
    /// Where it is.
    pub url: Url,
    /// What the registry calls itself.
    pub service: String,
}

/// How to go on after a 401.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// With the name and password in every request.
    Basic,
    /// With a token from there.
    Token(Realm),
}

/// What is known of a registry's wishes.
#[derive(Debug, Default)]
pub struct Auth {
    basic: bool,
    realm: Option<Realm>,
    tokens: BTreeMap<Scope, (String, Timestamp)>,
}

impl Auth {
    /// The header to send, as far as it is known. `None` where the registry has to ask first.
    pub fn header(&self, credentials: &Credentials, scope: &Scope, now: Timestamp) -> Option<String> {
        if let Some((token, until)) = self.tokens.get(scope) {
            return (*until > now).then(|| format!("Bearer {token}"));
        }
        if self.basic { credentials.basic() } else { None }
    }

    /// The token server, once the registry has named one.
    pub fn realm(&self) -> Option<&Realm> {
        self.realm.as_ref()
    }

    /// Remembers how it goes on.
    pub fn learn(&mut self, answer: &Answer) {
        match answer {
            Answer::Basic => self.basic = true,
            Answer::Token(realm) => self.realm = Some(realm.clone()),
        }
    }

    /// Keeps a token.
    pub fn keep(&mut self, scope: Scope, token: Token, now: Timestamp) {
        let holds = token.expires_in.map_or(UNSAID, Duration::from_secs).clamp(Duration::ZERO, LONGEST).saturating_sub(EARLY);
        self.tokens.insert(scope, (token.token, now.after(holds)));
    }

    /// Forgets a token that was refused.
    pub fn forget(&mut self, scope: &Scope) {
        self.tokens.remove(scope);
    }
}

/// Chooses among the challenges of a 401 of a registry: a token before basic authentication.
pub fn answer(headers: &[&str], registry: &Url, credentials: &Credentials) -> Result<Answer> {
    let mut all = Vec::new();
    for header in headers {
        all.extend(challenge::parse(header)?);
    }
    let find = |scheme: &str| all.iter().find(|c| c.scheme == scheme);
    if let Some(bearer) = find("bearer") {
        return realm(bearer, registry).map(Answer::Token);
    }
    if find("basic").is_some() {
        return match credentials {
            Credentials::Basic { .. } => Ok(Answer::Basic),
            _ => Err(Error::new(ErrorKind::Denied, "no basic auth credentials")
                .hint(format!("log in with 'drydock login {}'", registry.authority()))),
        };
    }
    Err(Error::new(ErrorKind::Denied, "unauthorized: authentication required"))
}

/// The token server of a challenge. One that only means something to this machine is refused: a registry elsewhere must not make
/// Drydock ask a metadata service.
fn realm(challenge: &Challenge, registry: &Url) -> Result<Realm> {
    let text = challenge.get("realm").ok_or_else(|| Error::invalid("invalid WWW-Authenticate header: no realm"))?;
    let url = Url::parse(text)?;
    let refused = |why: &str| {
        Error::new(ErrorKind::Denied, format!("the token server {} of the registry {} {why}", url.shown(), registry.authority()))
    };
    if is_link_local(url.host()) || (is_loopback(url.host()) && !is_loopback(registry.host())) {
        return Err(refused("is on this machine's own network and is not asked"));
    }
    if !url.is_tls() && registry.is_tls() && !is_loopback(url.host()) {
        return Err(refused("is not encrypted and is not asked"));
    }
    Ok(Realm { url, service: challenge.get("service").unwrap_or_default().to_owned() })
}

/// Whether a token server may be shown the credentials of a registry: it is the same host, or of the same domain
/// (`auth.docker.io` for `registry-1.docker.io`), or was named by the person.
pub fn may_see(realm: &Url, registry: &Url, trusted: &[String]) -> bool {
    if trusted.iter().any(|t| t == realm.host() || *t == realm.authority()) {
        return true;
    }
    if is_loopback(registry.host()) || registry.host() == realm.host() {
        // Another port is another service, but one of the same machine.
        return registry.host() == realm.host();
    }
    let is_address = |host: &str| host.starts_with('[') || host.split('.').all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if is_address(realm.host()) || is_address(registry.host()) {
        return false;
    }
    let domain = |host: &str| {
        let parts: Vec<&str> = host.trim_end_matches('.').split('.').collect();
        // Below a domain of two short labels (co.uk) names belong to different owners.
        let short = parts.len() >= 3 && parts.iter().rev().take(2).all(|p| p.len() <= 3);
        let keep = if short { 3 } else { 2 };
        (parts.len() >= 2).then(|| parts.get(parts.len().saturating_sub(keep)..).unwrap_or_default().join("."))
    };
    domain(realm.host()).is_some_and(|d| domain(registry.host()) == Some(d))
}

/// What a token server answers.
#[derive(Debug, Deserialize)]
struct Granted {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// An access token.
pub struct Token {
    token: String,
    expires_in: Option<u64>,
}

/// Reads the answer of a token server.
pub fn token(bytes: &[u8]) -> Result<Token> {
    // No word of the answer in the error: it may hold the token.
    let granted: Granted = serde_json::from_slice(bytes).map_err(|_| Error::invalid("the token server's answer holds no token"))?;
    let token = if granted.token.is_empty() { granted.access_token } else { granted.token };
    if token.is_empty() || token.bytes().any(|b| !(0x21..=0x7e).contains(&b)) {
        return Err(Error::invalid("the token server's answer holds no token"));
    }
    Ok(Token { token, expires_in: granted.expires_in })
}

#[cfg(test)]
mod tests {
    use super::super::credentials::Secret;
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_token_goes_before_a_password() {
        let known = Credentials::Basic { username: "u".to_owned(), password: Secret::new("p") };
        let both = ["Basic realm=x", "Bearer realm=\"https://auth.r.example/t\",service=s"];
        let realm = Realm { url: url("https://auth.r.example/t"), service: "s".to_owned() };
        assert_eq!(answer(&both, &url("https://r.example"), &known).unwrap(), Answer::Token(realm));
        assert_eq!(answer(&both[..1], &url("https://r.example"), &known).unwrap(), Answer::Basic);
        assert_eq!(answer(&both[..1], &url("https://r.example"), &Credentials::None).unwrap_err().message(), "no basic auth credentials");
        assert!(answer(&["Negotiate"], &url("https://r.example"), &known).is_err());
    }

    #[test]
    fn a_registry_elsewhere_cannot_name_a_token_server_here() {
        let ask = |realm: &str, registry: &str| answer(&[&format!("Bearer realm=\"{realm}\"")], &url(registry), &Credentials::None);
        for (realm, registry) in [
            ("http://169.254.169.254/latest", "https://r.example"),
            ("https://127.0.0.1/t", "https://r.example"),
            ("http://auth.r.example/t", "https://r.example"),
            ("ftp://r.example/t", "https://r.example"),
            ("http://169.254.169.254/latest", "http://localhost:5000"),
        ] {
            assert!(ask(realm, registry).is_err(), "{realm}");
        }
        assert!(ask("http://localhost:5001/t", "http://localhost:5000").is_ok());
        assert!(ask("http://10.0.0.1/t", "http://10.0.0.1:5000").is_ok());
    }

    #[test]
    fn who_may_see_the_credentials() {
        let may = |realm: &str, registry: &str| may_see(&url(realm), &url(registry), &["named.example".to_owned()]);
        assert!(may("https://auth.docker.io/token", "https://registry-1.docker.io"));
        assert!(may("https://gitlab.com/jwt", "https://registry.gitlab.com"));
        assert!(may("https://ghcr.io/token", "https://ghcr.io"));
        assert!(may("https://named.example/t", "https://r.other"));
        assert!(may("http://127.0.0.1:2/t", "http://127.0.0.1:1"));
        for (realm, registry) in [
            ("https://evil.example/t", "https://r.docker.io"),
            ("https://evil.co.uk/t", "https://r.co.uk"),
            ("https://10.0.0.2/t", "https://10.0.0.1"),
            ("https://1.0.0.1/t", "https://10.0.0.1"),
            ("https://com/t", "https://r.com"),
            ("http://127.0.0.2/t", "http://127.0.0.1:1"),
        ] {
            assert!(!may(realm, registry), "{realm}");
        }
    }

    #[test]
    fn tokens_hold_as_long_as_they_say() {
        let mut auth = Auth::default();
        let (scope, now) = (Scope::pull("a/b"), Timestamp(1_000_000_000));
        auth.keep(scope.clone(), token(br#"{"access_token":"abc","expires_in":30}"#).ok().unwrap(), now);
        let header = |after: u64| auth.header(&Credentials::None, &scope, now.after(Duration::from_secs(after)));
        assert_eq!(header(0).as_deref(), Some("Bearer abc"));
        assert_eq!(header(26), None);
        assert_eq!(auth.header(&Credentials::None, &Scope::push("a/b"), now), None);
        for bad in [&b"{}"[..], b"[]", b"{\"token\":\"a b\"}", b"{\"token\":\"a\\r\\nX: y\"}", b"<html>"] {
            assert!(token(bad).is_err());
        }
    }
}
