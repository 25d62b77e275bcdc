//! What decides which job a free slot gets: the real queue, or a model of another policy.

mod model;
mod real;

use crate::load::Load;
use crate::refusal::Bug;

/// Which policy runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyKind {
    /// The server's own code: floors, express, weighted fair queueing.
    Reeve,
    /// The highest tier that has a job; inside a tier the oldest.
    Strict,
    /// The oldest job.
    Fifo,
    /// Strict, but a job rises by one tier for each minute that it waits.
    Aging,
    /// Workspaces in turn, whatever their tier.
    RoundRobin,
    /// Weighted fair queueing over workspaces by their tier's weight, and nothing else.
    Flat,
}

impl PolicyKind {
    /// Every policy, ours last.
    pub const ALL: [Self; 6] =
        [Self::Fifo, Self::Strict, Self::Aging, Self::RoundRobin, Self::Flat, Self::Reeve];

    /// The word for it in reports and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reeve => "reeve",
            Self::Strict => "strict",
            Self::Fifo => "fifo",
            Self::Aging => "aging",
            Self::RoundRobin => "round-robin",
            Self::Flat => "flat",
        }
    }

    /// The policy with that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The policy with nothing queued.
    pub(crate) fn build(self, load: &Load) -> Result<Box<dyn Policy>, Bug> {
        Ok(match self {
            Self::Reeve => Box::new(real::Real::new(load)?),
            Self::Strict | Self::Fifo | Self::Aging | Self::RoundRobin | Self::Flat => {
                Box::new(model::Model::new(self, load))
            }
        })
    }
}

/// A job as policies see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    /// Place in the load's arrivals.
    pub(crate) job: u32,
    pub(crate) workspace: u32,
    pub(crate) pool: u16,
    pub(crate) action: u16,
    pub(crate) declared_ms: Option<u32>,
    pub(crate) admitted_at: u64,
}

/// A queue with caps. Answers of `false` mean that the job was not where the caller thought: a bug.
pub(crate) trait Policy {
    /// A job comes in.
    fn enqueue(&mut self, job: Waiting, now: u64) -> bool;
    /// A queued job is cancelled.
    fn remove(&mut self, job: u32) -> bool;
    /// The job that the next free slot of a pool gets. `slots_open` counts the pool's free slots, this one
    /// included.
    fn take(&mut self, pool: u16, slots_open: u32, now: u64) -> Option<u32>;
    /// A running job ended, so long after it started.
    fn finish(&mut self, job: u32, actual_ms: u64) -> bool;
    /// A running job goes back to its place; it is ready at `until`.
    fn requeue(&mut self, job: u32, actual_ms: u64, until: u64, now: u64) -> bool;
    /// Jobs that went back and are due become ready.
    fn wake(&mut self, now: u64);
    /// When the next job that went back is ready.
    fn next_wake_at(&self) -> Option<u64>;
    /// True when a free slot of the pool would get a job.
    fn is_eligible(&self, pool: u16) -> bool;
    /// Service owed to a tier by its floor, in slot-milliseconds; `None` where there are no floors.
    fn floor_lag_ms(&self, tier: u8) -> Option<u64>;
}
