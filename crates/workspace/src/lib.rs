//! The heart: what a workspace is, what may be asked of it, and what then happens to its credits and jobs.
//!
//! Pure and synchronous. [`execute`] takes state, a command and a [`World`] (time, policy, limits) and
//! answers with a reply or a refusal, the records to commit and the effects to perform once they are
//! durable. The actors are a thin shell around it; the store writes the records; nobody else decides.
//!
//! Credits and jobs move in one change: whatever closes a job also closes its hold.
#![deny(missing_docs)]

mod apply;
mod billing;
mod book;
#[cfg(feature = "broken")]
pub mod broken;
#[cfg(not(feature = "broken"))]
mod broken;
mod calendar;
mod claim;
mod command;
mod decide;
mod effect;
mod event;
mod execute;
pub mod invariants;
mod ledger;
mod look;
mod member;
mod profile;
mod purchase;
mod record;
mod refusal;
mod state;

pub use billing::{
    Billing, BillingEvent, Change, Followed, InvoiceTold, Life, Stand, SubscriptionTold, Told,
};
pub use book::{Book, Promotion, Shelf, Version};
pub use calendar::forecast::{NextChange, NextCredit, next_change, state_at};
pub use claim::Claim;
pub use command::{
    Adjust, AdjustedJob, Cancel, CancelMany, Command, Complete, Create, Fail, Import, ImportedLot, Lapse,
    LeaseJob, LimitMember, Meta, MoveCatalog, Purchase, Reconfigure, Refer, RefundKind, RefundPurchase,
    RefundSubscription, Renew, SetAddon, Submit, Subscribe, UploadOutput,
};
pub use decide::refund::RefundProposal;
pub use decide::{Defaults, TierRules, World, refuse_quote};
pub use effect::{Effect, QueueEntry};
pub use event::{Dated, Event, Notice, Settle};
pub use execute::{CancelledMany, Executed, Reply, execute, may_claim};
pub use ledger::{Chain, Hash, Kind, Row, fold, genesis, hash_row};
pub use look::{Quoted, price, refund_proposal};
pub use member::{Member, MemberLimit, MemberWindow, SeatUse, Tallies};
pub use profile::{
    Acting, Closed, Crossing, Cycle, Day, Owner, PastDue, Phase, Profile, Reported, Scheduled,
    ScheduledChange, Standing, Subscribed, Units, WorkspaceStatus,
};
pub use purchase::{Disputed, PurchaseRow, PurchaseStatus};
pub use record::{Answer, JobIntro, JobState, OutboxRow, Records, SettledOutput, WorkspaceRow};
pub use refusal::{Finding, Refusal, Remedy, WayOut};
pub use state::{LiveJob, State};
