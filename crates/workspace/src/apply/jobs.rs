//! Events of a job's life, from its hold to what its close settles and releases.

use std::sync::Arc;

use reeve_credits::hold::{Hold, Part};
use reeve_credits::lot::Retired;
use reeve_jobs::{Closing, Lease, Phase, Requeue, Status};
use reeve_types::{Credits, JobId, Millis};

use super::{Applier, Broken, Cause};
use crate::broken::{self, Switch};
use crate::effect::Effect;
use crate::event::Settle;
use crate::ledger::Kind;
use crate::record::{JobState, SettledOutput};
use crate::state::LiveJob;

impl Applier<'_> {
    pub(super) fn admitted(
        &mut self,
        at: Millis,
        live: Box<LiveJob>,
        intro: Arc<crate::record::JobIntro>,
    ) -> Result<(), Broken> {
        let id = live.job.spec.id;
        for part in live.hold.parts() {
            self.lot(part.lot)?.hold(part.amount)?;
            self.row(at, Kind::Hold, *part, Cause { job: Some(&live), ..Cause::default() })?;
        }
        self.state.admitted += 1;
        self.gathered.admitted.push(intro);
        self.enqueue(&live);
        self.touch_job(id);
        self.state.jobs.insert(id, live);
        self.move_deadline(id, None);
        Ok(())
    }

    pub(super) fn leased(&mut self, id: JobId, lease: Lease) -> Result<(), Broken> {
        let live = self.state.jobs.get_mut(&id).ok_or(Broken::NoJob(id))?;
        let due_before = live.job.due_at();
        live.job.attempt = lease.attempt;
        live.job.started_at.get_or_insert(lease.granted_at);
        let (attempt, at, run_ms) = (lease.attempt, lease.granted_at, live.job.spec.run_timeout_ms);
        let (worker, session) = (lease.worker.clone(), lease.session.clone());
        live.job.phase = Phase::Running(Box::new(lease));
        self.state.running += 1;
        self.move_deadline(id, due_before);
        self.touch_job(id);
        let lease = reeve_types::LeaseId { job: id, attempt };
        self.gathered.effects.push(Effect::Leased { lease, worker, session, run_ms });
        self.gathered.effects.push(Effect::Status { job: id, status: Status::Running, attempt });
        self.outbox_job("job.started", at, id, attempt);
        Ok(())
    }

    pub(super) fn uploaded(
        &mut self,
        id: JobId,
        attempt: u32,
        upload: reeve_jobs::Upload,
    ) -> Result<(), Broken> {
        let live = self.state.jobs.get_mut(&id).ok_or(Broken::NoJob(id))?;
        let (Phase::Running(lease) | Phase::Cancelling(lease)) = &mut live.job.phase else {
            return Err(Broken::NoLease(id));
        };
        lease.uploads.retain(|other| other.index != upload.index);
        lease.uploads.push(upload.clone());
        // Told now and not at the close: who watches a job of many outputs sees them come one by one.
        self.gathered.effects.push(Effect::Uploaded { job: id, upload: upload.clone() });
        self.gathered.uploads.push((id, attempt, upload));
        Ok(())
    }

    pub(super) fn requeued(
        &mut self,
        at: Millis,
        id: JobId,
        attempt: u32,
        requeue: Requeue,
    ) -> Result<(), Broken> {
        self.end_lease(at, id)?;
        let live = self.state.jobs.get_mut(&id).ok_or(Broken::NoJob(id))?;
        let due_before = live.job.due_at();
        live.job.attempts_lost = requeue.attempts_lost;
        live.job.lapses = requeue.lapses;
        live.job.phase = Phase::Queued { not_before: requeue.not_before };
        let entry = live.queue_entry();
        self.gathered.effects.push(Effect::Enqueue(entry));
        self.gathered.effects.push(Effect::Status { job: id, status: Status::Queued, attempt });
        self.move_deadline(id, due_before);
        self.touch_job(id);
        Ok(())
    }

    pub(super) fn cancel_requested(&mut self, id: JobId) -> Result<(), Broken> {
        let live = self.state.jobs.get_mut(&id).ok_or(Broken::NoJob(id))?;
        if let Phase::Running(lease) = &live.job.phase {
            let lease = lease.clone();
            let attempt = lease.attempt;
            live.job.phase = Phase::Cancelling(lease);
            self.gathered
                .effects
                .push(Effect::CancelLease { lease: reeve_types::LeaseId { job: id, attempt } });
            self.gathered.effects.push(Effect::Status { job: id, status: Status::Cancelling, attempt });
            self.touch_job(id);
        }
        Ok(())
    }

    pub(super) fn fate_unknown(&mut self, id: JobId, until: Millis) -> Result<(), Broken> {
        let live = self.state.jobs.get_mut(&id).ok_or(Broken::NoJob(id))?;
        let due_before = live.job.due_at();
        let (Phase::Running(lease) | Phase::Cancelling(lease)) = &mut live.job.phase else {
            return Err(Broken::NoLease(id));
        };
        lease.unknown_until = Some(until);
        let lease = reeve_types::LeaseId { job: id, attempt: lease.attempt };
        self.gathered.effects.push(Effect::AwaitFate { lease });
        self.move_deadline(id, due_before);
        self.touch_job(id);
        Ok(())
    }

    pub(super) fn closed(
        &mut self,
        at: Millis,
        id: JobId,
        closing: Closing,
        (settles, released): (Vec<Settle>, Vec<Part>),
    ) -> Result<(), Broken> {
        let was_running = self.state.jobs.get(&id).is_some_and(|live| live.job.is_running());
        if was_running {
            self.end_lease(at, id)?;
        } else {
            self.gathered.effects.push(Effect::Dequeue { job: id });
        }
        let live = self.state.jobs.remove(&id).ok_or(Broken::NoJob(id))?;
        self.state.shrink_jobs();
        if let Some(due) = live.job.due_at() {
            self.state.deadlines.remove(&(due, id));
        }
        for settle in &settles {
            self.count_member(at, &live, settle.credits);
            for part in &settle.parts {
                self.lot(part.lot)?.settle(part.amount)?;
                let cause = Cause { job: Some(&live), output: Some(settle.output), ..Cause::default() };
                self.row(at, Kind::Settle, *part, cause.clone())?;
                if broken::is(Switch::SettleTwice) {
                    self.row(at, Kind::Settle, *part, cause)?;
                }
            }
        }
        for part in &released {
            self.release(at, *part, &live)?;
        }
        self.drop_crossings();
        self.tell_closed(at, &live, &closing);
        self.gathered.touched_jobs.retain(|other| *other != id);
        let state = final_state(&live, closing, &settles, &released);
        self.gathered.closed_jobs.push((id, state));
        Ok(())
    }

    /// Gives a part back; on a lot that no longer lives it expires at once (X4), and beyond what the
    /// boundaries that its hold has crossed let through it is forfeited (X5).
    pub(super) fn release(&mut self, at: Millis, part: Part, live: &LiveJob) -> Result<(), Broken> {
        let cause = || Cause { job: Some(live), ..Cause::default() };
        if !self.lot(part.lot)?.is_expired(at) {
            self.lot(part.lot)?.release(part.amount, at)?;
            self.row(at, Kind::Release, part, cause())?;
            let lost = self.cross(part, live)?;
            return if lost.is_positive() {
                self.retire(at, Part { amount: lost, ..part }, Retired::Forfeited, cause())
            } else {
                Ok(())
            };
        }
        // Two rows, so that a fold by kind alone stays right: back to available, then gone.
        self.lot(part.lot)?.release(part.amount, Millis::from_millis(i64::MIN))?;
        self.row(at, Kind::Release, part, cause())?;
        self.retire(at, part, Retired::Expired, cause())
    }

    /// What of a released part the crossed boundaries do not let through; uses their allowances up.
    pub(super) fn cross(&mut self, part: Part, live: &LiveJob) -> Result<Credits, Broken> {
        if self.state.profile.crossings.is_empty() || broken::is(Switch::ReleaseIgnoresAllowance) {
            return Ok(Credits::ZERO);
        }
        let source = self.lot(part.lot)?.source.clone();
        let held_since = live.job.spec.sequence.admitted_at;
        let mut kept = part.amount;
        for crossing in &mut self.state.profile.crossings {
            if held_since < crossing.at && crossing.sources.contains(&source) {
                kept = kept.min(crossing.allowance);
                crossing.allowance = crossing.allowance.checked_sub(kept).unwrap_or(Credits::ZERO);
                self.gathered.profile_changed = true;
            }
        }
        Ok(part.amount.checked_sub(kept).unwrap_or(Credits::ZERO))
    }

    /// A boundary that no open hold has crossed is forgotten.
    pub(super) fn drop_crossings(&mut self) {
        if self.state.profile.crossings.is_empty() {
            return;
        }
        let oldest = self.state.jobs.values().map(|live| live.job.spec.sequence.admitted_at).min();
        let crossings = &mut self.state.profile.crossings;
        let before = crossings.len();
        crossings.retain(|crossing| oldest.is_some_and(|oldest| oldest < crossing.at));
        self.gathered.profile_changed |= crossings.len() != before;
    }

    pub(super) fn end_lease(&mut self, at: Millis, id: JobId) -> Result<(), Broken> {
        let live = self.state.jobs.get(&id).ok_or(Broken::NoJob(id))?;
        let lease = live.job.lease().ok_or(Broken::NoLease(id))?;
        let ran_ms = u64::try_from(at.since(lease.granted_at)).unwrap_or(0);
        let lease = reeve_types::LeaseId { job: id, attempt: lease.attempt };
        self.state.running = self.state.running.saturating_sub(1);
        self.gathered.effects.push(Effect::LeaseEnded { lease, ran_ms });
        Ok(())
    }

    pub(super) fn enqueue(&mut self, live: &LiveJob) {
        self.gathered.effects.push(Effect::Enqueue(live.queue_entry()));
        let attempt = live.job.attempt;
        self.gathered.effects.push(Effect::Status { job: live.job.spec.id, status: Status::Queued, attempt });
    }

    pub(super) fn move_deadline(&mut self, id: JobId, before: Option<Millis>) {
        if let Some(at) = before {
            self.state.deadlines.remove(&(at, id));
        }
        if let Some(at) = self.state.jobs.get(&id).and_then(|live| live.job.due_at()) {
            self.state.deadlines.insert((at, id));
        }
    }
}

fn final_state(live: &LiveJob, closing: Closing, settles: &[Settle], released: &[Part]) -> JobState {
    let settled = Credits::checked_sum(settles.iter().map(|settle| settle.credits)).unwrap_or(Credits::ZERO);
    let cost = |index| settles.iter().find(|s| s.output == index).map_or(Credits::ZERO, |s| s.credits);
    let outputs =
        closing.outputs.into_iter().map(|output| SettledOutput { credits: cost(output.index), output });
    JobState {
        status: closing.status,
        not_before: None,
        lease: None,
        hold: Hold::default(),
        settled,
        released: Credits::checked_sum(released.iter().map(|part| part.amount)).unwrap_or(Credits::ZERO),
        finished_at: Some(closing.at),
        closed_by: closing.by_attempt,
        error: closing.error,
        outputs: outputs.collect(),
        ..JobState::of_live(live)
    }
}
