//! A decider beside a store: what an actor does, without actors. Everything stored comes from real commands.

use std::collections::HashMap;
use std::sync::Arc;

use reeve_credits::catalog::{Catalog, Interval};
use reeve_jobs::{Digest, Reported, ReportedOutcome, RetrySettings, Upload};
use reeve_types::{
    ActionName, CatalogName, JobId, LeaseId, Millis, PlanName, PurchaseId, TierName, WorkerName, WorkspaceId,
};
use reeve_workspace::{
    Adjust, AdjustedJob, Book, Claim, Command, Complete, Create, Defaults, Executed, LeaseJob, Meta, Owner,
    Purchase, Shelf, State, Submit, TierRules, UploadOutput, World, execute, invariants,
};

use super::Subject;
use crate::{ChangeSet, CommitOutcome, Page, Urgency};

/// When everything starts: 25 February 2026, 06:13 in UTC.
pub(super) const T0: Millis = Millis::from_millis(1_772_000_000_000);
const CATALOG: &str = include_str!("../../../../config/catalogs/kira.toml");

/// A decider beside a store: what an actor does, step by step.
pub(super) struct Desk {
    pub(super) subject: Subject,
    shelf: Shelf,
    tiers: Vec<TierRules>,
    retry: RetrySettings,
    pub(super) slots: HashMap<WorkspaceId, Option<State>>,
    pub(super) now: Millis,
    pub(super) jobs: u128,
}

pub(super) fn ws(name: &str) -> WorkspaceId {
    WorkspaceId::new(name).unwrap()
}

impl Desk {
    pub(super) fn new(subject: Subject) -> Self {
        let tier =
            |name: &str| TierRules { name: TierName::new(name).unwrap(), running_max: 4, queued_max: 10_000 };
        Self {
            subject,
            shelf: Shelf::new([Book::single(Arc::new(Catalog::parse("kira.toml", CATALOG).unwrap()))]),
            tiers: ["free", "standard", "pro", "instant"].map(tier).to_vec(),
            retry: RetrySettings::default(),
            slots: HashMap::new(),
            now: T0,
            jobs: 0,
        }
    }

    pub(super) fn decide(
        &mut self,
        id: &WorkspaceId,
        command: &Command,
        taken: &[(Claim, WorkspaceId)],
    ) -> (u64, Executed) {
        let slot = self.slots.entry(id.clone()).or_default();
        let version = slot.as_ref().map_or(0, |state| state.version);
        let world = World {
            now: slot.as_ref().map_or(self.now, |state| state.now(self.now)),
            shelf: &self.shelf,
            tiers: &self.tiers,
            retry: &self.retry,
            defaults: Defaults { queue_timeout_ms: 86_400_000, run_timeout_ms: 900_000 },
            jitter: 0,
            taken,
            dry: false,
        };
        let executed = execute(id, slot, (command, &Meta::default()), &world).unwrap();
        if let Some(state) = slot {
            invariants::check(state).unwrap();
        }
        (version, executed)
    }

    /// Decides, commits and expects it to be durable.
    pub(super) async fn run(&mut self, id: &WorkspaceId, command: Command) -> Executed {
        let (version, mut executed) = self.decide(id, &command, &[]);
        if let Some(records) = executed.records.take() {
            let outcome = self.commit(id, version, records).await;
            assert_eq!(outcome, CommitOutcome::Durable);
        }
        executed
    }

    pub(super) async fn commit(
        &self,
        id: &WorkspaceId,
        expected: u64,
        records: Box<reeve_workspace::Records>,
    ) -> CommitOutcome {
        let journal = &self.subject.journal;
        let room = journal.reserve(Urgency::Submit).unwrap();
        journal.submit(ChangeSet { workspace: id.clone(), expected, records }, room).await.unwrap()
    }

    /// A workspace on the free plan: 45 credits, 15 of them for a day.
    pub(super) async fn open(&mut self, name: &str) -> WorkspaceId {
        let id = ws(name);
        self.run(&id, create(None)).await.reply.unwrap();
        id
    }

    pub(super) fn submit(&mut self) -> (JobId, Command) {
        self.jobs += 1;
        let job = JobId::from_parts(self.now, self.jobs);
        (job, submit(job, r#"{"prompt": "a boat"}"#))
    }

    pub(super) async fn lease(&mut self, id: &WorkspaceId, job: JobId) -> LeaseId {
        let worker = WorkerName::new("w").unwrap();
        let lease = LeaseJob { job, worker, session: "s".into() };
        self.run(id, Command::Lease(lease)).await.reply.unwrap();
        LeaseId { job, attempt: self.slots[id].as_ref().unwrap().jobs[&job].job.attempt }
    }

    /// One job of 5 credits from admission to a close with one landed output.
    pub(super) async fn whole_job(&mut self, id: &WorkspaceId) -> JobId {
        let (job, command) = self.submit();
        self.run(id, command).await.reply.unwrap();
        let lease = self.lease(id, job).await;
        self.run(id, upload(lease, 0)).await.reply.unwrap();
        self.run(id, complete(lease)).await.reply.unwrap();
        job
    }

    pub(super) fn state(&self, id: &WorkspaceId) -> &State {
        self.slots[id].as_ref().unwrap()
    }

    /// S1: what the store holds equals what memory holds.
    pub(super) async fn assert_same(&self, id: &WorkspaceId) {
        self.subject.journal.flush().await.unwrap();
        let loaded = self.subject.reader.load(id).await.unwrap().unwrap();
        let memory = self.slots[id].clone().unwrap().rebuilt();
        assert_eq!(loaded.state, memory);
    }
}

pub(super) fn create(owner: Option<&str>) -> Command {
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

pub(super) fn submit(job: JobId, params: &str) -> Command {
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
        retry_of: None,
    }))
}

pub(super) fn upload(lease: LeaseId, index: u32) -> Command {
    let upload = Upload { index, sha256: Digest([7; 32]), size: 9, content_type: "image/png".into() };
    Command::Upload(UploadOutput { lease, upload })
}

pub(super) fn complete(lease: LeaseId) -> Command {
    let outcome = ReportedOutcome::Landed { elsewhere: None, units: None, stages: vec![] };
    Command::Complete(Complete { lease, outputs: vec![Reported { index: 0, outcome }] })
}

pub(super) fn all() -> Page {
    Page { after: None, limit: 1_000 }
}

/// A purchase of 100 credits.
pub(super) fn buy(n: u128, payment: &str, pending: bool) -> Command {
    Command::Purchase(Box::new(Purchase {
        id: PurchaseId::from_parts(T0, n),
        pack: None,
        credits: "100".parse().ok(),
        payment: payment.into(),
        pending,
    }))
}

/// A grant by the operator, for a job when given.
pub(super) fn give(amount: &str, job: Option<AdjustedJob>) -> Command {
    let amount = amount.parse().unwrap();
    Command::Adjust(Adjust { amount, reason: "sorry".into(), expires_at: None, job, scope: None })
}
