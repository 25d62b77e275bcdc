//! Who works, and telling workers to stop or to go on.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use actix_web::web::Data;
use reeve_actors::WorkerMode;
use reeve_protocol::{Page, SessionView, WorkerState, WorkerView};
use reeve_types::{LeaseId, WorkerName};

use crate::error::{Answer, ApiError};
use crate::json::{Bare, ok};
use crate::query::path_id;
use crate::state::ApiState;

/// Workers with their sessions and leases.
#[utoipa::path(get, path = "/v1/workers", tag = "operating",
    responses((status = 200, description = "All that were heard of lately", body = Page<WorkerView>)))]
pub(crate) async fn list(state: Data<ApiState>) -> Answer {
    ok(&Page::only(all(&state).await?))
}

/// Gives a worker no new leases; it finishes what it has. Holds for its name until it is released.
#[utoipa::path(post, path = "/v1/workers/{worker}/drain", tag = "operating",
    params(("worker" = String, Path, description = "Name of the worker")),
    responses((status = 200, description = "The worker after it", body = WorkerView)))]
pub(crate) async fn drain(state: Data<ApiState>, req: HttpRequest, input: Bare) -> Answer {
    order(&state, &req, (&input, WorkerMode::Draining)).await
}

/// Gives a worker no new leases, and puts what it has back into the queue without costing an attempt.
#[utoipa::path(post, path = "/v1/workers/{worker}/quarantine", tag = "operating",
    params(("worker" = String, Path, description = "Name of the worker")),
    responses((status = 200, description = "The worker after it", body = WorkerView)))]
pub(crate) async fn quarantine(state: Data<ApiState>, req: HttpRequest, input: Bare) -> Answer {
    order(&state, &req, (&input, WorkerMode::Quarantined)).await
}

/// Lets a worker take leases again.
#[utoipa::path(post, path = "/v1/workers/{worker}/release", tag = "operating",
    params(("worker" = String, Path, description = "Name of the worker")),
    responses((status = 200, description = "The worker after it", body = WorkerView)))]
pub(crate) async fn release(state: Data<ApiState>, req: HttpRequest, input: Bare) -> Answer {
    order(&state, &req, (&input, WorkerMode::Active)).await
}

async fn order(state: &ApiState, req: &HttpRequest, (input, mode): (&Bare, WorkerMode)) -> Answer {
    let worker: WorkerName = path_id(req, "worker", "worker")?;
    state.repeats.once(&input.call, tell(state, worker, mode)).await
}

async fn tell(state: &ApiState, worker: WorkerName, mode: WorkerMode) -> Answer<WorkerView> {
    if !state.engine.order_worker(&worker, mode) {
        return Err(ApiError::not_found("worker"));
    }
    let view = all(state).await?.into_iter().find(|view| view.worker == worker);
    // Released with no process left: there is nothing more to tell of it.
    Ok(view.unwrap_or(WorkerView { worker, state: WorkerState::Lost, sessions: Vec::new() }))
}

async fn all(state: &ApiState) -> Answer<Vec<WorkerView>> {
    let leased = state.engine.reader().leased().await?;
    let mut workers: BTreeMap<WorkerName, (bool, Vec<SessionView>)> = BTreeMap::new();
    for session in state.engine.workers().await {
        let mine = leased
            .iter()
            .filter(|row| *row.worker == *session.name.as_str() && row.session == session.session);
        let leases: Vec<LeaseId> = mine.map(|row| row.lease).collect();
        let (live, sessions) = workers.entry(session.name).or_default();
        *live |= !session.lost;
        sessions.push(SessionView {
            session: session.session.to_string(),
            pools: session.pools,
            wanted: session.wanted,
            leases,
            last_seen_at: session.last_seen_at.into(),
        });
    }
    // Told to stop and gone: the order stands, and whoever looks should see it.
    for (worker, _) in state.engine.worker_orders() {
        workers.entry(worker).or_default();
    }
    let view = |(worker, (live, sessions)): (WorkerName, (bool, Vec<SessionView>))| {
        let mode = state.engine.worker_mode(&worker);
        WorkerView { state: shown(mode, live), worker, sessions }
    };
    Ok(workers.into_iter().map(view).collect())
}

/// What an operator ordered comes before what was found out.
const fn shown(mode: WorkerMode, live: bool) -> WorkerState {
    match mode {
        WorkerMode::Draining => WorkerState::Draining,
        WorkerMode::Quarantined => WorkerState::Quarantined,
        WorkerMode::Active if live => WorkerState::Active,
        WorkerMode::Active => WorkerState::Lost,
    }
}
