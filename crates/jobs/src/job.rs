//! A live job, and what each message means for it.

use reeve_types::{ActionName, JobId, LeaseId, MemberId, Millis, PoolName};

use crate::closing::{Closing, Output, OutputState, Status, codes};
use crate::lease::{Lease, Place, Reported, Upload};
use crate::limits::RetrySettings;
use crate::verdict::{
    FailReport, LapseCause, Misreport, Refused, ReportedOutcome, Requeue, Verdict, upload_of,
};

/// Order inside a workspace after the job's own priority: a job that comes back takes its old place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Sequence {
    /// When the job was admitted.
    pub admitted_at: Millis,
    /// Number of the admission within the workspace.
    pub n: u64,
}

/// What was admitted: never changes.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Spec {
    /// The job.
    pub id: JobId,
    /// What is to be done.
    pub action: ActionName,
    /// The pool whose workers can do it.
    pub pool: PoolName,
    /// On whose behalf, for limits and reports.
    pub member: Option<MemberId>,
    /// Higher first, inside the workspace only.
    pub priority: i32,
    /// Its place among the workspace's jobs of the same priority.
    pub sequence: Sequence,
    /// How many outputs are to be made.
    pub outputs: u32,
    /// The action's declared work; `None` = the pool's running mean.
    pub work_ms: Option<u32>,
    /// When it expires if it still waits.
    pub queue_deadline_at: Millis,
    /// Longest run of one attempt, in milliseconds.
    pub run_timeout_ms: u64,
    /// Attempts that may be lost before the job fails; at least 1.
    pub attempts_max: u16,
}

/// Where a live job stands; a closed one has a [`Closing`] and no phase.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// It waits for a worker.
    Queued {
        /// Not offered to workers before this instant.
        not_before: Option<Millis>,
    },
    /// Boxed: most jobs wait, and a lease would be a third of each of them.
    Running(Box<Lease>),
    /// A cancel was accepted; the lease still lives.
    Cancelling(Box<Lease>),
}

/// A job that is not final.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// What never changes of it.
    pub spec: Spec,
    /// The latest attempt given out; counts up for ever, 0 before the first.
    pub attempt: u32,
    /// Attempts that failed or lapsed and count against `attempts_max`.
    pub attempts_lost: u16,
    /// Workers that vanished while running it.
    pub lapses: u16,
    /// When the first attempt started.
    pub started_at: Option<Millis>,
    /// Where it is in its life.
    pub phase: Phase,
}

impl Job {
    /// A job as admitted.
    pub fn admitted(spec: Spec, not_before: Option<Millis>) -> Self {
        Self {
            spec,
            attempt: 0,
            attempts_lost: 0,
            lapses: 0,
            started_at: None,
            phase: Phase::Queued { not_before },
        }
    }

    /// The stored and shown status.
    pub const fn status(&self) -> Status {
        match self.phase {
            Phase::Queued { .. } => Status::Queued,
            Phase::Running(_) => Status::Running,
            Phase::Cancelling(_) => Status::Cancelling,
        }
    }

    /// The live lease, whether or not a cancel is pending.
    pub fn lease(&self) -> Option<&Lease> {
        match &self.phase {
            Phase::Queued { .. } => None,
            Phase::Running(lease) | Phase::Cancelling(lease) => Some(lease),
        }
    }

    /// True while it takes one of the workspace's running places.
    pub fn is_running(&self) -> bool {
        self.lease().is_some()
    }

    /// The instant at which the job itself must be looked at, without any message.
    ///
    /// Only deadlines of a waiting job and of an unknown fate: run deadlines are watched with the lease.
    pub fn due_at(&self) -> Option<Millis> {
        match &self.phase {
            Phase::Queued { .. } => Some(self.spec.queue_deadline_at),
            Phase::Running(lease) | Phase::Cancelling(lease) => lease.unknown_until,
        }
    }

    /// The lease that `id` names, when it is the live one (J1).
    ///
    /// # Errors
    /// [`Refused::Stale`] of any other lease.
    pub fn live_lease(&self, id: LeaseId) -> Result<&Lease, Refused> {
        self.lease().filter(|lease| lease.attempt == id.attempt).ok_or(Refused::Stale { lease: id })
    }

    /// May it be given to a worker at `now`?
    ///
    /// # Errors
    /// [`Refused::WrongState`] unless it is queued and may start.
    pub fn on_lease(&self, now: Millis) -> Result<u32, Refused> {
        match &self.phase {
            Phase::Queued { not_before } if not_before.is_none_or(|at| at <= now) => {
                Ok(self.attempt.saturating_add(1))
            }
            Phase::Queued { .. } => {
                Err(Refused::WrongState { status: "queued with a later start", wanted: "leased yet" })
            }
            _ => Err(Refused::WrongState { status: self.status().as_str(), wanted: "leased" }),
        }
    }

    /// An upload of the live lease.
    ///
    /// # Errors
    /// A stale lease, or an output that was not asked for.
    pub fn on_upload(&self, id: LeaseId, upload: &Upload) -> Result<(), Refused> {
        self.live_lease(id)?;
        self.known_output(upload.index)
    }

    /// The outputs are in: close.
    ///
    /// # Errors
    /// A stale lease, or a report that contradicts the job; nothing is settled then.
    pub fn on_complete(&self, id: LeaseId, reports: &[Reported], now: Millis) -> Result<Closing, Refused> {
        let lease = self.live_lease(id)?;
        if matches!(self.phase, Phase::Cancelling(_)) {
            // X21: the first closing command wins, and that was the cancel.
            return Ok(cancelled(now, Some(lease.attempt)));
        }
        let outputs = self.judge(lease, reports)?;
        Ok(Closing::from_outputs(outputs, now, lease.attempt))
    }

    /// The worker gave up; `jitter` spreads retries.
    ///
    /// # Errors
    /// A stale lease.
    pub fn on_fail(
        &self,
        id: LeaseId,
        report: &FailReport,
        retry: &RetrySettings,
        (now, jitter): (Millis, u32),
    ) -> Result<Verdict, Refused> {
        let lease = self.live_lease(id)?;
        if matches!(self.phase, Phase::Cancelling(_)) {
            return Ok(Verdict::Close(cancelled(now, Some(lease.attempt))));
        }
        if report.fate_unknown {
            let until = lease.unknown_until.unwrap_or(now.plus_ms(saturating_ms(retry.unknown_ms_max)));
            return Ok(Verdict::Unknown { until });
        }
        if !report.retryable {
            let attempt = Some(lease.attempt);
            let closing =
                Closing::without_outputs(Status::Failed, now, attempt, codes::WORKER_FAILED, &report.reason);
            return Ok(Verdict::Close(closing));
        }
        let again = Requeue {
            attempts_lost: self.attempts_lost.saturating_add(1),
            lapses: self.lapses,
            not_before: None,
        };
        Ok(self.retry_or_fail(again, (retry, Some(id.attempt)), (now, jitter), &report.reason))
    }

    /// The lease ended without a report.
    ///
    /// # Errors
    /// A stale lease.
    pub fn on_lapse(
        &self,
        id: LeaseId,
        cause: LapseCause,
        retry: &RetrySettings,
        (now, jitter): (Millis, u32),
    ) -> Result<Verdict, Refused> {
        self.live_lease(id)?;
        if matches!(self.phase, Phase::Cancelling(_)) {
            return Ok(Verdict::Close(cancelled(now, None)));
        }
        let fail = |code, message| {
            Verdict::Close(Closing::without_outputs(Status::Failed, now, None, code, message))
        };
        Ok(match cause {
            LapseCause::RunTimeout => fail(codes::RUN_TIMEOUT, "it ran longer than its run timeout"),
            LapseCause::FateUnknown => fail(codes::FATE_UNKNOWN, "the provider's answer never came"),
            LapseCause::Unacknowledged => {
                let Self { attempts_lost, lapses, .. } = *self;
                Verdict::Requeue(Requeue { attempts_lost, lapses, not_before: None })
            }
            LapseCause::Silent | LapseCause::Dropped => {
                let lapses = self.lapses.saturating_add(u16::from(cause == LapseCause::Silent));
                let attempts_lost = self.attempts_lost.saturating_add(1);
                if lapses >= retry.poison_lapses_max {
                    return Ok(fail(codes::POISON, "its workers vanished while they ran it"));
                }
                let again = Requeue { attempts_lost, lapses, not_before: None };
                self.retry_or_fail(again, (retry, None), (now, jitter), "the worker was lost")
            }
        })
    }

    /// Someone wants it stopped.
    pub fn on_cancel(&self, now: Millis) -> Verdict {
        match self.phase {
            Phase::Queued { .. } => Verdict::Close(cancelled(now, None)),
            Phase::Running(_) | Phase::Cancelling(_) => Verdict::Cancelling,
        }
    }

    /// Its own deadline has come (see [`Job::due_at`]); `None` when it has not.
    pub fn on_due(&self, now: Millis) -> Option<Closing> {
        if self.due_at().is_none_or(|at| at > now) {
            return None;
        }
        Some(match &self.phase {
            Phase::Queued { .. } => {
                let message = "it waited longer than its queue timeout";
                Closing::without_outputs(Status::Expired, now, None, codes::QUEUE_TIMEOUT, message)
            }
            Phase::Running(_) => {
                let message = "the provider's answer never came";
                Closing::without_outputs(Status::Failed, now, None, codes::FATE_UNKNOWN, message)
            }
            Phase::Cancelling(_) => cancelled(now, None),
        })
    }

    fn known_output(&self, index: u32) -> Result<(), Refused> {
        if index < self.spec.outputs {
            return Ok(());
        }
        Err(Refused::NoSuchOutput { index, outputs: self.spec.outputs })
    }

    /// Checks a report against what was uploaded; a report must name every output once.
    fn judge(&self, lease: &Lease, reports: &[Reported]) -> Result<Vec<Output>, Refused> {
        let mut outputs: Vec<Output> = Vec::with_capacity(reports.len());
        for report in reports {
            self.known_output(report.index)?;
            if outputs.iter().any(|output| output.index == report.index) {
                return Err(Misreport::Twice(report.index).into());
            }
            outputs.push(Output { index: report.index, state: landed_or_not(lease, report)? });
        }
        if let Some(missing) =
            (0..self.spec.outputs).find(|n| !outputs.iter().any(|output| output.index == *n))
        {
            return Err(Misreport::Missing(missing).into());
        }
        outputs.sort_by_key(|output| output.index);
        Ok(outputs)
    }

    fn retry_or_fail(
        &self,
        again: Requeue,
        (retry, reported_by): (&RetrySettings, Option<u32>),
        (now, jitter): (Millis, u32),
        why: &str,
    ) -> Verdict {
        if again.attempts_lost >= self.spec.attempts_max {
            let message =
                format!("attempt {} of {} ended: {why}", again.attempts_lost, self.spec.attempts_max);
            let closing = Closing::without_outputs(
                Status::Failed,
                now,
                reported_by,
                codes::ATTEMPTS_EXHAUSTED,
                &message,
            );
            return Verdict::Close(closing);
        }
        let wait_ms = saturating_ms(retry.backoff_ms(again.attempts_lost, jitter));
        Verdict::Requeue(Requeue { not_before: Some(now.plus_ms(wait_ms)), ..again })
    }
}

fn landed_or_not(lease: &Lease, report: &Reported) -> Result<OutputState, Misreport> {
    Ok(match &report.outcome {
        ReportedOutcome::Filtered { reason } => OutputState::Filtered { reason: reason.clone() },
        ReportedOutcome::Failed { reason } => OutputState::Failed { reason: reason.clone() },
        ReportedOutcome::Landed { elsewhere, units, stages } => {
            if units.is_some_and(|units| !units.is_finite() || units < 0.0) {
                return Err(Misreport::Units(report.index));
            }
            let place = match elsewhere {
                Some((url, sha256, size)) => {
                    Place::Elsewhere { url: url.clone(), sha256: *sha256, size: *size }
                }
                None => {
                    let upload =
                        upload_of(&lease.uploads, report.index).ok_or(Misreport::NotLanded(report.index))?;
                    Place::Uploaded(upload.clone())
                }
            };
            OutputState::Landed { place, units: *units, stages: stages.clone() }
        }
    })
}

fn cancelled(now: Millis, by_attempt: Option<u32>) -> Closing {
    Closing::without_outputs(Status::Cancelled, now, by_attempt, codes::CANCELLED, "it was cancelled")
}

fn saturating_ms(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
