//! The promises of a journal and its reader, as tests that every adapter runs.
//!
//! An adapter's test calls [`run_all`] with a function that makes an empty store. Each case drives real
//! commands through the real core, so what is stored is what production stores.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a conformance case fails by panicking")]

use std::collections::HashMap;
use std::sync::Arc;

use reeve_credits::catalog::{Catalog, Interval};
use reeve_jobs::{Digest, Reported, ReportedOutcome, RetrySettings, Status, Upload};
use reeve_types::{
    ActionName, CatalogName, JobId, LeaseId, Millis, PlanName, PurchaseId, TierName, WorkerName, WorkspaceId,
};
use reeve_workspace::{
    Answer, Cancel, Claim, Command, Complete, Create, Ctx, Defaults, Executed, LeaseJob, Meta, Owner,
    Purchase, State, Submit, TierRules, UploadOutput, execute, fold, genesis, hash_row, invariants,
};

use crate::{
    AbortReason, ChangeSet, CommitOutcome, JobFilter, Journal, LedgerFilter, Page, PlatformChange, Reader,
    Role, Urgency,
};

/// An empty store.
#[derive(Clone)]
pub struct Subject {
    pub journal: Arc<dyn Journal>,
    pub reader: Arc<dyn Reader>,
}

const T0: Millis = Millis::from_millis(1_772_000_000_000);
const CATALOG: &str = include_str!("../../../config/catalogs/kira.toml");

/// Runs every case on a store of its own.
pub async fn run_all<F: Future<Output = Subject>>(make: impl Fn() -> F) {
    a_workspace_reads_back_as_it_was(Desk::new(make().await)).await;
    every_step_of_a_job_reads_back(Desk::new(make().await)).await;
    an_outdated_version_is_aborted_and_writes_nothing(Desk::new(make().await)).await;
    change_sets_of_one_workspace_in_flight_stay_in_order(Desk::new(make().await)).await;
    many_workspaces_in_flight_do_not_disturb_each_other(Desk::new(make().await)).await;
    a_claim_is_taken_once_in_the_whole_store(Desk::new(make().await)).await;
    an_idempotency_key_is_recorded_once(Desk::new(make().await)).await;
    the_ledger_is_a_hash_chain_that_folds_to_the_balance(Desk::new(make().await)).await;
    waiting_jobs_and_leases_are_found_without_their_workspaces(Desk::new(make().await)).await;
    lists_are_paged_without_gaps(Desk::new(make().await)).await;
    due_workspaces_come_from_the_index(Desk::new(make().await)).await;
    keys_read_back_and_are_revoked_once(Desk::new(make().await)).await;
    hostile_text_reads_back_unchanged(Desk::new(make().await)).await;
}

/// A decider beside a store: what an actor does, step by step.
struct Desk {
    subject: Subject,
    catalog: Catalog,
    tiers: Vec<TierRules>,
    retry: RetrySettings,
    slots: HashMap<WorkspaceId, Option<State>>,
    now: Millis,
    jobs: u128,
}

fn ws(name: &str) -> WorkspaceId {
    WorkspaceId::new(name).unwrap()
}

impl Desk {
    fn new(subject: Subject) -> Self {
        let tier =
            |name: &str| TierRules { name: TierName::new(name).unwrap(), running_max: 4, queued_max: 10_000 };
        Self {
            subject,
            catalog: Catalog::parse("kira.toml", CATALOG).unwrap(),
            tiers: ["free", "standard", "pro", "instant"].map(tier).to_vec(),
            retry: RetrySettings::default(),
            slots: HashMap::new(),
            now: T0,
            jobs: 0,
        }
    }

    fn decide(
        &mut self,
        id: &WorkspaceId,
        command: &Command,
        taken: &[(Claim, WorkspaceId)],
    ) -> (u64, Executed) {
        let slot = self.slots.entry(id.clone()).or_default();
        let version = slot.as_ref().map_or(0, |state| state.version);
        let ctx = Ctx {
            now: slot.as_ref().map_or(self.now, |state| state.now(self.now)),
            catalog: &self.catalog,
            tiers: &self.tiers,
            retry: &self.retry,
            defaults: Defaults { queue_timeout_ms: 86_400_000, run_timeout_ms: 900_000 },
            jitter: 0,
            taken,
        };
        let executed = execute(id, slot, (command, &Meta::default()), &ctx).unwrap();
        if let Some(state) = slot {
            invariants::check(state).unwrap();
        }
        (version, executed)
    }

    /// Decides, commits and expects it to be durable.
    async fn run(&mut self, id: &WorkspaceId, command: Command) -> Executed {
        let (version, mut executed) = self.decide(id, &command, &[]);
        if let Some(records) = executed.records.take() {
            let outcome = self.commit(id, version, records).await;
            assert_eq!(outcome, CommitOutcome::Durable);
        }
        executed
    }

    async fn commit(
        &self,
        id: &WorkspaceId,
        expected: u64,
        records: Box<reeve_workspace::Records>,
    ) -> CommitOutcome {
        let journal = &self.subject.journal;
        let room = journal.reserve(Urgency::Submit).unwrap();
        journal.submit(ChangeSet { workspace: id.clone(), expected, records }, room).await.unwrap()
    }

    async fn open(&mut self, name: &str) -> WorkspaceId {
        let id = ws(name);
        self.run(&id, create(None)).await.reply.unwrap();
        id
    }

    fn submit(&mut self) -> (JobId, Command) {
        self.jobs += 1;
        let job = JobId::from_parts(self.now, self.jobs);
        (job, submit(job, r#"{"prompt": "a boat"}"#))
    }

    async fn lease(&mut self, id: &WorkspaceId, job: JobId) -> LeaseId {
        let worker = WorkerName::new("w").unwrap();
        let lease = LeaseJob { job, worker, session: "s".into() };
        self.run(id, Command::Lease(lease)).await.reply.unwrap();
        LeaseId { job, attempt: self.slots[id].as_ref().unwrap().jobs[&job].job.attempt }
    }

    /// S1: what the store holds equals what memory holds.
    async fn assert_same(&self, id: &WorkspaceId) {
        self.subject.journal.flush().await.unwrap();
        let loaded = self.subject.reader.load(id).await.unwrap().unwrap();
        let memory = self.slots[id].clone().unwrap().rebuilt();
        assert_eq!(loaded.state, memory);
    }
}

fn create(owner: Option<&str>) -> Command {
    Command::Create(Box::new(Create {
        name: Some("Acme".into()),
        catalog: CatalogName::new("kira").unwrap(),
        plan: Some(PlanName::new("free").unwrap()),
        allotment: None,
        interval: Interval::Month,
        seats: 1,
        timezone: chrono_tz::Europe::Berlin,
        owner: owner.map(|user| Owner { user: user.into(), identity: Some("google".into()) }),
        metadata: Some(r#"{"a":1}"#.into()),
    }))
}

fn submit(job: JobId, params: &str) -> Command {
    Command::Submit(Box::new(Submit {
        job,
        action: ActionName::new("image.generate").unwrap(),
        params: Arc::new(serde_json::from_str(params).unwrap()),
        member: Some("anna".parse().unwrap()),
        priority: 3,
        not_before: None,
        queue_timeout_ms: None,
        run_timeout_ms: None,
        credits_max: None,
        metadata: None,
        webhook: None,
    }))
}

fn upload(lease: LeaseId, index: u32) -> Command {
    let upload = Upload { index, sha256: Digest([7; 32]), size: 9, content_type: "image/png".into() };
    Command::Upload(UploadOutput { lease, upload })
}

fn complete(lease: LeaseId) -> Command {
    let outcome = ReportedOutcome::Landed { elsewhere: None, units: None, stages: vec![] };
    Command::Complete(Complete { lease, outputs: vec![Reported { index: 0, outcome }] })
}

fn all() -> Page {
    Page { after: None, limit: 1_000 }
}

async fn a_workspace_reads_back_as_it_was(mut desk: Desk) {
    let id = desk.open("acme").await;
    desk.assert_same(&id).await;
    let record = desk.subject.reader.workspace(&id).await.unwrap().unwrap();
    assert_eq!((record.version, record.profile.name.as_deref()), (1, Some("Acme")));
    assert_eq!(record.available.to_string(), "45");
    assert!(desk.subject.reader.load(&ws("nobody")).await.unwrap().is_none());
}

async fn every_step_of_a_job_reads_back(mut desk: Desk) {
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

async fn an_outdated_version_is_aborted_and_writes_nothing(mut desk: Desk) {
    let id = desk.open("acme").await;
    let (_, command) = desk.submit();
    let (_, mut first) = desk.decide(&id, &command, &[]);
    let stale = first.records.take().unwrap();
    assert_eq!(desk.commit(&id, 0, stale.clone()).await, CommitOutcome::Aborted(AbortReason::Version));
    assert_eq!(desk.commit(&id, 7, stale.clone()).await, CommitOutcome::Aborted(AbortReason::Version));
    assert_eq!(desk.subject.reader.jobs(&JobFilter::default(), &all()).await.unwrap().len(), 0);
    assert_eq!(desk.commit(&id, 1, stale).await, CommitOutcome::Durable);
    desk.assert_same(&id).await;
}

async fn change_sets_of_one_workspace_in_flight_stay_in_order(mut desk: Desk) {
    let id = desk.open("acme").await;
    let mut outcomes = Vec::new();
    for _ in 0..9 {
        let (_, command) = desk.submit();
        let (expected, mut executed) = desk.decide(&id, &command, &[]);
        let room = desk.subject.journal.reserve(Urgency::Submit).unwrap();
        let records = executed.records.take().unwrap();
        outcomes
            .push(desk.subject.journal.submit(ChangeSet { workspace: id.clone(), expected, records }, room));
    }
    for outcome in outcomes {
        assert_eq!(outcome.await.unwrap(), CommitOutcome::Durable);
    }
    desk.assert_same(&id).await;
    let row = desk.subject.reader.workspace(&id).await.unwrap().unwrap();
    assert_eq!(
        (row.queued, row.available.to_string(), row.held.to_string()),
        (9, "0".to_owned(), "45".to_owned())
    );
}

async fn many_workspaces_in_flight_do_not_disturb_each_other(mut desk: Desk) {
    let mut outcomes = Vec::new();
    for n in 0..40 {
        let id = ws(&format!("w{n}"));
        for command in [create(None), desk.submit().1, desk.submit().1] {
            let (expected, mut executed) = desk.decide(&id, &command, &[]);
            // Every fourth workspace comes with a version that is not stored: it alone is aborted.
            let expected = if n % 4 == 0 { expected + 5 } else { expected };
            let room = desk.subject.journal.reserve(Urgency::Submit).unwrap();
            let records = executed.records.take().unwrap();
            outcomes.push((
                n,
                desk.subject.journal.submit(ChangeSet { workspace: id.clone(), expected, records }, room),
            ));
        }
    }
    for (n, outcome) in outcomes {
        let expected =
            if n % 4 == 0 { CommitOutcome::Aborted(AbortReason::Version) } else { CommitOutcome::Durable };
        assert_eq!(outcome.await.unwrap(), expected, "workspace {n}");
    }
    for n in (0..40).filter(|n| n % 4 != 0) {
        desk.assert_same(&ws(&format!("w{n}"))).await;
    }
    assert_eq!(desk.subject.reader.workspaces(&all()).await.unwrap().len(), 30);
}

async fn a_claim_is_taken_once_in_the_whole_store(mut desk: Desk) {
    let (first, second) = (ws("first"), ws("second"));
    desk.run(&first, create(Some("ben"))).await.reply.unwrap();
    let (version, mut executed) = desk.decide(&second, &create(Some("ben")), &[]);
    let records = executed.records.take().unwrap();
    let outcome = desk.commit(&second, version, records).await;
    let CommitOutcome::ClaimTaken(taken) = outcome else { panic!("{outcome:?}") };
    assert!(taken.iter().all(|(claim, by)| executed.claims.contains(claim) && *by == first));
    assert!(desk.subject.reader.load(&second).await.unwrap().is_none(), "nothing was written");
    let mut known = taken;
    loop {
        desk.slots.insert(second.clone(), None);
        let (version, mut executed) = desk.decide(&second, &create(Some("ben")), &known);
        match desk.commit(&second, version, executed.records.take().unwrap()).await {
            CommitOutcome::Durable => break,
            CommitOutcome::ClaimTaken(more) => known.extend(more),
            other => panic!("{other:?}"),
        }
    }
    desk.assert_same(&second).await;
    let row = desk.subject.reader.workspace(&second).await.unwrap().unwrap();
    assert_eq!(row.available.to_string(), "0", "signup and daily credits went to the first workspace");
    let buy = |n| Purchase {
        id: PurchaseId::from_parts(T0, n),
        pack: None,
        credits: "100".parse().ok(),
        payment: "pay-1".into(),
    };
    desk.run(&first, Command::Purchase(Box::new(buy(1)))).await.reply.unwrap();
    let (version, mut executed) = desk.decide(&second, &Command::Purchase(Box::new(buy(2))), &[]);
    let outcome = desk.commit(&second, version, executed.records.take().unwrap()).await;
    assert!(matches!(outcome, CommitOutcome::ClaimTaken(_)), "{outcome:?}");
    let (by, row) = desk.subject.reader.purchase_by_payment("pay-1").await.unwrap().unwrap();
    assert_eq!((by, row.id), (first.clone(), PurchaseId::from_parts(T0, 1)));
    assert_eq!(desk.subject.reader.purchases(&first, &all()).await.unwrap().len(), 1);
}

async fn an_idempotency_key_is_recorded_once(mut desk: Desk) {
    let id = desk.open("acme").await;
    let answer = |body: &str| Answer { key: "k:1".into(), fingerprint: [3; 16], body: body.into(), at: T0 };
    let (_, command) = desk.submit();
    let (version, mut executed) = desk.decide(&id, &command, &[]);
    let mut records = executed.records.take().unwrap();
    records.answer = Some(answer("first"));
    assert_eq!(desk.commit(&id, version, records).await, CommitOutcome::Durable);
    let stored = desk.subject.reader.answer(&id, "k:1").await.unwrap().unwrap();
    assert_eq!((&*stored.body, stored.fingerprint), ("first", [3; 16]));
    assert!(desk.subject.reader.answer(&id, "k:2").await.unwrap().is_none());
    let before = desk.slots[&id].clone();
    let (_, command) = desk.submit();
    let (version, mut executed) = desk.decide(&id, &command, &[]);
    let mut records = executed.records.take().unwrap();
    records.answer = Some(answer("second"));
    assert_eq!(desk.commit(&id, version, records).await, CommitOutcome::Aborted(AbortReason::KeyTaken));
    desk.slots.insert(id.clone(), before);
    desk.assert_same(&id).await;
    let loaded = desk.subject.reader.load(&id).await.unwrap().unwrap();
    assert!(loaded.keys_complete && loaded.key_hashes == [crate::key_hash("k:1")]);
}

async fn the_ledger_is_a_hash_chain_that_folds_to_the_balance(mut desk: Desk) {
    let id = desk.open("acme").await;
    for _ in 0..4 {
        let (job, command) = desk.submit();
        desk.run(&id, command).await.reply.unwrap();
        let lease = desk.lease(&id, job).await;
        desk.run(&id, upload(lease, 0)).await.reply.unwrap();
        desk.run(&id, complete(lease)).await.reply.unwrap();
    }
    let rows = desk.subject.reader.ledger(&id, &LedgerFilter::default(), &all()).await.unwrap();
    let mut chain = genesis(&id);
    for row in &rows {
        assert_eq!((row.seq, row.hash), (chain.seq + 1, hash_row(chain.hash, row)));
        chain = reeve_workspace::Chain { seq: row.seq, hash: row.hash };
    }
    assert_eq!(desk.slots[&id].as_ref().unwrap().chain, chain);
    let (available, held) = fold(&rows).unwrap();
    assert_eq!((available.to_string(), held.to_string()), ("25".to_owned(), "0".to_owned()));
    let lots = desk.subject.reader.lots(&id).await.unwrap();
    assert!(lots.len() == 2 && lots.iter().all(reeve_credits::lot::Lot::is_conserved));
    let first = rows.iter().find_map(|row| row.job).unwrap();
    let filter = LedgerFilter { job: Some(first), ..LedgerFilter::default() };
    assert_eq!(desk.subject.reader.ledger(&id, &filter, &all()).await.unwrap().len(), 2);
}

async fn waiting_jobs_and_leases_are_found_without_their_workspaces(mut desk: Desk) {
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

async fn lists_are_paged_without_gaps(mut desk: Desk) {
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
        let rows = desk.subject.reader.jobs(&filter, &page).await.unwrap();
        let Some(last) = rows.last() else { break };
        page.after = Some(last.intro.id.to_string());
        seen.extend(rows.iter().map(|record| record.intro.id));
    }
    jobs.reverse();
    assert_eq!(seen, jobs);
    let none = JobFilter { status: Some(Status::Failed), ..filter };
    assert!(desk.subject.reader.jobs(&none, &all()).await.unwrap().is_empty());
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

async fn due_workspaces_come_from_the_index(mut desk: Desk) {
    let id = desk.open("acme").await;
    assert!(desk.subject.reader.due(T0.plus_ms(i64::MAX / 4), 10).await.unwrap().is_empty());
    let (_, command) = desk.submit();
    desk.run(&id, command).await.reply.unwrap();
    let at = T0.plus_ms(86_400_000);
    assert!(desk.subject.reader.due(at.plus_ms(-1), 10).await.unwrap().is_empty());
    assert_eq!(desk.subject.reader.due(at, 10).await.unwrap(), std::slice::from_ref(&id));
    desk.now = at;
    desk.run(&id, Command::Wake).await.reply.unwrap();
    assert!(desk.subject.reader.due(at, 10).await.unwrap().is_empty());
    desk.assert_same(&id).await;
}

async fn keys_read_back_and_are_revoked_once(desk: Desk) {
    let id = reeve_types::KeyId::from_parts(T0, 1);
    let key = crate::KeyRow {
        id,
        role: Role::Workspace,
        workspace: Some(ws("acme")),
        name: "dashboard".to_owned(),
        digest: [9; 32],
        created_at: T0,
        revoked_at: None,
    };
    let journal = &desk.subject.journal;
    let put = journal.submit_platform(PlatformChange::PutKey(key.clone())).unwrap();
    assert_eq!(put.await.unwrap(), CommitOutcome::Durable);
    assert_eq!(desk.subject.reader.key(id).await.unwrap(), Some(key.clone()));
    for at in [T0.plus_ms(5), T0.plus_ms(9)] {
        let revoke = journal.submit_platform(PlatformChange::RevokeKey { id, at }).unwrap();
        assert_eq!(revoke.await.unwrap(), CommitOutcome::Durable);
    }
    let revoked = crate::KeyRow { revoked_at: Some(T0.plus_ms(5)), ..key };
    assert_eq!(desk.subject.reader.keys().await.unwrap(), [revoked]);
}

async fn hostile_text_reads_back_unchanged(mut desk: Desk) {
    let id = desk.open("acme").await;
    let prompt = "it's \"quoted\" \\ back\u{7}slash \u{1f600} %s ?1 $1 -- '); drop table jobs; \u{2028}";
    let job = JobId::from_parts(T0, 77);
    let params = serde_json::json!({ "prompt": prompt, "seed": 9_007_199_254_740_993_i64 }).to_string();
    desk.run(&id, submit(job, &params)).await.reply.unwrap();
    desk.assert_same(&id).await;
    let record = desk.subject.reader.job(job).await.unwrap().unwrap();
    assert_eq!(record.intro.params["prompt"], prompt);
    assert_eq!(record.intro.params["seed"], 9_007_199_254_740_993_i64);
}
