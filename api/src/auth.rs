//! Who a client is to registries, as it says in headers.

use crate::server::Settings;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, engine::DecodePaddingMode};
use drydock_core::image::reference::DEFAULT_HOST;
use drydock_core::registry::{Access, Credentials, Secret, endpoint};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Docker's `AuthConfig`, read tolerantly.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct AuthConfig {
    /// The name.
    #[serde(alias = "Username")]
    pub username: Option<String>,
    /// The password.
    #[serde(alias = "Password")]
    pub password: Option<Secret>,
    /// Name and password in one, base 64.
    pub auth: Option<Secret>,
    /// A token that access tokens are bought with.
    pub identitytoken: Option<Secret>,
    /// The registry.
    pub serveraddress: Option<String>,
}

impl AuthConfig {
    /// As the engine takes it.
    pub fn credentials(&self) -> Credentials {
        if let Some(token) = self.identitytoken.as_ref().filter(|t| !t.is_empty()) {
            return Credentials::Identity(token.clone());
        }
        let pair = || {
            let decoded = decode(self.auth.as_ref()?.reveal().as_bytes())?;
            let text = String::from_utf8(decoded).ok()?;
            let (name, password) = text.split_once(':')?;
            Some((name.to_owned(), Secret::new(password.trim_end_matches('\0'))))
        };
        match (self.username.as_deref().unwrap_or_default(), &self.password) {
            ("", _) => pair().map_or(Credentials::None, |(username, password)| Credentials::Basic { username, password }),
            (name, password) => Credentials::Basic { username: name.to_owned(), password: password.clone().unwrap_or_default() },
        }
    }
}

/// Base 64 of either alphabet, padded or not: clients do not agree.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let url = GeneralPurpose::new(&alphabet::URL_SAFE, config);
    url.decode(text).or_else(|_| GeneralPurpose::new(&alphabet::STANDARD, config).decode(text)).ok()
}

/// `X-Registry-Auth`. One that cannot be read means nobody in particular, as in Docker.
pub fn access(headers: &HeaderMap, settings: &Settings) -> Access {
    let config = headers.get("x-registry-auth").and_then(|value| decode(value.as_bytes()));
    let config: AuthConfig = config.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
    settings.access(config.credentials())
}

/// `X-Registry-Config`: who the client is to each registry, for builds.
pub fn access_by_host(headers: &HeaderMap, settings: &Settings) -> BTreeMap<String, Access> {
    let configs = headers.get("x-registry-config").and_then(|value| decode(value.as_bytes()));
    let configs: BTreeMap<String, AuthConfig> = configs.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
    let one = |(name, config): (String, AuthConfig)| (endpoint::server(&name), settings.access(config.credentials()));
    // Whom the client does not mention is reached as the server's own settings say.
    let unnamed = settings.insecure_registries.iter().filter(|name| !name.contains('/')).cloned().chain([DEFAULT_HOST.to_owned()]);
    let mut access: BTreeMap<_, _> = unnamed.map(|host| (host, settings.access(Credentials::None))).collect();
    access.extend(configs.into_iter().map(one));
    access
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([("x-registry-auth".parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn every_base_64_there_is_can_be_read() {
        let json = r#"{"username":"jö>?","password":"p","unknown":[1]}"#;
        for text in [STANDARD.encode(json), URL_SAFE.encode(json), STANDARD_NO_PAD.encode(json)] {
            let expected = Credentials::Basic { username: "jö>?".to_owned(), password: Secret::new("p") };
            assert_eq!(access(&headers(&text), &Settings::default()).credentials, expected);
        }
    }

    #[test]
    fn a_header_that_cannot_be_read_is_nobody() {
        for text in ["", "%%%", "bm9uZQ==", "bnVsbA=="] {
            assert_eq!(access(&headers(text), &Settings::default()).credentials, Credentials::None, "{text}");
        }
    }

    #[test]
    fn a_build_reaches_docker_hub_by_the_servers_mirrors_whoever_asks() {
        let settings = Settings { registry_mirrors: vec!["https://mirror.example".to_owned()], ..Settings::default() };
        let config = STANDARD.encode(r#"{"https://index.docker.io/v1/":{"username":"a","password":"b"}}"#);
        let named = HeaderMap::from_iter([("x-registry-config".parse().unwrap(), config.parse().unwrap())]);
        for headers in [HeaderMap::new(), named] {
            let access = access_by_host(&headers, &settings);
            assert_eq!(access.get(DEFAULT_HOST).map(|a| a.mirrors.clone()), Some(settings.registry_mirrors.clone()), "{headers:?}");
        }
    }

    #[test]
    fn tokens_and_joined_pairs_count_too() {
        let token = STANDARD.encode(r#"{"identitytoken":"t"}"#);
        assert_eq!(access(&headers(&token), &Settings::default()).credentials, Credentials::Identity(Secret::new("t")));
        let joined = STANDARD.encode(format!(r#"{{"auth":"{}"}}"#, STANDARD.encode("a:b:c")));
        let expected = Credentials::Basic { username: "a".to_owned(), password: Secret::new("b:c") };
        assert_eq!(access(&headers(&joined), &Settings::default()).credentials, expected);
    }
}
