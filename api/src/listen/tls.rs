//! TLS for ports: the server's own certificate, and who may come in.

use drydock_core::{Error, Result};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// The files of a server that speaks TLS, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate, and those that lead to an authority.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authorities whose clients are let in; `None` lets everybody in, and is for the loopback only.
    pub clients: Option<PathBuf>,
}

impl Files {
    /// Reads the files.
    ///
    /// # Errors
    /// A file that cannot be read or used, in Docker's words where it has some.
    pub fn acceptor(&self) -> Result<TlsAcceptor> {
        let pair = format!("(cert: \"{}\", key: \"{}\")", shown(&self.cert), shown(&self.key));
        let unusable = |why: String| Error::invalid(format!("Could not load X509 key pair {pair}: {why}"));
        let chain = certificates(&self.cert).map_err(unusable)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|e| unusable(told(&self.key, &e)))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| unusable(e.to_string()))?;
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let unreadable = |why: String| Error::invalid(format!("could not read CA certificate \"{}\": {why}", shown(file)));
                let mut roots = RootCertStore::empty();
                for authority in certificates(file).map_err(unreadable)? {
                    roots.add(authority).map_err(|e| unreadable(e.to_string()))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().map_err(|e| unreadable(e.to_string()))?)
            }
        };
        let config = builder.with_single_cert(chain, key).map_err(|e| unusable(e.to_string()))?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}

fn certificates(file: &Path) -> std::result::Result<Vec<CertificateDer<'static>>, String> {
    let all = CertificateDer::pem_file_iter(file).map_err(|e| told(file, &e))?;
    let all = all.collect::<std::result::Result<Vec<_>, _>>().map_err(|e| told(file, &e))?;
    if all.is_empty() { Err("no certificate is in it".to_owned()) } else { Ok(all) }
}

fn told(file: &Path, error: &rustls::pki_types::pem::Error) -> String {
    match error {
        rustls::pki_types::pem::Error::Io(e) if e.kind() == std::io::ErrorKind::NotFound => {
            format!("open {}: no such file or directory", shown(file))
        }
        other => other.to_string(),
    }
}
