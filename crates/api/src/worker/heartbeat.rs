//! Heartbeats: a session tells what it holds, and hears what it may keep.

use actix_web::web::Data;
use reeve_protocol::{HeartbeatAnswer, HeartbeatRequest};
use reeve_types::limits::SLOTS_MAX;

use crate::error::{Answer, ApiError};
use crate::json::{Input, ok};
use crate::state::ApiState;
use crate::text;
use crate::worker::SESSION_CHARS_MAX;

/// Most leases of one heartbeat: what a worker may gather over several requests.
pub(crate) const LEASES_MAX: usize = 10 * SLOTS_MAX as usize;

/// Renews the leases of a session; those that it no longer lists come back to the queue.
#[utoipa::path(post, path = "/v1/worker/heartbeat", tag = "workers", request_body = HeartbeatRequest,
    responses((status = 200, description = "What became of them", body = HeartbeatAnswer)))]
pub(crate) async fn beat(state: Data<ApiState>, input: Input<HeartbeatRequest>) -> Answer {
    let HeartbeatRequest { worker, session, leases } = input.body;
    if leases.len() > LEASES_MAX {
        return Err(ApiError::field("/leases", format!("must be at most {LEASES_MAX}")));
    }
    let session = text::line("/session", &session, SESSION_CHARS_MAX)?;
    let heard = state.engine.heartbeat(worker, session, leases).await?;
    // A server that stops wants no more requests for work, but its leases live on over the restart.
    let drain = heard.drain || *state.closing().borrow();
    ok(&HeartbeatAnswer { renewed: heard.renewed, cancel: heard.cancel, lost: heard.lost, drain })
}
