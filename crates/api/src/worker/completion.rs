//! The end of an attempt: complete or fail, one at a time or many at once.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web::Data;
use futures_util::StreamExt;
use reeve_actors::{Answer as Stored, Executed, Finished};
use reeve_jobs::{Digest, FailReport, Reported, ReportedOutcome};
use reeve_protocol::{
    CompleteRequest, CompletionEntry, CompletionResult, CompletionsAnswer, CompletionsRequest, FailRequest,
    Fate, JobView, OutputOutcome, OutputReport, Quantity,
};
use reeve_types::LeaseId;
use reeve_types::limits::SLOTS_MAX;
use reeve_workspace::{Command, Complete, Fail};

use crate::error::{Answer, ApiError};
use crate::json::{Input, ok};
use crate::problem::refused;
use crate::query::path_id;
use crate::resources::jobs::{Introduced, after, view_after};
use crate::state::ApiState;
use crate::text;
use crate::worker::stale;

/// Most outputs of one report: more than a job can have, so that the refusal can name the wrong one.
pub(crate) const OUTPUTS_MAX: usize = 64;
/// Entries of a batch that run at once.
const BATCH_AT_ONCE: usize = 64;

/// Closes a job with what landed. The same lease again gets its first answer.
#[utoipa::path(post, path = "/v1/worker/leases/{lease}/complete", tag = "workers", request_body = CompleteRequest,
    params(("lease" = String, Path, description = "Lease id")),
    responses((status = 200, description = "Closed", body = JobView)))]
pub(crate) async fn complete(
    state: Data<ApiState>,
    req: HttpRequest,
    input: Input<CompleteRequest>,
) -> Answer {
    let lease: LeaseId = path_id(&req, "lease", "lease")?;
    let (job, executed) = finish(&state, lease, completion(lease, input.body, "")?).await?;
    after(&state, job, &executed).await
}

/// Gives an attempt up.
#[utoipa::path(post, path = "/v1/worker/leases/{lease}/fail", tag = "workers", request_body = FailRequest,
    params(("lease" = String, Path, description = "Lease id")),
    responses((status = 200, description = "Heard: closed, or queued once more", body = JobView)))]
pub(crate) async fn fail(state: Data<ApiState>, req: HttpRequest, input: Input<FailRequest>) -> Answer {
    let lease: LeaseId = path_id(&req, "lease", "lease")?;
    let (job, executed) = finish(&state, lease, failure(lease, &input.body)).await?;
    after(&state, job, &executed).await
}

/// Many ends in one request, each judged and answered on its own.
#[utoipa::path(post, path = "/v1/worker/completions", tag = "workers", request_body = CompletionsRequest,
    responses((status = 200, description = "In the order of the entries", body = CompletionsAnswer)))]
pub(crate) async fn batch(state: Data<ApiState>, input: Input<CompletionsRequest>) -> Answer {
    let entries = input.body.entries;
    if entries.len() > SLOTS_MAX as usize {
        return Err(ApiError::field("/entries", format!("must be at most {SLOTS_MAX}")));
    }
    let run = futures_util::stream::iter(entries.into_iter().enumerate()).map(|(n, entry)| {
        let state = state.clone();
        async move {
            let lease = entry.lease;
            match one(&state, entry, &format!("/entries/{n}")).await {
                Ok(job) => CompletionResult { lease, status: 200, job: Some(job), problem: None },
                Err(error) => {
                    let problem = error.problem().clone();
                    CompletionResult { lease, status: problem.status, job: None, problem: Some(problem) }
                }
            }
        }
    });
    // At once, so that one commit can take many; bounded, so that one worker does not fill every mailbox.
    let results = run.buffered(BATCH_AT_ONCE).collect().await;
    ok(&CompletionsAnswer { results })
}

async fn one(state: &ApiState, entry: CompletionEntry, at: &str) -> Result<JobView, ApiError> {
    let CompletionEntry { lease, complete, fail } = entry;
    let command = match (complete, fail) {
        (Some(body), None) => completion(lease, body, &format!("{at}/complete"))?,
        (None, Some(body)) => failure(lease, &body),
        _ => return Err(ApiError::field(at, "must have exactly one of `complete` and `fail`")),
    };
    let (job, executed) = finish(state, lease, command).await?;
    view_after(state, job, &executed).await
}

async fn finish(
    state: &ApiState,
    lease: LeaseId,
    command: Command,
) -> Result<(Introduced, Executed), ApiError> {
    let job = (lease.job, state.engine.intro(lease.job));
    match state.engine.finish(lease, command).await? {
        Finished::Stale => Err(stale(lease)),
        Finished::Answered(executed) => match &executed.answer {
            Stored::Refused(reeve_workspace::Refusal::NotLive { .. }) => Err(stale(lease)),
            Stored::Refused(refusal) => Err(refused(refusal).replayed(executed.replayed)),
            _ => Ok((job, executed)),
        },
    }
}

fn failure(lease: LeaseId, body: &FailRequest) -> Command {
    let report = FailReport {
        reason: text::report(&body.reason),
        retryable: body.retryable,
        fate_unknown: body.fate == Some(Fate::Unknown),
    };
    Command::Fail(Fail { lease, report })
}

/// The command of a report; `at` is where it stands in the request's body.
fn completion(lease: LeaseId, body: CompleteRequest, at: &str) -> Result<Command, ApiError> {
    if body.outputs.len() > OUTPUTS_MAX {
        return Err(ApiError::field(&format!("{at}/outputs"), format!("must be at most {OUTPUTS_MAX}")));
    }
    let read = |(n, output): (usize, OutputReport)| reported(output, &format!("{at}/outputs/{n}"));
    let outputs = body.outputs.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
    Ok(Command::Complete(Complete { lease, outputs }))
}

fn reported(output: OutputReport, at: &str) -> Result<Reported, ApiError> {
    let index = output.index;
    let reason = output.reason.as_deref().map(text::report);
    let outcome = match output.outcome {
        OutputOutcome::Landed => ReportedOutcome::Landed {
            elsewhere: elsewhere(&output, at)?,
            units: output.units.map(units),
            stages: stages(&output, at)?,
        },
        _ if output.url.is_some() => {
            return Err(ApiError::field(&format!("{at}/url"), "goes with outcome `landed` only"));
        }
        OutputOutcome::Filtered => ReportedOutcome::Filtered { reason },
        OutputOutcome::Failed => ReportedOutcome::Failed { reason },
    };
    Ok(Reported { index, outcome })
}

/// Bytes that another store vouches for: their address, digest and size.
fn elsewhere(output: &OutputReport, at: &str) -> Result<Option<(Arc<str>, Digest, u64)>, ApiError> {
    let Some(url) = &output.url else { return Ok(None) };
    let url = text::web_url(&format!("{at}/url"), url)?;
    match (output.sha256, output.size) {
        (Some(sha256), Some(size)) => Ok(Some((url, Digest(sha256.0), size))),
        (None, _) => Err(ApiError::field(&format!("{at}/sha256"), "is needed with `url`")),
        (_, None) => Err(ApiError::field(&format!("{at}/size"), "is needed with `url`")),
    }
}

/// Millionths are exact up to nine billion units, far above any output.
fn units(units: Quantity) -> f64 {
    units.micros() as f64 / Quantity::SCALE as f64
}

fn stages(output: &OutputReport, at: &str) -> Result<Vec<(Arc<str>, bool)>, ApiError> {
    let stages = output.stages.iter().flatten().enumerate();
    stages
        .map(|(n, stage)| {
            let name = text::line(&format!("{at}/stages/{n}/name"), &stage.name, 64)?;
            Ok((name, stage.outcome == OutputOutcome::Landed))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use reeve_protocol::Sha256;
    use reeve_types::{JobId, Millis};

    use super::*;

    const LEASE: LeaseId = LeaseId { job: JobId::from_parts(Millis::from_millis(1), 1), attempt: 1 };

    fn refused_at(output: OutputReport) -> String {
        let error = completion(LEASE, CompleteRequest { outputs: vec![output] }, "").unwrap_err();
        error.problem().errors.as_ref().unwrap()[0].pointer.clone()
    }

    #[test]
    fn an_output_elsewhere_needs_its_digest_and_size() {
        let url = Some("https://cdn.example.com/a.png".to_owned());
        let landed = OutputReport { url, ..OutputReport::new(0, OutputOutcome::Landed) };
        assert_eq!(refused_at(landed.clone()), "/outputs/0/sha256");
        let landed = OutputReport { sha256: Some(Sha256([1; 32])), ..landed };
        assert_eq!(refused_at(landed.clone()), "/outputs/0/size");
        let landed = OutputReport { size: Some(7), ..landed };
        assert!(completion(LEASE, CompleteRequest { outputs: vec![landed.clone()] }, "").is_ok());
        assert_eq!(
            refused_at(OutputReport { outcome: OutputOutcome::Failed, ..landed.clone() }),
            "/outputs/0/url"
        );
        assert_eq!(
            refused_at(OutputReport { url: Some("file:///etc".to_owned()), ..landed }),
            "/outputs/0/url"
        );
    }

    #[test]
    fn a_reason_is_cleaned_before_it_is_stored() {
        let report = OutputReport {
            reason: Some("no\u{0}pe".to_owned()),
            ..OutputReport::new(0, OutputOutcome::Failed)
        };
        let Ok(Command::Complete(complete)) =
            completion(LEASE, CompleteRequest { outputs: vec![report] }, "")
        else {
            panic!("refused")
        };
        assert_eq!(complete.outputs[0].outcome, ReportedOutcome::Failed { reason: Some("no pe".into()) });
    }

    #[test]
    fn units_are_the_number_that_was_written() {
        assert_eq!(units(Quantity::from_micros(2_500_000)).to_string(), "2.5");
    }
}
