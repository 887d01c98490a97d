//! From a registry's name to the addresses it may be found at.

use super::settings::Settings;
use super::url::Url;
use crate::error::Result;
use crate::image::reference::DEFAULT_HOST;

/// Where Docker Hub's registry is.
pub const HUB: &str = "registry-1.docker.io";
/// What Docker's configuration calls Docker Hub.
pub const HUB_KEY: &str = "https://index.docker.io/v1/";

/// One address to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its root.
    pub base: Url,
    /// It stands in for the registry: it is shown no credentials, and passed over when it has not got something.
    pub mirror: bool,
    /// Any certificate will do.
    pub insecure: bool,
}

/// The addresses of a registry in the order in which they are tried: mirrors of Docker Hub first; TLS before none, and none only
/// where that is allowed (CVE-2014-5277).
pub fn endpoints(host: &str, settings: &Settings, named: &[String], mirrors: bool) -> Result<Vec<Endpoint>> {
    let mut all = Vec::new();
    if host == DEFAULT_HOST {
        for mirror in settings.registry_mirrors.iter().filter(|_| mirrors) {
            let base = Url::parse(mirror)?;
            let insecure = settings.is_insecure(&base.authority(), named);
            if base.is_tls() || insecure {
                all.push(Endpoint { base, mirror: true, insecure });
            }
        }
        all.push(Endpoint { base: Url::of_host(HUB, true)?, mirror: false, insecure: false });
        return Ok(all);
    }
    let insecure = settings.is_insecure(host, named);
    all.push(Endpoint { base: Url::of_host(host, true)?, mirror: false, insecure });
    if insecure {
        all.push(Endpoint { base: Url::of_host(host, false)?, mirror: false, insecure });
    }
    Ok(all)
}

/// What Docker's configuration calls a registry: the host, and for Docker Hub an address of old.
pub fn key(host: &str) -> &str {
    if host == DEFAULT_HOST { HUB_KEY } else { host }
}

/// The registry that a person means with the argument of `login`: a host, or an address of one.
pub fn server(text: &str) -> String {
    let bare = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    let host = bare.split('/').next().unwrap_or_default();
    match host {
        "" | "index.docker.io" | "registry-1.docker.io" => DEFAULT_HOST.to_owned(),
        host => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_comes_first_and_nothing_else_unless_allowed() {
        let settings =
            Settings { registry_mirrors: vec!["https://m.example".into(), "http://plain.example".into()], ..Settings::default() };
        let all = |host: &str, named: &[String]| -> Vec<String> {
            endpoints(host, &settings, named, true).unwrap().iter().map(|e| e.base.to_string()).collect()
        };
        assert_eq!(all("docker.io", &[]), ["https://m.example/", "https://registry-1.docker.io/"]);
        assert_eq!(all("r.example:5000", &[]), ["https://r.example:5000/"]);
        assert_eq!(all("r.example:5000", &["r.example:5000".into()]), ["https://r.example:5000/", "http://r.example:5000/"]);
        assert_eq!(all("localhost:5000", &[]), ["https://localhost:5000/", "http://localhost:5000/"]);
    }

    #[test]
    fn what_a_login_is_for() {
        for text in ["", "docker.io", "https://index.docker.io/v1/", "index.docker.io"] {
            assert_eq!(server(text), "docker.io");
        }
        assert_eq!(server("https://r.example:5000/v2/"), "r.example:5000");
        assert_eq!(key("docker.io"), HUB_KEY);
    }
}
