//! What the bare handler commits: admissions decided in advance by the real core, over workspaces as the load
//! generator makes them: the plan's lot and two more, of which the first is drawn on.

use std::collections::VecDeque;
use std::sync::Arc;

use reeve_credits::catalog::{Catalog, Interval};
use reeve_jobs::RetrySettings;
use reeve_journal::ChangeSet;
use reeve_types::{ActionName, CatalogName, Credits, JobId, KeyId, Millis, PlanName, TierName, WorkspaceId};
use reeve_workspace::{
    Adjust, Answer, Book, Command, Create, Defaults, Meta, Shelf, State, Submit, TierRules, World, execute,
};

/// When everything happens.
const T0: Millis = Millis::from_millis(1_795_000_000_000);
const SOON_MS: i64 = 7 * 86_400_000;
const CATALOG: &str = include_str!("../../../../config/catalogs/kreatorflow.toml");
const KEY: KeyId = KeyId::from_parts(T0, 7);

/// The change sets of one workspace.
pub struct Prepared {
    /// Its creation and its lots.
    pub opening: Vec<ChangeSet>,
    /// One job each.
    pub admits: VecDeque<ChangeSet>,
}

/// Decides for one workspace, in order.
struct Decider {
    id: WorkspaceId,
    slot: Option<State>,
    shelf: Shelf,
    tiers: Vec<TierRules>,
}

/// Change sets of the n-th workspace with so many jobs.
pub fn prepare(n: usize, jobs: usize) -> Prepared {
    let catalog = Catalog::parse("kreatorflow.toml", CATALOG).unwrap();
    let tier = |name: &str| TierRules {
        name: TierName::new(name).unwrap(),
        running_max: u32::MAX,
        queued_max: u64::MAX,
    };
    let mut decider = Decider {
        id: WorkspaceId::new(&format!("bench-00000000-{n}")).unwrap(),
        slot: None,
        shelf: Shelf::new([Book::single(Arc::new(catalog))]),
        tiers: ["free", "standard", "pro", "instant"].map(tier).to_vec(),
    };
    let spent = 2 * i64::try_from(jobs).unwrap() + 1_000;
    let opening = [create(), adjust(spent, Some(T0.plus_ms(SOON_MS))), adjust(1_000, None)];
    let opening = opening.iter().map(|command| decider.decide(command)).collect();
    let admits = (0..jobs).map(|i| decider.admit(n, i)).collect();
    Prepared { opening, admits }
}

impl Decider {
    fn decide(&mut self, command: &Command) -> ChangeSet {
        let expected = self.slot.as_ref().map_or(0, |state| state.version);
        let world = World {
            now: T0,
            shelf: &self.shelf,
            tiers: &self.tiers,
            retry: &RetrySettings::default(),
            defaults: Defaults { queue_timeout_ms: 86_400_000, run_timeout_ms: 900_000 },
            jitter: 0,
            taken: &[],
            dry: false,
        };
        let request = "req_f7855d362e159ab0c21acdf74efb475c";
        let meta = Meta { actor: Some(KEY), request: Some(request.into()) };
        let executed = execute(&self.id, &mut self.slot, (command, &meta), &world).unwrap();
        executed.reply.unwrap();
        ChangeSet { workspace: self.id.clone(), expected, records: executed.records.unwrap() }
    }

    /// The i-th job, with what is remembered under its idempotency key.
    fn admit(&mut self, n: usize, i: usize) -> ChangeSet {
        // Ids of one workspace lie as far apart as they do when many workspaces take turns.
        let at = T0.plus_ms(i64::try_from(i).unwrap());
        let digest = (i as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834) ^ n as u128;
        let job = JobId::from_parts(at, digest);
        let mut change = self.decide(&submit(job));
        change.records.answer = Some(Answer {
            key: format!("{KEY}:bench-00000000-admit-{n}-{i}").into(),
            fingerprint: digest.to_be_bytes(),
            body: format!(r#"{{"admitted":"{job}"}}"#).into(),
            at: T0,
        });
        change
    }
}

fn create() -> Command {
    Command::Create(Box::new(Create {
        name: None,
        catalog: CatalogName::new("kreatorflow").unwrap(),
        plan: Some(PlanName::new("max").unwrap()),
        allotment: None,
        interval: Interval::Month,
        seats: 1,
        timezone: chrono_tz::UTC,
        owner: None,
        metadata: None,
    }))
}

fn adjust(credits: i64, expires_at: Option<Millis>) -> Command {
    let amount = Credits::whole(credits).unwrap();
    Command::Adjust(Adjust { amount, reason: "benchmark".into(), expires_at, job: None, scope: None })
}

fn submit(job: JobId) -> Command {
    let params = serde_json::json!({ "prompt": "a lighthouse at dusk", "quality": "standard", "seed": 7 });
    Command::Submit(Box::new(Submit {
        job,
        action: ActionName::new("image.generate").unwrap(),
        params: Arc::new(params.as_object().unwrap().clone()),
        member: None,
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
