//! Uploaded inputs for edits and upscales.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage, HttpRequest};
use reeve_artifacts::{AssetKey, AssetMeta};
use reeve_journal::Role;
use reeve_protocol::{AssetView, Sha256};
use reeve_types::{AssetId, WorkspaceId};

use crate::error::{Answer, ApiError};
use crate::idempotency::{derived, scoped_key};
use crate::json::answered;
use crate::query::path_id;
use crate::resources::workspaces::open;
use crate::roles::{Caller, SignedLink};
use crate::state::ApiState;
use crate::upload::{Described, Portion, body, content_type, portion, wanted, with_bytes, without_bytes};

/// Stores bytes as an input of jobs.
#[utoipa::path(post, path = "/v1/workspaces/{ws}/assets", tag = "assets",
    params(("ws" = String, Path, description = "Workspace id"),
        ("Content-Digest" = Option<String>, Header, description = "`sha-256=:<base64>:`, checked")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, description = "Stored", body = AssetView)))]
pub(crate) async fn create(
    state: Data<ApiState>,
    caller: Caller,
    req: HttpRequest,
    payload: Payload,
) -> Answer {
    let workspace = open(&state, &req).await?;
    // No owner decides here, so the key itself names the asset: a repeat finds the first one.
    let asset = match scoped_key(&req, caller.key)? {
        Some(scoped) => AssetId::from_uuid(uuid::Uuid::from_bytes(derived(workspace.as_str(), &scoped))),
        None => state.engine.new_asset_id(),
    };
    let key = AssetKey { workspace, asset };
    let (kind, wanted) = (content_type(&req)?, wanted(&req, &state)?);
    let (meta, new) = state.artifacts.put_asset(&key, &kind, body(payload, &state), wanted).await?;
    let view = AssetView {
        id: asset,
        url: state.url(&path(&key)),
        sha256: Sha256(meta.sha256),
        size: meta.size,
        content_type: meta.content_type,
    };
    answered(StatusCode::CREATED, &view, !new)
}

/// Where an asset is read.
pub(crate) fn path(key: &AssetKey) -> String {
    format!("/v1/workspaces/{}/assets/{}", key.workspace, key.asset)
}

/// The bytes of an asset, by a key of its workspace or by a signed link.
#[utoipa::path(get, path = "/v1/workspaces/{ws}/assets/{asset}", tag = "assets",
    params(("ws" = String, Path, description = "Workspace id"), ("asset" = String, Path, description = "Asset id"),
        ("expires" = Option<i64>, Query, description = "Of a signed link"),
        ("signature" = Option<String>, Query, description = "Of a signed link"),
        ("Range" = Option<String>, Header, description = "One range of bytes")),
    responses((status = 200, description = "All bytes", body = Vec<u8>, content_type = "*/*"),
        (status = 206, description = "The range", body = Vec<u8>, content_type = "*/*"),
        (status = 304, description = "The client has them"),
        (status = 416, description = "Nothing of the range exists")))]
pub(crate) async fn get(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "asset")?;
    let asset: AssetId = path_id(&req, "asset", "asset")?;
    let by_key =
        req.extensions().get::<std::sync::Arc<Caller>>().is_some_and(|caller| caller.role != Role::Worker);
    if !by_key && req.extensions().get::<SignedLink>().is_none() {
        return Err(ApiError::not_found("asset"));
    }
    let key = AssetKey { workspace, asset };
    let meta = state.artifacts.asset(&key).await?.ok_or_else(|| ApiError::not_found("asset"))?;
    send(&state, &req, &key, &meta).await
}

async fn send(state: &ApiState, req: &HttpRequest, key: &AssetKey, meta: &AssetMeta) -> Answer {
    let described =
        Described { content_type: &meta.content_type, sha256: Sha256(meta.sha256), size: meta.size };
    let portion = portion(req, &described);
    if let Some(answer) = without_bytes(&portion, &described) {
        return answer;
    }
    let range = match &portion {
        Portion::Part(range) => Some(range.clone()),
        _ => None,
    };
    let body = state.artifacts.asset_body(key, meta, range).await?;
    body.map(|body| with_bytes(portion, &described, body)).ok_or_else(|| ApiError::not_found("asset"))
}
