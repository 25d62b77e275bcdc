//! Pausing a pool and going on with it.

use actix_web::HttpRequest;
use actix_web::web::Data;
use reeve_protocol::PoolReport;
use reeve_types::PoolName;

use crate::error::{Answer, ApiError};
use crate::json::Bare;
use crate::query::path_id;
use crate::resources::queue;
use crate::state::ApiState;

/// Leases no job of a pool any more; what runs goes on, and new jobs are admitted. Ends with a restart of the server.
#[utoipa::path(post, path = "/v1/pools/{pool}/pause", tag = "operating",
    params(("pool" = String, Path, description = "Name of the pool")),
    responses((status = 200, description = "The pool after it", body = PoolReport)))]
pub(crate) async fn pause(state: Data<ApiState>, req: HttpRequest, input: Bare) -> Answer {
    set(&state, &req, (&input, true)).await
}

/// Leases jobs of a paused pool again.
#[utoipa::path(post, path = "/v1/pools/{pool}/resume", tag = "operating",
    params(("pool" = String, Path, description = "Name of the pool")),
    responses((status = 200, description = "The pool after it", body = PoolReport)))]
pub(crate) async fn resume(state: Data<ApiState>, req: HttpRequest, input: Bare) -> Answer {
    set(&state, &req, (&input, false)).await
}

async fn set(state: &ApiState, req: &HttpRequest, (input, paused): (&Bare, bool)) -> Answer {
    let pool: PoolName = path_id(req, "pool", "pool")?;
    state.repeats.once(&input.call, change(state, pool, paused)).await
}

async fn change(state: &ApiState, pool: PoolName, paused: bool) -> Answer<PoolReport> {
    if !state.engine.pause_pool(pool.clone(), paused).await? {
        return Err(ApiError::no_such_pool(pool, state.engine.pools()));
    }
    let stats = state.engine.queue_stats().await;
    let view = stats.pools.iter().find(|view| view.name == pool);
    Ok(queue::pool(view.ok_or_else(|| ApiError::unavailable("the dispatcher does not answer"))?))
}
