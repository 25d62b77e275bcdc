//! A decider beside a store: what an actor does, without actors. Everything stored comes from real commands.

use std::collections::HashMap;
use std::sync::Arc;

use reeve_credits::catalog::{Catalog, Interval};
use reeve_jobs::{Digest, Reported, ReportedOutcome, RetrySettings, Upload};
use reeve_journal::{ChangeSet, CommitOutcome, Journal, Urgency};
use reeve_types::{
    ActionName, CatalogName, Credits, JobId, LeaseId, Millis, PlanName, PurchaseId, TierName, WorkerName,
    WorkspaceId,
};
use reeve_workspace::{
    Adjust, Book, Claim, Command, Complete, Create, Defaults, LeaseJob, LimitMember, MemberLimit,
    MemberWindow, Meta, Owner, Purchase, RefundKind, RefundPurchase, Shelf, State, Submit, TierRules,
    UploadOutput, World, execute,
};

/// The last ledger row of a workspace that was just created: its signup and its daily credits.
const AS_OPENED_SEQ: u64 = 2;
/// When everything starts.
pub const T0: Millis = Millis::from_millis(1_772_000_000_000);

/// Workspaces in memory, and what decides about them.
pub struct Desk {
    pub shelf: Shelf,
    pub slots: HashMap<WorkspaceId, Option<State>>,
    pub now: Millis,
    tiers: Vec<TierRules>,
    retry: RetrySettings,
    /// Makes job ids; give each desk of one store its own range.
    pub jobs: u128,
}

pub fn ws(name: &str) -> WorkspaceId {
    WorkspaceId::new(name).unwrap()
}

impl Desk {
    pub fn new() -> Self {
        let tier = |name: &str| TierRules {
            name: TierName::new(name).unwrap(),
            running_max: 1_000_000,
            queued_max: 1_000_000,
        };
        let text = include_str!("../../../../../config/catalogs/kira.toml");
        let catalog = Catalog::parse("kira.toml", text).unwrap();
        Self {
            shelf: Shelf::new([Book::single(Arc::new(catalog))]),
            slots: HashMap::new(),
            now: T0,
            tiers: ["free", "standard", "pro", "instant"].map(tier).to_vec(),
            retry: RetrySettings::default(),
            jobs: 0,
        }
    }

    /// Decides and applies in memory; `None` when nothing is to be written. Panics on a refusal.
    pub fn decide(&mut self, id: &WorkspaceId, command: &Command) -> Option<ChangeSet> {
        self.decide_knowing(id, command, &[])
    }

    /// The same, knowing which claims are taken.
    pub fn decide_knowing(
        &mut self,
        id: &WorkspaceId,
        command: &Command,
        taken: &[(Claim, WorkspaceId)],
    ) -> Option<ChangeSet> {
        let slot = self.slots.entry(id.clone()).or_default();
        let expected = slot.as_ref().map_or(0, |state| state.version);
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
        executed.reply.unwrap();
        executed.records.map(|records| ChangeSet { workspace: id.clone(), expected, records })
    }

    /// Decides, commits, expects it to be durable.
    pub async fn run(&mut self, journal: &dyn Journal, id: &WorkspaceId, command: Command) {
        if let Some(change) = self.decide(id, &command) {
            assert_eq!(commit(journal, change).await, CommitOutcome::Durable);
        }
    }

    /// A workspace with credits of its own and two more lots.
    pub async fn open(&mut self, journal: &dyn Journal, name: &str) -> WorkspaceId {
        let id = ws(name);
        self.run(journal, &id, create(None)).await;
        self.run(journal, &id, give(1_000_000)).await;
        id
    }

    /// A new job.
    pub fn submit(&mut self) -> (JobId, Command) {
        self.jobs += 1;
        let job = JobId::from_parts(self.now, self.jobs);
        (job, submit(job))
    }

    /// One job from admission to a close with one landed output.
    pub async fn whole_job(&mut self, journal: &dyn Journal, id: &WorkspaceId) -> JobId {
        let (job, command) = self.submit();
        self.run(journal, id, command).await;
        self.run(journal, id, lease(job)).await;
        let lease = LeaseId { job, attempt: 1 };
        self.run(journal, id, upload(lease, 0)).await;
        self.run(journal, id, complete(lease)).await;
        job
    }
}

pub async fn commit(journal: &dyn Journal, change: ChangeSet) -> CommitOutcome {
    let room = journal.reserve(Urgency::Finish).unwrap();
    journal.submit(change, room).await.unwrap()
}

pub fn create(owner: Option<&str>) -> Command {
    Command::Create(Box::new(Create {
        name: Some("Acme".into()),
        catalog: CatalogName::new("kira").unwrap(),
        plan: Some(PlanName::new("free").unwrap()),
        allotment: None,
        interval: Interval::Month,
        seats: 1,
        timezone: chrono_tz::Europe::Berlin,
        owner: owner.map(|user| Owner { user: user.into(), identity: Some("google".into()) }),
        metadata: None,
    }))
}

pub fn give(credits: i64) -> Command {
    let amount = Credits::whole(credits).unwrap();
    Command::Adjust(Adjust { amount, reason: "test".into(), expires_at: None, job: None, scope: None })
}

pub fn buy(n: u128, payment: &str) -> Command {
    let credits = "100".parse().ok();
    Command::Purchase(Box::new(Purchase {
        id: PurchaseId::from_parts(T0, n),
        pack: None,
        credits,
        payment: payment.into(),
        pending: false,
    }))
}

/// The bank takes the purchase of that number back.
pub fn charge_back(n: u128) -> Command {
    let purchase = PurchaseId::from_parts(T0, n);
    let kind = RefundKind::Chargeback;
    Command::RefundPurchase(RefundPurchase { purchase, kind, reason: None, credits: None })
}

/// The dispute about it is won.
pub fn win_dispute(n: u128) -> Command {
    Command::WinDispute { purchase: PurchaseId::from_parts(T0, n) }
}

/// A ceiling on what a member spends in a day.
pub fn limit_member(member: &str, amount: &str) -> Command {
    let limit = Some(MemberLimit { amount: amount.parse().unwrap(), window: MemberWindow::Day });
    let member = member.parse().unwrap();
    Command::LimitMember(LimitMember { member, limit, settled: Credits::ZERO, as_of_seq: AS_OPENED_SEQ })
}

/// A correction by the operator.
pub fn adjust(credits: &str) -> Command {
    let amount = credits.parse().unwrap();
    Command::Adjust(Adjust { amount, reason: "test".into(), expires_at: None, job: None, scope: None })
}

pub fn submit(job: JobId) -> Command {
    let params =
        serde_json::json!({ "prompt": "a boat on a quiet lake at dawn, mist over the water", "seed": 12345 });
    Command::Submit(Box::new(Submit {
        job,
        action: ActionName::new("image.generate").unwrap(),
        params: Arc::new(params.as_object().unwrap().clone()),
        member: Some("anna".parse().unwrap()),
        priority: 0,
        not_before: None,
        queue_timeout_ms: None,
        run_timeout_ms: None,
        credits_max: None,
        metadata: None,
        webhook: None,
        retry_of: None,
    }))
}

pub fn lease(job: JobId) -> Command {
    Command::Lease(LeaseJob { job, worker: WorkerName::new("worker-1").unwrap(), session: "s1".into() })
}

pub fn upload(lease: LeaseId, index: u32) -> Command {
    let upload = Upload { index, sha256: Digest([7; 32]), size: 9, content_type: "image/png".into() };
    Command::Upload(UploadOutput { lease, upload })
}

pub fn complete(lease: LeaseId) -> Command {
    let outcome = ReportedOutcome::Landed { elsewhere: None, units: None, stages: vec![] };
    Command::Complete(Complete { lease, outputs: vec![Reported { index: 0, outcome }] })
}

pub fn complete_elsewhere(lease: LeaseId) -> Command {
    let elsewhere = Some(("https://cdn.example/1.png".into(), Digest([7; 32]), 9));
    let outcome = ReportedOutcome::Landed { elsewhere, units: Some(0.1 + 0.2), stages: vec![] };
    Command::Complete(Complete { lease, outputs: vec![Reported { index: 0, outcome }] })
}
