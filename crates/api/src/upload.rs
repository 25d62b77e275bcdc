//! Raw bodies on their way into the artifact store, and stored bytes on their way out.

use std::ops::Range;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::{Stream, StreamExt};
use reeve_artifacts::{Body, PutError, Wanted};
use reeve_protocol::headers::CONTENT_DIGEST;
use reeve_protocol::{Code, Problem, Sha256};

use crate::error::{Answer, ApiError};
use crate::json::too_slow;
use crate::state::ApiState;

/// The type of a body that does not say.
const TYPE_UNKNOWN: &str = "application/octet-stream";
/// Longest content type, in bytes.
const TYPE_BYTES_MAX: usize = 200;

/// The content type of an upload. It is stored and sent back, so it must be a plain header value.
pub(crate) fn content_type(req: &HttpRequest) -> Result<String, ApiError> {
    let Some(value) = req.headers().get(CONTENT_TYPE) else { return Ok(TYPE_UNKNOWN.to_owned()) };
    let text = value.to_str().unwrap_or_default().trim();
    let plain = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if plain && text.len() <= TYPE_BYTES_MAX && text.split(';').next().is_some_and(|kind| kind.contains('/'))
    {
        return Ok(text.to_owned());
    }
    Err(ApiError::new(Code::UnsupportedMediaType, "`Content-Type` is not a media type such as `image/png`"))
}

/// What the body must keep to, from settings and headers.
pub(crate) fn wanted(req: &HttpRequest, state: &ApiState) -> Result<Wanted, ApiError> {
    let sent = req.headers().get(CONTENT_DIGEST).map(|value| value.to_str().unwrap_or_default());
    let sha256 =
        sent.map(Sha256::from_header).transpose().map_err(|e| Problem::invalid(e.to_string(), Vec::new()))?;
    Ok(Wanted { bytes_max: state.settings.upload_bytes_max, sha256: sha256.flatten().map(|digest| digest.0) })
}

/// A body that gives up when nothing comes for too long.
pub(crate) fn body(
    payload: Payload,
    state: &ApiState,
) -> impl Stream<Item = Result<Bytes, ApiError>> + Unpin + use<> {
    let idle = Duration::from_secs(state.settings.body_idle_seconds);
    Box::pin(futures_util::stream::unfold(payload, move |mut payload| async move {
        let chunk = match tokio::time::timeout(idle, payload.next()).await {
            Err(_) => Err(too_slow()),
            Ok(None) => return None,
            Ok(Some(chunk)) => {
                chunk.map_err(|e| Problem::malformed(format!("the body broke off: {e}")).into())
            }
        };
        Some((chunk, payload))
    }))
}

impl From<PutError<Self>> for ApiError {
    fn from(error: PutError<Self>) -> Self {
        match error {
            PutError::TooLarge { .. } => Self::new(Code::PayloadTooLarge, error.to_string()),
            PutError::DigestMismatch { .. } => Problem::invalid(error.to_string(), Vec::new()).into(),
            PutError::Exists => {
                Self::new(Code::IdempotencyMismatch, "this idempotency key was used for other bytes")
            }
            PutError::Body(error) => error,
            PutError::Store(error) => error.into(),
        }
    }
}

/// What is known of bytes before they are read.
pub(crate) struct Described<'a> {
    pub content_type: &'a str,
    pub sha256: Sha256,
    /// Bytes.
    pub size: u64,
}

/// What a request wants of stored bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Portion {
    All,
    Part(Range<u64>),
    /// The client has them.
    Unchanged,
    /// Nothing of the range exists.
    Outside,
}

/// Reads the conditional and range headers.
pub(crate) fn portion(req: &HttpRequest, described: &Described<'_>) -> Portion {
    let header = |name: HeaderName| req.headers().get(name).and_then(|value| value.to_str().ok());
    let etag = etag(described.sha256);
    if header(IF_NONE_MATCH)
        .is_some_and(|sent| sent.trim() == "*" || sent.split(',').any(|tag| tag.trim() == etag))
    {
        return Portion::Unchanged;
    }
    if header(IF_RANGE).is_some_and(|sent| sent.trim() != etag) {
        return Portion::All;
    }
    header(RANGE).map_or(Portion::All, |range| parse_range(range, described.size))
}

/// One range of bytes. Several at once, and what cannot be read, are answered with the whole, as HTTP allows.
fn parse_range(text: &str, size: u64) -> Portion {
    let Some((from, to)) = text.strip_prefix("bytes=").and_then(|set| set.split_once('-')) else {
        return Portion::All;
    };
    let number = |text: &str| {
        let text = text.trim();
        // A number beyond any size means the end.
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    match (number(from), number(to), to.trim().is_empty(), from.trim().is_empty()) {
        (Some(from), _, true, _) if from < size => Portion::Part(from..size),
        (Some(from), Some(to), ..) if from <= to && from < size => {
            Portion::Part(from..to.saturating_add(1).min(size))
        }
        (Some(from), Some(to), ..) if from > to => Portion::All,
        (Some(_), Some(_), ..) | (Some(_), None, true, _) => Portion::Outside,
        (None, Some(0), _, true) => Portion::Outside,
        (None, Some(_), _, true) if size == 0 => Portion::Outside,
        (None, Some(last), _, true) => Portion::Part(size.saturating_sub(last)..size),
        _ => Portion::All,
    }
}

fn etag(sha256: Sha256) -> String {
    format!("\"{sha256}\"")
}

/// The answer for a portion that needs no bytes.
pub(crate) fn without_bytes(portion: &Portion, described: &Described<'_>) -> Option<Answer> {
    match portion {
        Portion::Unchanged => {
            Some(Ok(HttpResponse::NotModified().insert_header((ETAG, etag(described.sha256))).finish()))
        }
        Portion::Outside => {
            let detail = format!("the range lies outside the {} bytes", described.size);
            let error = ApiError::from(Problem { status: 416, ..Problem::new(Code::InvalidRequest, detail) });
            let value = HeaderValue::from_str(&format!("bytes */{}", described.size));
            Some(Err(match value {
                Ok(value) => error.with_header(CONTENT_RANGE, value),
                Err(_) => error,
            }))
        }
        Portion::All | Portion::Part(_) => None,
    }
}

/// The answer with bytes: all of them, or the part that was asked for.
pub(crate) fn with_bytes(portion: Portion, described: &Described<'_>, body: Body) -> HttpResponse {
    let part = match portion {
        Portion::Part(range) => Some(range),
        _ => None,
    };
    let (status, length) = match &part {
        Some(range) => (StatusCode::PARTIAL_CONTENT, range.end - range.start),
        None => (StatusCode::OK, described.size),
    };
    let mut answer = HttpResponse::build(status);
    // A digest of the content covers what is sent, which of a part is not known.
    let digest_name = if part.is_some() { "Repr-Digest" } else { CONTENT_DIGEST };
    answer
        .insert_header((CONTENT_TYPE, described.content_type))
        .insert_header((digest_name, described.sha256.to_header()))
        .insert_header((ETAG, etag(described.sha256)))
        .insert_header((ACCEPT_RANGES, "bytes"));
    if let Some(range) = &part {
        answer.insert_header((
            CONTENT_RANGE,
            format!("bytes {}-{}/{}", range.start, range.end - 1, described.size),
        ));
    }
    harmless(&mut answer);
    let chunks = body.chunks.map(|chunk| chunk.map_err(|e| std::io::Error::other(e.to_string())));
    answer.body(actix_web::body::SizedStream::new(length, chunks))
}

/// Bytes come from workers and customers: a browser must never take them for a page of this server.
pub(crate) fn harmless(answer: &mut HttpResponseBuilder) {
    answer
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("Content-Security-Policy", "sandbox; default-src 'none'"))
        .insert_header(("Cache-Control", "private, no-cache"));
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn ranges_are_read_as_http_says() {
        let cases = [
            ("bytes=0-3", Portion::Part(0..4)),
            ("bytes=4-", Portion::Part(4..10)),
            ("bytes=-3", Portion::Part(7..10)),
            ("bytes=-30", Portion::Part(0..10)),
            ("bytes=8-99999999999999999999999", Portion::Part(8..10)),
            ("bytes=10-", Portion::Outside),
            ("bytes=10-12", Portion::Outside),
            ("bytes=-0", Portion::Outside),
            ("bytes=5-2", Portion::All),
            ("bytes=0-1,3-4", Portion::All),
            ("items=0-1", Portion::All),
            ("bytes=", Portion::All),
            ("bytes=-", Portion::All),
            ("bytes=a-b", Portion::All),
        ];
        for (text, portion) in cases {
            assert_eq!(parse_range(text, 10), portion, "{text}");
        }
        assert_eq!(parse_range("bytes=-5", 0), Portion::Outside);
    }

    #[test]
    fn who_has_the_bytes_gets_none() {
        let described = Described { content_type: "image/png", sha256: Sha256([1; 32]), size: 10 };
        let tag = etag(described.sha256);
        let of = |name: HeaderName, value: &str| {
            let req = TestRequest::default().insert_header((name, value)).insert_header((RANGE, "bytes=0-1"));
            portion(&req.to_http_request(), &described)
        };
        assert_eq!(of(IF_NONE_MATCH, &format!("\"x\", {tag}")), Portion::Unchanged);
        assert_eq!(of(IF_NONE_MATCH, "\"x\""), Portion::Part(0..2));
        assert_eq!(of(IF_RANGE, &tag), Portion::Part(0..2));
        assert_eq!(of(IF_RANGE, "\"x\""), Portion::All);
    }

    #[test]
    fn a_content_type_is_a_media_type() {
        let of = |value: &str| {
            content_type(&TestRequest::default().insert_header((CONTENT_TYPE, value)).to_http_request())
        };
        assert_eq!(of("image/png").ok().as_deref(), Some("image/png"));
        assert_eq!(
            content_type(&TestRequest::default().to_http_request()).ok().as_deref(),
            Some(TYPE_UNKNOWN)
        );
        for bad in ["", "png", "image/\tpng", &format!("a/{}", "b".repeat(300))] {
            assert!(of(bad).is_err(), "{bad:?}");
        }
    }
}
