//! When leases lapse: process-local, on a monotonic clock that the caller reads.
//!
//! The rows know who holds a lease; only this table knows how long it still lives, so that a restart
//! gives every lease one full period and a stopped machine lapses nothing on wake-up.
//! Used by the lease ticker of `actors`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use reeve_types::{JobId, LeaseId};
use rustc_hash::FxHashMap;

use crate::limits::LeaseSettings;
use crate::verdict::LapseCause;

/// A lease that should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The lease that is due.
    pub lease: LeaseId,
    /// Why it is.
    pub cause: LapseCause,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    attempt: u32,
    /// Heard of since it was granted.
    acknowledged: bool,
    lapse_at_ms: u64,
    run_deadline_ms: u64,
    /// Told to stop at the next sign of life.
    cancel: bool,
    /// No sign of life is expected: the provider's answer is awaited.
    unknown: bool,
}

impl Entry {
    fn due_at_ms(&self) -> u64 {
        if self.unknown { u64::MAX } else { self.lapse_at_ms.min(self.run_deadline_ms) }
    }
}

/// All live leases of this process, by job. Times are milliseconds on one monotonic clock.
#[derive(Debug, Default)]
pub struct LeaseTable {
    settings: LeaseSettings,
    entries: FxHashMap<JobId, Entry>,
    /// Candidates, earliest first; a renewed lease leaves a stale one behind, dropped when it comes up.
    queue: BinaryHeap<Reverse<(u64, JobId, u32)>>,
}

impl LeaseTable {
    /// An empty table.
    pub fn new(settings: LeaseSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// A lease was granted now; it must be heard of within the acknowledge time.
    pub fn grant(&mut self, lease: LeaseId, run_ms: u64, now_ms: u64) {
        self.insert(lease, run_ms, now_ms, self.settings.lease_ack_ms.min(self.settings.lease_ms), false);
    }

    /// A stored lease after a restart: one full period, and no attempt is spared if it stays silent.
    pub fn restore(&mut self, lease: LeaseId, run_ms: u64, now_ms: u64) {
        self.insert(lease, run_ms, now_ms, self.settings.lease_ms, true);
    }

    fn insert(&mut self, lease: LeaseId, run_ms: u64, now_ms: u64, first_ms: u64, acknowledged: bool) {
        let entry = Entry {
            attempt: lease.attempt,
            acknowledged,
            lapse_at_ms: now_ms.saturating_add(first_ms),
            run_deadline_ms: now_ms.saturating_add(run_ms),
            cancel: false,
            unknown: false,
        };
        self.queue.push(Reverse((entry.due_at_ms(), lease.job, lease.attempt)));
        self.entries.insert(lease.job, entry);
    }

    /// A sign of life. `None` when the lease is not live; else whether it should stop.
    pub fn renew(&mut self, lease: LeaseId, now_ms: u64) -> Option<bool> {
        let lease_ms = self.settings.lease_ms;
        let entry = self.entries.get_mut(&lease.job).filter(|entry| entry.attempt == lease.attempt)?;
        entry.acknowledged = true;
        entry.lapse_at_ms = now_ms.saturating_add(lease_ms);
        Some(entry.cancel)
    }

    /// True while the lease is live.
    pub fn is_live(&self, lease: LeaseId) -> bool {
        self.entries.get(&lease.job).is_some_and(|entry| entry.attempt == lease.attempt)
    }

    /// The worker shall be told to stop.
    pub fn cancel(&mut self, lease: LeaseId) {
        if let Some(entry) = self.entries.get_mut(&lease.job).filter(|entry| entry.attempt == lease.attempt) {
            entry.cancel = true;
        }
    }

    /// No heartbeats are expected any more: the job's own deadline decides.
    pub fn await_fate(&mut self, lease: LeaseId) {
        if let Some(entry) = self.entries.get_mut(&lease.job).filter(|entry| entry.attempt == lease.attempt) {
            entry.unknown = true;
        }
    }

    /// The lease ended.
    pub fn end(&mut self, lease: LeaseId) {
        if self.is_live(lease) {
            self.entries.remove(&lease.job);
        }
    }

    /// Gives every lease `ms` more: time in which nobody could have been heard (a stopped machine, a journal that cannot commit).
    pub fn extend_all(&mut self, ms: u64) {
        for entry in self.entries.values_mut() {
            entry.lapse_at_ms = entry.lapse_at_ms.saturating_add(ms);
        }
    }

    /// Up to `count_max` leases that are due at `now_ms`. Each is proposed again after a lease period
    /// unless it ends, because a proposal may be lost.
    pub fn due(&mut self, now_ms: u64, count_max: usize) -> Vec<Due> {
        let mut due = Vec::new();
        while due.len() < count_max {
            let Some(&Reverse((at_ms, job, attempt))) = self.queue.peek() else { break };
            if at_ms > now_ms {
                break;
            }
            self.queue.pop();
            let Some(entry) = self.entries.get_mut(&job).filter(|entry| entry.attempt == attempt) else {
                continue;
            };
            let due_at_ms = entry.due_at_ms();
            if due_at_ms <= now_ms {
                due.push(Due { lease: LeaseId { job, attempt }, cause: cause(entry, now_ms) });
                entry.lapse_at_ms = now_ms.saturating_add(self.settings.lease_ms);
                self.queue.push(Reverse((entry.lapse_at_ms, job, attempt)));
            } else if due_at_ms < u64::MAX {
                self.queue.push(Reverse((due_at_ms, job, attempt)));
            }
        }
        due
    }

    /// Milliseconds until the lease lapses if nothing is heard; `None` when it is not live.
    pub fn remaining_ms(&self, lease: LeaseId, now_ms: u64) -> Option<u64> {
        let entry = self.entries.get(&lease.job).filter(|entry| entry.attempt == lease.attempt)?;
        Some(entry.lapse_at_ms.saturating_sub(now_ms))
    }

    /// Leases that lapse within `within_ms` unless they are heard of; those whose fate is awaited are none of them.
    pub fn expiring(&self, now_ms: u64, within_ms: u64) -> usize {
        let until_ms = now_ms.saturating_add(within_ms);
        self.entries.values().filter(|entry| !entry.unknown && entry.lapse_at_ms <= until_ms).count()
    }

    /// Live leases.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when nothing is leased.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn cause(entry: &Entry, now_ms: u64) -> LapseCause {
    if entry.run_deadline_ms <= now_ms {
        LapseCause::RunTimeout
    } else if entry.acknowledged {
        LapseCause::Silent
    } else {
        LapseCause::Unacknowledged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reeve_types::Millis;

    const LEASE: LeaseId = LeaseId { job: JobId::from_parts(Millis::from_millis(1), 1), attempt: 1 };

    fn table() -> LeaseTable {
        LeaseTable::new(LeaseSettings { lease_ms: 30, heartbeat_ms: 10, lease_ack_ms: 20 })
    }

    fn causes(table: &mut LeaseTable, now_ms: u64) -> Vec<LapseCause> {
        table.due(now_ms, 10).into_iter().map(|due| due.cause).collect()
    }

    #[test]
    fn a_lease_never_heard_of_goes_back_unacknowledged() {
        let mut table = table();
        table.grant(LEASE, 1_000, 0);
        assert_eq!(causes(&mut table, 19), []);
        assert_eq!(causes(&mut table, 20), [LapseCause::Unacknowledged]);
    }

    #[test]
    fn a_heartbeat_renews_for_a_whole_period() {
        let mut table = table();
        table.grant(LEASE, 1_000, 0);
        assert_eq!(table.renew(LEASE, 19), Some(false));
        assert_eq!(causes(&mut table, 48), []);
        assert_eq!(causes(&mut table, 49), [LapseCause::Silent]);
    }

    #[test]
    fn heartbeats_do_not_save_a_job_that_runs_too_long() {
        let mut table = table();
        table.grant(LEASE, 50, 0);
        for now in [15, 30, 45] {
            table.renew(LEASE, now);
            assert_eq!(causes(&mut table, now), []);
        }
        assert_eq!(causes(&mut table, 50), [LapseCause::RunTimeout]);
    }

    #[test]
    fn an_ended_or_older_lease_is_not_renewed() {
        let mut table = table();
        table.grant(LEASE, 1_000, 0);
        assert_eq!(table.renew(LeaseId { attempt: 2, ..LEASE }, 1), None);
        table.end(LEASE);
        assert_eq!(table.renew(LEASE, 1), None);
        assert_eq!(causes(&mut table, 1_000), []);
    }

    #[test]
    fn a_restored_lease_has_one_full_period() {
        let mut table = table();
        table.restore(LEASE, 1_000, 100);
        assert_eq!(causes(&mut table, 129), []);
        assert_eq!(causes(&mut table, 130), [LapseCause::Silent]);
    }

    #[test]
    fn a_lost_proposal_is_made_again() {
        let mut table = table();
        table.grant(LEASE, 1_000, 0);
        assert_eq!(causes(&mut table, 20).len(), 1);
        assert_eq!(causes(&mut table, 49), []);
        assert_eq!(causes(&mut table, 50).len(), 1);
    }

    #[test]
    fn time_nobody_could_be_heard_in_does_not_count() {
        let mut table = table();
        table.restore(LEASE, 10_000, 0);
        table.extend_all(500);
        assert_eq!(causes(&mut table, 529), []);
        assert_eq!(causes(&mut table, 530), [LapseCause::Silent]);
    }

    #[test]
    fn a_lease_expires_soon_once_it_missed_its_heartbeats() {
        let mut table = table();
        table.restore(LEASE, 10_000, 0);
        assert_eq!((table.expiring(19, 10), table.expiring(20, 10)), (0, 1));
        table.renew(LEASE, 25);
        assert_eq!(table.expiring(30, 10), 0, "it was heard of");
        table.await_fate(LEASE);
        assert_eq!(table.expiring(60, 10), 0, "nobody waits for a heartbeat");
    }

    #[test]
    fn an_unknown_fate_is_not_lapsed_by_silence() {
        let mut table = table();
        table.restore(LEASE, 10_000, 0);
        table.await_fate(LEASE);
        assert_eq!(causes(&mut table, 9_000), []);
    }
}
