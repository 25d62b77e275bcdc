//! The heart: what a workspace is, what may be asked of it, and what then happens to its credits and jobs.
//!
//! Pure and synchronous. [`execute`] takes state, a command and a [`Ctx`] (time, policy, limits) and
//! answers with a reply or a refusal, the records to commit and the effects to perform once they are
//! durable. The actors are a thin shell around it; the store writes the records; nobody else decides.
//!
//! Credits and jobs move in one change: whatever closes a job also closes its hold.

mod apply;
mod claim;
mod command;
mod decide;
mod effect;
mod event;
mod execute;
pub mod invariants;
mod ledger;
mod record;
mod refusal;
mod state;

pub use claim::Claim;
pub use command::{
    Adjust, AdjustedJob, Cancel, Command, Complete, Create, Fail, Lapse, LeaseJob, Meta, Purchase, Refer,
    Submit, UploadOutput,
};
pub use decide::{Ctx, Defaults, TierRules, refuse_quote};
pub use effect::{Effect, QueueEntry};
pub use event::{Dated, Event, Settle};
pub use execute::{Executed, Reply, execute};
pub use ledger::{Chain, Hash, Kind, Row, fold, genesis, hash_row};
pub use record::{Answer, JobIntro, JobState, OutboxRow, PurchaseRow, Records, SettledOutput, WorkspaceRow};
pub use refusal::{Finding, Refusal, Remedy};
pub use state::{LiveJob, Owner, Profile, State, WorkspaceStatus};
