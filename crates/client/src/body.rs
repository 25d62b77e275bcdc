//! Bodies: what is sent with a digest, and how answers are read.

use bytes::Bytes;
use reeve_protocol::{Problem, Sha256, headers};
use reqwest::header::CONTENT_TYPE;
use reqwest::{RequestBuilder, Response};
use serde::de::DeserializeOwned;
use sha2::Digest as _;

use crate::ClientError;

/// Bytes to send, with their digest.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The whole body.
    pub bytes: Bytes,
    /// Its media type.
    pub content_type: String,
    /// Its digest, which the server compares.
    pub sha256: Sha256,
}

impl Upload {
    /// Computes the digest: blocking work for large bodies.
    pub fn new(bytes: Bytes, content_type: impl Into<String>) -> Self {
        let sha256 = Sha256(sha2::Sha256::digest(&bytes).into());
        Self { bytes, content_type: content_type.into(), sha256 }
    }
}

/// Bytes received.
#[derive(Clone, Debug)]
pub struct Download {
    /// The whole body.
    pub bytes: Bytes,
    /// Its media type, where the server said one.
    pub content_type: Option<String>,
}

/// A body with its type and digest.
pub(crate) fn carrying(request: RequestBuilder, upload: &Upload) -> RequestBuilder {
    request
        .header(CONTENT_TYPE, &upload.content_type)
        .header(headers::CONTENT_DIGEST, upload.sha256.to_header())
        .body(upload.bytes.clone())
}

/// Turns anything but success into an error.
pub(crate) async fn accept(response: Response) -> Result<Response, ClientError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let is_problem = header("content-type").is_some_and(|value| value.starts_with(headers::PROBLEM_JSON));
    let asked_seconds = header(headers::RETRY_AFTER).and_then(|value| value.parse::<u64>().ok());
    let body = response.bytes().await.map_err(ClientError::from_http)?;
    match serde_json::from_slice::<Problem>(&body) {
        Ok(mut problem) if is_problem => {
            problem.retry_after_seconds = problem.retry_after_seconds.or(asked_seconds);
            Err(ClientError::Refused(Box::new(problem)))
        }
        _ => Err(ClientError::unexpected(status.as_u16(), &String::from_utf8_lossy(&body))),
    }
}

/// The answer's JSON.
pub(crate) async fn read_json<A: DeserializeOwned>(response: Response) -> Result<A, ClientError> {
    let status = response.status().as_u16();
    let body = response.bytes().await.map_err(ClientError::from_http)?;
    // An answer without content (a deleted key) reads as `null`.
    let text: &[u8] = if body.is_empty() { b"null" } else { &body };
    serde_json::from_slice(text)
        .map_err(|e| ClientError::unexpected(status, &format!("{e} in {}", String::from_utf8_lossy(&body))))
}

/// The answer's bytes, up to a bound, checked against the digest that came with them.
pub(crate) async fn read_bytes(mut response: Response, bytes_max: usize) -> Result<Download, ClientError> {
    let status = response.status().as_u16();
    let text =
        |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (content_type, digest) = (text("content-type"), text(headers::CONTENT_DIGEST));
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(ClientError::from_http)? {
        if bytes.len().saturating_add(chunk.len()) > bytes_max {
            return Err(ClientError::unexpected(
                status,
                &format!("the body has more than {bytes_max} bytes"),
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    let bytes = Bytes::from(bytes);
    let expected = digest.and_then(|header| Sha256::from_header(&header).ok().flatten());
    if expected.is_some_and(|expected| expected.0 != <[u8; 32]>::from(sha2::Sha256::digest(&bytes))) {
        return Err(ClientError::unexpected(status, "the body does not have the digest that came with it"));
    }
    Ok(Download { bytes, content_type })
}
