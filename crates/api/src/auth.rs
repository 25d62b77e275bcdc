//! The guard around every path: who a bearer token is, whether the route admits them, and how often.

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpMessage, ResponseError};
use reeve_protocol::{Code, Problem};
use reeve_types::WorkspaceId;

use crate::error::ApiError;
use crate::key_table::Key;
use crate::rate::Standing;
use crate::roles::{Access, SignedLink};
use crate::state::ApiState;

/// The methods of one path with what each asks of its caller; put beside the path's routes.
#[derive(Clone, Debug)]
pub(crate) struct Methods(pub Arc<[(Method, Access)]>);

impl Methods {
    fn access(&self, method: &Method) -> Option<Access> {
        self.0.iter().find(|(listed, _)| listed == method).map(|(_, access)| *access)
    }

    /// The value of `Allow`.
    pub(crate) fn allow(&self) -> String {
        self.0.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// Around every path: refuses whom the table does not admit, and who comes too often.
pub(crate) async fn guard(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let (judged, standing) = match judge(&req) {
        Ok(standing) => (Ok(()), standing),
        Err(Refused { error, standing }) => (Err(error), standing),
    };
    let mut answer = match judged {
        Ok(()) => next.call(req).await?.map_into_left_body(),
        // Not as an error of the service: the envelope must still see the request beside it.
        Err(refused) => req.into_response(refused.error_response()).map_into_right_body(),
    };
    if let Some(standing) = standing {
        standing.write(answer.headers_mut());
    }
    Ok(answer)
}

/// A refusal, and how the key stands if it is a known one.
struct Refused {
    error: ApiError,
    standing: Option<Standing>,
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self { error, standing: None }
    }
}

fn judge(req: &ServiceRequest) -> Result<Option<Standing>, Refused> {
    let (Some(methods), Some(state)) = (req.app_data::<Methods>(), req.app_data::<Data<ApiState>>()) else {
        return Err(ApiError::internal("a route lacks its table of methods").into());
    };
    // A method that is not listed reaches the path's default, which answers 405.
    let Some(access) = methods.access(req.method()) else { return Ok(None) };
    if matches!(access, Access::Open | Access::Signed)
        || access == Access::Metrics && state.settings.metrics_open
    {
        return Ok(None);
    }
    if access == Access::Link && state.links().admits(req.path(), req.query_string(), state.engine.now()) {
        req.extensions_mut().insert(SignedLink);
        return Ok(None);
    }
    let key = identify(req, state)?;
    // Before anything else is looked at: whoever asks too often learns nothing by it.
    let standing = key.take();
    let judged = match standing.as_ref().and_then(|standing| standing.wait_seconds) {
        Some(seconds) => Err(too_often(state, seconds)),
        None => admit(req, access, &key),
    };
    match judged {
        Ok(()) => {
            req.extensions_mut().insert(key.caller.clone());
            req.extensions_mut().insert(key);
            Ok(standing)
        }
        Err(error) => Err(Refused { error, standing }),
    }
}

/// The key that a request came with, unless its address sent too many that are not known.
fn identify(req: &ServiceRequest, state: &ApiState) -> Result<Arc<Key>, ApiError> {
    let now = state.engine.now();
    let peer = state.peers.who(req);
    let strange = |seconds| {
        let detail = "too many requests without a key that is known here came from this address";
        ApiError::from(Problem::later(Code::RateLimited, detail, seconds))
    };
    let Some(key) = bearer(req.headers()).and_then(|secret| state.keys.find(secret, now)) else {
        return Err(state.peers.charge(peer).map_or_else(strange, |()| unauthorized()));
    };
    if !key.familiar.knows(peer) {
        if let Some(seconds) = state.peers.barred(peer) {
            return Err(strange(seconds));
        }
        key.familiar.learn(peer);
    }
    key.mark_used(now);
    Ok(key)
}

fn admit(req: &ServiceRequest, access: Access, key: &Key) -> Result<(), ApiError> {
    let caller = &key.caller;
    if !access.admits(caller.role) {
        let detail = format!("a key with role `{}` may not call this", caller.role.as_str());
        return Err(ApiError::new(Code::Forbidden, detail));
    }
    if let Some(text) = req.match_info().get("ws") {
        let workspace = WorkspaceId::new(text).map_err(|_| ApiError::not_found("workspace"))?;
        caller.sees(&workspace, "workspace")?;
    }
    Ok(())
}

fn too_often(state: &ApiState, seconds: u64) -> ApiError {
    state.count_limited();
    let detail = "this key makes more requests than it may; the headers `RateLimit-Policy` and `RateLimit` say how many";
    Problem::later(Code::RateLimited, detail, seconds).into()
}

/// Nobody we know: no key, or one that is unknown, revoked or expired.
pub(crate) fn unauthorized() -> ApiError {
    let detail = "send a key that is known here: `Authorization: Bearer <key>`";
    ApiError::new(Code::Unauthorized, detail)
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

/// The secret of a bearer header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim()).filter(|secret| !secret.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_header_carries_a_key() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(of("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(of("bearer  abc").as_deref(), Some("abc"));
        for bad in ["abc", "Basic abc", "Bearer ", "Bearer", ""] {
            assert_eq!(of(bad), None, "{bad:?}");
        }
    }
}
