//! When to try again: a pure function of what happened so far.

/// Exponential back-off with jitter, up to a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The last try starts before this much time has passed since the first.
    pub deadline_ms: u64,
    /// Longest pause after the first try; it doubles with each.
    pub first_ms: u64,
    /// Longest pause ever, unless the server asks for more.
    pub pause_ms_max: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { deadline_ms: 30_000, first_ms: 100, pause_ms_max: 5_000 }
    }
}

impl RetryPolicy {
    /// One try and no more.
    pub const NEVER: Self = Self { deadline_ms: 0, first_ms: 0, pause_ms_max: 0 };

    /// The pause before the next try, in milliseconds; `None` when the deadline would pass.
    ///
    /// `tries` were made in `elapsed_ms`. The pause is between half of the back-off and all of it, by
    /// `jitter_permille`: clients that failed together do not come back together, and none comes back at
    /// once. A server that asks for a longer pause than the deadline allows is not asked early instead.
    pub fn pause_ms(
        self,
        tries: u32,
        elapsed_ms: u64,
        retry_after_ms: Option<u64>,
        jitter_permille: u32,
    ) -> Option<u64> {
        let doubled =
            self.first_ms.saturating_mul(1_u64.checked_shl(tries.saturating_sub(1)).unwrap_or(u64::MAX));
        let longest = doubled.min(self.pause_ms_max);
        let half = longest / 2;
        let jittered = half + (longest - half).saturating_mul(u64::from(jitter_permille.min(1_000))) / 1_000;
        let pause = jittered.max(retry_after_ms.unwrap_or(0));
        (elapsed_ms.saturating_add(pause) < self.deadline_ms).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: RetryPolicy = RetryPolicy { deadline_ms: 10_000, first_ms: 100, pause_ms_max: 2_000 };

    #[test]
    fn pauses_double_up_to_the_longest() {
        let longest: Vec<_> = (1..=7).map(|tries| POLICY.pause_ms(tries, 0, None, 1_000)).collect();
        assert_eq!(longest, [100, 200, 400, 800, 1_600, 2_000, 2_000].map(Some));
        assert_eq!(POLICY.pause_ms(1, 0, None, 0), Some(50));
    }

    #[test]
    fn the_server_may_ask_for_more_but_not_for_less() {
        assert_eq!(POLICY.pause_ms(1, 0, Some(7_000), 0), Some(7_000));
        assert_eq!(POLICY.pause_ms(7, 0, Some(1), 1_000), Some(2_000));
        assert_eq!(POLICY.pause_ms(1, 0, Some(10_000), 0), None);
    }

    #[test]
    fn never_means_one_try() {
        assert_eq!(RetryPolicy::NEVER.pause_ms(1, 0, None, 0), None);
    }

    proptest! {
        #[test]
        fn no_try_starts_after_the_deadline(
            tries in any::<u32>(), elapsed in any::<u64>(), after in prop::option::of(any::<u64>()), jitter in any::<u32>(),
        ) {
            if let Some(pause) = POLICY.pause_ms(tries, elapsed, after, jitter) {
                prop_assert!(elapsed + pause < POLICY.deadline_ms);
                prop_assert!(pause >= after.unwrap_or(0));
            }
        }
    }
}
