//! Where an engine listens: `unix:///PATH`, `tcp://HOST:PORT`, `http://HOST:PORT`.

use drydock_core::{Error, Result};
use std::fmt;

/// Docker's port for connections without TLS.
const PORT: u16 = 2375;

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A socket of this machine, by its path.
    Unix(String),
    /// A host and a port, without TLS.
    Tcp(String),
}

impl Address {
    /// Whether this is how addresses begin.
    pub fn is_one(text: &str) -> bool {
        ["unix://", "tcp://", "http://", "https://", "npipe://", "ssh://", "fd://"].iter().any(|scheme| text.starts_with(scheme))
    }

    /// Reads one, in the words of Docker's `--host`.
    ///
    /// # Errors
    /// What is none, and ways of transport that are not spoken here.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::invalid(format!("unable to parse docker host `{}`", text.escape_debug()));
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        match scheme {
            "unix" if rest.is_empty() => Ok(Self::Unix("/var/run/docker.sock".to_owned())),
            "unix" => Ok(Self::Unix(rest.to_owned())),
            "tcp" | "http" => {
                let host = rest.trim_end_matches('/');
                if host.is_empty() || host.contains(['/', '@', ' ']) {
                    return Err(wrong());
                }
                let numbered = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
                Ok(Self::Tcp(if numbered { host.to_owned() } else { format!("{host}:{PORT}") }))
            }
            "https" | "ssh" | "npipe" | "fd" => Err(Error::unsupported(format!("an engine behind {scheme}://"))
                .hint("there are unix:///PATH and tcp://HOST:PORT; ssh -L carries either to here")),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{path}"),
            Self::Tcp(host) => write!(f, "tcp://{host}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_addresses() {
        for (text, expected) in [
            ("unix:///run/docker.sock", Some("unix:///run/docker.sock")),
            ("unix://", Some("unix:///var/run/docker.sock")),
            ("tcp://127.0.0.1:2375", Some("tcp://127.0.0.1:2375")),
            ("tcp://dock", Some("tcp://dock:2375")),
            ("http://[::1]:80/", Some("tcp://[::1]:80")),
            ("tcp://", None),
            ("tcp://a/b", None),
            ("ssh://dock", None),
            ("nothing", None),
        ] {
            assert_eq!(Address::parse(text).ok().map(|a| a.to_string()).as_deref(), expected, "{text}");
        }
    }
}
