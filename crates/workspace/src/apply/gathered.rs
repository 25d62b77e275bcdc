//! What applying events leaves to be written and told.

use std::sync::Arc;

use reeve_types::{JobId, LotId, MemberId, PurchaseId};
use smallvec::SmallVec;

use crate::claim::Claim;
use crate::effect::Effect;
use crate::ledger::Row;
use crate::record::{JobState, OutboxRow};

/// What applying events gathered, to be recorded and told.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub profile_changed: bool,
    pub tallies_changed: bool,
    pub touched_lots: SmallVec<[LotId; 4]>,
    pub admitted: Vec<Arc<crate::record::JobIntro>>,
    pub touched_jobs: SmallVec<[JobId; 2]>,
    /// Jobs closed by this change: their last values, since they leave the state.
    pub closed_jobs: Vec<(JobId, JobState)>,
    pub uploads: Vec<(JobId, u32, reeve_jobs::Upload)>,
    pub touched_purchases: Vec<PurchaseId>,
    pub touched_members: Vec<MemberId>,
    pub claims: Vec<Claim>,
    pub unclaims: Vec<Claim>,
    pub rows: Vec<Row>,
    pub outbox: Vec<OutboxRow>,
    pub effects: Vec<Effect>,
}

impl Gathered {
    /// Adds what one step claims and gives up. The store frees first and claims then, all at once: what this
    /// change claimed in an earlier step and gives up now is never claimed, and nothing is claimed twice.
    pub(crate) fn claim(&mut self, claims: Vec<Claim>, unclaims: Vec<Claim>) {
        for unclaim in unclaims {
            let before = self.claims.len();
            self.claims.retain(|claim| *claim != unclaim);
            if self.claims.len() == before && !self.unclaims.contains(&unclaim) {
                self.unclaims.push(unclaim);
            }
        }
        for claim in claims {
            if !self.claims.contains(&claim) {
                self.claims.push(claim);
            }
        }
    }

    /// True when something has to be written.
    pub(crate) fn has_changed(&self) -> bool {
        self.profile_changed
            || self.tallies_changed
            || !self.rows.is_empty()
            || !self.touched_lots.is_empty()
            || !self.touched_jobs.is_empty()
            || !self.closed_jobs.is_empty()
            || !self.uploads.is_empty()
            || !self.touched_purchases.is_empty()
            || !self.touched_members.is_empty()
            || !self.outbox.is_empty()
            || !self.claims.is_empty()
            || !self.unclaims.is_empty()
    }
}
