//! TLS for the endpoint: versions 1.2 and 1.3, and client certificates known by fingerprint.
//!
//! A gateway's certificate is pinned: the registry holds its SHA-256, so no certificate authority
//! is needed, a self-signed one serves, its dates and names do not matter, and revoking it is a
//! change of the registry that reaches live connections. A client that shows a certificate nobody
//! has entered is refused in the handshake; one that shows none must bring a token.

use std::{fmt, sync::Arc};

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, ServerConfig, ServerConnection,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use sha2::{Digest as _, Sha256};

use crate::Registry;

/// The certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file is no PEM of the kind expected.
    #[error("`{0}` cannot be read as PEM: {1}")]
    Pem(&'static str, rustls::pki_types::pem::Error),
    /// There is no certificate in the file.
    #[error("`certificate` holds no certificate; expected a PEM chain, the server's own first")]
    Empty,
    /// Key and certificate do not fit, or the library refuses them.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] Error),
}

/// The server's side, from PEM text. Client certificates are asked for but not required.
///
/// # Errors
/// [`TlsError`].
pub fn server_config(
    certificate_pem: &[u8],
    key_pem: &[u8],
    registry: Arc<Registry>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate_pem)
        .collect::<Result<_, _>>()
        .map_err(|e| TlsError::Pem("certificate", e))?;
    if chain.is_empty() {
        return Err(TlsError::Empty);
    }
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|e| TlsError::Pem("key", e))?;
    let provider = Arc::new(ring::default_provider());
    let known = KnownCertificates {
        registry,
        provider: Arc::clone(&provider),
    };
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(Arc::new(known))
        .with_single_cert(chain, key)?;
    Ok(Arc::new(config))
}

/// SHA-256 of a certificate in DER, as the registry keeps it.
#[must_use]
pub fn fingerprint_of(certificate_der: &[u8]) -> [u8; 32] {
    Sha256::digest(certificate_der).into()
}

pub(super) fn fingerprint(connection: &ServerConnection) -> Option<[u8; 32]> {
    let certificate = connection.peer_certificates()?.first()?;
    Some(fingerprint_of(certificate))
}

struct KnownCertificates {
    registry: Arc<Registry>,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for KnownCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownCertificates")
    }
}

impl ClientCertVerifier for KnownCertificates {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let snapshot = self.registry.snapshot();
        match snapshot.by_certificate(&fingerprint_of(end_entity)) {
            Some(gateway) if !gateway.entry.revoked => Ok(ClientCertVerified::assertion()),
            _ => Err(Error::InvalidCertificate(
                rustls::CertificateError::ApplicationVerificationFailure,
            )),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
