//! The tiered fair queue: which job a free slot gets.
//!
//! Pure and deterministic: integers only, time is an argument, the same calls give the same answers. The
//! dispatcher actor is its shell and the simulator its other caller; both run this code and no copy.
//!
//! # Words
//!
//! A *pool* is a class of workers. A *lane* is one workspace's jobs of one pool, ordered by (the job's
//! own priority, sequence). A lane is *eligible* when it has a ready job and its workspace is neither
//! paused nor at its cap; what is not eligible is not in the sets that are searched, so nobody blocks
//! anybody. A dispatch *charges* the job's estimated slot-milliseconds with the lane's debt; closing the
//! job settles the difference to what it took into that debt.
//!
//! # One dispatch ([`FairQueue::take`])
//!
//! 1. *Floor*: of the tiers owed at least their head's charge, the one owed most.
//! 2. *Express*: else a tier with an express share whose running jobs do not fill it.
//! 3. *Weighted*: else the tier whose best lane has the smallest shared start tag.
//!
//! Steps 1 and 2 order a tier's lanes by finish tags of the tier's own virtual time, step 3 by start tags
//! of the shared one; each charges its own tag only. With one tag for both, service by floors and express
//! would push a lane far ahead of the shared time, and newcomers would lock it out.
//!
//! # What holds
//!
//! The laws P1 to P10 of the scheduler's design, each a property test in `laws/` with its number. Costs
//! are O(log n + T) for each call, n lanes and T tiers; only [`FairQueue::reconfigure`], a tier change and
//! [`FairQueue::sync`] walk jobs (all, or those of the workspace).
//!
//! A call that cannot be right (an unknown pool, a job known already) is a [`Misuse`] and changes
//! nothing; a late one (finishing a job that is not running) answers false, since the rows are the truth
//! and messages may overtake each other.
#![deny(missing_docs)]

mod arena;
mod broken;
mod contest;
mod eligible;
mod enqueue;
mod entry;
mod fenwick;
mod finish;
mod give_back;
mod lane;
mod latest;
mod order;
mod places;
mod pool;
mod position;
mod queue;
mod ready;
mod reconfigure;
mod reservation;
mod settings;
mod stats;
mod sync;
mod take;
mod work;
mod workspace;

#[cfg(test)]
mod laws;

pub use entry::{
    Entry, Gate, GateReason, GiveBack, Misuse, Position, Sequence, Step, Taken, Ticket, WaitingFor,
    WorkspaceFacts, WorkspaceKey,
};
pub use queue::FairQueue;
pub use settings::{
    POOLS_MAX, PoolIndex, PoolSettings, Settings, SettingsError, TIERS_MAX, TierIndex, TierSettings,
    WEIGHT_MAX,
};
pub use stats::{PoolStats, TierStats};
