//! Keys: who a bearer token is, and whether the route admits them.

use std::sync::{Arc, PoisonError, RwLock};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpMessage, ResponseError};
use reeve_journal::KeyRow;
use reeve_protocol::Code;
use reeve_types::{KeyId, WorkspaceId};
use rustc_hash::FxHashMap;

use crate::error::ApiError;
use crate::roles::{Access, Caller, SignedLink};
use crate::secret::digest;
use crate::state::ApiState;

/// Every key that is not revoked, by the digest of its secret. Cheap to clone; one table per process.
///
/// The secret is looked up by its SHA-256: how long a look-up takes tells something about digests, and from a
/// digest nobody gets to the secret.
#[derive(Clone, Debug, Default)]
pub struct KeyTable {
    by_digest: Arc<RwLock<FxHashMap<[u8; 32], Arc<Caller>>>>,
}

impl KeyTable {
    /// The table of stored keys; revoked ones are left out.
    pub fn new(rows: impl IntoIterator<Item = KeyRow>) -> Self {
        let table = Self::default();
        rows.into_iter().for_each(|row| table.put(&row));
        table
    }

    /// Adds a key, unless it is revoked.
    pub fn put(&self, row: &KeyRow) {
        if row.revoked_at.is_some() {
            return;
        }
        let caller = Caller { key: row.id, role: row.role, workspace: row.workspace.clone() };
        self.by_digest.write().unwrap_or_else(PoisonError::into_inner).insert(row.digest, Arc::new(caller));
    }

    /// Forgets a key: from now on its secret is unknown.
    pub fn remove(&self, id: KeyId) {
        self.by_digest.write().unwrap_or_else(PoisonError::into_inner).retain(|_, caller| caller.key != id);
    }

    pub(crate) fn find(&self, secret: &str) -> Option<Arc<Caller>> {
        self.by_digest.read().unwrap_or_else(PoisonError::into_inner).get(&digest(secret)).cloned()
    }
}

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

/// Around every path: refuses whom the table does not admit.
pub(crate) async fn guard(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    match judge(&req) {
        Ok(()) => Ok(next.call(req).await?.map_into_left_body()),
        // Not as an error of the service: the envelope must still see the request beside it.
        Err(refused) => Ok(req.into_response(refused.error_response()).map_into_right_body()),
    }
}

fn judge(req: &ServiceRequest) -> Result<(), ApiError> {
    let (Some(methods), Some(state)) = (req.app_data::<Methods>(), req.app_data::<Data<ApiState>>()) else {
        return Err(ApiError::internal("a route lacks its table of methods"));
    };
    // A method that is not listed reaches the path's default, which answers 405.
    let Some(access) = methods.access(req.method()) else { return Ok(()) };
    if access == Access::Open || access == Access::Metrics && state.settings.metrics_open {
        return Ok(());
    }
    if access == Access::Link && state.links().admits(req.path(), req.query_string(), state.engine.now()) {
        req.extensions_mut().insert(SignedLink);
        return Ok(());
    }
    let caller = bearer(req.headers()).and_then(|secret| state.keys.find(secret)).ok_or_else(unauthorized)?;
    if !access.admits(caller.role) {
        let detail = format!("a key with role `{}` may not call this", caller.role.as_str());
        return Err(ApiError::new(Code::Forbidden, detail));
    }
    if let Some(text) = req.match_info().get("ws") {
        let workspace = WorkspaceId::new(text).map_err(|_| ApiError::not_found("workspace"))?;
        caller.sees(&workspace, "workspace")?;
    }
    req.extensions_mut().insert(caller);
    Ok(())
}

fn unauthorized() -> ApiError {
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
    use reeve_journal::Role;
    use reeve_types::Millis;

    use super::*;
    use crate::secret::{KeySpec, key_of_secret};

    fn row(n: u128, secret: &str) -> KeyRow {
        let spec = KeySpec { role: Role::Admin, workspace: None, name: String::new() };
        key_of_secret(KeyId::from_parts(Millis::from_millis(0), n), spec, secret, Millis::from_millis(0))
    }

    #[test]
    fn a_revoked_key_is_unknown() {
        let (kept, gone) = (row(1, "kept"), row(2, "gone"));
        let revoked = KeyRow { revoked_at: Some(Millis::from_millis(5)), ..row(3, "revoked") };
        let table = KeyTable::new([kept.clone(), gone.clone(), revoked]);
        table.remove(gone.id);
        assert_eq!(table.find("kept").map(|caller| caller.key), Some(kept.id));
        assert_eq!(table.find("gone"), None);
        assert_eq!(table.find("revoked"), None);
        assert_eq!(table.find(""), None);
    }

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
