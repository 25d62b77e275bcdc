//! Jobs: each step reads back, and waiting and running ones are found.

use reeve_jobs::Status;
use reeve_types::JobId;
use reeve_workspace::{Cancel, Command};

use super::desk::{Desk, T0, all, complete, submit, upload};
use crate::{JobFilter, LedgerFilter, Page};

pub(super) async fn every_step_of_a_job_reads_back(mut desk: Desk) {
    let id = desk.open("acme").await;
    let (job, command) = desk.submit();
    desk.run(&id, command).await.reply.unwrap();
    desk.assert_same(&id).await;
    let lease = desk.lease(&id, job).await;
    desk.assert_same(&id).await;
    desk.run(&id, upload(lease, 0)).await.reply.unwrap();
    desk.assert_same(&id).await;
    let record = desk.subject.reader.job(job).await.unwrap().unwrap();
    assert_eq!(record.state.lease.unwrap().uploads.len(), 1);
    desk.run(&id, complete(lease)).await.reply.unwrap();
    desk.assert_same(&id).await;
    let record = desk.subject.reader.job(job).await.unwrap().unwrap();
    assert_eq!((record.state.status, record.state.settled.to_string()), (Status::Succeeded, "5".to_owned()));
    assert_eq!((record.state.outputs.len(), record.state.closed_by), (1, Some(1)));
    let (cancelled, command) = desk.submit();
    desk.run(&id, command).await.reply.unwrap();
    desk.run(&id, Command::Cancel(Cancel { job: cancelled })).await.reply.unwrap();
    desk.assert_same(&id).await;
}

pub(super) async fn waiting_jobs_and_leases_are_found_without_their_workspaces(mut desk: Desk) {
    let id = desk.open("acme").await;
    let (waiting, command) = desk.submit();
    desk.run(&id, command).await.reply.unwrap();
    let (running, command) = desk.submit();
    desk.run(&id, command).await.reply.unwrap();
    let lease = desk.lease(&id, running).await;
    let (done, command) = desk.submit();
    desk.run(&id, command).await.reply.unwrap();
    desk.run(&id, Command::Cancel(Cancel { job: done })).await.reply.unwrap();
    let queued = desk.subject.reader.queued(None, 10).await.unwrap();
    assert_eq!(queued.iter().map(|row| row.job).collect::<Vec<_>>(), [waiting]);
    assert_eq!((queued[0].priority, queued[0].sequence.n), (3, 1));
    assert!(desk.subject.reader.queued(Some(waiting), 10).await.unwrap().is_empty());
    let leased = desk.subject.reader.leased().await.unwrap();
    assert_eq!((leased.len(), leased[0].lease, &*leased[0].worker), (1, lease, "w"));
    let facts = desk.subject.reader.facts().await.unwrap();
    assert_eq!((facts.len(), facts[0].tier.as_str()), (1, "free"));
}

pub(super) async fn jobs_are_introduced_many_at_once(mut desk: Desk) {
    let (acme, other) = (desk.open("acme").await, desk.open("other").await);
    let mut jobs = Vec::new();
    for id in [&acme, &other, &acme] {
        let (job, command) = desk.submit();
        desk.run(id, command).await.reply.unwrap();
        jobs.push(job);
    }
    let lease = desk.lease(&acme, jobs[0]).await;
    desk.run(&acme, upload(lease, 0)).await.reply.unwrap();
    desk.run(&acme, complete(lease)).await.reply.unwrap();
    desk.lease(&other, jobs[1]).await;
    let asked = [jobs[0], JobId::from_parts(T0, 77), jobs[1], jobs[2]];
    let mut found = desk.subject.reader.intros(&asked).await.unwrap();
    found.sort_by_key(|intro| intro.id);
    let mut stored = Vec::new();
    for job in jobs {
        stored.push(desk.subject.reader.job(job).await.unwrap().unwrap().intro);
    }
    stored.sort_by_key(|intro| intro.id);
    assert_eq!(found, stored, "one is done, one runs, one waits, and one is not there");
    assert!(desk.subject.reader.intros(&[]).await.unwrap().is_empty());
}

pub(super) async fn lists_are_paged_without_gaps(mut desk: Desk) {
    let id = desk.open("acme").await;
    let mut jobs = Vec::new();
    for _ in 0..7 {
        let (job, command) = desk.submit();
        desk.run(&id, command).await.reply.unwrap();
        jobs.push(job);
    }
    let filter =
        JobFilter { workspace: Some(id.clone()), status: Some(Status::Queued), ..JobFilter::default() };
    let mut page = Page { after: None, limit: 3 };
    let mut seen = Vec::new();
    loop {
        let rows = desk.subject.reader.jobs(&filter, &page).await.unwrap().rows;
        let Some(last) = rows.last() else { break };
        page.after = Some(last.intro.id.to_string());
        seen.extend(rows.iter().map(|record| record.intro.id));
    }
    jobs.reverse();
    assert_eq!(seen, jobs);
    let none = JobFilter { status: Some(Status::Failed), ..filter };
    assert!(desk.subject.reader.jobs(&none, &all()).await.unwrap().rows.is_empty());
    let mut page = Page { after: None, limit: 2 };
    let mut sequence = Vec::new();
    loop {
        let rows = desk.subject.reader.ledger(&id, &LedgerFilter::default(), &page).await.unwrap();
        let Some(last) = rows.last() else { break };
        page.after = Some(last.seq.to_string());
        sequence.extend(rows.iter().map(|row| row.seq));
    }
    assert_eq!(sequence, (1..=9).collect::<Vec<u64>>());
}

pub(super) async fn hostile_text_reads_back_unchanged(mut desk: Desk) {
    let id = desk.open("acme").await;
    let prompt = "it's \"quoted\" \\ back\u{7}slash \u{1f600} %s ?1 $1 -- '); drop table jobs; \u{2028}";
    let job = JobId::from_parts(T0, 77);
    let params = serde_json::json!({ "prompt": prompt, "seed": 9_007_199_254_740_993_i64 }).to_string();
    desk.run(&id, submit(job, &params)).await.reply.unwrap();
    desk.assert_same(&id).await;
    let record = desk.subject.reader.job(job).await.unwrap().unwrap();
    let params = record.intro.params.read().unwrap();
    assert_eq!(params["prompt"], prompt);
    assert_eq!(params["seed"], 9_007_199_254_740_993_i64);
}
