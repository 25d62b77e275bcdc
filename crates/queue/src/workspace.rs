//! What the queue keeps of a workspace beside its lanes.

use crate::arena::NIL;
use crate::pool::Block;
use crate::{TierIndex, WorkspaceFacts};

/// What every operation looks at of a workspace: four of them in a cache line.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// False in a free slot.
    pub(crate) is_known: bool,
    pub(crate) tier: TierIndex,
    paused: bool,
    pub(crate) block: Block,
    cap_running: u32,
    /// Reserved or running, over all pools.
    pub(crate) running: u32,
    /// List of its lanes.
    pub(crate) lanes: u32,
}

const _: () = assert!(size_of::<Workspace>() == 16);

impl Workspace {
    /// One without jobs.
    pub(crate) const fn new(facts: WorkspaceFacts) -> Self {
        let WorkspaceFacts { tier, cap_running, paused } = facts;
        Self { is_known: true, tier, paused, block: Block::None, cap_running, running: 0, lanes: NIL }
    }

    /// What was last set.
    pub(crate) const fn facts(&self) -> WorkspaceFacts {
        WorkspaceFacts { tier: self.tier, cap_running: self.cap_running, paused: self.paused }
    }

    /// Another cap, paused or not; the tier is changed with the lanes.
    pub(crate) const fn set_limits(&mut self, facts: WorkspaceFacts) {
        (self.cap_running, self.paused) = (facts.cap_running, facts.paused);
    }

    /// The block that running jobs, cap and pause ask for.
    pub(crate) const fn block_due(&self, is_cap_ignored: bool) -> Block {
        let is_full = self.running >= self.cap_running && !is_cap_ignored;
        match (self.paused, is_full) {
            (true, _) => Block::Paused,
            (false, true) => Block::Limit,
            (false, false) => Block::None,
        }
    }
}
