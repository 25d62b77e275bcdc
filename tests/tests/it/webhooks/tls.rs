//! Receivers over https: believed when the system believes them, and not called otherwise.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use serde_json::json;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::{Hook, Receiver};
use crate::fixture::{Server, eventually};

const ALLOWED: (&str, &str) = ("REEVE__WEBHOOKS__ALLOW_ADDRESSES", "127.0.0.0/8,::1");

/// What a receiver shows, and the authority that signed it, as PEM.
fn certificate() -> (TlsAcceptor, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let cert = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), issuer.pem())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_over_https_is_called_when_its_certificate_is_believed() {
    let (tls, authority) = certificate();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority).unwrap();
    let receiver = Receiver::start_tls(tls).await;
    let urls = ["127.0.0.1", "localhost"].map(|host| format!("https://{host}:{}/hook", receiver.port));

    let server = Server::with(&[ALLOWED, ("SSL_CERT_FILE", file.to_str().unwrap())]);
    for (n, url) in urls.iter().enumerate() {
        let hook = Hook::add(&server.admin(), json!({"url": url})).await;
        server.admin().post(&hook.path("/test"), json!({})).await.ok(202);
        let heard = receiver.hears(n + 1, 20).await;
        assert_eq!(heard[n].signed_with(&hook.secret), 1);
    }

    // Whom nobody vouches for gets nothing.
    let strict = Server::with(&[ALLOWED]);
    let hook = Hook::add(&strict.admin(), json!({"url": urls[0]})).await;
    strict.admin().post(&hook.path("/test"), json!({})).await.ok(202);
    let error = eventually("a failed try", 20, || async {
        hook.log().await.first().and_then(|one| one["last_error"].as_str().map(str::to_owned))
    })
    .await;
    assert!(error.starts_with("no secure connection"), "{error}");
    assert_eq!(receiver.heard().len(), 2);
}
