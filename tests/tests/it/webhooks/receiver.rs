//! A receiver of webhooks: a small server that keeps what it hears and answers as it is told.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::fixture::{eventually, pause_ms, spawn};

/// What it does with a delivery.
#[derive(Clone, Debug)]
pub enum Reply {
    Status(u16),
    /// With further lines of the head.
    With(u16, &'static str),
    /// After so many milliseconds.
    Late(u64),
    /// Nothing, ever.
    Hang,
}

/// A delivery as it arrived.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: String,
    pub seconds: i64,
    pub signature: String,
    pub path: String,
    pub raw: String,
    pub body: Value,
}

impl Delivery {
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap()
    }

    /// How many of its signatures are made with this secret.
    pub fn signed_with(&self, secret: &str) -> usize {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{}.{}", self.id, self.seconds, self.raw).as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.signature.split(' ').filter(|one| *one == expected).count()
    }
}

type Rule = Box<dyn FnMut(&Delivery) -> Reply + Send>;

struct Inside {
    heard: Mutex<Vec<Delivery>>,
    rule: Mutex<Rule>,
    open: AtomicUsize,
    open_max: AtomicUsize,
}

/// A receiver on a port of its own.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    pub port: u16,
    inside: Arc<Inside>,
}

impl Receiver {
    /// One that takes everything.
    pub async fn start() -> Self {
        Self::behind(None).await
    }

    /// The same over https.
    pub async fn start_tls(tls: TlsAcceptor) -> Self {
        Self::behind(Some(tls)).await
    }

    async fn behind(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let inside = Arc::new(Inside {
            heard: Mutex::default(),
            rule: Mutex::new(Box::new(|_| Reply::Status(204))),
            open: AtomicUsize::new(0),
            open_max: AtomicUsize::new(0),
        });
        let shared = inside.clone();
        drop(spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (inside, tls) = (shared.clone(), tls.clone());
                drop(spawn(async move {
                    match tls {
                        None => serve(&inside, stream).await,
                        Some(tls) => {
                            // Otherwise it was not believed.
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(&inside, stream).await;
                            }
                        }
                    }
                }));
            }
        }));
        Self { url: format!("http://127.0.0.1:{port}/hook?a=b"), port, inside }
    }

    /// From now on it answers like this.
    pub fn answers(&self, rule: impl FnMut(&Delivery) -> Reply + Send + 'static) {
        *self.inside.rule.lock().unwrap() = Box::new(rule);
    }

    pub fn heard(&self) -> Vec<Delivery> {
        self.inside.heard.lock().unwrap().clone()
    }

    pub fn forget(&self) {
        self.inside.heard.lock().unwrap().clear();
    }

    /// Most deliveries that were open at once.
    pub fn open_max(&self) -> usize {
        self.inside.open_max.load(Ordering::SeqCst)
    }

    /// Kinds in the order in which they came.
    pub fn kinds(&self) -> Vec<String> {
        self.heard().iter().map(|delivery| delivery.kind().to_owned()).collect()
    }

    pub fn ids(&self) -> BTreeSet<String> {
        self.heard().into_iter().map(|delivery| delivery.id).collect()
    }

    /// Waits until it heard at least so many deliveries.
    pub async fn hears(&self, count: usize, seconds_max: u64) -> Vec<Delivery> {
        eventually(&format!("{count} deliveries at port {}", self.port), seconds_max, || async {
            let heard = self.heard();
            (heard.len() >= count).then_some(heard)
        })
        .await
    }

    /// Waits for one of a kind.
    pub async fn hears_of(&self, kind: &str, seconds_max: u64) -> Delivery {
        eventually(&format!("`{kind}` at port {}", self.port), seconds_max, || async {
            self.heard().into_iter().find(|delivery| delivery.kind() == kind)
        })
        .await
    }
}

async fn serve(inside: &Inside, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let Some(delivery) = read(&mut stream).await else { return };
    // Until it is answered, and not until the connection is gone: that is heard of late.
    let open = inside.open.fetch_add(1, Ordering::SeqCst) + 1;
    inside.open_max.fetch_max(open, Ordering::SeqCst);
    let reply = {
        inside.heard.lock().unwrap().push(delivery.clone());
        (inside.rule.lock().unwrap())(&delivery)
    };
    let (status, head) = match reply {
        Reply::Status(status) => (status, ""),
        Reply::With(status, head) => (status, head),
        Reply::Late(ms) => {
            pause_ms(ms).await;
            (204, "")
        }
        Reply::Hang => {
            // Until the other side gives up.
            let _ = stream.read(&mut [0; 1]).await;
            inside.open.fetch_sub(1, Ordering::SeqCst);
            return;
        }
    };
    let body = if status == 204 { "" } else { "so it is" };
    let text = format!("HTTP/1.1 {status} X\r\n{head}content-length: {}\r\n\r\n{body}", body.len());
    inside.open.fetch_sub(1, Ordering::SeqCst);
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.read(&mut [0; 1]).await;
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Delivery> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let header = |name: &str| {
        let found = head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        });
        found.unwrap_or_else(|| panic!("a delivery without `{name}`:\n{head}"))
    };
    let len: usize = header("content-length").parse().unwrap();
    while bytes.len() < end + len {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let raw = String::from_utf8(bytes[end..end + len].to_vec()).unwrap();
    assert_eq!(header("content-type"), "application/json");
    Some(Delivery {
        id: header("webhook-id"),
        seconds: header("webhook-timestamp").parse().unwrap(),
        signature: header("webhook-signature"),
        path: head.split(' ').nth(1).unwrap().to_owned(),
        body: serde_json::from_str(&raw).unwrap(),
        raw,
    })
}
