//! A running job ends, or comes back.

use reeve_types::{JobId, Millis};

use crate::arena::State;
use crate::{FairQueue, Gate};

impl FairQueue {
    /// A running job was closed, whatever the outcome, `actual_ms` slot-milliseconds after its lease.
    ///
    /// Settles: what it took beyond its estimate, or less, becomes the lane's debt within +-L_max. False
    /// when the job is not running.
    pub fn finish(&mut self, job: JobId, actual_ms: u64) -> bool {
        let Some(at) = self.stop(job, actual_ms) else { return false };
        let node = self.jobs.get(at);
        let (lane_at, action) = (node.lane, node.action);
        self.pool_of(lane_at).learn(action, actual_ms);
        self.drop_node(at);
        self.update_block(self.lane(lane_at).workspace);
        true
    }

    /// A running attempt was lost or may be retried: the job takes its old place, behind a gate if one is
    /// given. The slot's time is settled as by [`finish`](Self::finish), but an attempt cut short says
    /// nothing about how long its action takes. False when the job is not running.
    pub fn requeue(&mut self, job: JobId, actual_ms: u64, gate: Option<Gate>, now: Millis) -> bool {
        let Some(at) = self.stop(job, actual_ms) else { return false };
        self.admit(at, gate, now);
        self.update_block(self.lane(self.jobs.get(at).lane).workspace);
        true
    }

    /// Takes a job out of the running ones and settles its slot's time; the caller places it, then lets
    /// the workspace's block follow. An answer that overtook its own confirmation confirms.
    fn stop(&mut self, job: JobId, actual_ms: u64) -> Option<u32> {
        let at = self.places.get(job, &self.jobs)?;
        let node = self.jobs.get(at);
        let (lane_at, cost_ms) = (node.lane, node.cost_ms());
        match node.state {
            State::Running => {}
            State::Reserved => drop(self.reservations.remove(&at)),
            State::Free | State::Ready | State::Gated(_) => return None,
        }
        self.approach_seat(lane_at);
        self.unlink_running(at);
        let workspace = self.lane(lane_at).workspace;
        self.workspaces[workspace as usize].running -= 1;
        let actual_ms = i64::try_from(actual_ms).unwrap_or(i64::MAX);
        self.add_debt(lane_at, actual_ms.saturating_sub(i64::from(cost_ms)));
        let tier = self.tier_of(lane_at);
        tier.worked_ms = tier.worked_ms.saturating_add(actual_ms.unsigned_abs());
        Some(at)
    }
}
