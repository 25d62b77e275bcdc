//! When a waiting job starts: a measured pace of its tier, and the cap of its own workspace.
//!
//! Integers and no clock: who calls measures. Nothing here looks at jobs one by one.

/// Values that a running figure forgets by half when it has this many.
const SPAN: u64 = 64;
/// Starts that make a pace.
const STARTS_MIN: u64 = 4;

/// How fast one tier of one pool is served while it waits, and how long its jobs take.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    served_seen: u64,
    ended_seen: u64,
    worked_seen_ms: u64,
    was_backlogged: bool,
    starts: u64,
    over_ms: u64,
    ended: u64,
    worked_ms: u64,
}

/// One look at the counters of a tier.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub served: u64,
    pub running: u64,
    pub worked_ms: u64,
    /// Jobs wait that could start, and there are slots at all.
    pub is_backlogged: bool,
}

impl Pace {
    /// Takes in what happened in the last `over_ms`. Time without a backlog says nothing about the pace.
    pub(super) fn measure(&mut self, look: Look, over_ms: u64) {
        let started = look.served.saturating_sub(self.served_seen);
        if self.was_backlogged && look.is_backlogged {
            self.starts += started;
            self.over_ms = self.over_ms.saturating_add(over_ms);
        }
        if self.starts >= SPAN {
            (self.starts, self.over_ms) = (self.starts / 2, self.over_ms / 2);
        }
        // Leases that outlived a restart end without having been served here; they only count as work.
        let ended = look.served.saturating_sub(look.running);
        let worked_ms = look.worked_ms.saturating_sub(self.worked_seen_ms);
        if ended > self.ended_seen {
            self.ended += ended - self.ended_seen;
            self.worked_ms = self.worked_ms.saturating_add(worked_ms);
            self.worked_seen_ms = look.worked_ms;
            self.ended_seen = ended;
        }
        while self.ended >= SPAN {
            (self.ended, self.worked_ms) = (self.ended / 2, self.worked_ms / 2);
        }
        self.served_seen = look.served;
        self.was_backlogged = look.is_backlogged;
    }

    /// Microseconds between two starts while jobs wait. This is the design's mean cost over measured rate: the rate
    /// being starts times mean cost over time, the mean cancels out.
    pub(super) fn interval_us(&self) -> Option<u64> {
        (self.starts >= STARTS_MIN).then(|| self.over_ms.saturating_mul(1_000) / self.starts)
    }

    /// (attempts that ended lately, their slot-milliseconds).
    pub(super) const fn worked(&self) -> (u64, u64) {
        (self.ended, self.worked_ms)
    }
}

/// What is known about the start of one job.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outlook {
    /// Jobs of its tier expected before it.
    pub ahead: u64,
    /// Its rank in its workspace, from 1.
    pub in_workspace: u64,
    pub workspace_running: u64,
    pub workspace_cap: u64,
    pub slots_open: u64,
    /// Running and open.
    pub slots: u64,
    /// The tier's weight among those that wait now, in parts per thousand.
    pub share_permille: u64,
    pub interval_us: Option<u64>,
    pub mean_ms: Option<u64>,
    /// Nine of ten jobs started within so many thousandths of what was foretold.
    pub late_permille: Option<u64>,
}

impl Outlook {
    /// (p50, p90) in milliseconds; `None` when nobody can know.
    pub(super) fn eta_ms(&self) -> Option<(u64, u64)> {
        let turns = (self.ahead + 1).saturating_sub(self.slots_open);
        let turn_ms = if turns == 0 { 0 } else { self.interval_us()?.saturating_mul(turns) / 1_000 };
        // Its own workspace must finish so many first, however fast the tier is.
        let cap = self.workspace_cap.max(1);
        let own = (self.workspace_running + self.in_workspace).saturating_sub(cap);
        let own_ms = if own == 0 { 0 } else { self.mean_ms?.saturating_mul(own) / cap };
        let p50 = turn_ms.max(own_ms);
        // Until it was measured: the spread of a sum of independent waits.
        let guessed = || 1_000 + 1_280 / turns.max(own).isqrt().max(1);
        let late = self.late_permille.unwrap_or_else(guessed).clamp(1_000, 10_000);
        Some((p50, p50.saturating_mul(late) / 1_000))
    }

    fn interval_us(&self) -> Option<u64> {
        let unmeasured = || {
            let part = self.slots.max(1).saturating_mul(self.share_permille.max(1));
            Some(self.mean_ms?.saturating_mul(1_000_000) / part)
        };
        self.interval_us.or_else(unmeasured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(served: u64, running: u64, worked_ms: u64, is_backlogged: bool) -> Look {
        Look { served, running, worked_ms, is_backlogged }
    }

    #[test]
    fn a_pace_is_measured_only_while_jobs_wait() {
        let mut pace = Pace::default();
        pace.measure(look(0, 0, 0, true), 1_000);
        (1..=10).for_each(|n| pace.measure(look(2 * n, 2, 0, true), 1_000));
        assert_eq!(pace.interval_us(), Some(500_000));
        pace.measure(look(20, 2, 0, false), 3_600_000);
        assert_eq!(pace.interval_us(), Some(500_000), "an idle hour says nothing");
        assert_eq!(Pace::default().interval_us(), None);
    }

    #[test]
    fn the_latest_work_counts_most() {
        let mut pace = Pace::default();
        let mut worked = 0;
        for n in 1..=1_000_u64 {
            worked += if n <= 500 { 100 } else { 900 };
            pace.measure(look(n, 0, worked, false), 10);
        }
        let (ended, worked) = pace.worked();
        assert!((850..=900).contains(&(worked / ended)), "{worked} / {ended}");
    }

    #[test]
    fn a_free_slot_is_now_and_a_full_pool_takes_its_turns() {
        let base = Outlook {
            in_workspace: 1,
            workspace_cap: 4,
            slots: 4,
            share_permille: 1_000,
            mean_ms: Some(8_000),
            ..Outlook::default()
        };
        assert_eq!(Outlook { slots_open: 1, ..base }.eta_ms(), Some((0, 0)));
        // 9 ahead and itself, one start each 2 s.
        let (p50, p90) = Outlook { ahead: 9, ..base }.eta_ms().unwrap();
        assert_eq!(p50, 20_000);
        assert!(p90 > p50);
        let half = Outlook { ahead: 9, share_permille: 500, ..base };
        assert_eq!(half.eta_ms().unwrap().0, 40_000);
        let measured = Outlook { interval_us: Some(1_000_000), late_permille: Some(3_000), ..half };
        assert_eq!(measured.eta_ms(), Some((10_000, 30_000)));
        assert_eq!(Outlook { mean_ms: None, ..base }.eta_ms(), None, "nothing has ended yet");
    }

    #[test]
    fn a_workspace_at_its_cap_waits_for_itself() {
        let outlook = Outlook {
            in_workspace: 5,
            ahead: 4,
            workspace_running: 1,
            workspace_cap: 1,
            slots: 100,
            slots_open: 99,
            share_permille: 1_000,
            mean_ms: Some(2_000),
            ..Outlook::default()
        };
        assert_eq!(outlook.eta_ms().unwrap().0, 10_000);
    }
}
