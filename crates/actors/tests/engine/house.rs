//! An engine over a memory store, and what tests do with it.

use std::sync::Arc;

use reeve_actors::{
    Answer, Call, CatalogFile, ClockSource, Engine, EngineSettings, Entropy, Executed, Finished, Granted,
    Idempotency, LeaseRequest, Parts, StartError, TierSettings, Unavailable,
};
use reeve_jobs::{Digest, Reported, ReportedOutcome};
use reeve_journal::{Journal as _, LedgerFilter, MemoryJournal, Page, Reader as _};
use reeve_testkit::{ManualClock, Seeded, plain};
use reeve_types::{Credits, JobId, LeaseId, Millis, PurchaseId, WorkspaceId};
use reeve_workspace::{Command, Complete, Create, Owner, Purchase, Row, fold, invariants};

/// 2026-02-25T06:13:20Z.
pub const START: Millis = Millis::from_millis(1_772_000_000_000);
pub const DAY_MS: i64 = 86_400_000;

pub const KIVE: &str = include_str!("../../../../config/catalogs/kive.toml");
const SHIPPED: [(&str, &str); 5] = [
    ("kive.toml", KIVE),
    ("kira.toml", include_str!("../../../../config/catalogs/kira.toml")),
    ("kreatorflow.toml", include_str!("../../../../config/catalogs/kreatorflow.toml")),
    ("ai-studios.toml", include_str!("../../../../config/catalogs/ai-studios.toml")),
    ("kaiber.toml", include_str!("../../../../config/catalogs/kaiber.toml")),
];

pub fn shipped() -> Vec<CatalogFile> {
    SHIPPED.map(|(file, text)| CatalogFile::parse(file, text, None).unwrap()).into()
}

struct Random(Seeded);

impl Entropy for Random {
    fn bits(&self) -> u128 {
        self.0.next_u128()
    }
}

pub struct House {
    pub engine: Engine,
    pub journal: Arc<MemoryJournal>,
    pub clock: Arc<ManualClock>,
}

pub fn settings() -> EngineSettings {
    let tier = |name: &str| TierSettings {
        name: name.parse().unwrap(),
        weight: 1,
        floor_permille: 50,
        express_permille: 0,
        running_max: 4,
        queued_max: 1_000,
    };
    EngineSettings {
        tiers: ["free", "standard", "pro", "instant"].map(tier).to_vec(),
        tick_ms: 10,
        ..EngineSettings::default()
    }
}

/// What a test chooses of an engine.
pub struct Plan {
    pub journal: Arc<MemoryJournal>,
    pub settings: EngineSettings,
    pub catalogs: Vec<CatalogFile>,
    pub clock: ClockSource,
}

pub async fn start(plan: Plan) -> Result<Engine, StartError> {
    let Plan { journal, settings, catalogs, clock } = plan;
    let entropy = Arc::new(Random(Seeded::new(7)));
    Engine::start(Parts { settings, catalogs, journal: journal.clone(), reader: journal, clock, entropy })
        .await
}

pub async fn house_over(journal: Arc<MemoryJournal>, settings: EngineSettings) -> House {
    let clock = Arc::new(ManualClock::at(START.value()));
    let source = ClockSource::System(clock.clone());
    let plan = Plan { journal: journal.clone(), settings, catalogs: shipped(), clock: source };
    House { engine: start(plan).await.unwrap(), journal, clock }
}

pub async fn house() -> House {
    house_over(MemoryJournal::new(), settings()).await
}

/// A house whose engine knows that its clock is moved by hand; `House::clock` is not it.
pub async fn manual_house() -> House {
    let journal = MemoryJournal::new();
    let clock = Arc::new(reeve_actors::ManualClock::at(START)).into();
    let plan = Plan { journal: journal.clone(), settings: settings(), catalogs: shipped(), clock };
    House { engine: start(plan).await.unwrap(), journal, clock: Arc::new(ManualClock::at(0)) }
}

pub fn ws(name: &str) -> WorkspaceId {
    WorkspaceId::new(name).unwrap()
}

pub fn key(text: &str) -> Call {
    Call { idempotency: Some(Idempotency { key: text.into(), fingerprint: [1; 16] }), ..Call::default() }
}

impl House {
    pub async fn run(&self, id: &WorkspaceId, command: Command) -> Result<Executed, Unavailable> {
        self.engine.execute(id, command, Call::default()).await
    }

    /// A workspace of `kreatorflow`.
    pub async fn open(&self, name: &str, plan: &str) -> WorkspaceId {
        self.open_on(name, ("kreatorflow", plan), None).await
    }

    pub async fn open_on(
        &self,
        name: &str,
        (catalog, plan): (&str, &str),
        user: Option<&str>,
    ) -> WorkspaceId {
        let id = ws(name);
        let owner = user.map(|user| Owner { user: user.into(), identity: None });
        let create = Create { owner, ..plain::create(catalog, plan) };
        let executed = self.run(&id, Command::Create(Box::new(create))).await.unwrap();
        assert!(matches!(executed.answer, Answer::Workspace(_)), "{:?}", executed.answer);
        id
    }

    /// Moves a manual clock.
    pub async fn advance_days(&self, days: i64) {
        let to = self.engine.now().plus_ms(days * DAY_MS);
        assert_eq!(self.engine.advance_clock(to).await.unwrap(), Ok(to));
    }

    pub async fn available(&self, id: &WorkspaceId) -> Credits {
        self.engine.balance(id).await.unwrap().unwrap().view.available
    }

    pub async fn ledger(&self, id: &WorkspaceId) -> Vec<Row> {
        let page = Page { after: None, limit: 1_000_000 };
        self.journal.ledger(id, &LedgerFilter::default(), &page).await.unwrap()
    }

    /// A job of 2 credits.
    pub fn job(&self) -> Command {
        let job = self.engine.new_job_id();
        Command::Submit(Box::new(plain::submit(job, "image.generate", serde_json::Value::Null)))
    }

    pub async fn submit(&self, id: &WorkspaceId) -> JobId {
        let Answer::Admitted(job) = self.run(id, self.job()).await.unwrap().answer else {
            panic!("not admitted")
        };
        job
    }

    pub async fn lease(&self, slots: u32, wait_ms: u64) -> Vec<Granted> {
        self.engine.lease(ask("w", slots, wait_ms)).await.unwrap()
    }

    pub async fn complete(&self, lease: LeaseId) -> Finished {
        let elsewhere = Some(("https://files.example/1.png".into(), Digest([1; 32]), 10));
        let outcome = ReportedOutcome::Landed { elsewhere, units: None, stages: vec![] };
        let outputs = vec![Reported { index: 0, outcome }];
        self.engine.finish(lease, Command::Complete(Complete { lease, outputs })).await.unwrap()
    }

    /// Memory, store and ledger say the same, and every promise holds.
    pub async fn assert_sound(&self, id: &WorkspaceId) {
        let balance = self.engine.balance(id).await.unwrap().unwrap();
        let loaded = self.journal.load(id).await.unwrap().unwrap().state;
        invariants::check(&loaded).unwrap();
        let folded = fold(&self.ledger(id).await).unwrap();
        assert_eq!((balance.view.available, balance.view.held), folded, "memory equals the ledger");
        assert_eq!((loaded.available(balance.as_of), loaded.held()), folded, "the store equals the ledger");
    }
}

/// Polls a caller, who must hear nothing, until `n` outcomes are kept back.
pub async fn until_held<F: Future + Unpin>(house: &House, n: usize, caller: &mut F) {
    while house.journal.health().depth < n {
        assert!(futures_util::poll!(&mut *caller).is_pending(), "answered before the commit");
        tokio::task::yield_now().await;
    }
}

pub fn ask(worker: &str, slots: u32, wait_ms: u64) -> LeaseRequest {
    LeaseRequest {
        worker: worker.parse().unwrap(),
        session: "s".into(),
        pools: vec!["image".parse().unwrap(), "video".parse().unwrap()],
        slots,
        wait_ms,
    }
}

pub fn cr(n: i64) -> Credits {
    Credits::whole(n).unwrap()
}

/// A purchase of the pack `starter`, paid.
pub fn buy(n: u128, payment: &str) -> Purchase {
    Purchase {
        id: PurchaseId::from_parts(START, n),
        pack: Some("starter".into()),
        credits: None,
        payment: payment.into(),
        pending: false,
    }
}
