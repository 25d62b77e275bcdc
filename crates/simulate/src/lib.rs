//! A discrete-event simulator around the server's own queue: which waits a load has on a fleet, before
//! either exists.
//!
//! A load is described (tiers, workspaces, arrivals, lengths, workers, failures) or recorded. It runs under
//! [`FairQueue`](reeve_queue::FairQueue), the code that the server dispatches with and no copy of it, or
//! under models of other policies for comparison. The `reeve simulate` command is the caller; it reads and
//! writes the files.
//!
//! # What holds
//!
//! The same load and seed give the same result, byte by byte. Jobs are conserved: what arrived is finished,
//! failed, cancelled, refused, waiting or running. Caps and slots are never exceeded and no slot is free
//! while an eligible job waits; each is a property test.
//!
//! # What is not modelled
//!
//! The time between a job becoming eligible and its worker having it (milliseconds in the server) is 0, and
//! so are pauses and priorities inside a workspace.

mod arrivals;
mod base;
mod check;
mod compare;
mod description;
mod dice;
mod engine;
mod load;
mod measure;
pub mod picture;
mod policy;
mod recorded;
mod refusal;
mod report;
mod resolve;
mod sweep;
pub mod table;

#[cfg(test)]
mod laws;

pub use base::{Base, BaseLeases, BaseQueue, BaseRetry, BaseTier};
pub use compare::compare;
pub use description::Description;
pub use engine::{JobRecord, Outcome, Stage, run};
pub use load::{Arrival, Load};
pub use measure::Waits;
pub use policy::PolicyKind;
pub use recorded::pack;
pub use refusal::{Bug, Refusal};
pub use report::{Counts, Point, Report, TierReport};
pub use sweep::{Sweep, SweepRow};
