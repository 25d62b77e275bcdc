//! Single rules as stories on the shipped catalogs, each under its number.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use reeve_jobs::{Digest, FailReport, Reported, ReportedOutcome};
use reeve_testkit::laws::{LAWS, open};
use reeve_testkit::life::Life;
use reeve_testkit::plain;
use reeve_testkit::setting::{Setting, shipped};
use reeve_types::{Credits, JobId, LeaseId, PurchaseId};
use reeve_workspace::{Adjust, Command, Complete, Fail, Kind, LeaseJob, Purchase, Refusal, Reply};

fn setting(name: &str) -> Setting {
    shipped().into_iter().find(|setting| setting.name == name).unwrap()
}

fn run(life: &mut Life<'_>, command: &Command) -> Result<Reply, Refusal> {
    life.run(command).unwrap()
}

fn submit(life: &mut Life<'_>, action: &str, params: serde_json::Value) -> Result<JobId, Refusal> {
    let job = JobId::from_parts(life.clock, life.log.len() as u128);
    let submit = plain::submit(job, action, params);
    run(life, &Command::Submit(Box::new(submit))).map(|_| job)
}

fn lease(life: &mut Life<'_>, job: JobId, attempt: u32) -> LeaseId {
    let lease = LeaseJob { job, worker: "w".parse().unwrap(), session: "s".into() };
    run(life, &Command::Lease(lease)).unwrap();
    LeaseId { job, attempt }
}

/// One bit per output says whether it landed; the others were filtered.
fn complete(life: &mut Life<'_>, lease: LeaseId, outputs: u32, landed: u32) {
    let report = |index| {
        let elsewhere = Some(("https://x.example".into(), Digest([0; 32]), 1));
        let outcome = match (landed >> index) & 1 {
            1 => ReportedOutcome::Landed { elsewhere, units: None, stages: vec![] },
            _ => ReportedOutcome::Filtered { reason: None },
        };
        Reported { index, outcome }
    };
    let outputs = (0..outputs).map(report).collect();
    run(life, &Command::Complete(Complete { lease, outputs })).unwrap();
}

fn fail(life: &mut Life<'_>, lease: LeaseId, retryable: bool) {
    let report = FailReport { reason: "x".into(), retryable, fate_unknown: false };
    run(life, &Command::Fail(Fail { lease, report })).unwrap();
}

fn take(life: &mut Life<'_>, credits: i64) {
    let amount = Credits::whole(-credits).unwrap();
    let adjust = Adjust { amount, reason: "t".into(), expires_at: None, job: None, scope: None };
    run(life, &Command::Adjust(adjust)).unwrap();
}

fn available(life: &Life<'_>) -> String {
    life.state().available(life.now()).to_string()
}

#[test]
fn single_laws_hold() {
    for (name, law) in LAWS {
        assert_eq!(law(), Ok(()), "{name}");
    }
}

#[test]
fn kv_15_three_of_four_landed_and_one_filtered_settles_24_and_releases_8() {
    let setting = setting("kive");
    let mut life = open(&setting, "basic", 1).unwrap();
    let before: i64 = 1_050;
    let job = submit(&mut life, "image.generate", serde_json::json!({})).unwrap();
    assert_eq!(available(&life), (before - 32).to_string());
    let lease = lease(&mut life, job, 1);
    complete(&mut life, lease, 4, 0b1110);
    assert_eq!(available(&life), (before - 24).to_string());
}

#[test]
fn kv_14_a_price_one_above_the_balance_is_denied_and_nothing_is_held() {
    let setting = setting("kive");
    let mut life = open(&setting, "basic", 1).unwrap();
    take(&mut life, 1_050 - 31);
    let denied = submit(&mut life, "image.generate", serde_json::json!({})).unwrap_err();
    let Refusal::InsufficientCredits { required, available, missing, .. } = denied else {
        unreachable!("{denied:?}")
    };
    assert_eq!([required, available, missing].map(|c| c.to_string()), ["32", "31", "1"]);
    assert!(life.state().held().is_zero());
}

#[test]
fn kr_09_a_held_credit_is_not_available_until_the_job_ends() {
    let setting = setting("kira");
    let mut life = open(&setting, "free", 1).unwrap();
    let job = submit(&mut life, "image.edit", serde_json::json!({})).unwrap();
    assert_eq!((available(&life), life.state().held().to_string()), ("40".to_owned(), "5".to_owned()));
    let lease = lease(&mut life, job, 1);
    fail(&mut life, lease, false);
    assert_eq!((available(&life), life.state().held().to_string()), ("45".to_owned(), "0".to_owned()));
}

#[test]
fn kr_11_a_retry_reuses_its_hold() {
    let setting = setting("kira");
    let mut life = open(&setting, "free", 1).unwrap();
    let job = submit(&mut life, "image.generate", serde_json::json!({})).unwrap();
    let first = lease(&mut life, job, 1);
    fail(&mut life, first, true);
    life.clock = life.clock.plus_ms(60_000);
    let second = lease(&mut life, job, 2);
    complete(&mut life, second, 1, 1);
    assert_eq!(available(&life), "40");
    assert_eq!(life.store.ledger.iter().filter(|row| row.kind == Kind::Hold).count(), 1);
}

#[test]
fn x4_a_job_that_fails_after_its_lot_expired_gives_nothing_back() {
    let setting = setting("kira");
    let mut life = open(&setting, "free", 1).unwrap();
    take(&mut life, 40);
    // The daily lot goes first, so what is left is of the signup credits: a day later there are new daily ones.
    life.clock = life.clock.plus_ms(86_400_000);
    let job = submit(&mut life, "image.generate", serde_json::json!({})).unwrap();
    let lease = lease(&mut life, job, 1);
    life.clock = life.clock.plus_ms(86_400_000);
    fail(&mut life, lease, false);
    assert_eq!(available(&life), "20", "15 of the new date and 5 of the signup credits");
    let last = life.store.ledger.last().map(|row| (row.kind, row.amount.to_string(), row.source.to_string()));
    assert_eq!(last, Some((Kind::Expire, "5".to_owned(), "daily".to_owned())));
}

#[test]
fn x12_a_free_job_is_admitted_at_any_balance() {
    let setting = setting("kaiber");
    let mut life = open(&setting, "free", 1).unwrap();
    take(&mut life, 100);
    assert!(submit(&mut life, "image.generate", serde_json::json!({})).is_ok());
    assert!(submit(&mut life, "video.motion", serde_json::json!({"seconds": 3})).is_err());
}

#[test]
fn ka_10_thirty_seconds_of_transform_with_4k_hold_156() {
    let setting = setting("kaiber");
    let mut life = open(&setting, "explorer", 1).unwrap();
    submit(&mut life, "video.transform_1", serde_json::json!({"seconds": 30, "upscale": "4k"})).unwrap();
    assert_eq!(life.state().held().to_string(), "156");
}

#[test]
fn as_04_a_year_that_is_entered_by_a_downgrade_is_granted_whole() {
    let setting = setting("ai-studios");
    let mut life = open(&setting, "team", 1).unwrap();
    let plan = "personal".parse().unwrap();
    let interval = Some(reeve_credits::Interval::Year);
    let down = reeve_workspace::Subscribe { plan, allotment: None, interval, seats: None };
    run(&mut life, &Command::Subscribe(down)).unwrap();
    life.clock = life.state().profile.cycle.term_end;
    run(&mut life, &Command::Wake).unwrap();
    assert_eq!(available(&life), "720");
}

#[test]
fn kv_07_a_free_plan_may_not_buy_credits() {
    let setting = setting("kive");
    let mut life = open(&setting, "free", 1).unwrap();
    let id = PurchaseId::from_parts(life.clock, 1);
    let credits = Credits::whole(5);
    let buy = Purchase { id, pack: None, credits, payment: "p1".into(), pending: false };
    assert!(matches!(run(&mut life, &Command::Purchase(Box::new(buy))), Err(Refusal::NotAllowed { .. })));
}

#[test]
fn waiting_jobs_of_one_price_share_one_quote() {
    let setting = setting("kive");
    let mut life = open(&setting, "basic", 1).unwrap();
    let image = |outputs: u32| serde_json::json!({ "outputs": outputs });
    let jobs = [1, 2, 1].map(|outputs| submit(&mut life, "image.generate", image(outputs)).unwrap());
    let state = life.slot.as_ref().unwrap();
    let [one, two, again] = jobs.map(|job| &state.jobs[&job].quote);
    assert!(Arc::ptr_eq(one, again), "kept once, whatever came between");
    assert!(two.credits > one.credits, "another price is another quote");
}
