//! Pausing a pool and going on with it.

use actix_web::HttpRequest;
use actix_web::web::Data;
use reeve_protocol::PoolReport;
use reeve_types::PoolName;

use crate::error::{Answer, ApiError};
use crate::json::{Bare, ok};
use crate::query::path_id;
use crate::resources::queue;
use crate::state::ApiState;

/// Leases no job of a pool any more; what runs goes on, and new jobs are admitted. Ends with a restart of the server.
#[utoipa::path(post, path = "/v1/pools/{pool}/pause", tag = "operating",
    params(("pool" = String, Path, description = "Name of the pool")),
    responses((status = 200, description = "The pool after it", body = PoolReport)))]
pub(crate) async fn pause(state: Data<ApiState>, req: HttpRequest, _: Bare) -> Answer {
    set(&state, &req, true).await
}

/// Leases jobs of a paused pool again.
#[utoipa::path(post, path = "/v1/pools/{pool}/resume", tag = "operating",
    params(("pool" = String, Path, description = "Name of the pool")),
    responses((status = 200, description = "The pool after it", body = PoolReport)))]
pub(crate) async fn resume(state: Data<ApiState>, req: HttpRequest, _: Bare) -> Answer {
    set(&state, &req, false).await
}

async fn set(state: &ApiState, req: &HttpRequest, paused: bool) -> Answer {
    let pool: PoolName = path_id(req, "pool", "pool")?;
    if !state.engine.pause_pool(pool.clone(), paused).await? {
        return Err(ApiError::not_found("pool"));
    }
    let stats = state.engine.queue_stats().await;
    let view = stats.pools.iter().find(|view| view.name == pool);
    ok(&queue::pool(view.ok_or_else(|| ApiError::unavailable("the dispatcher does not answer"))?))
}
