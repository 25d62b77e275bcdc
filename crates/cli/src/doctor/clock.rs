//! The clock: credits expire and leases lapse by it, so a wrong one is felt by everybody.

use chrono::Datelike as _;
use reeve_types::{Clock as _, Millis};

use super::Finding;
use super::database::Seen;
use crate::system::{self, Mark, SystemClock};

const CHECK: &str = "clock";
/// How long the two clocks of the machine are watched, in milliseconds.
const WATCHED_MS: u64 = 200;
/// The wall clock moved against the steady one: more than a scheduler that took its time.
const JUMP_MS_MAX: i64 = 50;
/// The database's clock is another machine's, and clocks that are kept agree better than that.
const OFFSET_MS_MAX: i64 = 1_000;
/// What is stored may be this far ahead, in milliseconds: machines that took over from each other.
const AHEAD_MS_MAX: i64 = 1_000;
/// No clock that is set shows an earlier year than the one of the first release.
const YEAR_MIN: i32 = 2_026;
/// Rules of time zones change a few times a year; older ones know of none of these changes.
const ZONES_YEARS_MAX: i32 = 2;

pub(super) async fn check(seen: &Seen) -> Vec<Finding> {
    let (mark, before) = (Mark::now(), SystemClock.now());
    system::pause_ms(WATCHED_MS).await;
    let steady_ms = (mark.seconds() * 1_000.0) as i64;
    let now = SystemClock.now();
    let mut findings = vec![wall(now, now.since(before) - steady_ms)];
    findings.extend(seen.clock.and_then(|reading| of_database(reading.offset_ms())));
    findings.extend(seen.newest_at.and_then(|newest| of_store(newest, now)));
    findings.push(zones(chrono_tz::IANA_TZDB_VERSION, now));
    findings
}

fn wall(now: Millis, jump_ms: i64) -> Finding {
    if now.to_utc().year() < YEAR_MIN {
        return Finding::failed(
            CHECK,
            format!("it is not set: it shows {now}"),
            "set it, and keep it with NTP",
        );
    }
    if jump_ms.abs() > JUMP_MS_MAX {
        let found = format!("it moved by {jump_ms} ms against the steady clock while it was watched");
        return Finding::warning(CHECK, found, "let NTP slew it instead of setting it");
    }
    Finding::good(CHECK, format!("{now}, and it runs evenly"))
}

fn of_database((offset_ms, half_ms): (i64, i64)) -> Option<Finding> {
    let found =
        format!("the database's clock is {offset_ms} ms ahead of this machine's, give or take {half_ms}");
    Some(if offset_ms.abs() > OFFSET_MS_MAX.saturating_add(half_ms) {
        Finding::warning(CHECK, found, "keep both with NTP")
    } else {
        Finding::good(CHECK, found)
    })
}

/// What is stored was written by a clock that was ahead, unless this one is behind.
fn of_store(newest: Millis, now: Millis) -> Option<Finding> {
    let ahead_ms = newest.since(now);
    (ahead_ms > AHEAD_MS_MAX).then(|| {
        let found = format!("the newest stored instant is {newest}, {} s ahead of this clock", ahead_ms / 1_000);
        let way_out = "until then workspaces stand still: set the clock, unless the store is of a test with a manual one";
        Finding::warning(CHECK, found, way_out)
    })
}

/// A version is a year and a letter, such as 2025b.
fn zones(version: &str, now: Millis) -> Finding {
    let year = version.get(..4).and_then(|year| year.parse::<i32>().ok());
    match year {
        Some(year) if now.to_utc().year() - year > ZONES_YEARS_MAX => Finding::warning(
            "time zones",
            format!("the rules built in are those of {version}"),
            "run a newer version of this program",
        ),
        _ => Finding::good("time zones", format!("the rules of {version} are built in")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn at(text: &str) -> Millis {
        Millis::from_utc(text.parse().unwrap())
    }

    #[test]
    fn a_clock_that_is_unset_or_jumps_is_told() {
        let now = at("2026-06-01T00:00:00Z");
        assert_eq!(wall(now, 3).state, State::Good);
        assert_eq!(wall(now, -400).state, State::Warning);
        assert_eq!(wall(Millis::from_millis(0), 0).state, State::Bad);
    }

    #[test]
    fn another_machines_clock_and_what_is_stored_are_compared() {
        let now = at("2026-06-01T00:00:00Z");
        assert_eq!(of_database((900, 20)).map(|finding| finding.state), Some(State::Good));
        assert_eq!(of_database((-3_000, 20)).map(|finding| finding.state), Some(State::Warning));
        assert_eq!(of_store(now, now.plus_ms(5)), None);
        assert_eq!(of_store(now.plus_ms(60_000), now).map(|finding| finding.state), Some(State::Warning));
    }

    #[test]
    fn old_rules_of_time_zones_are_told() {
        assert_eq!(zones("2025b", at("2026-06-01T00:00:00Z")).state, State::Good);
        assert_eq!(zones("2025b", at("2029-06-01T00:00:00Z")).state, State::Warning);
    }
}
