//! The only place where state changes: one event at a time, with its ledger rows, records and effects.
//!
//! Guarantees: an event that cannot be applied is a bug of ours and is reported as [`Broken`]; the
//! caller then drops the state and rebuilds it from the store.

mod credits;
mod gathered;
mod jobs;
mod told;

use std::sync::Arc;

use reeve_credits::hold::Part;
use reeve_credits::lot::{Lot, Overdrawn};
use reeve_types::{Credits, JobId, LotId, MemberId, Millis};

use crate::command::Meta;
use crate::effect::Effect;
use crate::event::{Dated, Event};
use crate::ledger::{Hash, Kind, Row, hash_row};
use crate::state::{LiveJob, State};

pub(crate) use gathered::Gathered;

/// An event that does not fit the state: a bug, never a user's fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("lot `{0}` is not in the workspace")]
    NoLot(LotId),
    #[error("job `{0}` is not in the workspace")]
    NoJob(JobId),
    #[error("job `{0}` holds no lease")]
    NoLease(JobId),
    #[error("{amount} credits cannot be moved in a debt of {debt}")]
    Debt { debt: Credits, amount: Credits },
    #[error("version {version} of catalog `{catalog}` is not known")]
    NoCatalog { catalog: reeve_types::CatalogName, version: u32 },
    #[error(transparent)]
    Overdrawn(#[from] Overdrawn),
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
                self.gathered.tallies_changed = true;
                self.gathered.effects.push(Effect::Facts);
                Ok(())
            }
            Event::Granted { lot, reason, job } => self.granted(at, *lot, (reason, job)),
            Event::Purchased(row) => {
                self.purchased(*row);
                Ok(())
            }
            Event::Reprofiled { profile, told } => {
                self.reprofiled(at, *profile, told);
                Ok(())
            }
            Event::Curtailed { lot, expires_at } => {
                self.lot(lot)?.expires_at = Some(expires_at);
                Ok(())
            }
            Event::Restored { lot, amount, reason } => self.restored(at, Part { lot, amount }, reason),
            Event::Owed { lot, amount, reason } => self.owe(at, Part { lot, amount }, (Kind::Owe, reason)),
            Event::Forgiven { lot, amount, reason } => {
                self.owe(at, Part { lot, amount }, (Kind::Repay, reason))
            }
            Event::Counted { member, counts } => {
                self.state.members.insert(member.clone(), *counts);
                self.touch_member(&member);
                Ok(())
            }
            Event::Tallied(tallies) => {
                self.state.tallies = *tallies;
                self.gathered.tallies_changed = true;
                Ok(())
            }
            Event::Noticed(notice) => {
                self.noticed(at, &notice);
                Ok(())
            }
            Event::Admitted { live, intro } => self.admitted(at, live, intro),
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

    /// Appends a ledger row for a move that has just been made.
    fn row(&mut self, at: Millis, kind: Kind, part: Part, cause: Cause<'_>) -> Result<(), Broken> {
        let source = self.state.lot(part.lot).ok_or(Broken::NoLot(part.lot))?.source.clone();
        let all = Credits::checked_sum(self.state.lots.iter().map(|lot| lot.terms.available))
            .unwrap_or(Credits::ZERO);
        let spec = cause.job.map(|live| &live.job.spec);
        let mut row = Row {
            seq: self.state.chain.seq + 1,
            at,
            kind,
            amount: part.amount,
            lot: part.lot,
            source,
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

    fn lot(&mut self, id: LotId) -> Result<&mut Lot, Broken> {
        self.touch_lot(id);
        self.state.lots.iter_mut().find(|lot| lot.id == id).ok_or(Broken::NoLot(id))
    }

    fn touch_lot(&mut self, id: LotId) {
        if !self.gathered.touched_lots.contains(&id) {
            self.gathered.touched_lots.push(id);
        }
    }

    fn touch_member(&mut self, member: &MemberId) {
        if !self.gathered.touched_members.contains(member) {
            self.gathered.touched_members.push(member.clone());
        }
    }

    fn touch_job(&mut self, id: JobId) {
        if !self.gathered.touched_jobs.contains(&id) {
            self.gathered.touched_jobs.push(id);
        }
    }
}
