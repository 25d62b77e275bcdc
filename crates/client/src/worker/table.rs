//! Which leases a worker holds: the loop's decisions, without time, tasks or network.

use std::collections::BTreeMap;

use reeve_protocol::HeartbeatAnswer;
use reeve_types::{LeaseId, limits};

use super::Stop;

/// The leases of one worker process.
#[derive(Debug)]
pub(super) struct LeaseTable {
    slots: u32,
    entries: BTreeMap<LeaseId, Entry>,
    draining: bool,
    stopping: bool,
}

#[derive(Debug)]
struct Entry {
    heartbeat_ms: u64,
    /// False once the lease is gone while its work still occupies a slot.
    held: bool,
}

impl LeaseTable {
    pub(super) const fn new(slots: u32) -> Self {
        Self { slots, entries: BTreeMap::new(), draining: false, stopping: false }
    }

    /// How many leases to ask for now.
    pub(super) fn wanted(&self) -> u32 {
        if self.draining || self.stopping {
            return 0;
        }
        let busy = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.slots.saturating_sub(busy).min(limits::SLOTS_MAX)
    }

    /// Takes a granted lease. `false`: it is not taken, and goes back because no heartbeat will list it.
    pub(super) fn accept(&mut self, lease: LeaseId, heartbeat_ms: u64) -> bool {
        let full = u32::try_from(self.entries.len()).map_or(true, |busy| busy >= self.slots);
        if self.stopping || full || self.entries.contains_key(&lease) {
            return false;
        }
        self.entries.insert(lease, Entry { heartbeat_ms: heartbeat_ms.max(1), held: true });
        true
    }

    /// What a heartbeat lists.
    pub(super) fn held(&self) -> Vec<LeaseId> {
        self.entries.iter().filter(|(_, entry)| entry.held).map(|(lease, _)| *lease).collect()
    }

    /// How often to send a heartbeat: as often as the most impatient lease asks. `None` when there is nothing to say.
    pub(super) fn heartbeat_ms(&self, idle_ms: u64) -> Option<u64> {
        let held = self.entries.values().filter(|entry| entry.held).map(|entry| entry.heartbeat_ms).min();
        // A draining worker without leases asks whether it is still to drain.
        held.or((self.draining && !self.stopping).then_some(idle_ms))
    }

    /// Takes a heartbeat's answer: which work is to stop, and why. Leases that ended meanwhile are passed over.
    pub(super) fn heard(&mut self, answer: &HeartbeatAnswer) -> Vec<(LeaseId, Stop)> {
        self.draining = answer.drain;
        let lost: Vec<LeaseId> = answer.lost.iter().copied().filter(|lease| self.lose(*lease)).collect();
        let cancelled =
            answer.cancel.iter().filter(|lease| self.entries.get(lease).is_some_and(|entry| entry.held));
        cancelled
            .map(|lease| (*lease, Stop::Cancelled))
            .chain(lost.into_iter().map(|lease| (lease, Stop::Lost)))
            .collect()
    }

    /// The lease is gone, or is left alone on purpose; its slot stays busy until the work ends.
    pub(super) fn lose(&mut self, lease: LeaseId) -> bool {
        self.entries.get_mut(&lease).is_some_and(|entry| std::mem::replace(&mut entry.held, false))
    }

    /// The work ended and its slot is free.
    pub(super) fn finish(&mut self, lease: LeaseId) {
        self.entries.remove(&lease);
    }

    /// Takes no more leases, for good.
    pub(super) fn stop(&mut self) {
        self.stopping = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reeve_types::{JobId, Millis};

    fn lease(n: u32) -> LeaseId {
        LeaseId { job: JobId::from_parts(Millis::from_millis(5), u128::from(n)), attempt: 1 }
    }

    fn answer(cancel: &[LeaseId], lost: &[LeaseId], drain: bool) -> HeartbeatAnswer {
        HeartbeatAnswer { renewed: Vec::new(), cancel: cancel.to_vec(), lost: lost.to_vec(), drain }
    }

    #[test]
    fn a_lost_lease_is_not_listed_but_keeps_its_slot_until_the_work_ends() {
        let mut table = LeaseTable::new(2);
        assert!(table.accept(lease(1), 10_000) && table.accept(lease(2), 10_000));
        assert_eq!(table.heard(&answer(&[], &[lease(1)], false)), [(lease(1), Stop::Lost)]);
        assert_eq!((table.held(), table.wanted()), (vec![lease(2)], 0));
        table.finish(lease(1));
        assert_eq!(table.wanted(), 1);
    }

    #[test]
    fn a_cancelled_lease_is_listed_until_it_is_acknowledged() {
        let mut table = LeaseTable::new(2);
        table.accept(lease(1), 10_000);
        assert_eq!(table.heard(&answer(&[lease(1)], &[], false)), [(lease(1), Stop::Cancelled)]);
        assert_eq!(table.held(), [lease(1)]);
    }

    #[test]
    fn an_answer_about_work_that_ended_meanwhile_is_passed_over() {
        let mut table = LeaseTable::new(1);
        table.accept(lease(1), 10_000);
        table.finish(lease(1));
        assert_eq!(table.heard(&answer(&[lease(1)], &[lease(1)], false)), []);
    }

    #[test]
    fn a_draining_worker_asks_for_nothing_until_it_is_released() {
        let mut table = LeaseTable::new(3);
        table.accept(lease(1), 10_000);
        table.heard(&answer(&[], &[], true));
        assert_eq!(table.wanted(), 0);
        table.finish(lease(1));
        assert_eq!(table.heartbeat_ms(700), Some(700), "else it would never hear of its release");
        table.heard(&answer(&[], &[], false));
        assert_eq!((table.wanted(), table.heartbeat_ms(700)), (3, None));
    }

    #[test]
    fn a_stopping_worker_takes_nothing_even_if_it_was_granted() {
        let mut table = LeaseTable::new(3);
        table.stop();
        assert!(!table.accept(lease(1), 10_000));
        assert_eq!((table.wanted(), table.held()), (0, vec![]));
    }

    #[test]
    fn the_most_impatient_lease_sets_the_pace() {
        let mut table = LeaseTable::new(3);
        table.accept(lease(1), 10_000);
        table.accept(lease(2), 300);
        assert_eq!(table.heartbeat_ms(700), Some(300));
        table.lose(lease(2));
        assert_eq!(table.heartbeat_ms(700), Some(10_000));
    }

    proptest! {
        #[test]
        fn it_never_holds_or_asks_for_more_than_its_slots(slots in 1_u32..5, steps in prop::collection::vec((0_u8..5, 0_u32..8), 0..60)) {
            let mut table = LeaseTable::new(slots);
            let mut running = std::collections::BTreeSet::new();
            for (step, n) in steps {
                match step {
                    0 => { if table.accept(lease(n), 1_000) { prop_assert!(running.insert(n), "one lease, twice"); } }
                    1 => { table.finish(lease(n)); running.remove(&n); }
                    2 => { table.heard(&answer(&[], &[lease(n)], false)); }
                    3 => { table.heard(&answer(&[lease(n)], &[], n == 0)); }
                    _ => { table.lose(lease(n)); }
                }
                let busy = u32::try_from(running.len()).unwrap_or(u32::MAX);
                prop_assert!(table.wanted() + busy <= slots);
                prop_assert!(table.held().len() <= running.len());
            }
        }
    }
}
