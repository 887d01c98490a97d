//! Whom TLS trusts: the authorities of this machine, and those that a registry's own directory names.

use drydock_core::registry::transport::{Fault, FaultKind, Trust};
use rustls::{AlertDescription, CertificateError};
use std::sync::Arc;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

/// The rules for servers that are judged so.
pub(super) fn config(trust: &Trust) -> Result<TlsConfig, Fault> {
    let unreadable =
        |what: &str| Fault { kind: FaultKind::Tls, message: format!("tls: {what} of the registry's directory cannot be read") };
    // Read again for every kind of trust, which is once a command: a machine's list may change.
    let mut roots: Vec<Certificate<'static>> =
        rustls_native_certs::load_native_certs().certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    let own = certificates(&trust.authorities);
    if own.is_empty() && !trust.authorities.is_empty() {
        return Err(unreadable("ca.crt"));
    }
    roots.extend(own);
    let client = match &trust.client {
        Some((chain, key)) => {
            let key = PrivateKey::from_pem(key).map_err(|_| unreadable("client.key"))?;
            Some(ClientCert::new_with_certs(&certificates(chain), key))
        }
        None => None,
    };
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&roots))
        .client_cert(client)
        .disable_verification(trust.anything)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}

fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    parse_pem(pem).filter_map(certificate).collect()
}

/// What went wrong, in the words of Go's programs.
pub(super) fn fault(error: &rustls::Error) -> (FaultKind, String) {
    let because = |why: &str| (FaultKind::Tls, format!("tls: failed to verify certificate: x509: {why}"));
    match error {
        rustls::Error::InvalidMessage(_) => (FaultKind::NotTls, "http: server gave HTTP response to HTTPS client".to_owned()),
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => because("certificate signed by unknown authority"),
        rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            because("certificate has expired or is not yet valid")
        }
        rustls::Error::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) => {
            because("certificate is not valid for this host")
        }
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            (FaultKind::ClientCertificate, "remote error: tls: certificate required".to_owned())
        }
        // What TLS 1.2 says of a missing one, and both of one that is not trusted.
        rustls::Error::AlertReceived(AlertDescription::BadCertificate | AlertDescription::UnknownCA) => {
            (FaultKind::ClientCertificate, "remote error: tls: bad certificate".to_owned())
        }
        other => (FaultKind::Tls, format!("tls: {other}")),
    }
}
