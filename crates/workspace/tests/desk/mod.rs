//! A desk at which a test works with one workspace: a catalog, a clock that moves forward, what was written.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]
#![expect(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::sync::Arc;

use reeve_credits::catalog::Catalog;
use reeve_jobs::{FailReport, Reported, ReportedOutcome, RetrySettings};
use reeve_testkit::plain;
use reeve_types::{
    Credits, JobId, LeaseId, MemberId, Millis, PlanName, PurchaseId, TierName, WorkerName, WorkspaceId,
};
use reeve_workspace::{
    Book, Claim, Command, Complete, Create, Defaults, Executed, Fail, Kind, LeaseJob, Meta, Owner, Purchase,
    RefundKind, RefundPurchase, Refusal, Row, Shelf, State, Submit, Subscribe, TierRules, World, execute,
};

/// One workspace, and what its commands wrote.
pub struct Desk {
    pub shelf: Shelf,
    pub tiers: Vec<TierRules>,
    pub retry: RetrySettings,
    pub id: WorkspaceId,
    pub slot: Option<State>,
    pub now: Millis,
    pub rows: Vec<Row>,
    pub notices: Vec<&'static str>,
    /// Everything told outward, with its instant.
    pub told: Vec<(Millis, &'static str)>,
    /// The store's claims, shared by desks that are made with [`Desk::beside`].
    pub claims: BTreeMap<Claim, WorkspaceId>,
}

pub fn at(text: &str) -> Millis {
    Millis::from_utc(text.parse::<chrono::DateTime<chrono::Utc>>().unwrap())
}

pub fn cr(n: i64) -> Credits {
    Credits::whole(n).unwrap()
}

pub fn text(catalog: &str) -> String {
    std::fs::read_to_string(format!("../../config/catalogs/{catalog}.toml")).unwrap()
}

/// What a workspace opens with.
pub fn create(catalog: &str, plan: &str) -> Create {
    let owner = Some(Owner { user: "u".into(), identity: None });
    Create { owner, ..plain::create(catalog, plan) }
}

impl Desk {
    pub fn open(catalog: &str, plan: &str, now: &str) -> Self {
        Self::with(&text(catalog), create(catalog, plan), now)
    }

    pub fn with(text: &str, create: Create, now: &str) -> Self {
        let parsed = Arc::new(Catalog::parse("test", text).unwrap());
        let tier = TierRules { name: TierName::new("free").unwrap(), running_max: 50, queued_max: 100 };
        let mut desk = Self {
            shelf: Shelf::new([Book::single(parsed)]),
            tiers: vec![tier],
            retry: RetrySettings::default(),
            id: WorkspaceId::new("acme").unwrap(),
            slot: None,
            now: at(now),
            rows: Vec::new(),
            notices: Vec::new(),
            told: Vec::new(),
            claims: BTreeMap::new(),
        };
        desk.run(Command::Create(Box::new(create))).unwrap();
        desk
    }

    /// Runs a command as its actor would: again with what turned out to be taken.
    pub fn run(&mut self, command: Command) -> Result<(), Refusal> {
        let mut taken: Vec<(Claim, WorkspaceId)> = Vec::new();
        loop {
            let world = World {
                now: self.slot.as_ref().map_or(self.now, |state| state.now(self.now)),
                shelf: &self.shelf,
                tiers: &self.tiers,
                retry: &self.retry,
                defaults: Defaults { queue_timeout_ms: 86_400_000, run_timeout_ms: 3_600_000 },
                jitter: 0,
                taken: &taken,
                dry: false,
            };
            let mut slot = self.slot.clone();
            let Executed { reply, records, claims, .. } =
                execute(&self.id, &mut slot, (&command, &Meta::default()), &world).unwrap();
            let news =
                claims.iter().filter_map(|claim| Some((claim.clone(), self.claims.get(claim)?.clone())));
            let news: Vec<_> = news.collect();
            if !news.is_empty() {
                taken.extend(news);
                continue;
            }
            self.slot = slot;
            self.claims.extend(claims.into_iter().map(|claim| (claim, self.id.clone())));
            if let Some(records) = records {
                for claim in &records.unclaims {
                    self.claims.remove(claim);
                }
                self.rows.extend(records.ledger.iter().cloned());
                self.told.extend(records.outbox.iter().map(|row| (row.at, row.kind)));
                self.notices.extend(records.outbox.iter().map(|row| row.kind));
            }
            if let Some(state) = &self.slot {
                reeve_workspace::invariants::check(state).unwrap();
            }
            return reply.map(|_| ());
        }
    }

    pub fn to(&mut self, text: &str) -> &mut Self {
        self.now = at(text);
        self.run(Command::Wake).unwrap();
        self
    }

    pub fn state(&self) -> &State {
        self.slot.as_ref().unwrap()
    }

    pub fn available(&self) -> Credits {
        self.state().available(self.now)
    }

    pub fn held(&self) -> Credits {
        self.state().held()
    }

    pub fn subscribe(&mut self, plan: &str, allotment: Option<i64>) {
        let plan = PlanName::new(plan).unwrap();
        let wanted = Subscribe { plan, allotment: allotment.map(cr), interval: None, seats: None };
        self.run(Command::Subscribe(wanted)).unwrap();
    }

    pub fn buy(&mut self, n: u128, credits: i64) -> Result<PurchaseId, Refusal> {
        self.pay(n, credits, false)
    }

    pub fn pay(&mut self, n: u128, credits: i64, pending: bool) -> Result<PurchaseId, Refusal> {
        let id = PurchaseId::from_parts(self.now, n);
        let packs = self.shelf.iter().next().unwrap().latest().packs.clone();
        let pack =
            packs.iter().find(|(_, pack)| pack.credits == cr(credits)).map(|(name, _)| name.as_str().into());
        let credits = pack.is_none().then(|| cr(credits));
        let purchase = Purchase { id, pack, credits, payment: format!("pay_{n}").into(), pending };
        self.run(Command::Purchase(Box::new(purchase))).map(|()| id)
    }

    pub fn refund(&mut self, purchase: PurchaseId, kind: RefundKind) -> Result<(), Refusal> {
        let reason = Some("asked for".into());
        self.run(Command::RefundPurchase(RefundPurchase { purchase, kind, reason, credits: None }))
    }

    pub fn submit(&mut self, n: u128, action: &str, params: serde_json::Value) -> Result<JobId, Refusal> {
        self.submit_for(n, action, params, None)
    }

    pub fn submit_for(
        &mut self,
        n: u128,
        action: &str,
        params: serde_json::Value,
        member: Option<&str>,
    ) -> Result<JobId, Refusal> {
        let job = JobId::from_parts(self.now, n);
        let member = member.map(|member| MemberId::new(member).unwrap());
        let submit = Submit { member, ..plain::submit(job, action, params) };
        self.run(Command::Submit(Box::new(submit))).map(|()| job)
    }

    pub fn lease(&mut self, job: JobId) -> LeaseId {
        let worker = WorkerName::new("w").unwrap();
        self.run(Command::Lease(LeaseJob { job, worker, session: "s".into() })).unwrap();
        LeaseId { job, attempt: self.state().jobs[&job].job.attempt }
    }

    /// Completes with one outcome per output: true lands.
    pub fn complete(&mut self, lease: LeaseId, landed: &[bool]) -> Result<(), Refusal> {
        let outcome = |landed: &bool| match landed {
            true => ReportedOutcome::Landed {
                elsewhere: Some(("https://store.example/o".into(), reeve_jobs::Digest([7; 32]), 1)),
                units: None,
                stages: Vec::new(),
            },
            false => ReportedOutcome::Failed { reason: None },
        };
        let outputs = landed
            .iter()
            .zip(0..)
            .map(|(landed, index)| Reported { index, outcome: outcome(landed) })
            .collect();
        self.run(Command::Complete(Complete { lease, outputs }))
    }

    pub fn fail(&mut self, lease: LeaseId, retryable: bool, fate_unknown: bool) -> Result<(), Refusal> {
        let report = FailReport { reason: "broke".into(), retryable, fate_unknown };
        self.run(Command::Fail(Fail { lease, report }))
    }

    pub fn sum(&self, kind: Kind) -> Credits {
        Credits::checked_sum(self.rows.iter().filter(|row| row.kind == kind).map(|row| row.amount)).unwrap()
    }

    pub fn count(&self, kind: Kind) -> usize {
        self.rows.iter().filter(|row| row.kind == kind).count()
    }
}
