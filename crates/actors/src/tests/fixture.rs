//! An engine over a memory store whose journal can be held back, one outcome at a time.

use std::sync::{Arc, Mutex};

use reeve_journal::{
    ChangeSet, CommitOutcome, Journal, JournalHealth, MemoryJournal, Overloaded, PlatformChange, Room,
    Urgency,
};
use reeve_testkit::{ManualClock, Seeded, plain};
use reeve_types::{JobId, Millis, WorkspaceId};
use reeve_workspace::Command;
use tokio::sync::oneshot;

use crate::call::{Answer, Call, Granted, LeaseRequest};
use crate::clock::ClockSource;
use crate::engine::{Engine, Parts};
use crate::entropy::Entropy;
use crate::settings::{EngineSettings, TierSettings};
use crate::shared::lock;
use crate::shelves::CatalogFile;

pub(crate) const START: Millis = Millis::from_millis(1_772_000_000_000);
const CATALOG: &str = include_str!("../../../../config/catalogs/kreatorflow.toml");
/// Threads of actors; the dispatcher has the first.
const THREADS: usize = 2;

/// A name whose owner runs on another thread than the dispatcher.
pub(crate) fn name_beside_the_dispatcher() -> String {
    let is_beside =
        |name: &String| usize::try_from(reeve_journal::key_hash(name) % 1_024).unwrap() % THREADS != 0;
    (0..100).map(|n| format!("beside-{n}")).find(is_beside).unwrap()
}

struct Random(Seeded);

impl Entropy for Random {
    fn bits(&self) -> u128 {
        self.0.next_u128()
    }
}

type Withheld = (oneshot::Sender<CommitOutcome>, oneshot::Receiver<CommitOutcome>);

/// A journal that writes at once, and tells outcomes one by one when it is asked to.
pub(crate) struct Gated {
    inner: Arc<MemoryJournal>,
    /// `None`: the gate is open.
    withheld: Mutex<Option<Vec<Withheld>>>,
    /// Who waits for everything to have its outcome; `None`: nobody has to.
    flushes: Mutex<Option<Vec<oneshot::Sender<()>>>>,
}

impl Gated {
    pub(crate) fn shut(&self) {
        *lock(&self.withheld) = Some(Vec::new());
    }

    pub(crate) fn withheld(&self) -> usize {
        lock(&self.withheld).as_ref().map_or(0, Vec::len)
    }

    /// Lets nobody be rebuilt from the store until the flushes are let through.
    pub(crate) fn hold_flushes(&self) {
        *lock(&self.flushes) = Some(Vec::new());
    }

    pub(crate) fn let_flushes_through(&self) {
        for done in lock(&self.flushes).take().unwrap() {
            done.send(()).unwrap();
        }
    }

    /// Tells the oldest outcome that is kept back.
    pub(crate) fn let_one_through(&self) {
        let (told, mut outcome) = lock(&self.withheld).as_mut().unwrap().remove(0);
        told.send(outcome.try_recv().unwrap()).unwrap();
    }
}

impl Journal for Gated {
    fn reserve(&self, urgency: Urgency) -> Result<Room, Overloaded> {
        self.inner.reserve(urgency)
    }

    fn submit(&self, change: ChangeSet, room: Room) -> oneshot::Receiver<CommitOutcome> {
        let outcome = self.inner.submit(change, room);
        match lock(&self.withheld).as_mut() {
            None => outcome,
            Some(withheld) => {
                let (told, later) = oneshot::channel();
                withheld.push((told, outcome));
                later
            }
        }
    }

    fn submit_platform(
        &self,
        change: PlatformChange,
    ) -> Result<oneshot::Receiver<CommitOutcome>, Overloaded> {
        self.inner.submit_platform(change)
    }

    fn flush(&self) -> oneshot::Receiver<()> {
        match lock(&self.flushes).as_mut() {
            None => self.inner.flush(),
            Some(waiting) => {
                let (done, flushed) = oneshot::channel();
                waiting.push(done);
                flushed
            }
        }
    }

    fn health(&self) -> JournalHealth {
        self.inner.health()
    }
}

pub(crate) struct House {
    pub(crate) engine: Engine,
    pub(crate) journal: Arc<Gated>,
    /// What the journal writes to, to plan faults in.
    pub(crate) memory: Arc<MemoryJournal>,
}

/// An engine whose own audit never takes a step, so that the tests take them.
pub(crate) async fn house() -> House {
    let tier = |name: &str| TierSettings {
        name: name.parse().unwrap(),
        weight: 1,
        floor_permille: 50,
        express_permille: 0,
        running_max: 4,
        queued_max: 1_000,
    };
    let settings = EngineSettings {
        tiers: ["free", "standard", "pro", "instant"].map(tier).to_vec(),
        threads: THREADS,
        tick_ms: 10,
        audit_ms: 1 << 40,
        ..EngineSettings::default()
    };
    let inner = MemoryJournal::new();
    let journal =
        Arc::new(Gated { inner: inner.clone(), withheld: Mutex::default(), flushes: Mutex::default() });
    let parts = Parts {
        settings,
        catalogs: vec![CatalogFile::parse("kreatorflow.toml", CATALOG, None).unwrap()],
        journal: journal.clone(),
        reader: inner.clone(),
        clock: ClockSource::System(Arc::new(ManualClock::at(START.value()))),
        entropy: Arc::new(Random(Seeded::new(7))),
    };
    House { engine: Engine::start(parts).await.unwrap(), journal, memory: inner }
}

impl House {
    pub(crate) async fn open(&self, name: &str) -> WorkspaceId {
        let id = WorkspaceId::new(name).unwrap();
        let create = plain::create("kreatorflow", "creator");
        let create = Command::Create(Box::new(create));
        let made = self.engine.execute(&id, create, Call::default()).await.unwrap();
        assert!(matches!(made.answer, Answer::Workspace(_)), "{:?}", made.answer);
        id
    }

    pub(crate) fn submit(&self) -> Command {
        let job = self.engine.new_job_id();
        Command::Submit(Box::new(plain::submit(job, "image.generate", serde_json::Value::Null)))
    }

    pub(crate) async fn admitted(&self, id: &WorkspaceId) -> JobId {
        let done = self.engine.execute(id, self.submit(), Call::default()).await.unwrap();
        let Answer::Admitted(job) = done.answer else { panic!("{:?}", done.answer) };
        job
    }

    pub(crate) async fn lease(&self, slots: u32) -> Vec<Granted> {
        self.lease_within(slots, 5_000).await
    }

    pub(crate) async fn lease_within(&self, slots: u32, wait_ms: u64) -> Vec<Granted> {
        let pools = vec!["image".parse().unwrap()];
        let ask = LeaseRequest { worker: "w".parse().unwrap(), session: "s".into(), pools, slots, wait_ms };
        self.engine.lease(ask).await.unwrap()
    }
}
