//! Verification of the whole store, started and looked at.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use reeve_protocol::{VerifyQuery, VerifyReport, VerifyStatus};
use reeve_types::limits::WAIT_SECONDS_MAX;

use crate::ending::Ending;
use crate::error::Answer;
use crate::json::{answer, ok};
use crate::query::query;
use crate::state::ApiState;
use crate::task;

/// Starts a run unless one is under way; with `wait` it answers with the result when it comes in time.
#[utoipa::path(post, path = "/v1/verify", tag = "operating", params(VerifyQuery),
    responses((status = 200, description = "Done", body = VerifyReport),
        (status = 202, description = "Under way", body = VerifyReport)))]
pub(crate) async fn start(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let wait = query::<VerifyQuery>(&req)?.wait.unwrap_or(0).min(WAIT_SECONDS_MAX);
    let mut report = state.verification.start();
    let mut ending = Ending::of(&state, &req);
    tokio::select! {
        _ = report.wait_for(|report| report.status == VerifyStatus::Done) => {}
        () = task::sleep(Duration::from_secs(wait)) => {}
        () = ending.comes() => {}
    }
    let latest = state.verification.latest();
    let done = latest.status == VerifyStatus::Done;
    answer(if done { StatusCode::OK } else { StatusCode::ACCEPTED }, &latest)
}

/// The latest run.
#[utoipa::path(get, path = "/v1/verify", tag = "operating",
    responses((status = 200, description = "The latest report", body = VerifyReport)))]
pub(crate) async fn latest(state: Data<ApiState>) -> Answer {
    ok(&state.verification.latest())
}
