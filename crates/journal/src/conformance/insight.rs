//! What is asked of the past: usage, old balances, a member's spending.

use reeve_types::{Credits, JobId, Millis, WorkspaceId};
use reeve_workspace::{AdjustedJob, Cancel, Command, Kind, Row};

use super::desk::{Desk, T0, all, buy, give, submit, ws};
use crate::{DAY_MS, LedgerFilter, LotSums, PastBalance, UsageFilter, UsageKey, UsageRow};

fn credits(text: &str) -> Credits {
    text.parse().unwrap()
}

/// A job of somebody else, or of nobody, that is done.
async fn job_of(desk: &mut Desk, id: &WorkspaceId, member: Option<&str>) -> JobId {
    desk.jobs += 1;
    let job = JobId::from_parts(desk.now, desk.jobs);
    let Command::Submit(mut wanted) = submit(job, "{\"prompt\": \"a\"}") else {
        unreachable!("it is a submit")
    };
    wanted.member = member.map(|member| member.parse().unwrap());
    desk.run(id, Command::Submit(wanted)).await.reply.unwrap();
    let lease = desk.lease(id, job).await;
    desk.run(id, super::desk::upload(lease, 0)).await.reply.unwrap();
    desk.run(id, super::desk::complete(lease)).await.reply.unwrap();
    job
}

/// Two days: on the first anna settles two jobs and cancels one, on the second ben settles one, nobody
/// another, and anna's first is made good for.
async fn two_days(desk: &mut Desk) -> (WorkspaceId, Millis, JobId) {
    let id = desk.open("acme").await;
    let first = desk.whole_job(&id).await;
    desk.now = desk.now.plus_ms(1_000);
    desk.whole_job(&id).await;
    let (cancelled, command) = desk.submit();
    desk.run(&id, command).await.reply.unwrap();
    desk.run(&id, Command::Cancel(Cancel { job: cancelled })).await.reply.unwrap();
    let second_day = Millis::from_millis((UsageRow::day_of(T0) + 1) * DAY_MS);
    desk.now = second_day;
    job_of(desk, &id, Some("ben")).await;
    desk.now = second_day.plus_ms(2_000);
    job_of(desk, &id, None).await;
    let about = AdjustedJob { job: first, settled: credits("5"), adjusted: Credits::ZERO };
    desk.run(&id, give("2", Some(about))).await.reply.unwrap();
    desk.run(&id, give("3", None)).await.reply.unwrap();
    (id, second_day, first)
}

/// A row as (member, day, settled, released, refunded, jobs).
type Line<'a> = (Option<&'a str>, Option<i64>, &'a str, &'a str, &'a str, u64);

fn assert_lines(rows: &[UsageRow], lines: &[Line<'_>]) {
    let expected = lines.iter().map(|(member, day, settled, released, refunded, jobs)| UsageRow {
        member: member.map(|member| member.parse().unwrap()),
        action: None,
        day: *day,
        settled: credits(settled),
        released: credits(released),
        refunded: credits(refunded),
        jobs: *jobs,
    });
    assert_eq!(rows, expected.collect::<Vec<_>>());
}

pub(super) async fn usage_is_grouped_as_asked(mut desk: Desk) {
    use UsageKey::{Action, Day, Member};
    let (id, second_day, _) = two_days(&mut desk).await;
    let reader = desk.subject.reader.clone();
    let everything = UsageFilter::default();
    let usage =
        async |filter: &UsageFilter, keys: &[UsageKey]| reader.usage(&id, filter, keys).await.unwrap();
    assert_lines(&usage(&everything, &[]).await, &[(None, None, "20", "5", "2", 5)]);
    let by_member = [
        (None, None, "5", "0", "0", 1),
        (Some("anna"), None, "10", "5", "2", 3),
        (Some("ben"), None, "5", "0", "0", 1),
    ];
    assert_lines(&usage(&everything, &[Member]).await, &by_member);
    let (one, two) = (Some(UsageRow::day_of(T0)), Some(UsageRow::day_of(second_day)));
    let by_day = [(None, one, "10", "5", "0", 3), (None, two, "10", "0", "2", 2)];
    assert_lines(&usage(&everything, &[Day]).await, &by_day);
    let by_both = [
        (None, two, "5", "0", "0", 1),
        (Some("anna"), one, "10", "5", "0", 3),
        (Some("anna"), two, "0", "0", "2", 0),
        (Some("ben"), two, "5", "0", "0", 1),
    ];
    assert_lines(&usage(&everything, &[Day, Member]).await, &by_both);
    let actions = usage(&everything, &[Action]).await;
    let names: Vec<_> = actions.iter().map(|row| row.action.as_ref().map(|name| name.as_str())).collect();
    assert_eq!((names, actions[0].jobs), (vec![Some("image.generate")], 5));
    let of_anna = UsageFilter { member: "anna".parse().ok(), ..UsageFilter::default() };
    assert_lines(&usage(&of_anna, &[]).await, &[(None, None, "10", "5", "2", 3)]);
    // The first instant counts, the last one does not.
    let later = UsageFilter { from: Some(second_day), to: Some(second_day.plus_ms(2_000)), member: None };
    assert_lines(&usage(&later, &[Member]).await, &[(Some("ben"), None, "5", "0", "0", 1)]);
    let never = UsageFilter { to: Some(T0), ..UsageFilter::default() };
    assert_lines(&usage(&never, &[]).await, &[(None, None, "0", "0", "0", 0)]);
    assert_lines(&usage(&never, &[Member, Day]).await, &[]);
    assert!(reader.usage(&ws("nobody"), &everything, &[Day]).await.unwrap().is_empty());
}

pub(super) async fn an_old_balance_is_what_was_shown_then(mut desk: Desk) {
    let id = desk.open("acme").await;
    let reader = desk.subject.reader.clone();
    let mut shown = Vec::new();
    for n in 0..60_u32 {
        desk.now = desk.now.plus_ms(3_600_000);
        match n % 10 {
            0 => drop(desk.run(&id, buy(u128::from(n), &format!("pay-{n}"), false)).await.reply.unwrap()),
            5 => drop(desk.run(&id, Command::Wake).await.reply.unwrap()),
            _ => drop(desk.whole_job(&id).await),
        }
        let record = reader.workspace(&id).await.unwrap().unwrap();
        shown.push((desk.now, record, reader.lots(&id).await.unwrap()));
    }
    for (at, record, lots) in shown {
        let past = reader.balance_at(&id, at).await.unwrap().unwrap();
        assert_eq!(
            (past.available, past.held, past.debt),
            (record.available, record.held, record.debt),
            "{at}"
        );
        for lot in &lots {
            let was = past.lots.iter().find(|was| was.id == lot.id).unwrap();
            assert_eq!((was.granted, was.terms, &was.source), (lot.granted, lot.terms, &lot.source));
        }
        assert_eq!(past.lots.len(), lots.len());
        assert_eq!(reader.balance_at(&id, at.plus_ms(1)).await.unwrap().unwrap(), past);
    }
    assert_eq!(reader.balance_at(&id, T0.plus_ms(-1)).await.unwrap(), Some(PastBalance::default()));
    assert_eq!(reader.balance_at(&ws("nobody"), T0).await.unwrap(), None);
    let now = reader.balance_at(&id, Millis::from_millis(i64::MAX)).await.unwrap().unwrap();
    assert_eq!(now.seq, desk.state(&id).chain.seq);
    assert!(now.lots.is_sorted_by_key(|lot| lot.id) && LotSums::default().amounts().is_some());
}

/// Few rows of the largest amounts are more than an integer of a database holds.
pub(super) async fn sums_beyond_an_amount_do_not_fail(mut desk: Desk) {
    let id = desk.open("acme").await;
    let lot = desk.state(&id).lots[0].clone();
    let (_, command) = desk.submit();
    let (version, mut executed) = desk.decide(&id, &command, &[]);
    let mut records = executed.records.take().unwrap();
    let (row, huge) = (records.ledger[0].clone(), Credits::from_micros(i64::MAX / 2));
    let kinds = [Kind::Hold, Kind::Release].into_iter().cycle().take(20);
    let rows =
        kinds.zip(row.seq..).map(|(kind, seq)| Row { seq, kind, amount: huge, lot: lot.id, ..row.clone() });
    records.ledger = rows.collect();
    records.workspace.chain.seq = row.seq + 19;
    assert_eq!(desk.commit(&id, version, records).await, crate::CommitOutcome::Durable);
    let past = desk.subject.reader.balance_at(&id, desk.now).await.unwrap().unwrap();
    let was = past.lots.iter().find(|was| was.id == lot.id).unwrap();
    assert_eq!((was.granted, was.terms), (lot.granted, lot.terms));
    let used = desk.subject.reader.usage(&id, &UsageFilter::default(), &[]).await.unwrap();
    assert_eq!(used[0].released, Credits::from_micros(i64::MAX));
}

pub(super) async fn a_members_spending_comes_with_the_last_sequence_number(mut desk: Desk) {
    let (id, second_day, _) = two_days(&mut desk).await;
    let reader = desk.subject.reader.clone();
    let seq = desk.state(&id).chain.seq;
    let settled =
        async |name: &str, from| reader.member_settled(&id, &name.parse().unwrap(), from).await.unwrap();
    assert_eq!(settled("anna", T0).await, (credits("10"), seq));
    assert_eq!(settled("anna", T0.plus_ms(1)).await, (credits("5"), seq));
    assert_eq!(settled("anna", second_day).await, (Credits::ZERO, seq));
    assert_eq!(settled("ben", second_day).await, (credits("5"), seq));
    assert_eq!(settled("carl", T0).await, (Credits::ZERO, seq));
    let nobody = reader.member_settled(&ws("nobody"), &"anna".parse().unwrap(), T0).await.unwrap();
    assert_eq!(nobody, (Credits::ZERO, 0));
}

pub(super) async fn the_newest_instant_is_that_of_any_workspace(mut desk: Desk) {
    assert_eq!(desk.subject.reader.newest_at().await.unwrap(), None);
    desk.now = T0.plus_ms(9_000);
    desk.open("late").await;
    desk.now = T0;
    desk.open("early").await;
    assert_eq!(desk.subject.reader.newest_at().await.unwrap(), Some(T0.plus_ms(9_000)));
}

pub(super) async fn the_ledger_rows_of_a_job_come_in_order(mut desk: Desk) {
    let (id, _, first) = two_days(&mut desk).await;
    let filter = LedgerFilter { job: Some(first), ..LedgerFilter::default() };
    let rows = desk.subject.reader.ledger(&id, &filter, &all()).await.unwrap();
    let kinds: Vec<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(kinds, ["hold", "settle", "grant"]);
    assert!(rows.is_sorted_by_key(|row| row.seq));
}
