//! Jobs: priced, submitted, run and closed, as clients and workers would.

use std::sync::Arc;

use reeve_credits::catalog::Outcome as Ended;
use reeve_jobs::{Digest, FailReport, Reported, ReportedOutcome};
use reeve_types::{JobId, LeaseId, WorkerName, WorkspaceId};
use reeve_workspace::{Cancel, Command, Complete, Fail, JobState, Lapse, LeaseJob, Refusal, price};

use super::{Outcome, Quoted, Rehearsal};
use crate::format::{self, Ending, JobRef, Request};
use crate::refused::Refused;

impl Rehearsal {
    pub(super) fn quote(&self, id: &WorkspaceId, request: &Request) -> Result<Outcome, String> {
        let state = &self.life(id)?.state;
        Ok(match price(state, &self.world.view(), (&request.action, &request.params)) {
            Ok(quoted) => Outcome::Quoted(Quoted {
                credits: quoted.quote.credits,
                outputs: quoted.quote.outputs,
                lines: quoted.quote.lines.iter().map(|line| line.credits).collect(),
                missing: quoted.missing,
            }),
            Err(refusal) => Outcome::Refused(Box::new(refusal.into())),
        })
    }

    pub(super) fn submit(&mut self, id: &WorkspaceId, submit: &format::Submit) -> Result<Outcome, String> {
        let job = self.world.job_id();
        let command = reeve_workspace::Submit {
            job,
            action: submit.action.clone(),
            params: Arc::new(submit.params.clone()),
            member: submit.member.clone(),
            priority: 0,
            not_before: None,
            queue_timeout_ms: submit.queue_timeout.and_then(|span| u64::try_from(span.ms).ok()),
            run_timeout_ms: None,
            credits_max: submit.max_credits,
            metadata: None,
            webhook: None,
            retry_of: None,
        };
        let outcome = self.run(id, &Command::Submit(Box::new(command)))?;
        if let Outcome::Job(job) = outcome {
            let name = submit.name.clone().unwrap_or_default();
            self.jobs.insert(name, (id.clone(), job));
            self.jobs.insert(String::new(), (id.clone(), job));
        }
        Ok(outcome)
    }

    pub(super) fn settle(&mut self, id: &WorkspaceId, settle: &format::Settle) -> Result<Outcome, String> {
        let submit = format::Submit {
            name: None,
            action: settle.action.clone(),
            params: settle.params.clone(),
            member: settle.member.clone(),
            max_credits: None,
            queue_timeout: None,
        };
        match self.submit(id, &submit)? {
            Outcome::Job(_) => {
                self.complete(&format::Complete { outputs: settle.outputs.clone(), ..Default::default() })
            }
            refused => Ok(refused),
        }
    }

    pub(super) fn lease(&mut self, job: &JobRef) -> Result<Outcome, String> {
        let (id, job) = self.job(job.job.as_deref())?;
        self.take(&id, job)
    }

    fn take(&mut self, id: &WorkspaceId, job: JobId) -> Result<Outcome, String> {
        let worker = WorkerName::new("rehearsal").map_err(|e| e.to_string())?;
        self.run(id, &Command::Lease(LeaseJob { job, worker, session: "rehearsal".into() }))
    }

    pub(super) fn complete(&mut self, complete: &format::Complete) -> Result<Outcome, String> {
        let (id, job) = self.job(complete.job.as_deref())?;
        if let Some(refused) = self.take_waiting(&id, job)? {
            return Ok(refused);
        }
        let count = self.job_state(&id, job)?.0;
        let outputs = reports(complete, count)?;
        let lease = LeaseId { job, attempt: self.attempt(&id, job, complete.attempt)? };
        self.report(&id, lease, &Command::Complete(Complete { lease, outputs }))
    }

    pub(super) fn fail(&mut self, fail: &format::Fail) -> Result<Outcome, String> {
        let (id, job) = self.job(fail.job.as_deref())?;
        if let Some(refused) = self.take_waiting(&id, job)? {
            return Ok(refused);
        }
        let lease = LeaseId { job, attempt: self.attempt(&id, job, fail.attempt)? };
        let report = FailReport {
            reason: "it failed".into(),
            retryable: fail.retryable,
            fate_unknown: fail.fate_unknown,
        };
        self.report(&id, lease, &Command::Fail(Fail { lease, report }))
    }

    pub(super) fn lapse(&mut self, lapse: &format::Lapse) -> Result<Outcome, String> {
        let (id, job) = self.job(lapse.job.as_deref())?;
        if let Some(refused) = self.take_waiting(&id, job)? {
            return Ok(refused);
        }
        let lease = LeaseId { job, attempt: self.attempt(&id, job, None)? };
        self.report(&id, lease, &Command::Lapse(Lapse { lease, cause: lapse.cause }))
    }

    /// A second cancel, or one of a job that has ended, is answered with the job as it is.
    pub(super) fn cancel(&mut self, job: &JobRef) -> Result<Outcome, String> {
        let (id, job) = self.job(job.job.as_deref())?;
        match self.run(&id, &Command::Cancel(Cancel { job }))? {
            Outcome::Refused(_) if self.job_state(&id, job)?.1.status.is_final() => Ok(Outcome::Job(job)),
            outcome => Ok(outcome),
        }
    }

    /// A report of the lease that closed a job gets its first answer; any other is stale (X9).
    fn report(&mut self, id: &WorkspaceId, lease: LeaseId, command: &Command) -> Result<Outcome, String> {
        let outcome = self.run(id, command)?;
        let Outcome::Refused(refused) = &outcome else { return Ok(outcome) };
        let state = self.job_state(id, lease.job)?.1;
        if !state.status.is_final() || refused.code == "invalid_request" {
            return Ok(outcome);
        }
        Ok(match state.closed_by {
            Some(attempt) if attempt == lease.attempt => Outcome::Job(lease.job),
            _ => Outcome::Refused(Box::new(Refused::stale(&lease.job.to_string()))),
        })
    }

    /// Gives a waiting job to a worker; the refusal when it cannot be.
    fn take_waiting(&mut self, id: &WorkspaceId, job: JobId) -> Result<Option<Outcome>, String> {
        if self.job_state(id, job)?.1.status != reeve_jobs::Status::Queued {
            return Ok(None);
        }
        let outcome = self.take(id, job)?;
        Ok(matches!(outcome, Outcome::Refused(_)).then_some(outcome))
    }

    fn attempt(&self, id: &WorkspaceId, job: JobId, said: Option<u32>) -> Result<u32, String> {
        let state = self.job_state(id, job)?.1;
        Ok(said.or(state.closed_by).unwrap_or(state.attempt))
    }

    /// The number of outputs of a job, and how it stands.
    fn job_state(&self, id: &WorkspaceId, job: JobId) -> Result<(u32, &JobState), String> {
        let found = self.life(id)?.jobs.get(&job);
        found
            .map(|(intro, state)| (intro.outputs, state))
            .ok_or_else(|| format!("job `{job}` was never admitted"))
    }

    /// The latest job that a step submitted in this workspace.
    pub(crate) fn latest_job(&self, id: &WorkspaceId) -> Option<JobId> {
        self.jobs.get("").filter(|(owner, _)| owner == id).map(|(_, job)| *job)
    }

    pub(super) fn job(&self, name: Option<&str>) -> Result<(WorkspaceId, JobId), String> {
        let found = self.jobs.get(name.unwrap_or_default()).cloned();
        found.ok_or_else(|| match name {
            Some(name) => format!("no job was submitted `as` {name}"),
            None => "no job was submitted yet".to_owned(),
        })
    }
}

/// A worker's report of `count` outputs.
fn reports(complete: &format::Complete, count: u32) -> Result<Vec<Reported>, String> {
    if complete.outputs.is_some() && complete.landed.is_some() {
        return Err("say `outputs` or `landed`, not both".to_owned());
    }
    if complete.landed.is_some_and(|landed| landed > count) {
        return Err(format!("the job has {count} outputs"));
    }
    let ending = |n: u32| match &complete.outputs {
        Some(endings) => {
            let ending = usize::try_from(n).ok().and_then(|n| endings.get(n));
            outcome(ending.ok_or_else(|| differs(endings, count))?)
        }
        None if complete.landed.is_some_and(|landed| n >= landed) => {
            Ok(ReportedOutcome::Failed { reason: None })
        }
        None => Ok(landed(None, Vec::new())),
    };
    if let Some(endings) =
        complete.outputs.as_ref().filter(|endings| u32::try_from(endings.len()) != Ok(count))
    {
        return Err(differs(endings, count));
    }
    (0..count).map(|index| Ok(Reported { index, outcome: ending(index)? })).collect()
}

fn differs(endings: &[Ending], count: u32) -> String {
    format!("{count} outputs were quoted, {} end", endings.len())
}

fn outcome(ending: &Ending) -> Result<ReportedOutcome, String> {
    let mut stages = Vec::with_capacity(ending.stages.len());
    for (name, outcome) in &ending.stages {
        let landed = match outcome {
            Ended::Success => true,
            Ended::Failed => false,
            other => return Err(format!("stage `{name}` ends `success` or `failed`, not `{other}`")),
        };
        stages.push((Arc::from(name.as_str()), landed));
    }
    match ending.outcome {
        Ended::Success => Ok(landed(ending.delivered, stages)),
        Ended::Filtered => Ok(ReportedOutcome::Filtered { reason: None }),
        Ended::Failed => Ok(ReportedOutcome::Failed { reason: None }),
        other => Err(format!(
            "no worker reports `{other}` of an output; use `cancel`, `lapse` or `fail` with `fate_unknown`"
        )),
    }
}

fn landed(units: Option<f64>, stages: Vec<(Arc<str>, bool)>) -> ReportedOutcome {
    let elsewhere = Some(("rehearsal:output".into(), Digest([0; 32]), 0));
    ReportedOutcome::Landed { elsewhere, units, stages }
}

/// What the price of a job would be refused for is a refusal of the job too.
impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal.into()))
    }
}
