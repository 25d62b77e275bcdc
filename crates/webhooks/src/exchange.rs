//! One request to a receiver: look up, judge, connect, send, read the beginning of the answer.
//!
//! Made of the parts of an HTTP client rather than with one: the address that is judged is the address that is
//! connected to, so that a name cannot change its mind in between; there is no redirect to follow, no proxy in the
//! environment to obey and no pool in which a connection waits for another receiver.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use reeve_types::Millis;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, ClientConfig, pki_types::ServerName};
use url::{Host, Url};

use crate::guard::{Forbidden, Guard};
use crate::task;

/// Bytes of an answer that are kept for the log; what follows is not read.
const RESPONSE_BYTES_MAX: usize = 4 << 10;
/// Longest time for the body of an answer: its status is known by then.
const BODY_MS_MAX: u64 = 2_000;
/// Longest head of an answer.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Addresses of a name that are tried.
const ADDRESSES_MAX: usize = 3;

/// What is sent.
pub(crate) struct Message {
    pub id: String,
    /// Seconds since 1970, by the clock of the world: receivers compare them with theirs.
    pub seconds: i64,
    pub signature: String,
    pub body: Bytes,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub status: u16,
    /// What `Retry-After` asks for.
    pub retry_after_seconds: Option<u64>,
    /// The beginning of the body, as text.
    pub body: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("refused: {0}")]
    Forbidden(#[from] Forbidden),
    #[error("cannot find `{host}`: {detail}")]
    Name { host: String, detail: String },
    #[error("cannot connect: {0}")]
    Connect(String),
    #[error("no secure connection: {0}")]
    Tls(String),
    #[error("the exchange broke off: {0}")]
    Http(String),
    #[error("no answer within {0} ms")]
    Timeout(u64),
}

/// Sends messages to receivers.
pub(crate) struct Sender {
    guard: Guard,
    tls: Result<TlsConnector, String>,
    timeout_ms: u64,
}

impl Sender {
    /// One that trusts whom the system trusts.
    pub(crate) fn new(guard: Guard, timeout_ms: u64) -> Self {
        let tls = trusting_the_system().map_err(|error| error.to_string());
        if let Err(error) = &tls {
            tracing::error!(%error, "webhooks over https cannot be delivered");
        }
        Self { guard, tls, timeout_ms }
    }

    pub(crate) const fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Sends a message once.
    pub(crate) async fn send(&self, url: &str, message: Message, now: Millis) -> Result<Heard, NoAnswer> {
        let exchange = task::within_ms(self.timeout_ms, self.exchange(url, message, now)).await;
        exchange.unwrap_or(Err(NoAnswer::Timeout(self.timeout_ms)))
    }

    async fn exchange(&self, url: &str, message: Message, now: Millis) -> Result<Heard, NoAnswer> {
        let url = self.guard.url(url)?;
        let request = request(&url, message)?;
        let stream = self.connect(&url).await?;
        if url.scheme() == "http" {
            return converse(stream, request, now).await;
        }
        let connector = self.tls.clone().map_err(NoAnswer::Tls)?;
        let name = server_name(&url).ok_or_else(|| NoAnswer::Tls("the host is no name".to_owned()))?;
        let stream = connector.connect(name, stream).await.map_err(|e| NoAnswer::Tls(e.to_string()))?;
        converse(stream, request, now).await
    }

    /// A connection to an address that may be called.
    async fn connect(&self, url: &Url) -> Result<TcpStream, NoAnswer> {
        let mut last = NoAnswer::Connect("it has no address".to_owned());
        for address in self.addresses(url).await?.into_iter().take(ADDRESSES_MAX) {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // A small request in one piece: waiting for more would only delay it.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => last = NoAnswer::Connect(error.to_string()),
            }
        }
        Err(last)
    }

    /// The addresses that may be called; why not, when none may.
    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, NoAnswer> {
        let port = url.port_or_known_default().unwrap_or(443);
        let found: Vec<IpAddr> = match url.host() {
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            Some(Host::Domain(name)) => {
                let lost = |detail: String| NoAnswer::Name { host: name.to_owned(), detail };
                let found = tokio::net::lookup_host((name, port)).await.map_err(|e| lost(e.to_string()))?;
                let found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
                if found.is_empty() {
                    return Err(lost("it has no address".to_owned()));
                }
                found
            }
            None => Vec::new(),
        };
        let judged: Vec<_> = found.into_iter().map(|address| self.guard.address(address)).collect();
        let fine: Vec<_> = judged.iter().flatten().map(|address| SocketAddr::new(*address, port)).collect();
        match judged.into_iter().find_map(Result::err) {
            Some(forbidden) if fine.is_empty() => Err(forbidden.into()),
            _ => Ok(fine),
        }
    }
}

fn trusting_the_system() -> Result<TlsConnector, rustls::Error> {
    // Named, not the process's default: another part of the program may have chosen none, or another one.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn server_name(url: &Url) -> Option<ServerName<'static>> {
    match url.host()? {
        Host::Domain(name) => ServerName::try_from(name.to_owned()).ok(),
        Host::Ipv4(address) => Some(IpAddr::from(address).into()),
        Host::Ipv6(address) => Some(IpAddr::from(address).into()),
    }
}

fn request(url: &Url, message: Message) -> Result<Request<Full<Bytes>>, NoAnswer> {
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(HOST, host)
        .header(USER_AGENT, concat!("reeve/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", message.id)
        .header("webhook-timestamp", message.seconds.to_string())
        .header("webhook-signature", message.signature)
        .body(Full::new(message.body))
        .map_err(|e| NoAnswer::Http(e.to_string()))
}

async fn converse<S>(stream: S, request: Request<Full<Bytes>>, now: Millis) -> Result<Heard, NoAnswer>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let broken = |e: hyper::Error| NoAnswer::Http(e.to_string());
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES_MAX);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let driven = task::spawn(async move {
        // What breaks it is heard by whoever waits for the answer.
        let _ = connection.await;
    });
    let answer = sender.send_request(request).await;
    let heard = match answer {
        Ok(response) => Ok(read(response, now).await),
        Err(error) => Err(broken(error)),
    };
    // Nothing more is wanted of it, whatever the receiver still has to say.
    driven.abort();
    heard
}

/// A status counts although the rest of the answer breaks off.
async fn read(response: Response<hyper::body::Incoming>, now: Millis) -> Heard {
    let status = response.status().as_u16();
    let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after_seconds = asked.and_then(|text| retry_after(text, now));
    let mut body = response.into_body();
    let mut kept: Vec<u8> = Vec::new();
    let since = task::Mark::now();
    while kept.len() < RESPONSE_BYTES_MAX {
        let left_ms = BODY_MS_MAX.saturating_sub(since.elapsed_ms());
        let Some(Some(Ok(frame))) = task::within_ms(left_ms, body.frame()).await else { break };
        let Ok(data) = frame.into_data() else { continue };
        let room = RESPONSE_BYTES_MAX - kept.len();
        kept.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
    }
    Heard { status, retry_after_seconds, body: legible(&kept) }
}

/// Bytes of somebody else as text that may be stored and shown.
fn legible(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { ' ' } else { c }).collect()
}

/// Seconds of a `Retry-After`, which is a number or a date.
fn retry_after(text: &str, now: Millis) -> Option<u64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let at = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    Some(u64::try_from(Millis::from_utc(at.to_utc()).since(now)).unwrap_or(0).div_ceil(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_may_ask_for_time_by_number_or_by_date() {
        let now = Millis::from_millis(1_772_000_000_000);
        assert_eq!(retry_after("120", now), Some(120));
        assert_eq!(retry_after("Wed, 25 Feb 2026 06:14:20 GMT", now), Some(60));
        assert_eq!(retry_after("Tue, 25 Feb 2025 06:14:20 GMT", now), Some(0));
        for bad in ["", "-5", "soon", "1.5"] {
            assert_eq!(retry_after(bad, now), None, "{bad}");
        }
    }

    #[test]
    fn what_a_receiver_says_is_cleaned() {
        assert_eq!(legible(b"a\0b\x1b[31m\nc\xff"), "a b [31m\nc\u{fffd}");
    }

    #[test]
    fn a_request_names_its_host_and_keeps_the_query() {
        let message = Message { id: "m".into(), seconds: 5, signature: "v1,x".into(), body: Bytes::new() };
        let url = Url::parse("https://user-not-here.example:8443/a/b?c=d#e").unwrap();
        let request = request(&url, message).unwrap();
        assert_eq!(request.uri().to_string(), "/a/b?c=d");
        assert_eq!(request.headers()[HOST], "user-not-here.example:8443");
        assert_eq!(request.headers()["webhook-timestamp"], "5");
        assert_eq!(request.headers()["content-type"], "application/json");
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_before_a_connection_is_made() {
        let sender = Sender::new(Guard::new(true, Vec::new()), 5_000);
        let message = Message { id: "m".into(), seconds: 5, signature: "v1,x".into(), body: Bytes::new() };
        let answer = sender.send("http://localhost:9/", message, Millis::from_millis(0)).await;
        assert!(matches!(answer, Err(NoAnswer::Forbidden(Forbidden::Address { .. }))), "{answer:?}");
    }
}
