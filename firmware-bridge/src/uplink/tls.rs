//! TLS for an uplink: rustls with the ring provider, TLS 1.2 and 1.3.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

/// What is wrong with the files of a TLS set-up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Not PEM.
    #[error("`{what}` is not readable as PEM: {source}")]
    Pem {
        /// Which of the inputs.
        what: &'static str,
        /// Why.
        source: rustls_pki_types::pem::Error,
    },
    /// Readable, but of no use.
    #[error("TLS set-up was refused: {0}")]
    Rustls(#[from] rustls::Error),
    /// No certificate in the text.
    #[error("`{0}` holds no certificate\nhint: give a PEM file with at least one")]
    Empty(&'static str),
}

/// A client that trusts the authorities in `ca_pem` and nobody else, and shows the certificate of
/// `identity_pem` (certificate chain, private key) if there is one.
pub fn client(
    ca_pem: &[u8],
    identity_pem: Option<(&[u8], &[u8])>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in certificates("ca", ca_pem)? {
        roots.add(authority)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match identity_pem {
        None => config.with_no_client_auth(),
        Some((chain, key)) => {
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|source| TlsError::Pem {
                what: "key",
                source,
            })?;
            config.with_client_auth_cert(certificates("certificate", chain)?, key)?
        }
    };
    Ok(Arc::new(config))
}

fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|source| TlsError::Pem { what, source })?;
    if found.is_empty() {
        return Err(TlsError::Empty(what));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_refused_by_name() {
        let error = client(b"nothing here", None).unwrap_err().to_string();
        assert!(error.contains("`ca` holds no certificate"), "{error}");
    }
}
