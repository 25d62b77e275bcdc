//! The calendar on whole workspaces: every anchor, every zone, every order of what falls on one instant.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, Offset, TimeZone, Utc};
use reeve_testkit::life::Life;
use reeve_testkit::plain;
use reeve_testkit::setting::{Setting, shipped, varied};
use reeve_types::{Credits, JobId, Millis};
use reeve_workspace::{Adjust, Command, Create, Kind, Owner, Row, Submit};

const DAY_MS: i64 = 86_400_000;

fn utc(year: i32, month: u32, day: u32, hour: u32) -> Millis {
    Millis::from_utc(Utc.with_ymd_and_hms(year, month, day, hour, 0, 0).unwrap())
}

fn setting(name: &str) -> Setting {
    shipped().into_iter().find(|setting| setting.name == name).unwrap()
}

fn open<'a>(setting: &'a Setting, plan: &str, at: Millis, timezone: chrono_tz::Tz) -> Life<'a> {
    let mut life = Life::empty(setting);
    life.clock = at;
    let owner = Some(Owner { user: "u1".into(), identity: None });
    let create = Create { timezone, owner, ..plain::create(setting.catalog_name().as_str(), plan) };
    life.run(&Command::Create(Box::new(create))).unwrap().unwrap();
    life
}

fn wake(life: &mut Life<'_>, at: Millis) {
    life.clock = at;
    life.run(&Command::Wake).unwrap().unwrap();
}

/// The n-th month after, by the calendar on the wall: the day, or the month's last.
fn nth_month(anchor: DateTime<Utc>, n: u32) -> Millis {
    let zero_based = anchor.year() * 12 + anchor.month0() as i32 + n as i32;
    let (year, month) = (zero_based.div_euclid(12), zero_based.rem_euclid(12) as u32 + 1);
    let mut day = anchor.day();
    while NaiveDate::from_ymd_opt(year, month, day).is_none() {
        day -= 1;
    }
    Millis::from_utc(NaiveDate::from_ymd_opt(year, month, day).unwrap().and_time(anchor.time()).and_utc())
}

#[test]
fn x18_every_anchor_from_28_to_31_over_48_months() {
    let setting = setting("kreatorflow");
    for month in 1..=12 {
        for day in 28..=31 {
            let Some(date) = NaiveDate::from_ymd_opt(2024, month, day) else { continue };
            let anchor = date.and_hms_milli_opt(13, 7, 5, 250).unwrap().and_utc();
            let mut stepped = open(&setting, "creator", Millis::from_utc(anchor), chrono_tz::UTC);
            for n in 1..=48 {
                let boundary = nth_month(anchor, n);
                wake(&mut stepped, boundary.plus_ms(-1));
                assert_eq!(stepped.state().profile.period_end, boundary, "anchor {anchor}, month {n}");
                assert_eq!(stepped.state().profile.period_start, nth_month(anchor, n - 1));
                wake(&mut stepped, boundary);
                let grants: Vec<&Row> =
                    stepped.store.ledger.iter().filter(|row| row.kind == Kind::Grant).collect();
                assert_eq!(grants.len() as u32, n + 1, "anchor {anchor}, month {n}");
                assert_eq!(grants.last().unwrap().at, boundary);
                assert_eq!(stepped.state().available(boundary), Credits::whole(100).unwrap());
            }
            let mut at_once = open(&setting, "creator", Millis::from_utc(anchor), chrono_tz::UTC);
            wake(&mut at_once, nth_month(anchor, 48));
            assert_eq!(at_once.store.ledger, stepped.store.ledger, "anchor {anchor}");
        }
    }
}

/// One zone of each set of zones that show the same time over those years.
fn distinct_zones(from: Millis, to: Millis) -> Vec<chrono_tz::Tz> {
    let mut kinds = BTreeMap::new();
    for tz in chrono_tz::TZ_VARIANTS {
        let samples = (0..=to.since(from) / (6 * 3_600_000)).map(|n| {
            let at = from.plus_ms(n * 6 * 3_600_000).to_utc();
            tz.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()
        });
        kinds.entry(samples.collect::<Vec<i32>>()).or_insert(tz);
    }
    kinds.into_values().collect()
}

#[test]
fn kr_04_every_zone_over_two_years_grants_once_per_local_date() {
    let setting = setting("kira");
    let (from, to) = (utc(2024, 1, 31, 12), utc(2026, 2, 1, 12));
    let zones = distinct_zones(from, to);
    assert!(zones.len() > 50, "{} kinds of zones", zones.len());
    for tz in zones {
        let mut life = open(&setting, "free", from, tz);
        life.strict = false;
        wake(&mut life, to);
        let date = |at: Millis| at.to_utc().with_timezone(&tz).date_naive();
        let quarters = (0..=to.since(from) / 1_800_000).map(|n| date(from.plus_ms(n * 1_800_000)));
        let shown: BTreeSet<NaiveDate> = quarters.collect();
        let daily =
            life.store.ledger.iter().filter(|row| row.kind == Kind::Grant && row.source.as_str() == "daily");
        let granted: Vec<Millis> = daily.map(|row| row.at).collect();
        let dates: BTreeSet<NaiveDate> = granted.iter().map(|at| date(*at)).collect();
        assert_eq!(dates, shown, "{tz}: the dates that the wall showed");
        assert_eq!(granted.len(), shown.len(), "{tz}: one grant for each");
        for at in &granted[1..] {
            assert_ne!(date(at.plus_ms(-1)), date(*at), "{tz}: at the first instant of its date");
        }
        let lots = life.state().lots.iter().filter(|lot| lot.source.as_str() == "daily" && lot.is_usable(to));
        assert_eq!(lots.count(), 1, "{tz}: one live daily lot");
    }
}

/// Kive with daily credits, an open trial and a notice of lots that end: everything can fall on one midnight.
fn crowded() -> Setting {
    let kive = include_str!("../../../config/catalogs/kive.toml");
    let text = varied(kive, "if = { plan = [\"free\"], never_paid = true }", "");
    let text = varied(
        &text,
        "[[carry]]                   # KV-18",
        "[source.daily]\nclass = \"daily\"\namount = 5\nevery = \"day\"\nuntil = \"day_end\"\n\n[[carry]]   # KV-18",
    );
    let text = varied(&text, "max = { allotments = 2 }\ncap_on", "max = { allotments = 0.5 }\ncap_on");
    Setting::of("crowded", &(text + "\n[[alert]]\nkind = \"expiring\"\nlead_hours = 24\n"))
}

fn permutations<T: Clone>(all: &[T]) -> Vec<Vec<T>> {
    if all.is_empty() {
        return vec![Vec::new()];
    }
    let mut out = Vec::new();
    for n in 0..all.len() {
        let mut rest = all.to_vec();
        let first = rest.remove(n);
        for mut tail in permutations(&rest) {
            tail.insert(0, first.clone());
            out.push(tail);
        }
    }
    out
}

fn give(amount: i64, expires_at: Millis) -> Command {
    Command::Adjust(Adjust {
        amount: Credits::whole(amount).unwrap(),
        reason: "t".into(),
        expires_at: Some(expires_at),
        job: None,
        scope: None,
    })
}

fn job(n: u128, at: Millis, queue_timeout_ms: i64) -> Command {
    let submit =
        plain::submit(JobId::from_parts(at, n), "image.generate", serde_json::json!({ "outputs": 4 }));
    let queue_timeout_ms = u64::try_from(queue_timeout_ms).ok();
    Command::Submit(Box::new(Submit { queue_timeout_ms, ..submit }))
}

/// The place of a row in the order that X2 gives to one instant.
fn phase(row: &Row) -> u8 {
    match row.kind {
        _ if row.job.is_some() => 4,
        Kind::Expire => 1,
        Kind::Forfeit => 2,
        Kind::Grant => 3,
        _ => unreachable!("{row:?}"),
    }
}

#[test]
fn x2_the_order_of_one_instant_does_not_depend_on_how_it_was_made() {
    let setting = crowded();
    let midnight = utc(2024, 2, 29, 0);
    let before = midnight.plus_ms(-7 * DAY_MS);
    let money =
        [give(33, midnight), give(7, midnight.plus_ms(DAY_MS)), give(2_500, midnight), Command::StartTrial];
    let hour_ms = 3_600_000;
    let jobs = [1, 2].map(|n| job(n, before, 5 * hour_ms));
    let mut seen = Vec::new();
    for order in permutations(&[0_usize, 1, 2, 3]) {
        let mut life = open(&setting, "basic", utc(2024, 1, 31, 0), chrono_tz::UTC);
        life.clock = before;
        for n in &order {
            life.run(&money[*n]).unwrap().unwrap();
        }
        life.clock = midnight.plus_ms(-5 * hour_ms);
        for n in 0..2 {
            life.run(&jobs[(n + order[0]) % 2]).unwrap().unwrap();
        }
        wake(&mut life, midnight.plus_ms(-1));
        let so_far = life.store.ledger.len();
        wake(&mut life, midnight);
        let rows = &life.store.ledger[so_far..];
        assert!(rows.iter().all(|row| row.at == midnight), "{rows:#?}");
        // A new date's own grant comes before a month's boundary at that instant: a plan that is entered then is
        // granted the new date, not the old one. No carry rule is about daily credits.
        let phases: Vec<u8> = rows.iter().filter(|row| row.source.as_str() != "daily").map(phase).collect();
        assert!(phases.is_sorted(), "{order:?}: {phases:?}");
        assert!(
            [1, 2, 3, 4].iter().all(|phase| phases.contains(phase)),
            "{phases:?}\n{:#?}",
            life.state().jobs
        );
        // Which of two equal lots pays is a matter of their ids, so of the log: the sums over them are not.
        let mut sums: BTreeMap<_, i64> = BTreeMap::new();
        for row in &life.store.ledger {
            *sums.entry((row.at, row.kind.as_str())).or_default() += row.amount.micros();
        }
        seen.push((sums, life.state().available(midnight)));
    }
    assert_eq!(seen.len(), 24);
    for other in &seen[1..] {
        let place = seen[0].0.iter().zip(&other.0).find(|(a, b)| a != b);
        assert_eq!((place, seen[0].1), (None, other.1));
    }
}
