//! When a delivery that failed is tried again: eleven tries over about a day.

use reeve_types::Millis;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// Pauses after each failed try; after the last one the delivery is given up.
const PAUSES_MS: [i64; 10] = [
    5 * SECOND,
    30 * SECOND,
    2 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    8 * HOUR,
    8 * HOUR,
];

/// Longest pause that a receiver may ask for.
const ASKED_MS_MAX: i64 = HOUR;

/// A pause is this much longer at most, in parts of itself: receivers that were down together are not called together.
const JITTER_PART: i64 = 5;

/// When the next try is, or `None` when the delivery is given up.
///
/// `tries` counts the one that just failed; `asked_seconds` is what the receiver said in `Retry-After`; `random` is
/// any number, and spreads the tries.
pub(crate) fn next(now: Millis, tries: u32, asked_seconds: Option<u64>, random: u128) -> Option<Millis> {
    let place = usize::try_from(tries).ok()?.checked_sub(1)?;
    let pause = *PAUSES_MS.get(place)?;
    let spread = i64::try_from(random % 1_024).unwrap_or(0);
    let pause = pause + pause / JITTER_PART * spread / 1_024;
    let asked = asked_seconds.map_or(0, |seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
    let asked = asked.saturating_mul(SECOND).min(ASKED_MS_MAX);
    Some(now.plus_ms(pause.max(asked)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const T0: Millis = Millis::from_millis(0);

    fn pause(tries: u32, asked: Option<u64>, random: u128) -> Option<i64> {
        next(T0, tries, asked, random).map(Millis::value)
    }

    #[test]
    fn eleven_tries_take_about_a_day() {
        let pauses: Vec<i64> = (1..).map_while(|tries| pause(tries, None, 0)).collect();
        assert_eq!(pauses, PAUSES_MS);
        let sum: i64 = pauses.iter().sum();
        assert!((20 * HOUR..28 * HOUR).contains(&sum), "{sum}");
        assert_eq!(pause(11, None, 0), None);
        assert_eq!(pause(u32::MAX, None, 0), None);
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_up_to_an_hour_and_not_for_less() {
        assert_eq!(pause(1, Some(120), 0), Some(120 * SECOND));
        assert_eq!(pause(1, Some(1), 0), Some(5 * SECOND));
        assert_eq!(pause(1, Some(u64::MAX), 0), Some(HOUR));
        assert_eq!(pause(11, Some(5), 0), None, "asking for time is no further try");
    }

    proptest! {
        #[test]
        fn a_pause_is_never_shorter_and_at_most_a_fifth_longer(tries in 1_u32..=10, random: u128) {
            let base = PAUSES_MS[tries as usize - 1];
            let got = pause(tries, None, random).unwrap_or(0);
            prop_assert!((base..=base + base / JITTER_PART).contains(&got), "{got}");
        }
    }
}
