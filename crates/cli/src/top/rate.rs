//! Jobs that end per second, told from the server's counter in successive looks.

use std::collections::VecDeque;

use reeve_protocol::{At, FinishedReport};

/// Looks this old no longer count, in milliseconds: long enough for a calm figure, short enough to follow a change.
const WINDOW_MS: u64 = 10_000;
/// Looks that count however old they are: one difference takes two.
const LOOKS_MIN: usize = 2;

/// The counts of the last seconds.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    since: Option<At>,
    /// (when of this machine's monotonic clock in milliseconds, jobs that had ended by then), oldest first.
    counts: VecDeque<(u64, u64)>,
}

impl Rate {
    /// Takes the counter of the look that was made at `at_ms` of this machine's monotonic clock.
    pub fn fold(&mut self, finished: &FinishedReport, at_ms: u64) {
        let count = finished.worked();
        // A server on a manual clock may start again at the same instant: then the smaller count tells.
        let is_other = self.since.replace(finished.since) != Some(finished.since);
        if is_other || self.counts.back().is_some_and(|(_, last)| *last > count) {
            self.counts.clear();
        }
        self.counts.push_back((at_ms, count));
        let is_old = |(then_ms, _): &(u64, u64)| at_ms.saturating_sub(*then_ms) > WINDOW_MS;
        while self.counts.len() > LOOKS_MIN && self.counts.front().is_some_and(is_old) {
            self.counts.pop_front();
        }
    }

    /// Forgets everything: a mean over an outage is the rate of no second.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Jobs per second that workers brought to an end; `None` before there is a difference.
    pub fn per_second(&self) -> Option<f64> {
        let ((first_ms, first), (last_ms, last)) = (self.counts.front()?, self.counts.back()?);
        let ms = last_ms.checked_sub(*first_ms).filter(|ms| *ms > 0)?;
        Some(last.saturating_sub(*first) as f64 * 1_000.0 / ms as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(since: &str, succeeded: u64, failed: u64) -> FinishedReport {
        FinishedReport { since: since.parse().unwrap(), succeeded, failed, ..FinishedReport::default() }
    }

    const DAY: &str = "2026-03-01T00:00:00.000Z";

    fn rate(counts: &[(u64, u64)]) -> Option<f64> {
        let mut rate = Rate::default();
        counts.iter().for_each(|(at_ms, count)| rate.fold(&finished(DAY, *count, 0), *at_ms));
        rate.per_second()
    }

    #[test]
    fn one_look_is_no_difference() {
        assert_eq!(rate(&[(0, 3)]), None);
    }

    #[test]
    fn what_ended_before_the_first_look_does_not_count() {
        assert_eq!(rate(&[(0, 3_000), (1_000, 3_000)]), Some(0.0));
        assert_eq!(rate(&[(0, 3_000), (1_000, 3_004), (2_000, 3_005)]), Some(2.5));
    }

    #[test]
    fn more_than_any_page_of_jobs_is_counted_exactly() {
        assert_eq!(rate(&[(0, 0), (500, 50_000)]), Some(100_000.0));
    }

    #[test]
    fn old_looks_leave_the_window() {
        assert_eq!(rate(&[(0, 0), (1_000, 400), (30_000, 400)]), Some(0.0));
    }

    #[test]
    fn failed_jobs_are_finished_and_cancelled_ones_are_not() {
        let mut rate = Rate::default();
        rate.fold(&finished(DAY, 0, 0), 0);
        let bulk = FinishedReport { content_filtered: 1, cancelled: 900, expired: 7, ..finished(DAY, 1, 2) };
        rate.fold(&bulk, 1_000);
        assert_eq!(rate.per_second(), Some(4.0));
    }

    #[test]
    fn a_server_that_started_again_begins_anew() {
        for (since, count) in [("2026-03-01T00:10:00.000Z", 60), (DAY, 10)] {
            let mut rate = Rate::default();
            rate.fold(&finished(DAY, 50, 0), 0);
            rate.fold(&finished(since, count, 0), 1_000);
            assert_eq!(rate.per_second(), None, "{since} {count}");
            rate.fold(&finished(since, count + 3, 0), 2_000);
            assert_eq!(rate.per_second(), Some(3.0));
        }
    }
}
