//! Jobs that end per second, told from the differences between successive looks.
//!
//! A job ended when it left the list of running jobs, or when it came into the list of ended ones. The first alone
//! would miss jobs shorter than the pause between two looks; the second alone would miss an old job that ends among
//! many newer ones. A job is counted once. When more ended than a look fetches, the rate is a lower bound and says so.

use std::collections::{BTreeSet, VecDeque};

use reeve_types::JobId;

use super::look::{ENDED_MAX, Look};

/// Looks this old no longer count, in milliseconds: long enough for a calm figure, short enough to follow a change.
const WINDOW_MS: u64 = 10_000;
/// Looks that count however old they are: one difference takes two.
const LOOKS_MIN: usize = 2;

/// How many jobs end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throughput {
    pub per_second: f64,
    /// More may have ended than was seen.
    pub at_least: bool,
}

/// The differences of the last seconds.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    last: Option<Seen>,
    steps: VecDeque<Step>,
}

/// What of a look the next one is compared with.
#[derive(Clone, Debug)]
struct Seen {
    running: BTreeSet<JobId>,
    ended: BTreeSet<JobId>,
}

/// What ended up to a look since the one before.
#[derive(Clone, Debug)]
struct Step {
    at_ms: u64,
    ended: BTreeSet<JobId>,
    at_least: bool,
}

impl Rate {
    /// Takes the look that was made at `at_ms` of this machine's monotonic clock.
    pub fn fold(&mut self, look: &Look, at_ms: u64) {
        let seen = Seen {
            running: look.running.iter().map(|job| job.id).collect(),
            ended: look.ended.iter().copied().collect(),
        };
        let step = match &self.last {
            Some(last) => self.step(last, &seen, look.running_more, at_ms),
            None => Step { at_ms, ended: BTreeSet::new(), at_least: false },
        };
        self.last = Some(seen);
        self.steps.push_back(step);
        let old = |step: &Step| at_ms.saturating_sub(step.at_ms) > WINDOW_MS;
        while self.steps.len() > LOOKS_MIN && self.steps.front().is_some_and(old) {
            self.steps.pop_front();
        }
    }

    fn step(&self, last: &Seen, seen: &Seen, running_more: bool, at_ms: u64) -> Step {
        // The lists hold the newest jobs: below the last one of a cut list, absence says nothing.
        let floor = if running_more { seen.running.first() } else { None };
        let left = last
            .running
            .difference(&seen.running)
            .filter(|job| floor.is_none_or(|floor| *job >= floor))
            .copied();
        let came: BTreeSet<JobId> = seen.ended.difference(&last.ended).copied().collect();
        let at_least = came.len() >= ENDED_MAX as usize;
        let counted = |job: &JobId| self.steps.iter().any(|step| step.ended.contains(job));
        let ended = left.chain(came.iter().copied()).filter(|job| !counted(job)).collect();
        Step { at_ms, ended, at_least }
    }

    /// Forgets everything: what ended while nobody looked belongs to no second.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// The present figure; `None` before there is a difference.
    pub fn throughput(&self) -> Option<Throughput> {
        let (first, last) = (self.steps.front()?, self.steps.back()?);
        let ms = last.at_ms.checked_sub(first.at_ms).filter(|ms| *ms > 0)?;
        // The first step ended when the measured time began.
        let counted = || self.steps.iter().skip(1);
        let ended: usize = counted().map(|step| step.ended.len()).sum();
        Some(Throughput {
            per_second: ended as f64 * 1_000.0 / ms as f64,
            at_least: counted().any(|step| step.at_least),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::top::fixture::{job_id, look_of};

    fn rate(looks: &[(u64, &[u32], &[u32])]) -> Option<Throughput> {
        let mut rate = Rate::default();
        for (at_ms, running, ended) in looks {
            rate.fold(&look_of(running, ended), *at_ms);
        }
        rate.throughput()
    }

    fn exactly(per_second: f64) -> Option<Throughput> {
        Some(Throughput { per_second, at_least: false })
    }

    #[test]
    fn one_look_is_no_difference() {
        assert_eq!(rate(&[(0, &[1, 2], &[3])]), None);
    }

    #[test]
    fn what_left_and_what_came_is_counted_once() {
        // 1 left and shows up among the ended, 9 was never seen running.
        assert_eq!(rate(&[(0, &[1, 2], &[]), (1_000, &[2], &[1, 9])]), exactly(2.0));
        // 1 left first and shows up later.
        assert_eq!(rate(&[(0, &[1], &[]), (1_000, &[], &[]), (2_000, &[], &[1])]), exactly(0.5));
    }

    #[test]
    fn what_had_ended_before_the_first_look_does_not_count() {
        assert_eq!(rate(&[(0, &[], &[1, 2, 3]), (1_000, &[], &[1, 2, 3])]), exactly(0.0));
    }

    #[test]
    fn old_looks_leave_the_window() {
        let busy: &[u32] = &[1, 2, 3, 4];
        assert_eq!(rate(&[(0, busy, &[]), (1_000, &[], &[]), (30_000, &[], &[])]), exactly(0.0));
    }

    #[test]
    fn a_full_page_of_new_ends_is_a_lower_bound() {
        let many: Vec<u32> = (0..ENDED_MAX).collect();
        let told = rate(&[(0, &[], &[]), (1_000, &[], &many)]).unwrap();
        assert!(told.at_least);
        assert_eq!(told.per_second, f64::from(ENDED_MAX));
    }

    #[test]
    fn absence_from_a_cut_list_is_no_end() {
        let mut rate = Rate::default();
        rate.fold(&look_of(&[1, 5], &[]), 0);
        let mut cut = look_of(&[6, 5], &[]);
        cut.running_more = true;
        rate.fold(&cut, 1_000);
        assert_eq!(rate.throughput(), exactly(0.0), "{} is only below the page", job_id(1));
    }
}
