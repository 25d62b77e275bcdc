//! Leases: a long poll for work.

use actix_web::HttpRequest;
use actix_web::web::Data;
use reeve_actors::{Granted, LeaseRequest as Ask, Offer, WorkerMode};
use reeve_protocol::{LeaseAnswer, LeaseRequest, LeaseView, Quantity};
use reeve_types::limits::{SLOTS_MAX, WAIT_SECONDS_MAX};

use crate::auth::unauthorized;
use crate::ending::Ending;
use crate::error::{Answer, ApiError};
use crate::json::Input;
use crate::state::ApiState;
use crate::text;
use crate::worker::{SESSION_CHARS_MAX, handed, inputs};

/// Most pools of one request.
pub(crate) const POOLS_MAX: usize = 64;

/// Leases jobs, waiting for them when there are none yet. A pool that no catalog names is refused at once, with the
/// names of those that there are.
#[utoipa::path(post, path = "/v1/worker/leases", tag = "workers", request_body = LeaseRequest,
    responses((status = 200, description = "What was leased; empty when there was nothing", body = LeaseAnswer)))]
pub(crate) async fn lease(state: Data<ApiState>, req: HttpRequest, input: Input<LeaseRequest>) -> Answer {
    let ask = ask(input.body)?;
    let unknown = state.engine.unknown_pools(&ask.pools);
    if !unknown.is_empty() {
        return Err(ApiError::unknown_pools(&ask.pools, (unknown, state.engine.pools())));
    }
    let worker = ask.worker.clone();
    let mut ending = Ending::of(&state, &req);
    let offer = tokio::select! {
        // What is granted at the very end is still answered: leases are not dropped for a stop.
        biased;
        offer = state.engine.offer(ask) => offer?,
        () = ending.comes() => Offer::NOTHING,
    };
    // Leases are told all the same: they were granted while the key was good.
    if ending.key_is_over() && offer.leases().is_empty() {
        return Err(unauthorized());
    }
    let mut leases = Vec::with_capacity(offer.leases().len());
    for one in offer.leases() {
        leases.push(view(&state, one).await?);
    }
    let is_stopping = state.engine.stopping() || ending.server_stops();
    let drain = is_stopping || state.engine.worker_mode(&worker) != WorkerMode::Active;
    handed::answer(&LeaseAnswer { leases, drain }, offer)
}

fn ask(body: LeaseRequest) -> Result<Ask, ApiError> {
    if body.pools.is_empty() || body.pools.len() > POOLS_MAX {
        return Err(ApiError::field("/pools", format!("must name 1 to {POOLS_MAX} pools")));
    }
    if body.slots == 0 || body.slots > SLOTS_MAX {
        return Err(ApiError::field("/slots", format!("must be 1 to {SLOTS_MAX}")));
    }
    Ok(Ask {
        worker: body.worker,
        session: text::line("/session", &body.session, SESSION_CHARS_MAX)?,
        pools: body.pools,
        slots: body.slots,
        wait_ms: body.wait_seconds.unwrap_or(0).min(WAIT_SECONDS_MAX) * 1_000,
    })
}

async fn view(state: &ApiState, granted: &Granted) -> Result<LeaseView, ApiError> {
    let intro = &granted.intro;
    Ok(LeaseView {
        lease: granted.lease,
        job: intro.id,
        workspace: intro.workspace.clone(),
        attempt: granted.lease.attempt,
        action: intro.action.clone(),
        params: intro.params.clone(),
        outputs: intro.outputs,
        pool: intro.pool.clone(),
        expires_at: granted.expires_at.into(),
        heartbeat_seconds: Quantity::whole(state.engine.heartbeat_seconds().into()).unwrap_or_default(),
        run_deadline_at: Some(granted.run_deadline_at.into()),
        inputs: inputs::of(state, intro, granted.run_deadline_at).await?,
        request_id: granted.origin.request.as_deref().map(str::to_owned),
        traceparent: granted.origin.trace.map(|trace| trace.to_string()),
    })
}
