//! The only place where state changes: one event at a time, with its ledger rows, records and effects.
//!
//! Guarantees: an event that cannot be applied is a bug of ours and is reported as [`Broken`]; the
//! caller then drops the state and rebuilds it from the store.

use std::sync::Arc;

use reeve_credits::hold::{Hold, Part};
use reeve_credits::lot::{Lot, Overdrawn, Retired};
use reeve_jobs::{Closing, Lease, Phase, Requeue, Status};
use reeve_types::{Credits, JobId, LotId, Millis};

use crate::command::Meta;
use crate::effect::Effect;
use crate::event::{Dated, Event, Settle};
use crate::ledger::{Hash, Kind, Row, hash_row};
use crate::record::{JobState, OutboxRow, PurchaseRow, SettledOutput};
use crate::state::{LiveJob, State};

/// An event that does not fit the state: a bug, never a user's fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("lot `{0}` is not in the workspace")]
    NoLot(LotId),
    #[error("job `{0}` is not in the workspace")]
    NoJob(JobId),
    #[error("job `{0}` holds no lease")]
    NoLease(JobId),
    #[error(transparent)]
    Overdrawn(#[from] Overdrawn),
}

/// What applying events gathered, to be recorded and told.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub profile_changed: bool,
    pub touched_lots: Vec<LotId>,
    pub admitted: Vec<Arc<crate::record::JobIntro>>,
    pub touched_jobs: Vec<JobId>,
    /// Jobs closed by this change: their last values, since they leave the state.
    pub closed_jobs: Vec<(JobId, JobState)>,
    pub uploads: Vec<(JobId, u32, reeve_jobs::Upload)>,
    pub purchases: Vec<PurchaseRow>,
    pub rows: Vec<Row>,
    pub outbox: Vec<OutboxRow>,
    pub effects: Vec<Effect>,
}

/// What a ledger row says about its cause.
#[derive(Clone, Default)]
struct Cause<'a> {
    job: Option<&'a LiveJob>,
    /// A job that is closed already.
    about: Option<JobId>,
    output: Option<u32>,
    reason: Option<Arc<str>>,
}

/// Applies events in order.
pub(crate) struct Applier<'a> {
    pub state: &'a mut State,
    pub gathered: &'a mut Gathered,
    pub meta: &'a Meta,
}

impl Applier<'_> {
    /// Applies one event, or reports that it does not fit.
    pub(crate) fn apply(&mut self, dated: Dated) -> Result<(), Broken> {
        let Dated { at, event } = dated;
        self.state.last_event_at = self.state.last_event_at.max(at);
        match event {
            Event::Created(_) => {
                self.gathered.profile_changed = true;
                self.gathered.effects.push(Effect::Facts);
                Ok(())
            }
            Event::Granted { lot, reason, debt_paid, job } => {
                self.granted(at, *lot, (reason, job), debt_paid)
            }
            Event::Purchased(row) => {
                self.gathered.purchases.push(*row);
                Ok(())
            }
            Event::Admitted { live, intro } => self.admitted(at, *live, intro),
            Event::Leased { job, lease } => self.leased(job, *lease),
            Event::Uploaded { job, attempt, upload } => self.uploaded(job, attempt, upload),
            Event::Requeued { job, attempt, requeue } => self.requeued(at, job, attempt, requeue),
            Event::CancelRequested { job } => self.cancel_requested(job),
            Event::FateUnknown { job, until } => self.fate_unknown(job, until),
            Event::Closed { job, closing, settles, released } => {
                self.closed(at, job, *closing, (settles, released))
            }
            Event::Retired { lot, amount, how, reason } => {
                self.retire(at, Part { lot, amount }, how, Cause { reason, ..Cause::default() })
            }
            Event::Taken { parts, reason, job } => self.taken(at, &parts, (&reason, job)),
        }
    }

    fn granted(
        &mut self,
        at: Millis,
        lot: Lot,
        (reason, about): (Option<Arc<str>>, Option<JobId>),
        debt_paid: Credits,
    ) -> Result<(), Broken> {
        let (id, amount, source) = (lot.id, lot.granted, lot.source.clone());
        self.state.lots_made += 1;
        self.state.lots.push(lot);
        self.touch_lot(id);
        let cause = Cause { reason: reason.clone(), about, ..Cause::default() };
        self.row(at, Kind::Grant, Part { lot: id, amount }, cause)?;
        if debt_paid.is_positive() {
            self.state.debt = self.state.debt.checked_sub(debt_paid).unwrap_or(Credits::ZERO);
            self.retire(
                at,
                Part { lot: id, amount: debt_paid },
                Retired::ClawedBack,
                Cause { reason, ..Cause::default() },
            )?;
        }
        let body = serde_json::json!({ "lot": id, "source": source, "credits": amount.to_string() });
        self.gathered.outbox.push(OutboxRow {
            kind: "credits.granted",
            at,
            job: None,
            body: body.to_string(),
        });
        Ok(())
    }

    fn admitted(
        &mut self,
        at: Millis,
        live: LiveJob,
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

    fn leased(&mut self, id: JobId, lease: Lease) -> Result<(), Broken> {
        let live = self.state.jobs.get_mut(&id).ok_or(Broken::NoJob(id))?;
        let due_before = live.job.due_at();
        live.job.attempt = lease.attempt;
        live.job.started_at.get_or_insert(lease.granted_at);
        let (attempt, at, run_ms) = (lease.attempt, lease.granted_at, live.job.spec.run_timeout_ms);
        let (worker, session) = (lease.worker.clone(), lease.session.clone());
        live.job.phase = Phase::Running(lease);
        self.state.running += 1;
        self.move_deadline(id, due_before);
        self.touch_job(id);
        let lease = reeve_types::LeaseId { job: id, attempt };
        self.gathered.effects.push(Effect::Leased { lease, worker, session, run_ms });
        self.gathered.effects.push(Effect::Status { job: id, status: Status::Running, attempt });
        self.outbox_job("job.started", at, id, attempt);
        Ok(())
    }

    fn uploaded(&mut self, id: JobId, attempt: u32, upload: reeve_jobs::Upload) -> Result<(), Broken> {
        let live = self.state.jobs.get_mut(&id).ok_or(Broken::NoJob(id))?;
        let (Phase::Running(lease) | Phase::Cancelling(lease)) = &mut live.job.phase else {
            return Err(Broken::NoLease(id));
        };
        lease.uploads.retain(|other| other.index != upload.index);
        lease.uploads.push(upload.clone());
        self.gathered.uploads.push((id, attempt, upload));
        Ok(())
    }

    fn requeued(&mut self, at: Millis, id: JobId, attempt: u32, requeue: Requeue) -> Result<(), Broken> {
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

    fn cancel_requested(&mut self, id: JobId) -> Result<(), Broken> {
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

    fn fate_unknown(&mut self, id: JobId, until: Millis) -> Result<(), Broken> {
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

    fn closed(
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
        if let Some(due) = live.job.due_at() {
            self.state.deadlines.remove(&(due, id));
        }
        for settle in &settles {
            for part in &settle.parts {
                self.lot(part.lot)?.settle(part.amount)?;
                let cause = Cause { job: Some(&live), output: Some(settle.output), ..Cause::default() };
                self.row(at, Kind::Settle, *part, cause)?;
            }
        }
        for part in &released {
            self.release(at, *part, &live)?;
        }
        self.tell_closed(at, &live, &closing);
        self.gathered.touched_jobs.retain(|other| *other != id);
        let state = final_state(&live, closing, &settles, &released);
        self.gathered.closed_jobs.push((id, state));
        Ok(())
    }

    /// Gives a part back; on a lot that no longer lives it expires at once (X4).
    fn release(&mut self, at: Millis, part: Part, live: &LiveJob) -> Result<(), Broken> {
        let cause = || Cause { job: Some(live), ..Cause::default() };
        if !self.lot(part.lot)?.is_expired(at) {
            self.lot(part.lot)?.release(part.amount, at)?;
            return self.row(at, Kind::Release, part, cause());
        }
        // Two rows, so that a fold by kind alone stays right: back to available, then gone.
        self.lot(part.lot)?.release(part.amount, Millis::from_millis(i64::MIN))?;
        self.row(at, Kind::Release, part, cause())?;
        self.retire(at, part, Retired::Expired, cause())
    }

    fn retire(&mut self, at: Millis, part: Part, how: Retired, cause: Cause<'_>) -> Result<(), Broken> {
        self.lot(part.lot)?.retire(part.amount, how)?;
        let kind = match how {
            Retired::Expired => Kind::Expire,
            Retired::Forfeited => Kind::Forfeit,
            Retired::ClawedBack => Kind::ClawBack,
        };
        self.row(at, kind, part, cause)
    }

    fn taken(
        &mut self,
        at: Millis,
        parts: &[Part],
        (reason, about): (&Arc<str>, Option<JobId>),
    ) -> Result<(), Broken> {
        for part in parts {
            let lot = self.lot(part.lot)?;
            lot.hold(part.amount)?;
            lot.settle(part.amount)?;
            let cause = Cause { reason: Some(reason.clone()), about, ..Cause::default() };
            self.row(at, Kind::Take, *part, cause)?;
        }
        Ok(())
    }

    /// Appends a ledger row for a move that has just been made.
    fn row(&mut self, at: Millis, kind: Kind, part: Part, cause: Cause<'_>) -> Result<(), Broken> {
        let lot = self.state.lots.iter().find(|lot| lot.id == part.lot).ok_or(Broken::NoLot(part.lot))?;
        let all = Credits::checked_sum(self.state.lots.iter().map(|lot| lot.terms.available))
            .unwrap_or(Credits::ZERO);
        let spec = cause.job.map(|live| &live.job.spec);
        let mut row = Row {
            seq: self.state.chain.seq + 1,
            at,
            kind,
            amount: part.amount,
            lot: part.lot,
            source: lot.source.clone(),
            job: spec.map(|spec| spec.id).or(cause.about),
            attempt: cause.job.map(|live| live.job.attempt),
            output: cause.output,
            action: spec.map(|spec| spec.action.clone()),
            member: spec.and_then(|spec| spec.member.clone()),
            reason: cause.reason,
            actor: self.meta.actor,
            request: self.meta.request.clone(),
            available_after: all.checked_sub(self.state.debt).unwrap_or(Credits::ZERO),
            held_after: self.state.held(),
            hash: Hash([0; 32]),
        };
        row.hash = hash_row(self.state.chain.hash, &row);
        self.state.chain.seq = row.seq;
        self.state.chain.hash = row.hash;
        self.gathered.rows.push(row);
        Ok(())
    }

    fn end_lease(&mut self, at: Millis, id: JobId) -> Result<(), Broken> {
        let live = self.state.jobs.get(&id).ok_or(Broken::NoJob(id))?;
        let lease = live.job.lease().ok_or(Broken::NoLease(id))?;
        let ran_ms = u64::try_from(at.since(lease.granted_at)).unwrap_or(0);
        let lease = reeve_types::LeaseId { job: id, attempt: lease.attempt };
        self.state.running = self.state.running.saturating_sub(1);
        self.gathered.effects.push(Effect::LeaseEnded { lease, ran_ms });
        Ok(())
    }

    fn tell_closed(&mut self, at: Millis, live: &LiveJob, closing: &Closing) {
        let (id, attempt) = (live.job.spec.id, live.job.attempt);
        let kind = match closing.status {
            Status::Succeeded => "job.succeeded",
            Status::Cancelled => "job.cancelled",
            Status::Expired => "job.expired",
            _ => "job.failed",
        };
        for output in closing.outputs.iter().filter(|output| output.has_landed()) {
            self.gathered.effects.push(Effect::OutputLanded { job: id, index: output.index });
        }
        self.gathered.effects.push(Effect::Status { job: id, status: closing.status, attempt });
        self.outbox_job(kind, at, id, attempt);
    }

    fn outbox_job(&mut self, kind: &'static str, at: Millis, job: JobId, attempt: u32) {
        let body = format!("{{\"job\":\"{job}\",\"attempt\":{attempt}}}");
        self.gathered.outbox.push(OutboxRow { kind, at, job: Some(job), body });
    }

    fn enqueue(&mut self, live: &LiveJob) {
        self.gathered.effects.push(Effect::Enqueue(live.queue_entry()));
        let attempt = live.job.attempt;
        self.gathered.effects.push(Effect::Status { job: live.job.spec.id, status: Status::Queued, attempt });
    }

    fn move_deadline(&mut self, id: JobId, before: Option<Millis>) {
        if let Some(at) = before {
            self.state.deadlines.remove(&(at, id));
        }
        if let Some(at) = self.state.jobs.get(&id).and_then(|live| live.job.due_at()) {
            self.state.deadlines.insert((at, id));
        }
    }

    fn lot(&mut self, id: LotId) -> Result<&mut Lot, Broken> {
        self.touch_lot(id);
        self.state.lots.iter_mut().find(|lot| lot.id == id).ok_or(Broken::NoLot(id))
    }

    fn touch_lot(&mut self, id: LotId) {
        if !self.gathered.touched_lots.contains(&id) {
            self.gathered.touched_lots.push(id);
        }
    }

    fn touch_job(&mut self, id: JobId) {
        if !self.gathered.touched_jobs.contains(&id) {
            self.gathered.touched_jobs.push(id);
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
