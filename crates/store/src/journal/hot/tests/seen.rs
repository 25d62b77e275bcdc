//! What readers find ahead of the tables is what the tables say once it is in them.

use reeve_jobs::{FailReport, Status};
use reeve_journal::{JobRecord, Reader as _, WebhookReader as _};
use reeve_types::{JobId, Millis};
use reeve_workspace::{Cancel, Command, Fail};
use sea_orm::Database;

use super::*;
use crate::journal::desk::{complete, upload};
use crate::patience::Patience;
use crate::read::StoreReader;

impl Bench {
    async fn catch_up(&mut self, seq: u64) {
        let (lane, written) = (Lane { epoch: 1, seq }, &Counters::default());
        let went = self.hot.catch_up(Behind::Oldest, Call { lane, written }).await;
        assert!(matches!(went, Some(Went::Committed)));
    }

    /// A job of which nothing is in the tables.
    fn job_ahead(&self, job: JobId) -> Option<JobRecord> {
        lock(&self.hot.ahead()).job(job)?.over(None)
    }
}

/// What somebody reads who knows of nothing but the tables.
async fn tables(folder: &Path) -> StoreReader {
    let db = Database::connect(format!("sqlite://{}", folder.join("hot.db").display())).await.unwrap();
    StoreReader::new(db, None, Patience::endless())
}

#[tokio::test]
async fn a_job_that_is_ahead_is_what_its_row_says_later() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let retryable = |lease, retryable| {
        let report = FailReport { reason: "oom".into(), retryable, fate_unknown: false };
        Command::Fail(Fail { lease, report })
    };
    let first = |job| LeaseId { job, attempt: 1 };
    type Steps = Box<dyn Fn(JobId) -> Vec<Command>>;
    let lives: [(Status, Steps); 7] = [
        (Status::Queued, Box::new(|_| vec![])),
        (Status::Running, Box::new(|job| vec![lease(job)])),
        (Status::Running, Box::new(move |job| vec![lease(job), upload(first(job), 0)])),
        (
            Status::Succeeded,
            Box::new(move |job| vec![lease(job), upload(first(job), 0), complete(first(job))]),
        ),
        (Status::Cancelled, Box::new(|job| vec![Command::Cancel(Cancel { job })])),
        (Status::Failed, Box::new(move |job| vec![lease(job), retryable(first(job), false)])),
        (Status::Queued, Box::new(move |job| vec![lease(job), retryable(first(job), true)])),
    ];
    let (mut jobs, mut seq) = (Vec::new(), 0);
    for (status, life) in &lives {
        let (job, submit) = desk.submit();
        for command in std::iter::once(submit).chain(life(job)) {
            let change = desk.decide(&id, &command);
            assert!(matches!(run_ahead(&mut bench, seq, change).await, Went::Committed), "{command:?}");
            seq += 1;
        }
        assert_eq!(bench.job_ahead(job).unwrap().state.status, *status);
        jobs.push(job);
    }
    let found: Vec<_> = jobs.iter().map(|job| bench.job_ahead(*job)).collect();
    let reader = tables(folder.path()).await;
    assert_eq!(reader.job(jobs[0]).await.unwrap(), None, "nothing of it is in the tables");
    bench.catch_up(seq).await;
    for (job, found) in jobs.iter().zip(found) {
        assert_eq!(reader.job(*job).await.unwrap(), found);
        assert!(bench.job_ahead(*job).is_none());
    }
}

#[tokio::test]
async fn what_is_ahead_of_a_job_goes_over_what_its_row_says() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let reader = tables(folder.path()).await;
    let (job, submit) = desk.submit();
    let first = LeaseId { job, attempt: 1 };
    // Each of these steps is ahead of the tables, which have all those before it.
    let steps = [submit, lease(job), upload(first, 0), complete(first)];
    for (n, command) in steps.iter().enumerate() {
        let change = desk.decide(&id, command);
        let seq = 2 * n as u64;
        assert!(matches!(run_ahead(&mut bench, seq, change).await, Went::Committed), "{command:?}");
        let ahead = lock(&bench.hot.ahead()).job(job).unwrap();
        assert_eq!(ahead.is_whole(), n == 0);
        let found = ahead.over(reader.job(job).await.unwrap());
        bench.catch_up(seq + 1).await;
        assert!(found.is_some());
        assert_eq!(reader.job(job).await.unwrap(), found, "{command:?}");
        assert!(lock(&bench.hot.ahead()).job(job).is_none());
    }
    let elsewhere = JobId::from_parts(T0, 77);
    assert!(lock(&bench.hot.ahead()).job(elsewhere).is_none());
}

#[tokio::test]
async fn when_a_workspace_is_due_is_known_before_the_tables_know() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let reader = tables(folder.path()).await;
    let late = Millis::from_millis(i64::MAX);
    assert!(lock(&bench.hot.ahead()).due().is_empty());
    let due_before = reader.due(late, 9).await.unwrap();
    let (_, submit) = desk.submit();
    let admit = desk.decide(&id, &submit);
    let due_at = admit.as_ref().unwrap().records.workspace.next_due_at;
    assert!(due_at.is_some(), "a job that waits has a deadline");
    assert!(matches!(run_ahead(&mut bench, 0, admit).await, Went::Committed));
    assert_eq!(lock(&bench.hot.ahead()).due().into_iter().collect::<Vec<_>>(), [(id.clone(), due_at)]);
    assert_eq!(reader.due(late, 9).await.unwrap(), due_before);
    bench.catch_up(1).await;
    assert_eq!(reader.due(due_at.unwrap(), 9).await.unwrap(), [id]);
    assert!(lock(&bench.hot.ahead()).due().is_empty());
}

#[tokio::test]
async fn the_address_of_a_job_is_known_before_its_row_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let (_, without) = desk.submit();
    let (job, mut with) = desk.submit();
    let Command::Submit(submit) = &mut with else { panic!("a submit") };
    submit.webhook = Some("https://example.com/hook".into());
    for (seq, command) in [without, with, lease(job)].iter().enumerate() {
        let change = desk.decide(&id, command);
        assert!(matches!(run_ahead(&mut bench, seq as u64, change).await, Went::Committed));
    }
    let urls: Vec<_> = lock(&bench.hot.ahead()).job_urls().into_iter().collect();
    assert_eq!(urls, [(job, "https://example.com/hook".into())]);
    bench.catch_up(3).await;
    assert!(lock(&bench.hot.ahead()).job_urls().is_empty());
    let events = tables(folder.path()).await.outbox(0, true, 100).await.unwrap();
    let told: Vec<_> = events.into_iter().filter(|event| event.job_url.is_some()).collect();
    assert!(!told.is_empty() && told.iter().all(|event| event.job == Some(job)));
}
