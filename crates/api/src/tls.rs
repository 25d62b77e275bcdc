//! The server's certificate: read from PEM files, and exchanged for a newer one while connections go on.
//!
//! Made by the composition root, which also says when to read the files again. Guarantees: a certificate is shown only
//! with the key that it was made for, and files that cannot be used leave the present one in force.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, ServerConfig};

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("`{path}` cannot be read: {source}")]
    Unreadable { path: PathBuf, source: pem::Error },
    #[error("`{path}` holds no certificate; give the chain as PEM, the server's own first")]
    NoCertificate { path: PathBuf },
    #[error("`{path}` holds no private key; give it as PEM, without a password")]
    NoKey { path: PathBuf },
    #[error("`{path}` cannot be used: {source}")]
    Unusable { path: PathBuf, source: Error },
    #[error("the key of `{key}` is not that of the certificate in `{cert}`")]
    Mismatch { cert: PathBuf, key: PathBuf },
}

/// A certificate with its key, read but not in force.
pub struct Fresh(Arc<CertifiedKey>);

/// The certificate in force. Clones share it.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    cert: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl std::fmt::Debug for Inner {
    /// Without the key: debug output ends up in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate")
            .field("cert", &self.cert)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Certificate {
    /// Reads a chain and its key.
    ///
    /// # Errors
    /// A file that is not there or is no PEM, or a key of another certificate.
    pub fn load(cert: &Path, key: &Path) -> Result<Self, CertificateError> {
        let (cert, key) = (cert.to_owned(), key.to_owned());
        let current = RwLock::new(read(&cert, &key)?);
        Ok(Self(Arc::new(Inner { cert, key, current })))
    }

    /// Reads the same files again, without putting them in force.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn read_again(&self) -> Result<Fresh, CertificateError> {
        read(&self.0.cert, &self.0.key).map(Fresh)
    }

    /// Shows this one to whoever connects from now on; true when it is another one than before.
    pub fn put(&self, fresh: Fresh) -> bool {
        let mut current = self.0.current.write().unwrap_or_else(PoisonError::into_inner);
        let differs = current.cert != fresh.0.cert;
        *current = fresh.0;
        differs
    }

    /// The server's own certificate, without those that signed it.
    pub fn leaf(&self) -> Option<CertificateDer<'static>> {
        self.0.current().cert.first().cloned()
    }

    /// How connections are served; versions of HTTP are added by the server.
    pub(crate) fn config(&self) -> Result<ServerConfig, Error> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?;
        Ok(builder.with_no_client_auth().with_cert_resolver(self.0.clone()))
    }
}

impl Inner {
    fn current(&self) -> Arc<CertifiedKey> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Inner {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

fn read(cert: &Path, key: &Path) -> Result<Arc<CertifiedKey>, CertificateError> {
    let unreadable = |path: &Path, source| CertificateError::Unreadable { path: path.to_owned(), source };
    let found = CertificateDer::pem_file_iter(cert).map_err(|e| unreadable(cert, e))?;
    let chain = found.collect::<Result<Vec<_>, _>>().map_err(|e| unreadable(cert, e))?;
    if chain.is_empty() {
        return Err(CertificateError::NoCertificate { path: cert.to_owned() });
    }
    let secret = match PrivateKeyDer::from_pem_file(key) {
        Ok(secret) => secret,
        Err(pem::Error::NoItemsFound) => return Err(CertificateError::NoKey { path: key.to_owned() }),
        Err(e) => return Err(unreadable(key, e)),
    };
    certified(chain, secret, &ring::default_provider()).map(Arc::new).map_err(|source| match source {
        Error::InconsistentKeys(_) => {
            CertificateError::Mismatch { cert: cert.to_owned(), key: key.to_owned() }
        }
        Error::InvalidCertificate(_) => CertificateError::Unusable { path: cert.to_owned(), source },
        source => CertificateError::Unusable { path: key.to_owned(), source },
    })
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    secret: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, Error> {
    let certified = CertifiedKey::new(chain, provider.key_provider.load_private_key(secret)?);
    match certified.keys_match() {
        // A key that cannot say what it belongs to may be the right one.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    /// A folder with `cert.pem` and `key.pem` of one pair, and `other.pem`, the key of another.
    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        write_pair(dir.path());
        fs::write(dir.path().join("other.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
        fs::write(dir.path().join("empty.pem"), "nothing\n").unwrap();
        dir
    }

    fn write_pair(dir: &Path) {
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        fs::write(dir.join("cert.pem"), cert.pem()).unwrap();
        fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
    }

    #[test]
    fn what_cannot_be_used_is_told_with_its_file_and_why() {
        let dir = folder();
        let refused = |cert: &str, key: &str| {
            Certificate::load(&dir.path().join(cert), &dir.path().join(key)).unwrap_err().to_string()
        };
        for (cert, key, words) in [
            ("none.pem", "key.pem", ["none.pem", "cannot be read"]),
            ("cert.pem", "none.pem", ["none.pem", "cannot be read"]),
            ("empty.pem", "key.pem", ["empty.pem", "no certificate"]),
            ("key.pem", "key.pem", ["key.pem", "no certificate"]),
            ("cert.pem", "empty.pem", ["empty.pem", "no private key"]),
            ("cert.pem", "other.pem", ["other.pem", "is not that of the certificate"]),
        ] {
            let refused = refused(cert, key);
            assert!(words.iter().all(|word| refused.contains(word)), "{cert} {key}: {refused}");
        }
    }

    #[test]
    fn a_certificate_is_exchanged_and_a_bad_one_leaves_the_old_in_force() {
        let dir = folder();
        let certificate =
            Certificate::load(&dir.path().join("cert.pem"), &dir.path().join("key.pem")).unwrap();
        assert!(certificate.config().is_ok());
        let first = certificate.leaf().unwrap();
        assert!(!certificate.put(certificate.read_again().unwrap()), "the same again");
        fs::copy(dir.path().join("other.pem"), dir.path().join("key.pem")).unwrap();
        assert!(certificate.read_again().is_err());
        assert_eq!(certificate.leaf().unwrap(), first);
        write_pair(dir.path());
        assert!(certificate.put(certificate.read_again().unwrap()));
        assert_ne!(certificate.leaf().unwrap(), first);
        assert!(!format!("{certificate:?}").contains("current"));
    }
}
