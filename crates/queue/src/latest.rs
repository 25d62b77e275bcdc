//! When the latest of a lane's ready jobs was admitted, as far as four bytes can say it.
//!
//! A job admitted after it joins at the end of the list, and who stands there need not be looked at: in
//! a queue of a million that is a miss in the cache for each job that comes.

use reeve_types::Millis;

use crate::arena::Node;

/// The second of the latest admission, or a later one.
///
/// A second is exact enough: of jobs that come faster than that the last one is still in the cache.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latest(u32);

/// Says nothing: a job has a lower priority than most, or an instant outside the seconds of this type.
const UNKNOWN: u32 = u32::MAX;

impl Latest {
    /// Of no jobs.
    pub(crate) const NOBODY: Self = Self(0);

    /// True when a job certainly comes after all the others.
    pub(crate) fn is_before(self, node: &Node) -> bool {
        let second = second(node.admitted_at);
        node.priority <= 0 && second != UNKNOWN && second > self.0
    }

    /// The same with one more job.
    pub(crate) fn with(self, node: &Node) -> Self {
        let second = if node.priority < 0 { UNKNOWN } else { second(node.admitted_at) };
        Self(self.0.max(second))
    }
}

fn second(admitted_at: Millis) -> u32 {
    u32::try_from(admitted_at.value().div_euclid(1_000)).unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::waiting;
    use proptest::prelude::*;
    use std::cmp::Reverse;

    proptest! {
        #[test]
        fn a_job_said_to_come_last_comes_last(
            jobs in prop::collection::vec((-1_i32..2, -2_000_i64..9_000), 1..8),
            priority in -1_i32..2,
            admitted_at in -2_000_i64..12_000,
        ) {
            let known = jobs.iter().map(|(priority, at)| waiting(*priority, *at, 0));
            let latest = known.fold(Latest::NOBODY, |latest, node| latest.with(&node));
            if latest.is_before(&waiting(priority, admitted_at, 0)) {
                let last = jobs.iter().map(|(priority, at)| (Reverse(*priority), *at)).max();
                prop_assert!(last < Some((Reverse(priority), admitted_at)));
            }
        }
    }

    #[test]
    fn a_usual_job_of_a_later_second_is_known_to_come_last() {
        let latest = Latest::NOBODY.with(&waiting(0, 5_000, 0)).with(&waiting(3, 4_000, 0));
        assert!(latest.is_before(&waiting(0, 6_000, 0)));
        assert!(!latest.is_before(&waiting(0, 5_999, 0)), "the same second");
        assert!(!latest.is_before(&waiting(1, 6_000, 0)), "ahead of those without a priority");
    }
}
