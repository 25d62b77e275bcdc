//! The dispatcher: one actor around the fair queue, for all pools.
//!
//! It never decides about credits and never trusts itself over the rows. A dispatch has two phases:
//! `take` reserves, the workspace commits the lease, then the reservation is confirmed or given back.

mod actor;
mod delivery;
mod eta;
mod fairness;
mod gauges;
mod hearing;
pub(crate) mod hints;
mod leasing;
mod message;
mod operate;
mod quantiles;
mod request;
mod rules;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use actor::DispatcherActor;
pub(crate) use delivery::Delivery;
pub use fairness::Jain;
pub(crate) use fairness::WINDOW_MS as JAIN_WINDOW_MS;
#[cfg(test)]
pub(crate) use message::Tamper;
pub(crate) use message::{
    ClockMoved, Facts, Lease, LeaseDecided, Look, PausePool, Pools, Recover, SetRules, Withdraw, WithdrawAll,
    WithdrawWorker,
};
pub use view::{EtaErrors, FinishedJobs, PoolView, QueueView, TierView, Waits, WorkerSession};
