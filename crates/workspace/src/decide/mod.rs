//! Decisions: state + command + context in, events or a refusal out. One file per command.
//!
//! Nothing here changes state, reads a clock or draws a random number.

mod addon;
mod adjust;
mod billing;
mod cancel;
mod cancel_many;
mod complete;
pub(crate) mod create;
mod denial;
mod dispute;
mod ended;
mod fail;
pub(crate) mod import;
mod lapse;
mod lease;
mod limit;
mod member;
mod purchase;
mod reconfigure;
mod refer;
pub(crate) mod refund;
mod renew;
mod submit;
mod subscribe;
mod trial;
mod upload;

use std::sync::Arc;

use reeve_credits::catalog::Catalog;
use reeve_credits::hold::Part;
use reeve_jobs::{Closing, RetrySettings, Verdict};
use reeve_types::{Credits, JobId, LeaseId, LotId, Millis, TierName, WorkspaceId};
use sha2::{Digest as _, Sha256};

use crate::book::Shelf;
use crate::claim::Claim;
use crate::command::Command;
use crate::event::{Dated, Event, Settle};
use crate::execute::Subject;
use crate::refusal::Refusal;
use crate::state::{LiveJob, State};

pub use submit::refuse_quote;

/// What the tier of a plan allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierRules {
    /// The tier.
    pub name: TierName,
    /// Jobs of one workspace that may run at once.
    pub running_max: u32,
    /// Jobs of one workspace that may wait.
    pub queued_max: u64,
}

/// Settings of jobs that neither the request nor the catalog sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Longest wait, in milliseconds.
    pub queue_timeout_ms: u64,
    /// Longest run of one attempt, in milliseconds.
    pub run_timeout_ms: u64,
}

/// Everything beside the workspace that a command may depend on; built by the caller for each command.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// Already `max(clock, last event)`.
    pub now: Millis,
    /// The catalogs in all their versions.
    pub shelf: &'a Shelf,
    /// From the lowest tier to the highest.
    pub tiers: &'a [TierRules],
    /// How lost attempts are tried again.
    pub retry: &'a RetrySettings,
    /// Settings of jobs that nobody else sets.
    pub defaults: Defaults,
    /// A random number, for back-off.
    pub jitter: u32,
    /// Claims of this very command that turned out to be taken: decide without them.
    pub taken: &'a [(Claim, WorkspaceId)],
    /// A forecast: nothing is claimed.
    pub dry: bool,
}

/// All that a decision may look at beside state and command: the world, and the catalog in force.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ctx<'a> {
    pub world: &'a World<'a>,
    /// The version that the workspace is on now.
    pub catalog: &'a Catalog,
}

impl<'a> std::ops::Deref for Ctx<'a> {
    type Target = World<'a>;

    fn deref(&self) -> &World<'a> {
        self.world
    }
}

impl World<'_> {
    /// The rules of a tier; the strictest ones for a tier that the settings do not know.
    pub fn tier(&self, name: &TierName) -> Option<&TierRules> {
        self.tiers.iter().find(|tier| tier.name == *name).or(self.tiers.first())
    }

    /// Who took a claim of this command, if anybody.
    pub(crate) fn taken_by(&self, claim: &Claim) -> Option<&WorkspaceId> {
        self.taken.iter().find(|(taken, _)| taken == claim).map(|(_, by)| by)
    }
}

/// What was decided.
#[derive(Debug)]
pub(crate) struct Decision {
    pub events: Vec<Dated>,
    pub claims: Vec<Claim>,
    pub unclaims: Vec<Claim>,
    pub subject: Subject,
}

impl Decision {
    fn about(subject: Subject, at: Millis, events: Vec<Event>) -> Self {
        let events = events.into_iter().map(|event| Dated { at, event }).collect();
        Self { events, claims: Vec::new(), unclaims: Vec::new(), subject }
    }
}

/// Decides a command on an existing workspace, whose due events are folded.
pub(crate) fn decide(state: &State, command: &Command, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    ended::admits(state, command)?;
    match command {
        Command::Create(_) => Err(Refusal::WorkspaceExists { workspace: state.id.clone() }),
        Command::Submit(submit) => submit::decide(state, submit, ctx),
        Command::Lease(lease) => lease::decide(state, lease, ctx),
        Command::Upload(upload) => upload::decide(state, upload, ctx),
        Command::Complete(complete) => complete::decide(state, complete, ctx),
        Command::Fail(fail) => fail::decide(state, fail, ctx),
        Command::Lapse(lapse) => lapse::decide(state, lapse, ctx),
        Command::Cancel(cancel) => cancel::decide(state, cancel, ctx),
        Command::CancelMany(wanted) => Ok(cancel_many::decide(state, wanted, ctx)),
        Command::Close => Ok(ended::close(state, ctx)),
        Command::Erase => ended::erase(state, ctx),
        Command::FinishErase => ended::finish_erase(state, ctx),
        Command::Purchase(purchase) => purchase::decide(state, purchase, ctx),
        Command::ConfirmPurchase { purchase } => purchase::confirm(state, *purchase, ctx),
        Command::FailPurchase { purchase } => purchase::fail(state, *purchase, ctx),
        Command::RefundPurchase(refund) => refund::decide(state, refund, ctx),
        Command::WinDispute { purchase } => dispute::win(state, *purchase, ctx),
        Command::Subscribe(subscribe) => subscribe::decide(state, subscribe, ctx),
        Command::CancelSubscription => subscribe::cancel(state, ctx),
        Command::ResumeSubscription => subscribe::resume(state, ctx),
        Command::RefundSubscription(refund) => refund::subscription(state, refund, ctx),
        Command::Renew(renew) => renew::decide(state, renew, ctx),
        Command::Billing(told) => billing::decide(state, told, ctx),
        Command::StartTrial => trial::decide(state, ctx),
        Command::SetAddon(set) => addon::set(state, set, ctx),
        Command::CancelAddon { addon } => addon::cancel(state, addon, ctx),
        Command::LimitMember(limit) => member::decide(state, limit, ctx),
        Command::Reconfigure(wanted) => reconfigure::decide(state, wanted, ctx),
        Command::MoveCatalog(to) => reconfigure::move_catalog(state, to, ctx),
        Command::Import(_) => Err(Refusal::WorkspaceExists { workspace: state.id.clone() }),
        Command::Refer(refer) => refer::decide(state, refer, ctx),
        Command::Adjust(adjust) => adjust::decide(state, adjust, ctx),
        Command::Wake => Ok(Decision::about(Subject::Nothing, ctx.now, Vec::new())),
    }
}

/// A live job, or the news that only the stored row knows about it.
fn live(state: &State, job: JobId) -> Result<&LiveJob, Refusal> {
    state.jobs.get(&job).map(|live| &**live).ok_or(Refusal::NotLive { job })
}

/// The event of a verdict about a live job.
fn verdict_event(live: &LiveJob, lease: LeaseId, verdict: Verdict) -> Event {
    match verdict {
        Verdict::Requeue(requeue) => Event::Requeued { job: lease.job, attempt: lease.attempt, requeue },
        Verdict::Close(closing) => close(live, closing),
        Verdict::Cancelling => Event::CancelRequested { job: lease.job },
        Verdict::Unknown { until } => Event::FateUnknown { job: lease.job, until },
    }
}

/// A close that charges nothing: the whole hold goes back.
pub(crate) fn close(live: &LiveJob, closing: Closing) -> Event {
    close_settling(live, closing, Vec::new())
}

/// A close that settles some outputs; the rest of the hold goes back. Settles beyond the hold are cut
/// by [`complete`] before they come here, so a hold that cannot be divided settles nothing at all.
fn close_settling(live: &LiveJob, closing: Closing, settles: Vec<(u32, Credits)>) -> Event {
    let amounts: Vec<Credits> = settles.iter().map(|(_, credits)| *credits).collect();
    let job = live.job.spec.id;
    let closing = Box::new(closing);
    match live.hold.divide(&amounts) {
        Some(division) => {
            let settled = settles.into_iter().zip(division.settled);
            let settles =
                settled.map(|((output, credits), parts)| Settle { output, credits, parts }).collect();
            Event::Closed { job, closing, settles, released: division.released }
        }
        None => {
            let released: Vec<Part> = live.hold.parts().iter().rev().copied().collect();
            Event::Closed { job, closing, settles: Vec::new(), released }
        }
    }
}

/// A lease message about a job that is not live or holds another lease.
fn refused(refused: reeve_jobs::Refused) -> Refusal {
    match refused {
        reeve_jobs::Refused::Stale { lease } => Refusal::StaleLease { lease },
        reeve_jobs::Refused::NoSuchOutput { index, .. } => {
            Refusal::invalid(&format!("/outputs/{index}"), refused.to_string())
        }
        reeve_jobs::Refused::Misreport(misreport) => Refusal::invalid("/outputs", misreport.to_string()),
        reeve_jobs::Refused::WrongState { .. } => Refusal::Conflict { detail: refused.to_string() },
    }
}

/// The id of the `n`-th lot of a workspace: derived, so that a replay makes the same one.
pub(crate) fn lot_id(workspace: &WorkspaceId, at: Millis, n: u64) -> LotId {
    let mut sha = Sha256::new();
    sha.update(b"reeve lot 1\n");
    sha.update(workspace.as_str().as_bytes());
    sha.update(n.to_le_bytes());
    let digest: [u8; 32] = sha.finalize().into();
    let low = digest.iter().take(10).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    LotId::from_parts(at, low)
}

/// A text shared by rows.
fn reason(text: &str) -> Option<Arc<str>> {
    Some(text.into())
}
