//! What the host says about registries: `/etc/drydock/daemon.json`, with the keys that Docker's daemon.json has.

use super::transport::Trust;
use super::url::{Url, is_loopback};
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::Kernel;
use serde::Deserialize;

/// The file.
pub const FILE: &str = "/etc/drydock/daemon.json";
/// Directories with one directory a registry: `ca.crt`, `client.cert`, `client.key` (Docker's certs.d).
const CERTIFICATES: [&str; 2] = ["/etc/drydock/certs.d", "/etc/docker/certs.d"];
/// The largest of these files, in bytes.
const LARGEST: usize = 1 << 20;

/// The host's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Settings {
    /// Registries that may be talked to without TLS, or with any certificate: `HOST[:PORT]` or a network, `10.0.0.0/8`.
    pub insecure_registries: Vec<String>,
    /// Where to look before Docker Hub: `https://mirror.example`.
    pub registry_mirrors: Vec<String>,
    /// Token servers that are shown credentials although they are of another domain than the registry.
    pub trusted_realms: Vec<String>,
}

impl Settings {
    /// Reads the host's file. There need not be one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`], naming the line, where it cannot be read.
    pub fn of(kernel: &dyn Kernel) -> Result<Self> {
        match read(kernel, FILE)? {
            Some(bytes) => Self::parse(&bytes),
            None => Ok(Self::default()),
        }
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let wrong = |what: String| Error::invalid(format!("unable to configure Drydock with file {FILE}: {what}"));
        let settings: Self = serde_json::from_slice(bytes).map_err(|e| wrong(e.to_string()))?;
        for mirror in &settings.registry_mirrors {
            Url::parse(mirror).map_err(|e| wrong(format!("registry-mirrors: {}", e.message())))?;
        }
        Ok(settings)
    }

    /// With these mirrors looked at first, each once.
    #[must_use]
    pub fn with_mirrors(mut self, first: &[String]) -> Self {
        let known = std::mem::take(&mut self.registry_mirrors);
        for mirror in first.iter().chain(&known) {
            if !self.registry_mirrors.iter().any(|have| have.trim_end_matches('/') == mirror.trim_end_matches('/')) {
                self.registry_mirrors.push(mirror.clone());
            }
        }
        self
    }

    /// Whether a registry may be talked to without TLS: this machine, or one that was named.
    pub fn is_insecure(&self, authority: &str, named: &[String]) -> bool {
        let Ok(url) = Url::of_host(authority, true) else { return false };
        let address = url.host().trim_matches(['[', ']']).parse::<std::net::IpAddr>().ok();
        is_loopback(url.host())
            || self.insecure_registries.iter().chain(named).any(|entry| {
                let network = entry.parse::<ipnet::IpNet>().ok().zip(address).is_some_and(|(net, address)| net.contains(&address));
                network || entry.eq_ignore_ascii_case(authority)
            })
    }
}

fn read(kernel: &dyn Kernel, path: &str) -> Result<Option<Vec<u8>>> {
    match kernel.read(path, 0, LARGEST) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// How a registry's certificate is judged. `insecure`: any will do, unless an authority was put there for it.
pub fn trust(kernel: &dyn Kernel, authority: &str, insecure: bool) -> Result<Trust> {
    let mut trust = Trust::default();
    for directory in CERTIFICATES {
        let file = |name: &str| read(kernel, &format!("{directory}/{authority}/{name}"));
        let (authorities, chain, key) = (file("ca.crt")?, file("client.cert")?, file("client.key")?);
        if authorities.is_none() && chain.is_none() && key.is_none() {
            continue;
        }
        trust.authorities = authorities.unwrap_or_default();
        trust.client = match (chain, key) {
            (Some(chain), Some(key)) => Some((chain, key)),
            (None, None) => None,
            // Half of a pair is a mistake; without Docker's words for it the registry's refusal would not say why.
            (Some(_), None) => {
                let note = "Note that CA certificates should use the extension .crt";
                return Err(Error::invalid(format!("missing key client.key for client certificate client.cert. {note}")));
            }
            (None, Some(_)) => return Err(Error::invalid("missing client certificate client.cert for key client.key")),
        };
        break;
    }
    trust.anything = insecure && trust.authorities.is_empty();
    Ok(trust)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_go_without_tls() {
        let settings = Settings::parse(br#"{"insecure-registries":["reg.example:5000","10.0.0.0/8"],"debug":true}"#).unwrap();
        for yes in ["reg.example:5000", "REG.example:5000", "10.1.2.3:5000", "localhost:5000", "127.0.0.1", "[::1]:5000", "named"] {
            assert!(settings.is_insecure(yes, &["named".to_owned()]), "{yes}");
        }
        for no in ["reg.example", "reg.example:5001", "11.0.0.1:5000", "docker.io", "localhost.example"] {
            assert!(!settings.is_insecure(no, &[]), "{no}");
        }
    }

    #[test]
    fn a_bad_file_is_named_with_its_line() {
        let error = Settings::parse(b"{\n \"insecure-registries\": [\"a\",]\n}").unwrap_err();
        assert!(error.message().contains("daemon.json") && error.message().contains("line 2"), "{error}");
        assert!(Settings::parse(br#"{"registry-mirrors":["ftp://x"]}"#).is_err());
    }
}
