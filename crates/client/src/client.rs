//! The connection: how requests are built and repeated. The calls themselves are in the other modules.

use std::fmt;
use std::time::Duration;

use reeve_protocol::headers;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, Request, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::body::{Download, accept, read_bytes, read_json};
use crate::error::ClientError;
use crate::retry::RetryPolicy;
use crate::trust::Trust;
use crate::{entropy, task};

/// Bounds on a client's patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// For calls that may be repeated.
    pub retry: RetryPolicy,
    /// Longest time to connect.
    pub connect_ms_max: u64,
    /// Longest time of one try, on top of a long poll's wait and of one second per MiB sent.
    pub answer_ms_max: u64,
    /// Connections kept open while idle.
    pub idle_connections_max: usize,
    /// Longest silence of an event stream before it is opened anew; the server speaks every 15 s.
    pub silence_ms_max: u64,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::default(),
            connect_ms_max: 5_000,
            answer_ms_max: 30_000,
            idle_connections_max: 256,
            silence_ms_max: 45_000,
        }
    }
}

/// The name of a change, under which it happens once however often it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdempotencyKey<'a> {
    /// A new one for this call: repeats of this call are safe, another call is another change.
    #[default]
    Fresh,
    /// The caller's: safe over a restart of the caller too.
    Given(&'a str),
}

/// A client of one server with one key. Clones share connections.
///
/// # Errors
/// Every call fails in the same ways, which are [`ClientError`]'s: the server refused, no answer came, an answer was not of
/// this API, or the request cannot be made. What the problem's codes mean stands in `docs/errors.md`. Unless a call says that
/// it is sent once, it is repeated over broken connections and 503 within [`ClientSettings::retry`] first.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    authorization: HeaderValue,
    settings: ClientSettings,
    /// Sent as `traceparent` with every call.
    trace: Option<HeaderValue>,
}

impl fmt::Debug for Client {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the server at `base_url`, such as `http://127.0.0.1:8080`, with shipped settings.
    ///
    /// # Errors
    /// An address or a key that cannot be one.
    pub fn new(base_url: &str, key: &str) -> Result<Self, ClientError> {
        Self::with_settings(base_url, key, ClientSettings::default())
    }

    /// A client with settings of one's own.
    ///
    /// # Errors
    /// An address or a key that cannot be one.
    pub fn with_settings(base_url: &str, key: &str, settings: ClientSettings) -> Result<Self, ClientError> {
        Self::trusting(base_url, key, settings, &Trust::System)
    }

    /// A client that believes others than the system does. Plain `http` has no certificate to believe.
    ///
    /// # Errors
    /// An address or a key that cannot be one, or authorities that cannot be used.
    pub fn trusting(
        base_url: &str,
        key: &str,
        settings: ClientSettings,
        trust: &Trust,
    ) -> Result<Self, ClientError> {
        let base = Url::parse(base_url)
            .map_err(|e| ClientError::Invalid(format!("`{base_url}` is not a server's address: {e}")))?;
        if !matches!(base.scheme(), "http" | "https") {
            let why = "it must begin with `http://` or `https://`";
            return Err(ClientError::Invalid(format!("`{base_url}`: {why}")));
        }
        let authorization = bearer(key)?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(trust.config()?)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_millis(settings.connect_ms_max))
            .pool_max_idle_per_host(settings.idle_connections_max)
            .tcp_nodelay(true)
            .build()
            .map_err(ClientError::from_http)?;
        Ok(Self { http, base, authorization, settings, trace: None })
    }

    /// The same connections with another key.
    ///
    /// # Errors
    /// A key that cannot be one.
    pub fn with_key(&self, key: &str) -> Result<Self, ClientError> {
        let authorization = bearer(key)?;
        Ok(Self { authorization, ..self.clone() })
    }

    /// The same connections for calls that belong to a trace, named as the header `traceparent` does (W3C Trace Context).
    /// What cannot be a header's value changes nothing.
    #[must_use]
    pub fn in_trace(&self, traceparent: &str) -> Self {
        Self { trace: HeaderValue::from_str(traceparent).ok(), ..self.clone() }
    }

    /// Where the server is.
    pub fn base_url(&self) -> &str {
        self.base.as_str()
    }

    pub(crate) const fn settings(&self) -> &ClientSettings {
        &self.settings
    }

    /// A request to a path below the server's address. Segments are escaped one by one.
    pub(crate) fn to(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        // Such addresses always have a path, so this cannot fail; if it did, the base is what is asked.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        let request = self
            .http
            .request(method, url)
            .header(AUTHORIZATION, self.authorization.clone())
            .timeout(Duration::from_millis(self.settings.answer_ms_max));
        match &self.trace {
            Some(trace) => request.header(headers::TRACEPARENT, trace.clone()),
            None => request,
        }
    }

    /// A read.
    pub(crate) async fn get<A: DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &impl Serialize,
    ) -> Result<A, ClientError> {
        self.repeat(self.to(Method::GET, segments).query(query)).await
    }

    /// A read that the server may hold back for `wait_seconds`.
    pub(crate) async fn get_waiting<A: DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &impl Serialize,
        wait_seconds: u64,
    ) -> Result<A, ClientError> {
        self.repeat(self.to(Method::GET, segments).query(query).timeout(self.patience(wait_seconds))).await
    }

    /// A change by `POST`, safe to repeat under its key.
    pub(crate) async fn post<A: DeserializeOwned>(
        &self,
        segments: &[&str],
        body: &impl Serialize,
        key: IdempotencyKey<'_>,
    ) -> Result<A, ClientError> {
        self.repeat(keyed(self.to(Method::POST, segments).json(body), key)).await
    }

    /// A change by `POST` that needs no body.
    pub(crate) async fn post_bare<A: DeserializeOwned>(
        &self,
        segments: &[&str],
        key: IdempotencyKey<'_>,
    ) -> Result<A, ClientError> {
        self.repeat(keyed(self.to(Method::POST, segments), key)).await
    }

    /// A change that is the same however often it is made.
    pub(crate) async fn change<A: DeserializeOwned>(
        &self,
        method: Method,
        segments: &[&str],
        body: &impl Serialize,
    ) -> Result<A, ClientError> {
        self.repeat(self.to(method, segments).json(body)).await
    }

    /// How long to wait for an answer that the server may hold back.
    pub(crate) const fn patience(&self, wait_seconds: u64) -> Duration {
        Duration::from_millis(self.settings.answer_ms_max.saturating_add(wait_seconds.saturating_mul(1_000)))
    }

    /// How long to wait for an answer to a large body: a slow line is not a dead one.
    pub(crate) fn patience_for_bytes(&self, bytes: usize) -> Duration {
        self.patience(u64::try_from(bytes >> 20).unwrap_or(u64::MAX))
    }

    /// Sends until there is an answer that is not an outage, or the deadline passes; reads its JSON.
    pub(crate) async fn repeat<A: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<A, ClientError> {
        self.retrying(request, self.settings.retry, read_json).await
    }

    /// Sends once; reads the answer's JSON.
    pub(crate) async fn once<A: DeserializeOwned>(&self, request: RequestBuilder) -> Result<A, ClientError> {
        self.retrying(request, RetryPolicy::NEVER, read_json).await
    }

    /// Sends until there is an answer; takes its bytes as they are.
    pub(crate) async fn download(
        &self,
        request: RequestBuilder,
        bytes_max: usize,
    ) -> Result<Download, ClientError> {
        self.retrying(request, self.settings.retry, |response| read_bytes(response, bytes_max)).await
    }

    /// Sends once and hands over the answer with its body unread.
    pub(crate) async fn open(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(ClientError::from_http)?;
        accept(response).await
    }

    /// A request without this client's key: for signed addresses, which may lead elsewhere.
    pub(crate) fn signed(&self, url: &str) -> Result<RequestBuilder, ClientError> {
        let url = self
            .base
            .join(url)
            .map_err(|e| ClientError::Invalid(format!("`{url}` is not an address: {e}")))?;
        Ok(self.http.get(url))
    }

    async fn retrying<A, F: Future<Output = Result<A, ClientError>>>(
        &self,
        request: RequestBuilder,
        policy: RetryPolicy,
        read: impl Fn(Response) -> F,
    ) -> Result<A, ClientError> {
        let request = request.build().map_err(ClientError::from_http)?;
        let start = task::Mark::now();
        let mut tries = 0_u32;
        loop {
            tries = tries.saturating_add(1);
            let error = match self.try_once(&request, &read).await {
                Ok(answer) => return Ok(answer),
                Err(error) if error.is_outage() => error,
                Err(error) => return Err(error),
            };
            let asked_ms = error.retry_after_seconds().map(|s| s.saturating_mul(1_000));
            match policy.pause_ms(tries, start.elapsed_ms(), asked_ms, entropy::jitter_permille()) {
                Some(pause_ms) => task::sleep_ms(pause_ms).await,
                None => return Err(error),
            }
        }
    }

    async fn try_once<A, F: Future<Output = Result<A, ClientError>>>(
        &self,
        request: &Request,
        read: &impl Fn(Response) -> F,
    ) -> Result<A, ClientError> {
        let copy = request
            .try_clone()
            .ok_or_else(|| ClientError::Invalid("its body cannot be sent twice".to_owned()))?;
        let response = self.http.execute(copy).await.map_err(ClientError::from_http)?;
        read(accept(response).await?).await
    }
}

fn bearer(key: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {key}"))
        .map_err(|_| ClientError::Invalid("the key has characters that no key has".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Names a change.
pub(crate) fn keyed(request: RequestBuilder, key: IdempotencyKey<'_>) -> RequestBuilder {
    match key {
        IdempotencyKey::Fresh => request.header(headers::IDEMPOTENCY_KEY, entropy::unique()),
        IdempotencyKey::Given(key) => request.header(headers::IDEMPOTENCY_KEY, key),
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn segments_are_escaped_and_a_prefix_is_kept() {
        let client = Client::new("http://127.0.0.1:1/base/", "k").unwrap();
        let request = client.to(Method::GET, &["v1", "members", "a/b?c d"]).build().unwrap();
        assert_eq!(request.url().as_str(), "http://127.0.0.1:1/base/v1/members/a%2Fb%3Fc%20d");
    }

    #[test]
    fn what_is_not_an_address_or_key_is_told_at_once() {
        for (url, key) in [("localhost", "k"), ("ftp://example.org", "k"), ("http://127.0.0.1:1", "a\nb")] {
            assert!(matches!(Client::new(url, key), Err(ClientError::Invalid(_))), "{url} {key:?}");
        }
    }

    #[test]
    fn the_key_is_not_in_debug_output_and_not_sent_to_signed_addresses() {
        let client = Client::new("http://127.0.0.1:1", "hush").unwrap();
        assert!(!format!("{client:?}").contains("hush"));
        let signed = client.signed("/v1/assets/a?sig=x").unwrap().build().unwrap();
        assert_eq!(signed.url().as_str(), "http://127.0.0.1:1/v1/assets/a?sig=x");
        assert!(signed.headers().get(AUTHORIZATION).is_none());
    }

    #[test]
    fn a_fresh_key_is_another_one_each_time() {
        let client = Client::new("http://127.0.0.1:1", "k").unwrap();
        let key = |key| {
            let request = keyed(client.to(Method::POST, &["v1"]), key).build().unwrap();
            request.headers().get(headers::IDEMPOTENCY_KEY).unwrap().to_str().unwrap().to_owned()
        };
        assert_ne!(key(IdempotencyKey::Fresh), key(IdempotencyKey::Fresh));
        assert_eq!(key(IdempotencyKey::Given("mine")), "mine");
    }
}
