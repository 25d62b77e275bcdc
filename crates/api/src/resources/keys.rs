//! API keys: made, listed, revoked. A secret is shown once and never stored.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use reeve_journal::{KeyRow, Role};
use reeve_protocol::{Code, KeyCreate, KeyCreated, KeyRole, KeyView, Page};
use reeve_types::{KeyId, Millis};
use rustc_hash::FxHashMap;

use crate::error::{Answer, ApiError};
use crate::json::{Input, answer, ok};
use crate::query::path_id;
use crate::roles::Caller;
use crate::secret::{KeySpec, key_of_secret, new_secret};
use crate::state::ApiState;
use crate::text::{self, NAME_CHARS_MAX};

/// Highest bound that a key may be given: more than a server does.
const RATE_MAX: u32 = 1_000_000;

/// Makes a key. Its secret is in this answer and nowhere else, so a repeat makes another key.
#[utoipa::path(post, path = "/v1/keys", tag = "keys", request_body = KeyCreate,
    responses((status = 201, description = "Made", body = KeyCreated)))]
pub(crate) async fn create(state: Data<ApiState>, input: Input<KeyCreate>) -> Answer {
    let KeyCreate { role, workspace, name, expires_at, rate_per_second, burst } = input.body;
    match (&workspace, role) {
        (None, KeyRole::Workspace) => {
            return Err(ApiError::field("/workspace", "is needed with role `workspace`"));
        }
        (Some(_), KeyRole::Admin | KeyRole::Worker) => {
            return Err(ApiError::field("/workspace", "goes with role `workspace` only"));
        }
        (Some(id), KeyRole::Workspace) if state.engine.reader().workspace(id).await?.is_none() => {
            return Err(ApiError::field("/workspace", format!("`{id}` does not exist")));
        }
        _ => {}
    }
    let expires_at = expires_at.map(Millis::from);
    if expires_at.is_some_and(|at| at <= state.engine.now()) {
        return Err(ApiError::field("/expires_at", "must lie in the future"));
    }
    bounds_fit(rate_per_second, burst)?;
    let named = text::optional("/name", name.as_deref(), NAME_CHARS_MAX)?;
    let spec = KeySpec {
        role: stored_role(role),
        workspace: workspace.clone(),
        name: named.as_deref().unwrap_or_default().to_owned(),
        expires_at,
        rate_per_second,
        burst,
    };
    let key = new_secret(spec.role, [state.engine.random_bits(), state.engine.random_bits()]);
    let row = key_of_secret(state.engine.new_key_id(), spec, &key, state.engine.now());
    state.engine.put_key(row.clone()).await?;
    state.keys.put(&row);
    let view = KeyCreated {
        id: row.id,
        role,
        workspace,
        name,
        key,
        created_at: row.created_at.into(),
        expires_at: expires_at.map(Into::into),
        rate_per_second,
        burst,
    };
    answer(StatusCode::CREATED, &view)
}

fn bounds_fit(rate_per_second: Option<u32>, burst: Option<u32>) -> Result<(), ApiError> {
    if rate_per_second.is_some_and(|rate| rate > RATE_MAX) {
        return Err(ApiError::field("/rate_per_second", format!("must be 0 to {RATE_MAX}")));
    }
    match burst {
        None => Ok(()),
        Some(_) if rate_per_second.unwrap_or(0) == 0 => {
            Err(ApiError::field("/burst", "goes with a `rate_per_second` above 0"))
        }
        Some(burst) if burst == 0 || burst > RATE_MAX => {
            Err(ApiError::field("/burst", format!("must be 1 to {RATE_MAX}")))
        }
        Some(_) => Ok(()),
    }
}

/// Keys that are not revoked.
#[utoipa::path(get, path = "/v1/keys", tag = "keys",
    responses((status = 200, description = "All of them", body = Page<KeyView>)))]
pub(crate) async fn list(state: Data<ApiState>) -> Answer {
    let rows = state.engine.reader().keys().await?;
    let uses = state.keys.last_uses();
    let in_force = rows.iter().filter(|row| row.revoked_at.is_none());
    ok(&Page::only(in_force.map(|row| view(row, &uses)).collect()))
}

fn view(row: &KeyRow, uses: &FxHashMap<KeyId, Millis>) -> KeyView {
    KeyView {
        id: row.id,
        role: match row.role {
            Role::Admin => KeyRole::Admin,
            Role::Workspace => KeyRole::Workspace,
            Role::Worker => KeyRole::Worker,
        },
        workspace: row.workspace.clone(),
        name: Some(row.name.clone()).filter(|name| !name.is_empty()),
        created_at: row.created_at.into(),
        expires_at: row.expires_at.map(Into::into),
        last_used_at: row.last_used_at.max(uses.get(&row.id).copied()).map(Into::into),
        rate_per_second: row.rate_per_second,
        burst: row.burst,
    }
}

const fn stored_role(role: KeyRole) -> Role {
    match role {
        KeyRole::Admin => Role::Admin,
        KeyRole::Workspace => Role::Workspace,
        KeyRole::Worker => Role::Worker,
    }
}

/// Revokes a key; streams and long polls that it opened end at once. Nobody revokes the key they call with: they could lock themselves out.
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "keys", params(("id" = String, Path, description = "Key id")),
    responses((status = 204, description = "Revoked")))]
pub(crate) async fn revoke(state: Data<ApiState>, caller: Caller, req: HttpRequest) -> Answer {
    let id: KeyId = path_id(&req, "id", "key")?;
    let row = state.engine.reader().key(id).await?;
    row.filter(|row| row.revoked_at.is_none()).ok_or_else(|| ApiError::not_found("key"))?;
    if id == caller.key {
        return Err(ApiError::new(
            Code::Conflict,
            "this request came with that key; revoke it with another one",
        ));
    }
    state.engine.revoke_key(id).await?;
    state.keys.remove(id);
    Ok(HttpResponse::NoContent().finish())
}
