//! The dispatcher: one actor around the fair queue, for all pools.
//!
//! It never decides about credits and never trusts itself over the rows. A dispatch has two phases:
//! `take` reserves, the workspace commits the lease, then the reservation is confirmed or given back.

mod actor;
mod delivery;
pub(crate) mod hints;
mod message;
mod request;
mod view;

pub(crate) use actor::DispatcherActor;
pub(crate) use message::{
    ClockMoved, Facts, Lease, LeaseDecided, Look, Pools, Recover, Withdraw, WithdrawAll,
};
pub use view::{PoolView, QueueView, TierView, WorkerSession};
