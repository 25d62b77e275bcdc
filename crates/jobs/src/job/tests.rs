//! What each message means for a job in each state.

use std::sync::Arc;

use reeve_types::WorkerName;

use super::*;
use crate::lease::Digest;

const T0: Millis = Millis::from_millis(1_000_000);
const RETRY: RetrySettings = RetrySettings {
    attempts_max: 3,
    poison_lapses_max: 3,
    backoff_ms: 1_000,
    backoff_ms_max: 60_000,
    unknown_ms_max: 5_000,
};

fn queued(outputs: u32) -> Job {
    let spec = Spec {
        id: JobId::from_parts(T0, 7),
        action: ActionName::new("image.generate").unwrap(),
        pool: PoolName::new("image").unwrap(),
        member: None,
        priority: 0,
        sequence: Sequence { admitted_at: T0, n: 1 },
        outputs,
        work_ms: None,
        queue_deadline_at: T0.plus_ms(86_400_000),
        run_timeout_ms: 900_000,
        attempts_max: 3,
    };
    Job::admitted(spec, None)
}

fn running(outputs: u32) -> (Job, LeaseId) {
    let mut job = queued(outputs);
    job.attempt = job.on_lease(T0).unwrap();
    job.phase = Phase::Running(Box::new(Lease {
        attempt: job.attempt,
        worker: WorkerName::new("w").unwrap(),
        session: "s".into(),
        granted_at: T0,
        run_deadline_at: T0.plus_ms(900_000),
        unknown_until: None,
        uploads: vec![],
    }));
    let lease = LeaseId { job: job.spec.id, attempt: job.attempt };
    (job, lease)
}

fn cancelling(outputs: u32) -> (Job, LeaseId) {
    let (mut job, lease) = running(outputs);
    if let Phase::Running(live) = job.phase.clone() {
        job.phase = Phase::Cancelling(live);
    }
    (job, lease)
}

fn elsewhere(index: u32) -> Reported {
    let elsewhere = Some(("https://x.example/o".into(), Digest([0; 32]), 9));
    Reported { index, outcome: ReportedOutcome::Landed { elsewhere, units: None, stages: vec![] } }
}

fn filtered(index: u32) -> Reported {
    Reported { index, outcome: ReportedOutcome::Filtered { reason: None } }
}

fn fail(reason: &str, retryable: bool) -> FailReport {
    FailReport { reason: Arc::from(reason), retryable, fate_unknown: false }
}

#[test]
fn one_landed_output_is_a_success() {
    let (job, lease) = running(2);
    let closing = job.on_complete(lease, &[filtered(0), elsewhere(1)], T0).unwrap();
    assert_eq!((closing.status, closing.error), (Status::Succeeded, None));
}

#[test]
fn all_filtered_is_a_failure_with_its_own_code() {
    let (job, lease) = running(2);
    let closing = job.on_complete(lease, &[filtered(0), filtered(1)], T0).unwrap();
    assert_eq!(closing.status, Status::Failed);
    assert_eq!(&*closing.error.unwrap().code, codes::CONTENT_FILTERED);
}

#[test]
fn an_output_called_landed_that_was_never_uploaded_is_refused() {
    let (job, lease) = running(1);
    let report = Reported {
        index: 0,
        outcome: ReportedOutcome::Landed { elsewhere: None, units: None, stages: vec![] },
    };
    assert_eq!(job.on_complete(lease, &[report], T0), Err(Misreport::NotLanded(0).into()));
}

#[test]
fn a_report_names_every_output_once() {
    let (job, lease) = running(2);
    assert_eq!(job.on_complete(lease, &[elsewhere(0)], T0), Err(Misreport::Missing(1).into()));
    assert_eq!(job.on_complete(lease, &[elsewhere(0), elsewhere(0)], T0), Err(Misreport::Twice(0).into()));
    let beyond = job.on_complete(lease, &[elsewhere(2)], T0);
    assert_eq!(beyond, Err(Refused::NoSuchOutput { index: 2, outputs: 2 }));
}

#[test]
fn j1_a_stale_lease_changes_nothing() {
    let (job, lease) = running(1);
    let stale = LeaseId { attempt: lease.attempt + 1, ..lease };
    assert_eq!(job.on_complete(stale, &[elsewhere(0)], T0), Err(Refused::Stale { lease: stale }));
    assert!(job.on_fail(stale, &fail("x", true), &RETRY, (T0, 0)).is_err());
    assert!(job.on_lapse(stale, LapseCause::Silent, &RETRY, (T0, 0)).is_err());
}

#[test]
fn x21_whatever_arrives_while_cancelling_ends_cancelled() {
    let (job, lease) = cancelling(1);
    let closing = job.on_complete(lease, &[elsewhere(0)], T0).unwrap();
    assert_eq!((closing.status, closing.outputs.len()), (Status::Cancelled, 0));
    for verdict in [
        job.on_fail(lease, &fail("x", true), &RETRY, (T0, 0)).unwrap(),
        job.on_lapse(lease, LapseCause::Silent, &RETRY, (T0, 0)).unwrap(),
    ] {
        assert!(matches!(verdict, Verdict::Close(closing) if closing.status == Status::Cancelled));
    }
}

#[test]
fn a_retryable_failure_goes_back_until_attempts_run_out() {
    let (mut job, lease) = running(1);
    let Verdict::Requeue(first) = job.on_fail(lease, &fail("oom", true), &RETRY, (T0, 0)).unwrap() else {
        panic!("the first failure is retried");
    };
    assert_eq!((first.attempts_lost, first.not_before), (1, Some(T0.plus_ms(1_000))));
    job.attempts_lost = 2;
    let Verdict::Close(closing) = job.on_fail(lease, &fail("oom", true), &RETRY, (T0, 0)).unwrap() else {
        panic!("the third failure is the last");
    };
    assert_eq!(&*closing.error.unwrap().code, codes::ATTEMPTS_EXHAUSTED);
}

#[test]
fn a_job_that_kills_its_workers_is_poison() {
    let (mut job, lease) = running(1);
    job.lapses = 2;
    let Verdict::Close(closing) = job.on_lapse(lease, LapseCause::Silent, &RETRY, (T0, 0)).unwrap() else {
        panic!("the third dead worker ends it");
    };
    assert_eq!(&*closing.error.unwrap().code, codes::POISON);
}

#[test]
fn an_unacknowledged_lease_costs_no_attempt() {
    let (job, lease) = running(1);
    let verdict = job.on_lapse(lease, LapseCause::Unacknowledged, &RETRY, (T0, 0)).unwrap();
    assert_eq!(verdict, Verdict::Requeue(Requeue { attempts_lost: 0, lapses: 0, not_before: None }));
}

#[test]
fn x11_an_unknown_fate_keeps_running_until_its_deadline() {
    let (mut job, lease) = running(1);
    let report = FailReport { fate_unknown: true, ..fail("poll timed out", false) };
    let verdict = job.on_fail(lease, &report, &RETRY, (T0, 0)).unwrap();
    assert_eq!(verdict, Verdict::Unknown { until: T0.plus_ms(5_000) });
    if let Phase::Running(live) = &mut job.phase {
        live.unknown_until = Some(T0.plus_ms(5_000));
    }
    assert_eq!(job.on_due(T0.plus_ms(4_999)), None);
    assert_eq!(&*job.on_due(T0.plus_ms(5_000)).unwrap().error.unwrap().code, codes::FATE_UNKNOWN);
    assert_eq!(job.on_complete(lease, &[elsewhere(0)], T0).unwrap().status, Status::Succeeded);
}

#[test]
fn a_waiting_job_expires_at_its_deadline() {
    let job = queued(1);
    assert_eq!(job.on_due(T0.plus_ms(86_399_999)), None);
    assert_eq!(job.on_due(T0.plus_ms(86_400_000)).unwrap().status, Status::Expired);
}

#[test]
fn a_job_is_not_leased_before_its_time_nor_twice() {
    let mut job = queued(1);
    job.phase = Phase::Queued { not_before: Some(T0.plus_ms(1)) };
    assert!(job.on_lease(T0).is_err());
    assert_eq!(job.on_lease(T0.plus_ms(1)), Ok(1));
    assert!(running(1).0.on_lease(T0).is_err());
}
