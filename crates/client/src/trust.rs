//! Which servers a client believes over TLS.
//!
//! Used by [`crate::Client`], and by whoever builds one. Shipped is what the system trusts: an operator adds or takes
//! away an authority in one place, for this program as for all others, and a certificate of a company's own works. A
//! list built into the program would need a release for that. `SSL_CERT_FILE` names another list on Linux.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use crate::error::ClientError;

/// Whose certificates are good.
#[derive(Clone, Debug, Default)]
pub enum Trust {
    /// Those that the system trusts.
    #[default]
    System,
    /// Those that these authorities signed, and no others.
    Authorities(Arc<RootCertStore>),
    /// Those that this accepts.
    Verifier(Arc<dyn ServerCertVerifier>),
}

impl Trust {
    /// The authorities of a PEM file, and no others.
    ///
    /// # Errors
    /// The file cannot be read, or holds no certificate that can be an authority's.
    pub fn authorities(path: &Path) -> Result<Self, ClientError> {
        let wrong = |why: String| ClientError::Invalid(format!("authorities of `{}`: {why}", path.display()));
        let mut roots = RootCertStore::empty();
        let found = CertificateDer::pem_file_iter(path).map_err(|e| wrong(e.to_string()))?;
        for certificate in found {
            let certificate = certificate.map_err(|e| wrong(e.to_string()))?;
            roots.add(certificate).map_err(|e| wrong(e.to_string()))?;
        }
        if roots.is_empty() {
            return Err(wrong("there is no certificate in it; give a file with PEM blocks".to_owned()));
        }
        Ok(Self::Authorities(Arc::new(roots)))
    }

    /// The whole of TLS for one client.
    ///
    /// # Errors
    /// TLS cannot be used on this system.
    pub fn config(&self) -> Result<ClientConfig, ClientError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|e| ClientError::Invalid(format!("TLS cannot be used: {e}")))?;
        let builder = match self {
            Self::System => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(OfSystem::new(provider)))
            }
            Self::Authorities(roots) => builder.with_root_certificates(roots.clone()),
            Self::Verifier(verifier) => {
                builder.dangerous().with_custom_certificate_verifier(verifier.clone())
            }
        };
        let mut config = builder.with_no_client_auth();
        // A worker that hangs up must be heard at once, or it is given leases: over HTTP/2 the connection stays.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// What the system trusts, read when the first certificate is shown: most clients speak plain HTTP on their own
/// machine, where there may be no list at all.
#[derive(Debug)]
struct OfSystem {
    provider: Arc<CryptoProvider>,
    read: OnceLock<Result<Verifier, Error>>,
}

impl OfSystem {
    const fn new(provider: Arc<CryptoProvider>) -> Self {
        Self { provider, read: OnceLock::new() }
    }
}

impl ServerCertVerifier for OfSystem {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verifier = self.read.get_or_init(|| Verifier::new(self.provider.clone()));
        verifier.as_ref().map_err(Clone::clone)?.verify_server_cert(leaf, between, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_told_with_its_name() {
        let own_source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/trust.rs");
        for path in [own_source, PathBuf::from("/nowhere/ca.pem")] {
            let refused = Trust::authorities(&path).unwrap_err().to_string();
            assert!(refused.contains(&path.display().to_string()), "{refused}");
        }
    }

    #[test]
    fn a_client_offers_the_version_of_http_that_hears_a_hang_up() {
        assert_eq!(Trust::System.config().unwrap().alpn_protocols, [b"http/1.1".to_vec()]);
    }
}
