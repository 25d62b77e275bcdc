//! What age and erasing take away, how it is found, and what stays.

use reeve_jobs::Status;
use reeve_types::{Credits, JobId, Millis};
use reeve_workspace::{Answer, Command, Phase};

use super::desk::{Desk, T0, all, submit};
use crate::{
    CommitOutcome, DAY_MS, DaySpan, JobFilter, LedgerFilter, Page, PlatformChange, Shed, ShedJob, Tidy,
    UsageRow,
};

async fn tidy(desk: &Desk, tidy: Tidy) {
    let outcome = desk.subject.journal.submit_platform(PlatformChange::Tidy(tidy)).unwrap();
    assert_eq!(outcome.await.unwrap(), CommitOutcome::Durable);
}

pub(super) async fn a_closed_job_loses_content_and_keeps_its_figures(mut desk: Desk) {
    let id = desk.open("acme").await;
    let closed = desk.whole_job(&id).await;
    let (live, command) = desk.submit();
    desk.run(&id, command).await.reply.unwrap();
    let before = desk.subject.reader.job(closed).await.unwrap().unwrap();
    assert!(before.intro.params.as_str() != "{}" && before.shed == Shed::default());
    let aged = desk.subject.reader.aged(None, desk.now.plus_ms(1), 10).await.unwrap();
    assert_eq!(aged.iter().map(|job| job.id).collect::<Vec<_>>(), [closed, live]);
    assert_eq!((aged[0].finished_at, aged[1].finished_at), (before.state.finished_at, None));
    assert_eq!(desk.subject.reader.aged(Some(closed), desk.now.plus_ms(1), 10).await.unwrap().len(), 1);
    assert!(desk.subject.reader.aged(None, T0, 10).await.unwrap().is_empty(), "none was created before");
    let lose = |id: JobId, outputs| ShedJob { id, shed: Shed::ALL, outputs };
    for _ in 0..2 {
        let both = vec![lose(closed, before.state.outputs.clone()), lose(live, Vec::new())];
        tidy(&desk, Tidy::Shed(both)).await;
    }
    let after = desk.subject.reader.job(closed).await.unwrap().unwrap();
    assert!(after.intro.params.as_str() == "{}" && after.intro.metadata.is_none() && after.shed == Shed::ALL);
    assert_eq!(after.state, before.state, "figures and digests stay");
    let live = desk.subject.reader.job(live).await.unwrap().unwrap();
    assert!(live.intro.params.as_str() != "{}" && live.shed == Shed::default(), "a live job loses nothing");
    desk.assert_same(&id).await;
}

pub(super) async fn jobs_are_found_by_what_they_are(mut desk: Desk) {
    let id = desk.open("acme").await;
    let done = desk.whole_job(&id).await;
    desk.now = desk.now.plus_ms(1_000);
    let (waiting, _) = desk.submit();
    let Command::Submit(mut wanted) = submit(waiting, r#"{"prompt": "a boat"}"#) else { panic!("a submit") };
    wanted.metadata = Some(r#"{"order":"a-17","n":5,"x":true}"#.into());
    wanted.retry_of = Some(done);
    desk.run(&id, Command::Submit(wanted)).await.reply.unwrap();
    let found = async |filter: JobFilter| {
        let found = desk.subject.reader.jobs(&filter, &all()).await.unwrap();
        assert_eq!(found.looked_to, None);
        found.rows.iter().map(|record| record.intro.id).collect::<Vec<_>>()
    };
    let noted = |name: &str, value: &str| JobFilter {
        metadata: Some((name.to_owned(), value.to_owned())),
        ..JobFilter::default()
    };
    assert_eq!(found(noted("order", "a-17")).await, [waiting]);
    assert_eq!(found(noted("n", "5")).await, [waiting]);
    assert!(found(noted("order", "a-18")).await.is_empty() && found(noted("other", "a-17")).await.is_empty());
    let later = desk.now;
    assert_eq!(found(JobFilter { since: Some(later), ..JobFilter::default() }).await, [waiting]);
    assert_eq!(found(JobFilter { until: Some(later), ..JobFilter::default() }).await, [done]);
    let of = |member: &str| JobFilter { member: Some(member.parse().unwrap()), ..JobFilter::default() };
    assert!(found(of("nobody")).await.is_empty());
    let failed = JobFilter { error: Some("worker_failed".to_owned()), ..JobFilter::default() };
    assert!(found(failed).await.is_empty());
    let succeeded =
        JobFilter { status: Some(Status::Succeeded), workspace: Some(id), ..JobFilter::default() };
    assert_eq!(found(succeeded).await, [done]);
    let record = desk.subject.reader.job(waiting).await.unwrap().unwrap();
    assert_eq!(record.intro.retry_of, Some(done));
}

pub(super) async fn the_end_of_a_workspace_is_found_until_it_is_over(mut desk: Desk) {
    let (open, id) = (desk.open("open").await, desk.open("acme").await);
    let (_, command) = desk.submit();
    desk.run(&id, command).await.reply.unwrap();
    let ending = async |desk: &Desk| {
        let rows = desk.subject.reader.ending(&all()).await.unwrap();
        rows.into_iter().map(|row| (row.workspace, row.phase, row.queued)).collect::<Vec<_>>()
    };
    assert!(ending(&desk).await.is_empty());
    desk.run(&id, Command::Close).await.reply.unwrap();
    assert_eq!(ending(&desk).await, [(id.clone(), Phase::Closed, 1)]);
    let which = reeve_workspace::CancelMany {
        queued: true,
        running: false,
        action: None,
        admitted_max: None,
        count_max: 9,
    };
    desk.run(&id, Command::CancelMany(which)).await.reply.unwrap();
    desk.run(&id, Command::Erase).await.reply.unwrap();
    assert_eq!(ending(&desk).await, [(id.clone(), Phase::Erasing, 0)]);
    let past = Page { after: Some(id.to_string()), limit: 9 };
    assert!(desk.subject.reader.ending(&past).await.unwrap().is_empty());
    desk.run(&id, Command::FinishErase).await.reply.unwrap();
    assert!(ending(&desk).await.is_empty());
    desk.assert_same(&id).await;
    desk.assert_same(&open).await;
}

pub(super) async fn answers_are_forgotten_after_their_time(mut desk: Desk) {
    let ids = [desk.open("acme").await, desk.open("other").await];
    for (n, id) in ids.iter().enumerate() {
        desk.now = desk.now.plus_ms(1_000);
        let (_, command) = desk.submit();
        let (version, executed) = desk.decide(id, &command, &[]);
        let mut records = executed.records.unwrap();
        let (key, body) = (format!("k:{n}").into(), "\"done\"".into());
        records.answer = Some(Answer { key, fingerprint: [1; 16], body, at: desk.now });
        assert_eq!(desk.commit(id, version, records).await, CommitOutcome::Durable);
    }
    let reader = desk.subject.reader.clone();
    let (first, last) = (T0.plus_ms(1_000), T0.plus_ms(2_000));
    assert!(
        !reader.has_answers_before(first).await.unwrap() && reader.has_answers_before(last).await.unwrap()
    );
    tidy(&desk, Tidy::AnswersBefore { at: last, count_max: 10 }).await;
    assert!(!reader.has_answers_before(last).await.unwrap());
    assert!(reader.answer(&ids[0], "k:0").await.unwrap().is_none());
    assert!(reader.answer(&ids[1], "k:1").await.unwrap().is_some());
    assert!(reader.has_answers_of(&ids[1]).await.unwrap() && !reader.has_answers_of(&ids[0]).await.unwrap());
    tidy(&desk, Tidy::AnswersOf { workspace: ids[1].clone(), count_max: 10 }).await;
    assert!(!reader.has_answers_of(&ids[1]).await.unwrap());
}

pub(super) async fn days_are_reconciled_from_both_sides(mut desk: Desk) {
    let id = desk.open("acme").await;
    desk.whole_job(&id).await;
    desk.run(&id, super::desk::buy(7, "pay_7", false)).await.reply.unwrap();
    desk.now = desk.now.plus_ms(DAY_MS);
    desk.whole_job(&id).await;
    let (cancelled, command) = desk.submit();
    desk.run(&id, command).await.reply.unwrap();
    desk.run(&id, Command::Cancel(reeve_workspace::Cancel { job: cancelled })).await.reply.unwrap();
    desk.open("other").await;
    let reader = &desk.subject.reader;
    let span = DaySpan { from: Millis::from_millis(0), to: desk.now.plus_ms(1) };
    let page = Page { after: None, limit: 1 };
    let first = reader.reconcile(span, &page).await.unwrap();
    assert_eq!(first.last.as_deref(), Some("acme"));
    let next = reader.reconcile(span, &Page { after: first.last.clone(), limit: 9 }).await.unwrap();
    assert_eq!(next.last.as_deref(), Some("other"));
    let none = reader.reconcile(span, &Page { after: next.last, limit: 9 }).await.unwrap();
    assert_eq!((none.last, none.days.len()), (None, 0));
    let wide = |credits: i64| i128::from(Credits::whole(credits).unwrap().micros());
    let days: Vec<_> = [T0, desk.now].map(|at| first.days[&UsageRow::day_of(at)]).into();
    assert_eq!((days[0].settled, days[0].charged, days[0].delivered), (wide(5), wide(5), 1));
    assert_eq!((days[0].payments, days[0].paid, days[0].granted_paid), (1, wide(100), wide(100)));
    assert_eq!((days[1].settled, days[1].charged, days[1].delivered), (wide(5), wide(5), 1));
    assert_eq!((days[1].released, days[1].payments), (wide(5), 0));
    assert!(days.iter().all(|day| day.payments_difference() == 0 && day.deliveries_difference() == 0));
    // Every row of the ledger is in one sum.
    let rows = reader.ledger(&id, &LedgerFilter::default(), &all()).await.unwrap();
    let ledger: i128 = rows.iter().map(|row| i128::from(row.amount.micros())).sum();
    let sums: i128 = first
        .days
        .values()
        .map(|day| {
            let moved = day.held + day.settled + day.released + day.expired + day.forfeited + day.clawed_back;
            day.granted_paid + day.granted_other + moved + day.restored + day.taken + day.debt
        })
        .sum();
    assert_eq!(sums, ledger);
    let early = DaySpan { from: Millis::from_millis(0), to: T0 };
    assert!(reader.reconcile(early, &all()).await.unwrap().days.is_empty());
}
