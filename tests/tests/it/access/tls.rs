//! HTTPS: whom clients believe, which versions are spoken, and a certificate that is renewed while the server runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use reqwest::Version;
use serde_json::{Value, json};

use crate::fixture::{Api, Hand, Server, Tenant, eventually, image, landed, reeve, spawn, verify, within};

const ADMIN_KEY: &str = "admin-key-of-the-tests-0123456789abcdef";

/// An authority made for this test, with certificates for a server on this machine in a folder.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        let authority = Self { issuer, folder };
        authority.issue(&["127.0.0.1", "localhost"]);
        authority
    }

    /// A new certificate for these names, and its key, in place of those before.
    fn issue(&self, names: &[&str]) {
        let key = KeyPair::generate().unwrap();
        let params =
            CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.path("key.pem"), key.serialize_pem()).unwrap();
        std::fs::write(self.path("cert.pem"), cert.pem()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A running server that shows its certificate.
    fn server(&self, args: &[&str]) -> Server {
        let (cert, key) = (self.path("cert.pem"), self.path("key.pem"));
        let env = [
            ("REEVE__SERVER__TLS__CERT", cert.to_str().unwrap()),
            ("REEVE__SERVER__TLS__KEY", key.to_str().unwrap()),
        ];
        Server::with_args(&env, args)
    }

    /// A client that believes this authority.
    fn admin(&self, server: &Server) -> Api {
        Api::trusting(&server.url, ADMIN_KEY, Some(&self.pem()))
    }
}

/// `reeve` as a person calls it.
fn called(url: &str, args: &[&str], env: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(reeve());
    command.args(args).args(["--url", url, "--key", ADMIN_KEY]).stdin(Stdio::null());
    command.env_remove("SSL_CERT_FILE").envs(env.iter().copied());
    command.output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_a_certificate_is_spoken_to_by_all_clients_that_believe_it() {
    let authority = Authority::new();
    // With workers inside it, which connect to an address that need not be in the certificate.
    let server = authority.server(&["--with-worker"]);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let admin = authority.admin(&server);
    let answer = admin.get("/healthz").await;
    assert_eq!((answer.status, answer.version), (200, Version::HTTP_2), "chosen by ALPN");
    let tenant = Tenant::large(&admin, "acme").await;
    let job = tenant.admitted(image(1)).await;
    assert_eq!(tenant.finished(&job, 60).await["status"], "succeeded");
    let events = admin.get(&format!("/v1/jobs/{job}/events")).await;
    assert!(String::from_utf8_lossy(&events.body).contains("event: done"), "streams too");

    let ca = authority.path("ca.pem");
    let by_option = called(&server.url, &["balance", "acme", "--json", "--ca", ca.to_str().unwrap()], &[]);
    assert!(by_option.status.success(), "{by_option:?}");
    let view: Value = serde_json::from_slice(&by_option.stdout).unwrap();
    assert!(view["available"].is_number(), "{view}");
    let by_system = called(&server.url, &["balance", "acme"], &[("SSL_CERT_FILE", &ca)]);
    assert!(by_system.status.success(), "{by_system:?}");
    verify(&admin).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_hung_up_over_http_2_keeps_no_lease() {
    let authority = Authority::new();
    let server = authority.server(&[]);
    let admin = authority.admin(&server);
    let tenant = Tenant::large(&admin, "acme").await;
    let (_, secret) = super::key(&admin, json!({"role": "worker"})).await;
    let workers = Api::trusting(&server.url, &secret, Some(&authority.pem()));
    assert_eq!(workers.get("/healthz").await.version, Version::HTTP_2);
    let (gone, there) = (Hand::new(&workers, "gone"), Hand::new(&workers, "there"));
    let waiting = spawn(async move { gone.lease(1, 60).await });
    eventually("a worker waits", 20, || async {
        let rows = admin.get("/v1/workers").await.ok(200);
        (!rows["data"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;
    // The stream is reset; the connection, which other calls share, goes on.
    waiting.abort();
    // Frames of one connection keep their order: by this answer the server knows.
    workers.get("/healthz").await.ok(200);
    let job = tenant.admitted(image(1)).await;
    // Well within the time that a lease which fell silent would take to come back.
    let lease = within("a lease that was given back", 8, there.one()).await;
    assert!(lease.contains(job.trim_start_matches("job_")), "{lease}");
    there.complete(&lease, json!([landed(0)])).await.ok(200);
    verify(&admin).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_does_not_believe_the_certificate_sends_no_key() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = authority.server(&[]);
    let stranger = other.path("ca.pem");
    let refused = called(&server.url, &["balance", "acme", "--ca", stranger.to_str().unwrap()], &[]);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("certificate") || said.contains("UnknownIssuer"), "{said}");
    let nothing = called(&server.url, &["balance", "acme", "--ca", "/nowhere/ca.pem"], &[]);
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("/nowhere/ca.pem"), "{nothing:?}");
    // For another name.
    authority.issue(&["reeve.example"]);
    let elsewhere = authority.server(&[]);
    let api = authority.admin(&elsewhere);
    assert!(api.try_send(api.request(reqwest::Method::GET, "/healthz")).await.is_err());
    // Plain HTTP to a port that speaks TLS.
    let plain = Api::new(&server.url.replace("https://", "http://"), ADMIN_KEY);
    assert!(plain.try_send(plain.request(reqwest::Method::GET, "/healthz")).await.is_err());
    authority.issue(&["127.0.0.1"]);
    assert_eq!(authority.admin(&server).get("/healthz").await.status, 200, "it still serves the others");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_is_shown_after_a_reload_and_a_bad_one_is_not() {
    let (old, new) = (Authority::new(), Authority::new());
    let server = old.server(&[]);
    let by_old = async || {
        let api = old.admin(&server);
        api.try_send(api.request(reqwest::Method::GET, "/readyz")).await.is_ok()
    };
    let by_new = async || {
        let api = Api::trusting(&server.url, ADMIN_KEY, Some(&new.pem()));
        api.try_send(api.request(reqwest::Method::GET, "/readyz")).await.is_ok()
    };
    assert!(by_old().await && !by_new().await);
    // A connection of before goes on with what it has.
    let admin = old.admin(&server);
    admin.get("/readyz").await.ok(200);
    let nothing = admin.post("/v1/reload", json!({})).await.ok(200);
    assert_eq!(nothing, json!({"applied": [], "needs_restart": []}));

    // Half written: the key is there before its certificate.
    std::fs::copy(new.path("key.pem"), old.path("key.pem")).unwrap();
    let refused = admin.post("/v1/reload", json!({})).await.problem(422, "invalid_request");
    let why = refused["detail"].as_str().unwrap();
    assert!(why.contains("server.tls") && why.contains("is not that of the certificate"), "{why}");
    assert!(by_old().await, "the old one stays");
    std::fs::copy(new.path("cert.pem"), old.path("cert.pem")).unwrap();
    let report = admin.post("/v1/reload", json!({})).await.ok(200);
    assert_eq!(report, json!({"applied": ["server.tls"], "needs_restart": []}));
    assert!(by_new().await && !by_old().await);

    new.issue(&["127.0.0.1"]);
    for name in ["key.pem", "cert.pem"] {
        std::fs::copy(new.path(name), old.path(name)).unwrap();
    }
    server.hang_up();
    eventually("a reload by SIGHUP", 20, || async { server.log().contains("server.tls").then_some(()) })
        .await;
    assert!(by_new().await);
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_before_anything_is_touched() {
    let authority = Authority::new();
    let other = Authority::new();
    let (cert, key) = (authority.path("cert.pem"), authority.path("key.pem"));
    let data = authority.path("data");
    for (cert, key, word) in [
        (cert.clone(), PathBuf::from("/nowhere/key.pem"), "/nowhere/key.pem"),
        (PathBuf::from("/nowhere/cert.pem"), key.clone(), "/nowhere/cert.pem"),
        (cert.clone(), other.path("key.pem"), "is not that of the certificate"),
        (key.clone(), key.clone(), "no certificate"),
        (cert.clone(), PathBuf::new(), "needs `cert` and `key`"),
    ] {
        let mut command = Command::new(reeve());
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).stdin(Stdio::null());
        command.env("REEVE__SERVER__TLS__CERT", &cert).env("REEVE__SERVER__TLS__KEY", &key);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("server.tls") && said.contains(word), "{word}: {said}");
        assert!(!data.exists());
    }
}
