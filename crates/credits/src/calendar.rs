//! Calendar arithmetic: month and year boundaries in UTC, local dates in a workspace's zone.
//!
//! Pure functions of their arguments. Boundaries are always counted from the anchor, never from the boundary before,
//! so that an anchor on the 31st comes back to the 31st (X18). Only local dates know zones.

use chrono::{DateTime, Datelike, Days, MappedLocalTime, Months, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};
use reeve_types::Millis;

/// The length of a billing period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// From one monthly anniversary to the next.
    Month,
    /// From one yearly anniversary to the next.
    Year,
}

impl Period {
    const fn months(self) -> u32 {
        match self {
            Self::Month => 1,
            Self::Year => 12,
        }
    }
}

/// One period between two boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeriodAt {
    /// Counts from 0, the one that starts at the anchor.
    pub n: u32,
    /// The first instant that is in it.
    pub start: Millis,
    /// The first instant that is no longer in it.
    pub end: Millis,
}

/// The `n`-th boundary: the anchor plus `n` periods, the day clamped to the month's last, in UTC (X18).
///
/// Beyond the calendar's years it stays at the last instant there is.
pub fn boundary(anchor: Millis, period: Period, n: u32) -> Millis {
    let later = period
        .months()
        .checked_mul(n)
        .and_then(|months| anchor.to_utc().checked_add_months(Months::new(months)));
    Millis::from_utc(later.unwrap_or(DateTime::<Utc>::MAX_UTC))
}

/// The period that `t` lies in; the first one for an instant before the anchor.
pub fn period_at(anchor: Millis, period: Period, t: Millis) -> PeriodAt {
    let (from, to) = (anchor.to_utc(), t.to_utc());
    let months = i64::from(to.year() - from.year()) * 12 + i64::from(to.month()) - i64::from(from.month());
    // The difference of the months' numbers is right, or one too many: the day may not be reached yet.
    let guess = u32::try_from(months.max(0) / i64::from(period.months())).unwrap_or(0);
    let n = if boundary(anchor, period, guess) > t { guess.saturating_sub(1) } else { guess };
    PeriodAt { n, start: boundary(anchor, period, n), end: boundary(anchor, period, n.saturating_add(1)) }
}

/// The first instant of the calendar month in UTC that `t` lies in.
pub fn month_start(t: Millis) -> Millis {
    let date = t.to_utc().date_naive();
    let first = date.with_day(1).unwrap_or(date);
    Millis::from_utc(first.and_time(NaiveTime::MIN).and_utc())
}

/// The first local date after `date` that the zone has, and its first instant. `None` at the end of the calendar.
pub fn next_date(date: NaiveDate, tz: Tz) -> Option<(NaiveDate, Millis)> {
    // No zone ever skipped more than one date in a row; a week is a bound, not a guess.
    (1..=7).find_map(|days| {
        let next = date.checked_add_days(Days::new(days))?;
        Some((next, day_start(next, tz)?))
    })
}

/// The local date at `t`: the latest whose first instant is not after `t`.
///
/// Where a clock is set back across midnight, the wall shows yesterday once more; the date does not go back with it,
/// or that day would be granted twice (KR-04).
pub fn local_date(t: Millis, tz: Tz) -> NaiveDate {
    let shown = t.to_utc().with_timezone(&tz).date_naive();
    match shown.succ_opt() {
        Some(next) if day_start(next, tz).is_some_and(|start| start <= t) => next,
        _ => shown,
    }
}

/// The first instant of a local date; `None` for a date that the zone skips (KR-04).
///
/// Where the clock jumps over midnight, the day starts after the jump, at 01:00 for example.
pub fn day_start(date: NaiveDate, tz: Tz) -> Option<Millis> {
    let midnight = date.and_time(NaiveTime::MIN);
    let start = match tz.from_local_datetime(&midnight) {
        MappedLocalTime::Single(start) => start,
        // Midnight comes twice: the day starts with the first.
        MappedLocalTime::Ambiguous(first, _) => first,
        MappedLocalTime::None => GapInfo::new(&midnight, &tz)?.end?,
    };
    (start.date_naive() == date).then(|| Millis::from_utc(start.to_utc()))
}

/// The next local date after the one at `t`, and its first instant: where today's lots end and tomorrow's begin.
///
/// Skipped dates are passed over. `None` only at the end of the calendar.
pub fn next_day_boundary(t: Millis, tz: Tz) -> Option<(NaiveDate, Millis)> {
    next_date(local_date(t, tz), tz)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Millis {
        Millis::from_utc(text.parse::<DateTime<Utc>>().unwrap())
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn days_in(year: i32, month: u32) -> u32 {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    #[test]
    fn x18_a_month_end_clamps_and_comes_back() {
        let anchor = at("2024-01-31T00:00:00Z");
        let days = ["2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"];
        for (n, day) in (1..).zip(days) {
            assert_eq!(boundary(anchor, Period::Month, n), at(&format!("{day}T00:00:00Z")));
        }
        assert_eq!(boundary(anchor, Period::Month, 13), at("2025-02-28T00:00:00Z"));
    }

    #[test]
    fn x18_a_leap_day_clamps_and_comes_back() {
        let anchor = at("2024-02-29T12:34:56.789Z");
        let days = ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"];
        for (n, day) in (1..).zip(days) {
            assert_eq!(boundary(anchor, Period::Year, n), at(&format!("{day}T12:34:56.789Z")));
        }
    }

    #[test]
    fn x18_all_anchors_28_to_31_over_48_months() {
        for start_year in [2023, 2024] {
            for start_month in 1..=12_u32 {
                for day in 28..=31_u32.min(days_in(start_year, start_month)) {
                    let anchor = at(&format!("{start_year}-{start_month:02}-{day:02}T23:59:59.999Z"));
                    for n in 0..=48_u32 {
                        let months = start_month - 1 + n;
                        let (year, month) =
                            (start_year + i32::try_from(months / 12).unwrap(), months % 12 + 1);
                        let day = day.min(days_in(year, month));
                        let expected = at(&format!("{year}-{month:02}-{day:02}T23:59:59.999Z"));
                        assert_eq!(boundary(anchor, Period::Month, n), expected, "{anchor} + {n}");
                        let period = period_at(anchor, Period::Month, expected);
                        assert_eq!((period.n, period.start), (n, expected), "{anchor} + {n}");
                        let before = period_at(anchor, Period::Month, expected.plus_ms(-1));
                        assert_eq!(before.n, n.saturating_sub(1), "{anchor} + {n}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_instant_before_the_anchor_lies_in_the_first_period() {
        let anchor = at("2024-05-10T00:00:00Z");
        assert_eq!(period_at(anchor, Period::Year, at("2020-01-01T00:00:00Z")).n, 0);
    }

    #[test]
    fn boundaries_beyond_the_calendar_stay_at_its_end() {
        let end = boundary(at("2024-01-31T00:00:00Z"), Period::Year, u32::MAX);
        assert_eq!(end, boundary(at("2024-01-31T00:00:00Z"), Period::Month, u32::MAX));
    }

    #[test]
    fn kr_04_a_day_without_midnight_starts_at_one() {
        let cairo = chrono_tz::Africa::Cairo;
        let start = day_start(date("2024-04-26"), cairo).unwrap();
        assert_eq!(start.to_utc().with_timezone(&cairo).to_rfc3339(), "2024-04-26T01:00:00+03:00");
    }

    #[test]
    fn kr_04_a_skipped_date_has_no_start() {
        let apia = chrono_tz::Pacific::Apia;
        assert_eq!(day_start(date("2011-12-30"), apia), None);
        let last = day_start(date("2011-12-29"), apia).unwrap();
        assert_eq!(next_day_boundary(last, apia).unwrap().0, date("2011-12-31"));
    }

    #[test]
    fn kr_04_a_clock_set_back_across_midnight_does_not_repeat_a_day() {
        // Until 2011 this zone changed at 00:01: the wall went back to 23:01 of the day before.
        let zone = chrono_tz::America::St_Johns;
        let start = day_start(date("2010-11-07"), zone).unwrap();
        let shown_again = start.plus_ms(2 * 60_000);
        assert_eq!(shown_again.to_utc().with_timezone(&zone).date_naive(), date("2010-11-06"));
        assert_eq!(local_date(shown_again, zone), date("2010-11-07"));
    }

    #[test]
    fn kr_04_short_and_long_days_are_one_day() {
        let berlin = chrono_tz::Europe::Berlin;
        for (day, hours) in [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)] {
            let start = day_start(date(day), berlin).unwrap();
            assert_eq!(next_day_boundary(start, berlin).unwrap().1.since(start), hours * 3_600_000, "{day}");
        }
    }

    /// Over every zone there is: the boundaries cut time into days without gap or overlap, one for each date that the
    /// zone's wall ever shows.
    #[test]
    fn kr_04_every_zone_has_one_boundary_per_local_date_over_two_years() {
        let (from, to) = (at("2025-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        for tz in chrono_tz::TZ_VARIANTS {
            let mut today = local_date(from, tz);
            let mut t = from;
            while t < to {
                let (next, start) = next_day_boundary(t, tz).unwrap();
                assert_eq!(next, today.succ_opt().unwrap(), "{tz}: a date is missing");
                assert!(start > t, "{tz} {next}");
                let length_h = start.since(t) / 3_600_000;
                assert!(t == from || (22..=26).contains(&length_h), "{tz} {today}: {length_h} h");
                assert_eq!(local_date(start.plus_ms(-1), tz), today, "{tz}");
                assert_eq!(local_date(start, tz), next, "{tz}");
                (today, t) = (next, start);
            }
        }
    }

    proptest! {
        #[test]
        fn x18_periods_cover_time_without_gap(anchor in 0_i64..4_000_000_000_000, after in 0_i64..400_000_000_000, year: bool) {
            let period = if year { Period::Year } else { Period::Month };
            let (anchor, t) = (Millis::from_millis(anchor), Millis::from_millis(anchor + after));
            let found = period_at(anchor, period, t);
            prop_assert!(found.start <= t && t < found.end);
            prop_assert_eq!(found.end, boundary(anchor, period, found.n + 1));
        }

        #[test]
        fn calendar_never_panics(t: i64, n: u32, zone in 0..chrono_tz::TZ_VARIANTS.len()) {
            let (t, tz) = (Millis::from_millis(t), chrono_tz::TZ_VARIANTS[zone]);
            boundary(t, Period::Month, n);
            period_at(t, Period::Year, Millis::from_millis(i64::from(n)));
            local_date(t, tz);
            next_day_boundary(t, tz);
        }
    }
}
