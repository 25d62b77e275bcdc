//! The end of a workspace, and many jobs at once: what begins no more, what still ends, and what stays true.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod desk;

use desk::{Desk, at, cr, create};
use reeve_jobs::LapseCause;
use reeve_types::{ActionName, JobId};
use reeve_workspace::{
    Adjust, CancelMany, Command, Kind, Lapse, Owner, Phase, RefundKind, Refusal, Subscribe, WorkspaceStatus,
};
use serde_json::json;

const NOW: &str = "2026-01-10T12:00:00Z";

fn paid() -> Desk {
    Desk::open("kive", "basic", NOW)
}

fn image(desk: &mut Desk, n: u128) -> JobId {
    desk.submit(n, "image.generate", json!({"outputs": 1})).unwrap()
}

fn all(count_max: usize) -> CancelMany {
    CancelMany { queued: true, running: true, action: None, admitted_max: None, count_max }
}

fn is_closed(result: Result<(), Refusal>) -> bool {
    matches!(result, Err(Refusal::Closed { .. }))
}

#[test]
fn nothing_begins_in_a_closed_workspace() {
    let mut desk = paid();
    let bought = desk.buy(1, 200).unwrap();
    let pending = desk.pay(2, 100, true).unwrap();
    let before = desk.available();
    desk.run(Command::Close).unwrap();
    assert_eq!(
        (desk.state().profile.phase(), desk.state().profile.status()),
        (Phase::Closed, WorkspaceStatus::Closed)
    );
    assert!(is_closed(desk.submit(9, "image.generate", json!({})).map(drop)));
    assert!(is_closed(desk.buy(3, 100).map(drop)));
    assert!(is_closed(desk.run(Command::ConfirmPurchase { purchase: pending })));
    assert!(is_closed(desk.run(Command::ResumeSubscription)));
    let give = |n| Adjust { amount: cr(n), reason: "x".into(), expires_at: None, job: None, scope: None };
    assert!(is_closed(desk.run(Command::Adjust(give(5)))));
    let plan = Subscribe { plan: "pro".parse().unwrap(), allotment: None, interval: None, seats: None };
    assert!(is_closed(desk.run(Command::Subscribe(plan))));
    assert_eq!(desk.available(), before, "a refusal changes nothing");
    // Money that moved before can still be taken back.
    desk.run(Command::FailPurchase { purchase: pending }).unwrap();
    desk.refund(bought, RefundKind::Chargeback).unwrap();
    desk.run(Command::Adjust(give(-5))).unwrap();
    assert_eq!(desk.available(), before.checked_sub(cr(205)).unwrap());
}

#[test]
fn a_closed_workspace_is_granted_nothing_more_and_told_nothing() {
    let mut desk = paid();
    let grants = desk.count(Kind::Grant);
    desk.run(Command::Close).unwrap();
    let told = desk.told.len();
    desk.to("2027-01-11T00:00:00Z");
    assert_eq!((desk.count(Kind::Grant), desk.told.len()), (grants, told));
    assert!(desk.state().next_due_at().is_none(), "nothing wakes it");
}

#[test]
fn what_runs_ends_normally_and_no_lost_attempt_comes_back() {
    let mut desk = paid();
    let (lands, fails, lapses) = (image(&mut desk, 1), image(&mut desk, 2), image(&mut desk, 3));
    let leases = [lands, fails, lapses].map(|job| desk.lease(job));
    desk.run(Command::Close).unwrap();
    desk.complete(leases[0], &[true]).unwrap();
    desk.fail(leases[1], true, false).unwrap();
    desk.run(Command::Lapse(Lapse { lease: leases[2], cause: LapseCause::Silent })).unwrap();
    assert!(desk.state().jobs.is_empty());
    assert_eq!((desk.sum(Kind::Settle), desk.held()), (cr(8), cr(0)));
}

#[test]
fn a_waiting_job_does_not_start_before_it_is_cancelled() {
    let mut desk = paid();
    let job = image(&mut desk, 1);
    desk.run(Command::Close).unwrap();
    let worker = reeve_types::WorkerName::new("w").unwrap();
    let lease = reeve_workspace::LeaseJob { job, worker, session: "s".into() };
    assert!(desk.run(Command::Lease(lease)).is_err());
    desk.run(Command::CancelMany(CancelMany { running: false, ..all(10) })).unwrap();
    assert_eq!((desk.state().jobs.len(), desk.held()), (0, cr(0)));
}

#[test]
fn erasing_needs_a_closed_workspace_at_rest_and_happens_once() {
    let mut opening = create("kive", "basic");
    opening.name = Some("Ada".into());
    opening.metadata = Some(r#"{"mail":"ada@example.com"}"#.into());
    opening.owner = Some(Owner { user: "ada".into(), identity: None });
    let mut desk = Desk::with(&desk::text("kive"), opening, NOW);
    let job = image(&mut desk, 1);
    assert!(matches!(desk.run(Command::Erase), Err(Refusal::Conflict { .. })), "it is open");
    let lease = desk.lease(job);
    desk.run(Command::Close).unwrap();
    assert!(matches!(desk.run(Command::Erase), Err(Refusal::Conflict { .. })), "a job runs");
    desk.complete(lease, &[true]).unwrap();
    assert!(desk.run(Command::FinishErase).is_err(), "nobody asked for it");
    desk.run(Command::Erase).unwrap();
    let version = desk.state().version;
    desk.run(Command::Erase).unwrap();
    assert_eq!(desk.state().version, version, "again changes nothing");
    let profile = &desk.state().profile;
    assert_eq!((&profile.name, &profile.owner, &profile.metadata), (&None, &None, &None));
    assert_eq!(profile.phase(), Phase::Erasing);
    desk.run(Command::FinishErase).unwrap();
    assert_eq!(desk.state().profile.phase(), Phase::Erased);
    desk.run(Command::Close).unwrap();
    assert_eq!(desk.state().profile.phase(), Phase::Erased, "no step is taken back");
}

#[test]
fn a_bulk_cancel_ends_what_was_admitted_before_it_in_bounded_changes() {
    let mut desk = paid();
    let jobs: Vec<JobId> = (1..=7).map(|n| image(&mut desk, n)).collect();
    desk.lease(jobs[4]);
    let before = desk.state().admitted;
    desk.run(Command::CancelMany(all(3))).unwrap();
    let left = |desk: &Desk| jobs.iter().filter(|job| desk.state().jobs.contains_key(job)).count();
    assert_eq!(left(&desk), 4, "three in the workspace's own order");
    assert!(!desk.state().jobs.contains_key(&jobs[0]) && desk.state().jobs.contains_key(&jobs[3]));
    let late = image(&mut desk, 8);
    let rest = CancelMany { admitted_max: Some(before), ..all(3) };
    desk.run(Command::CancelMany(rest.clone())).unwrap();
    desk.run(Command::CancelMany(rest.clone())).unwrap();
    assert_eq!(left(&desk), 1, "the running one waits for its worker");
    assert!(desk.state().jobs.contains_key(&late), "what came later was not asked for");
    let version = desk.state().version;
    desk.run(Command::CancelMany(rest)).unwrap();
    assert_eq!(desk.state().version, version, "again changes nothing");
    assert_eq!(desk.held(), cr(16), "the running one and the late one");
}

#[test]
fn a_bulk_cancel_keeps_to_its_status_and_action() {
    let mut desk = paid();
    let images = [image(&mut desk, 1), image(&mut desk, 2)];
    let video = desk.submit(3, "video.generate", json!({"seconds": 1})).unwrap();
    desk.lease(images[0]);
    let action = Some(ActionName::new("image.generate").unwrap());
    desk.run(Command::CancelMany(CancelMany { running: false, action, ..all(10) })).unwrap();
    let live: Vec<bool> =
        [images[0], images[1], video].map(|job| desk.state().jobs.contains_key(&job)).into();
    assert_eq!(live, [true, false, true]);
    assert_eq!(desk.state().running, 1);
}

#[test]
fn a_daily_lot_by_user_is_free_for_the_user_s_other_workspace_when_one_is_closed() {
    let mut desk = Desk::open("kira", "free", NOW);
    assert!(!desk.state().profile.daily.is_empty());
    let claims = desk.claims.len();
    desk.run(Command::Close).unwrap();
    assert!(desk.claims.len() < claims);
    desk.now = at("2026-01-12T00:00:00Z");
    desk.run(Command::Wake).unwrap();
    assert_eq!(desk.available(), cr(30), "the day's lot ended, and no other came");
}
