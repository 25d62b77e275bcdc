//! JSON in and out: bodies within their bound, and errors that name the field.

use std::cell::RefCell;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use futures_util::{Stream, StreamExt};
use reeve_actors::Call;
use reeve_protocol::headers::IDEMPOTENT_REPLAY;
use reeve_protocol::{Code, FieldError, Problem};
use reeve_types::did_you_mean_of;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Answer, ApiError};
use crate::idempotency::{call, fingerprint};
use crate::roles::Caller;
use crate::state::ApiState;

/// Read and thrown away of a body that is too large, so that the client gets to read why.
const DRAIN_BYTES_MAX: usize = 64 << 20;

/// A JSON body of a request that changes something, with what identifies the request.
pub(crate) struct Input<T> {
    pub body: T,
    pub call: Call,
}

/// As [`Input`], where no body at all means that nothing is asked for beyond the call itself.
pub(crate) struct Optional<T> {
    pub body: T,
    pub caller: Caller,
    pub call: Call,
}

/// A request without a body (or with `{}`).
pub(crate) struct Bare {
    pub caller: Caller,
    pub call: Call,
}

impl<T: DeserializeOwned + 'static> FromRequest for Input<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let caller = Caller::extract(&req).await?;
            let bytes = read(&req, payload).await?;
            is_json(&req)?;
            let call = call(&req, &caller, fingerprint(req.method().as_str(), req.path(), &bytes))?;
            Ok(Self { body: parse(&bytes)?, call })
        })
    }
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for Optional<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let caller = Caller::extract(&req).await?;
            let bytes = read(&req, payload).await?;
            let body = if bytes.trim_ascii().is_empty() {
                T::default()
            } else {
                is_json(&req)?;
                parse(&bytes)?
            };
            let call = call(&req, &caller, fingerprint(req.method().as_str(), req.path(), &bytes))?;
            Ok(Self { body, caller, call })
        })
    }
}

impl FromRequest for Bare {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let caller = Caller::extract(&req).await?;
            let bytes = read(&req, payload).await?;
            if !bytes.trim_ascii().is_empty() {
                is_json(&req)?;
                parse::<Nothing>(&bytes)?;
            }
            let call = call(&req, &caller, fingerprint(req.method().as_str(), req.path(), &bytes))?;
            Ok(Self { caller, call })
        })
    }
}

/// A body that may only be `{}`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The whole body, within the bound of JSON bodies.
async fn read(req: &HttpRequest, payload: Payload) -> Result<Bytes, ApiError> {
    let Some(state) = req.app_data::<Data<ApiState>>() else { return Err(ApiError::internal("no state")) };
    read_whole(state, payload, state.settings.body_bytes_max).await
}

/// The whole body, within a bound of its own.
pub(crate) async fn read_whole(
    state: &ApiState,
    mut payload: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    bytes_max: usize,
) -> Result<Bytes, ApiError> {
    let idle = Duration::from_secs(state.settings.body_idle_seconds);
    let mut body = BytesMut::new();
    let mut seen = 0;
    while let Some(chunk) = tokio::time::timeout(idle, payload.next()).await.map_err(|_| too_slow())? {
        let chunk = chunk.map_err(|e| Problem::malformed(format!("the body broke off: {e}")))?;
        seen += chunk.len();
        if seen <= bytes_max {
            body.extend_from_slice(&chunk);
        } else if seen > DRAIN_BYTES_MAX {
            break;
        }
    }
    if seen > bytes_max {
        return Err(ApiError::new(Code::PayloadTooLarge, format!("this body may have {bytes_max} bytes")));
    }
    Ok(body.freeze())
}

pub(crate) fn too_slow() -> ApiError {
    Problem { status: 408, ..Problem::malformed("the body came too slowly") }.into()
}

/// The media type of a body without its parameters; `None` when it does not say.
pub(crate) fn essence(req: &HttpRequest) -> Option<String> {
    let sent = req.headers().get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    sent.map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn is_json(req: &HttpRequest) -> Result<(), ApiError> {
    match essence(req).as_deref() {
        // A body without a type is taken for what is asked for here.
        None | Some("application/json") => Ok(()),
        Some(kind) if kind.starts_with("application/") && kind.ends_with("+json") => Ok(()),
        Some(_) => Err(ApiError::new(Code::UnsupportedMediaType, "send the body as `application/json`")),
    }
}

/// Reads a body: not JSON is 400, a wrong field is 422 with its pointer.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // PostgreSQL cannot store the character in any text, so no text of ours may have it.
    if bytes.windows(6).any(|window| window == b"\\u0000") {
        refuse_nul(bytes)?;
    }
    match serde_json::from_slice(bytes) {
        Ok(value) => Ok(value),
        Err(_) => Err(explain::<T>(bytes)),
    }
}

/// Reads once more, slower, to learn which field it was.
fn explain<T: DeserializeOwned>(bytes: &[u8]) -> ApiError {
    let mut source = serde_json::Deserializer::from_slice(bytes);
    let wrong = match serde_path_to_error::deserialize::<_, T>(&mut source) {
        Ok(_) => match source.end() {
            Ok(()) => return ApiError::internal("a body was refused and then read"),
            Err(e) => return Problem::malformed(format!("the body is not JSON: {e}")).into(),
        },
        Err(wrong) => wrong,
    };
    let error = wrong.inner();
    if error.is_data() {
        let detail = plain(&error.to_string());
        let near = did_you_mean_of(&detail);
        return ApiError::field(&pointer(wrong.path()), format!("{detail}{near}"));
    }
    Problem::malformed(format!("the body is not JSON: {error}")).into()
}

/// Without the position in the text: the pointer says where.
fn plain(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

/// A path as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => format!("{pointer}/{}", escape(key)),
        Segment::Enum { variant } => format!("{pointer}/{}", escape(variant)),
        Segment::Unknown => pointer,
    })
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Finds a NUL in any text of the body; `\\u0000`, an escaped backslash and five characters, is none.
fn refuse_nul(bytes: &[u8]) -> Result<(), ApiError> {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return Ok(()) };
    match find_nul(&value, String::new()) {
        None => Ok(()),
        Some(pointer) => {
            let detail = "must not contain the character U+0000";
            let shown = pointer.replace('\0', "\u{fffd}");
            Err(Problem::invalid(detail, vec![FieldError::new(shown, detail)]).into())
        }
    }
}

fn find_nul(value: &Value, at: String) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then_some(at),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(n, item)| find_nul(item, format!("{at}/{n}")))
        }
        Value::Object(map) => map.iter().find_map(|(key, item)| {
            let at = format!("{at}/{}", escape(key));
            if key.contains('\0') { Some(at) } else { find_nul(item, at) }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// An answer with a JSON body.
pub(crate) fn answer(status: StatusCode, body: &impl Serialize) -> Answer {
    Ok(HttpResponse::build(status).content_type("application/json").body(to_bytes(body)?))
}

thread_local! {
    /// Where bodies are written, so that each takes no more room than it needs and none moves while it grows.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}
/// Room that is kept for the next one.
const SCRATCH_BYTES_MAX: usize = 256 << 10;

/// A body as it is sent.
pub(crate) fn to_bytes(body: &impl Serialize) -> Answer<Bytes> {
    SCRATCH.with_borrow_mut(|json| {
        json.clear();
        let written = serde_json::to_writer(&mut *json, body).map_err(ApiError::internal);
        let bytes = written.map(|()| Bytes::copy_from_slice(json));
        json.shrink_to(SCRATCH_BYTES_MAX);
        bytes
    })
}

/// An answer with status 200.
pub(crate) fn ok(body: &impl Serialize) -> Answer {
    answer(StatusCode::OK, body)
}

/// An answer to a command; `replayed` marks the first answer again.
pub(crate) fn answered(status: StatusCode, body: &impl Serialize, replayed: bool) -> Answer {
    answered_bytes(status, to_bytes(body)?, replayed)
}

/// The same with a body that is JSON already.
pub(crate) fn answered_bytes(status: StatusCode, body: Bytes, replayed: bool) -> Answer {
    let mut answer = HttpResponse::build(status).content_type("application/json").body(body);
    if replayed {
        let name = actix_web::http::header::HeaderName::from_bytes(IDEMPOTENT_REPLAY.as_bytes());
        let value = actix_web::http::header::HeaderValue::from_static("true");
        answer.headers_mut().insert(name.map_err(ApiError::internal)?, value);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use reeve_protocol::{CompleteRequest, JobSubmit, WorkspaceCreate};

    use super::*;

    fn refused<T: DeserializeOwned>(body: &str) -> (u16, Option<String>) {
        let Err(error) = parse::<T>(body.as_bytes()) else { panic!("`{body}` was accepted") };
        let pointer = error.problem().errors.as_ref().map(|errors| errors[0].pointer.clone());
        (error.problem().status, pointer)
    }

    #[test]
    fn what_is_not_json_is_400() {
        for body in [
            "",
            "{",
            "nope",
            "{\"action\":\"a\"}x",
            "{\"action\":\"\u{1}\"}",
            "{\"action\":\"a\",\"params\":{\"x\":1e999}}",
        ] {
            assert_eq!(refused::<JobSubmit>(body), (400, None), "{body}");
        }
        let mut deep = "[".repeat(10_000);
        deep.push_str(&"]".repeat(10_000));
        assert_eq!(refused::<JobSubmit>(&format!(r#"{{"action":"a","params":{{"x":{deep}}}}}"#)).0, 400);
        assert_eq!(parse::<JobSubmit>(b"{\"action\":\"\xff\"}").map(drop).unwrap_err().problem().status, 400);
    }

    #[test]
    fn a_wrong_field_is_422_with_its_pointer() {
        let at = |pointer: &str| (422, Some(pointer.to_owned()));
        assert_eq!(refused::<JobSubmit>(r#"{"action":7}"#), at("/action"));
        assert_eq!(refused::<JobSubmit>(r#"{"action":"a","params":[]}"#), at("/params"));
        assert_eq!(refused::<JobSubmit>(r#"{"action":"a","nope":1}"#), at("/nope"));
        assert_eq!(refused::<JobSubmit>(r#"{"params":{}}"#), at(""));
        assert_eq!(refused::<JobSubmit>("[]"), at(""));
        assert_eq!(refused::<JobSubmit>(r#"{"action":"a","max_credits":0.0000001}"#), at("/max_credits"));
        assert_eq!(refused::<JobSubmit>(r#"{"action":"a","priority":99999999999}"#), at("/priority"));
        assert_eq!(refused::<WorkspaceCreate>(r#"{"catalog":"kive","id":"a/b"}"#), at("/id"));
        assert_eq!(refused::<WorkspaceCreate>(r#"{"catalog":"kive","owner":{"user":3}}"#), at("/owner/user"));
        let outputs = r#"{"outputs":[{"index":0,"outcome":"landed"},{"index":1,"outcome":"sold"}]}"#;
        assert_eq!(refused::<CompleteRequest>(outputs), at("/outputs/1/outcome"));
    }

    #[test]
    fn nul_is_refused_wherever_it_hides_and_an_escaped_backslash_is_not_nul() {
        let at = |pointer: &str| (422, Some(pointer.to_owned()));
        let body = r#"{"action":"a","params":{"prompt":["x","\u0000"]}}"#;
        assert_eq!(refused::<JobSubmit>(body), at("/params/prompt/1"));
        assert_eq!(
            refused::<JobSubmit>(r#"{"action":"a","metadata":{"\u0000":1}}"#),
            at("/metadata/\u{fffd}")
        );
        let fine = parse::<JobSubmit>(br#"{"action":"a","params":{"prompt":"\\u0000"}}"#).unwrap();
        assert_eq!(fine.params["prompt"], "\\u0000");
    }

    #[test]
    fn amounts_keep_their_digits() {
        let submit = parse::<JobSubmit>(br#"{"action":"a","max_credits":9223372036854.775807}"#).unwrap();
        assert_eq!(submit.max_credits.unwrap().0.micros(), i64::MAX);
    }
}
