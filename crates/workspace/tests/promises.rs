//! Random lives of a workspace: after every command the named promises hold, and the ledger explains
//! every figure. Each run prints its seed on failure through proptest.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use proptest::prelude::*;
use reeve_credits::catalog::{Catalog, Interval};
use reeve_jobs::{Digest, FailReport, LapseCause, Phase, Reported, ReportedOutcome, RetrySettings, Status};
use reeve_types::{ActionName, Credits, JobId, LeaseId, Millis, PlanName, PurchaseId, TierName, WorkspaceId};
use reeve_workspace::{
    Adjust, Cancel, Chain, Command, Complete, Create, Ctx, Defaults, Fail, Kind, Lapse, LeaseJob, Meta,
    Purchase, Refusal, Row, State, Submit, TierRules, execute, fold, genesis, hash_row, invariants,
};

const T0: Millis = Millis::from_millis(1_772_000_000_000);
const CAP: u32 = 3;

/// One step of a life, small enough to shrink well.
#[derive(Clone, Debug)]
enum Step {
    Submit { action: u8, outputs: u32, seconds: u32 },
    Lease { nth: usize },
    Complete { nth: usize, landed: u8, short: bool },
    Fail { nth: usize, retryable: bool, unknown: bool },
    Lapse { nth: usize, cause: u8 },
    Cancel { nth: usize },
    Purchase { credits: i64 },
    Adjust { credits: i64 },
    Pass { ms: i64 },
    Nonsense { nth: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0_u8..4, 1_u32..5, 1_u32..12).prop_map(|(action, outputs, seconds)| Step::Submit { action, outputs, seconds }),
        5 => (0_usize..8).prop_map(|nth| Step::Lease { nth }),
        4 => (0_usize..8, any::<u8>(), any::<bool>()).prop_map(|(nth, landed, short)| Step::Complete { nth, landed, short }),
        2 => (0_usize..8, any::<bool>(), any::<bool>()).prop_map(|(nth, retryable, unknown)| Step::Fail { nth, retryable, unknown }),
        2 => (0_usize..8, 0_u8..5).prop_map(|(nth, cause)| Step::Lapse { nth, cause }),
        2 => (0_usize..8).prop_map(|nth| Step::Cancel { nth }),
        1 => (1_i64..2_000).prop_map(|credits| Step::Purchase { credits }),
        1 => (-50_i64..50).prop_map(|credits| Step::Adjust { credits }),
        2 => prop_oneof![-5_000_i64..5_000, 3_000_000_i64..40_000_000].prop_map(|ms| Step::Pass { ms }),
        1 => (0_usize..8).prop_map(|nth| Step::Nonsense { nth }),
    ];
    prop::collection::vec(step, 1..60)
}

struct Life {
    id: WorkspaceId,
    catalog: Catalog,
    tiers: Vec<TierRules>,
    retry: RetrySettings,
    slot: Option<State>,
    clock: Millis,
    rows: Vec<Row>,
    ended: HashMap<JobId, Status>,
    made: u128,
}

impl Life {
    fn new(text: &str, plan: &str) -> Self {
        let tier =
            |name: &str| TierRules { name: TierName::new(name).unwrap(), running_max: CAP, queued_max: 20 };
        let catalog = Catalog::parse("catalog.toml", text).unwrap();
        let mut life = Self {
            id: WorkspaceId::new("acme").unwrap(),
            tiers: ["free", "standard", "pro", "instant"].map(tier).to_vec(),
            retry: RetrySettings::default(),
            slot: None,
            clock: T0,
            rows: Vec::new(),
            ended: HashMap::new(),
            made: 0,
            catalog,
        };
        let create = Create {
            name: None,
            catalog: life.catalog.name.clone(),
            plan: Some(PlanName::new(plan).unwrap()),
            allotment: None,
            interval: Interval::Month,
            seats: 1,
            timezone: chrono_tz::UTC,
            owner: None,
            metadata: None,
        };
        life.run(&Command::Create(Box::new(create))).unwrap();
        life
    }

    fn state(&self) -> &State {
        self.slot.as_ref().unwrap()
    }

    /// Runs a command and checks every promise.
    fn run(&mut self, command: &Command) -> Result<(), Refusal> {
        let before = self.slot.clone();
        let now = before.as_ref().map_or(self.clock, |state| state.now(self.clock));
        let ctx = Ctx {
            now,
            catalog: &self.catalog,
            tiers: &self.tiers,
            retry: &self.retry,
            defaults: Defaults { queue_timeout_ms: 20_000_000, run_timeout_ms: 900_000 },
            jitter: 7,
            taken: &[],
        };
        let executed = execute(&self.id, &mut self.slot, (command, &Meta::default()), &ctx).unwrap();
        let rows = executed.records.as_ref().map(|records| records.ledger.clone()).unwrap_or_default();
        self.check_chain(&rows);
        self.rows.extend(rows);
        if let Some(records) = &executed.records {
            assert_eq!(self.state().version, before.as_ref().map_or(0, |state| state.version) + 1);
            for (job, state) in &records.jobs {
                let before = self.ended.get(job);
                assert!(before.is_none(), "J2: job {job} changed after its end");
                if state.status.is_final() {
                    self.check_end(*job, state);
                    self.ended.insert(*job, state.status);
                }
            }
        } else if executed.reply.is_err() {
            assert_eq!(self.slot, before, "S2: a refusal changed something");
        }
        self.check_state(now);
        executed.reply.map(|_| ())
    }

    fn check_state(&self, now: Millis) {
        let state = self.state();
        invariants::check(state).unwrap();
        assert!(state.running <= CAP, "Q2");
        assert!(state.queued() <= 20, "backlog");
        assert_eq!(
            fold(&self.rows),
            Some((state.available(now), state.held())),
            "L5: the ledger explains the balance"
        );
        assert!(!state.available(now).is_negative(), "L2");
        assert_eq!(state.clone().rebuilt(), state.clone().rebuilt().rebuilt());
    }

    fn check_chain(&self, rows: &[Row]) {
        let mut chain =
            self.rows.last().map_or(genesis(&self.id), |row| Chain { seq: row.seq, hash: row.hash });
        for row in rows {
            assert_eq!((row.seq, row.hash), (chain.seq + 1, hash_row(chain.hash, row)), "L5: chain");
            assert!(row.amount.is_positive(), "a row moves something");
            chain = Chain { seq: row.seq, hash: row.hash };
        }
    }

    /// L3: at close settled + released = held; nothing is charged but success.
    fn check_end(&self, job: JobId, state: &reeve_workspace::JobState) {
        let sum = |kind| {
            let rows = self.rows.iter().filter(|row| row.job == Some(job) && row.kind == kind);
            Credits::checked_sum(rows.map(|row| row.amount)).unwrap()
        };
        assert_eq!(state.settled.checked_add(state.released), Some(sum(Kind::Hold)), "L3");
        assert_eq!((state.settled, state.released), (sum(Kind::Settle), sum(Kind::Release)), "L3 by rows");
        let landed = state.outputs.iter().filter(|output| output.output.has_landed()).count();
        match state.status {
            Status::Succeeded => assert!(landed > 0, "J3"),
            _ => assert!(landed == 0 && state.settled.is_zero(), "only success is charged"),
        }
    }

    fn nth_job(&self, nth: usize, wanted: impl Fn(&Phase) -> bool) -> Option<JobId> {
        let mut ids: Vec<JobId> = self
            .state()
            .jobs
            .values()
            .filter(|live| wanted(&live.job.phase))
            .map(|live| live.job.spec.id)
            .collect();
        ids.sort();
        (!ids.is_empty()).then(|| ids[nth % ids.len()])
    }

    fn lease_of(&self, nth: usize) -> Option<LeaseId> {
        let job = self.nth_job(nth, |phase| !matches!(phase, Phase::Queued { .. }))?;
        Some(LeaseId { job, attempt: self.state().jobs[&job].job.attempt })
    }

    fn command(&mut self, step: &Step) -> Option<Command> {
        self.made += 1;
        Some(match step {
            Step::Submit { action, outputs, seconds } => {
                let names: Vec<ActionName> = self.catalog.actions.keys().cloned().collect();
                let action = names[usize::from(*action) % names.len()].clone();
                let params = serde_json::json!({ "outputs": outputs, "seconds": seconds, "to": "4k" });
                Command::Submit(Box::new(Submit {
                    job: JobId::from_parts(self.clock, self.made),
                    action,
                    params: std::sync::Arc::new(params.as_object().unwrap().clone()),
                    member: None,
                    priority: 0,
                    not_before: None,
                    queue_timeout_ms: None,
                    run_timeout_ms: None,
                    credits_max: None,
                    metadata: None,
                    webhook: None,
                }))
            }
            Step::Lease { nth } => {
                let job = self.nth_job(*nth, |phase| matches!(phase, Phase::Queued { .. }))?;
                Command::Lease(LeaseJob { job, worker: "w".parse().unwrap(), session: "s".into() })
            }
            Step::Complete { nth, landed, short } => {
                let lease = self.lease_of(*nth)?;
                let count = self.state().jobs[&lease.job].job.spec.outputs;
                let report = |index: u32| {
                    let elsewhere = Some(("https://x.example".into(), Digest([0; 32]), 1));
                    let units = short.then_some(0.5);
                    let outcome = match (landed >> index) & 1 {
                        1 => ReportedOutcome::Landed { elsewhere, units, stages: vec![] },
                        _ if index.is_multiple_of(2) => ReportedOutcome::Filtered { reason: None },
                        _ => ReportedOutcome::Failed { reason: None },
                    };
                    Reported { index, outcome }
                };
                Command::Complete(Complete { lease, outputs: (0..count).map(report).collect() })
            }
            Step::Fail { nth, retryable, unknown } => {
                let report = FailReport { reason: "x".into(), retryable: *retryable, fate_unknown: *unknown };
                Command::Fail(Fail { lease: self.lease_of(*nth)?, report })
            }
            Step::Lapse { nth, cause } => {
                let causes = [
                    LapseCause::Silent,
                    LapseCause::Unacknowledged,
                    LapseCause::Dropped,
                    LapseCause::RunTimeout,
                    LapseCause::FateUnknown,
                ];
                Command::Lapse(Lapse { lease: self.lease_of(*nth)?, cause: causes[usize::from(*cause)] })
            }
            Step::Cancel { nth } => Command::Cancel(Cancel { job: self.nth_job(*nth, |_| true)? }),
            Step::Purchase { credits } => Command::Purchase(Box::new(Purchase {
                id: PurchaseId::from_parts(self.clock, self.made),
                pack: None,
                credits: Credits::whole(*credits),
                payment: format!("pay-{}", self.made).into(),
            })),
            Step::Adjust { credits } => Command::Adjust(Adjust {
                amount: Credits::whole(*credits).unwrap(),
                reason: "test".into(),
                expires_at: None,
                job: None,
            }),
            Step::Pass { ms } => {
                self.clock = self.clock.plus_ms(*ms);
                Command::Wake
            }
            Step::Nonsense { nth } => {
                let lease =
                    LeaseId { job: JobId::from_parts(T0, 9_999), attempt: u32::try_from(*nth).unwrap() };
                Command::Complete(Complete { lease, outputs: vec![] })
            }
        })
    }
}

fn live(text: &str, plan: &str, steps: &[Step]) {
    let mut life = Life::new(text, plan);
    for step in steps {
        if let Some(command) = life.command(step) {
            let _ = life.run(&command);
        }
    }
    // The end of the world: every live job ends by its own deadline, and nothing stays held.
    life.clock = life.clock.plus_ms(30_000_000_000);
    while let Some(lease) = life.lease_of(0) {
        // A job whose fate is unknown ends by its own deadline first: then the lapse finds nothing.
        let _ = life.run(&Command::Lapse(Lapse { lease, cause: LapseCause::RunTimeout }));
    }
    life.run(&Command::Wake).unwrap();
    assert!(life.state().jobs.is_empty() && life.state().held().is_zero(), "something is left over");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_life_on_kaiber_keeps_every_promise(steps in steps()) {
        live(include_str!("../../../config/catalogs/kaiber.toml"), "explorer", &steps);
    }

    #[test]
    fn every_life_on_kira_keeps_every_promise(steps in steps()) {
        live(include_str!("../../../config/catalogs/kira.toml"), "free", &steps);
    }

    #[test]
    fn every_life_on_kive_keeps_every_promise(steps in steps()) {
        live(include_str!("../../../config/catalogs/kive.toml"), "basic", &steps);
    }
}

fn submit(life: &mut Life, action: &str, params: serde_json::Value) -> Result<JobId, Refusal> {
    let Some(Command::Submit(mut submit)) = life.command(&Step::Submit { action: 0, outputs: 1, seconds: 1 })
    else {
        unreachable!()
    };
    submit.action = action.parse().unwrap();
    submit.params = std::sync::Arc::new(params.as_object().unwrap().clone());
    let job = submit.job;
    life.run(&Command::Submit(submit)).map(|()| job)
}

fn available(life: &Life) -> String {
    life.state().available(life.state().now(life.clock)).to_string()
}

#[test]
fn kv_15_three_of_four_landed_and_one_filtered_settles_24_and_releases_8() {
    let mut life = Life::new(include_str!("../../../config/catalogs/kive.toml"), "basic");
    submit(&mut life, "image.generate", serde_json::json!({})).unwrap();
    assert_eq!(available(&life), "968");
    life.run(&lease_first(&life).unwrap()).unwrap();
    let complete = life.command(&Step::Complete { nth: 0, landed: 0b1110, short: false }).unwrap();
    life.run(&complete).unwrap();
    assert_eq!(available(&life), "976");
}

/// Leases the first queued job.
fn lease_first(life: &Life) -> Option<Command> {
    let job = life.nth_job(0, |phase| matches!(phase, Phase::Queued { .. }))?;
    Some(Command::Lease(LeaseJob { job, worker: "w".parse().unwrap(), session: "s".into() }))
}

#[test]
fn kv_14_a_price_one_above_the_balance_is_denied_and_nothing_is_held() {
    let mut life = Life::new(include_str!("../../../config/catalogs/kive.toml"), "basic");
    life.run(&Command::Adjust(Adjust {
        amount: Credits::whole(-969).unwrap(),
        reason: "t".into(),
        expires_at: None,
        job: None,
    }))
    .unwrap();
    let denied = submit(&mut life, "image.generate", serde_json::json!({})).unwrap_err();
    let Refusal::InsufficientCredits { required, available, missing, .. } = denied else {
        unreachable!("{denied:?}")
    };
    assert_eq!([required, available, missing].map(|c| c.to_string()), ["32", "31", "1"]);
    assert!(life.state().held().is_zero());
}

#[test]
fn kr_09_a_held_credit_is_not_available_until_the_job_ends() {
    let mut life = Life::new(include_str!("../../../config/catalogs/kira.toml"), "free");
    submit(&mut life, "image.edit", serde_json::json!({})).unwrap();
    assert_eq!((available(&life), life.state().held().to_string()), ("40".to_owned(), "5".to_owned()));
    life.run(&lease_first(&life).unwrap()).unwrap();
    let fail = life.command(&Step::Fail { nth: 0, retryable: false, unknown: false }).unwrap();
    life.run(&fail).unwrap();
    assert_eq!((available(&life), life.state().held().to_string()), ("45".to_owned(), "0".to_owned()));
}

#[test]
fn kr_11_a_retry_reuses_its_hold() {
    let mut life = Life::new(include_str!("../../../config/catalogs/kira.toml"), "free");
    submit(&mut life, "image.generate", serde_json::json!({})).unwrap();
    life.run(&lease_first(&life).unwrap()).unwrap();
    let fail = life.command(&Step::Fail { nth: 0, retryable: true, unknown: false }).unwrap();
    life.run(&fail).unwrap();
    life.clock = life.clock.plus_ms(60_000);
    life.run(&lease_first(&life).unwrap()).unwrap();
    let complete = life.command(&Step::Complete { nth: 0, landed: 1, short: false }).unwrap();
    life.run(&complete).unwrap();
    assert_eq!(available(&life), "40");
    assert_eq!(life.rows.iter().filter(|row| row.kind == Kind::Hold).count(), 1);
}

#[test]
fn x4_a_job_that_fails_after_its_lot_expired_gives_nothing_back() {
    let mut life = Life::new(include_str!("../../../config/catalogs/kira.toml"), "free");
    submit(&mut life, "image.generate", serde_json::json!({})).unwrap();
    life.run(&lease_first(&life).unwrap()).unwrap();
    life.clock = life.clock.plus_ms(2 * 86_400_000);
    let fail = life.command(&Step::Fail { nth: 0, retryable: false, unknown: false }).unwrap();
    life.run(&fail).unwrap();
    assert_eq!(
        available(&life),
        "30",
        "the daily lot is gone with what it held; the signup credits never expire"
    );
    assert_eq!(
        life.rows.last().map(|row| (row.kind, row.amount)),
        Credits::whole(5).map(|five| (Kind::Expire, five))
    );
}

#[test]
fn x12_a_free_job_is_admitted_at_any_balance() {
    let mut life = Life::new(include_str!("../../../config/catalogs/kaiber.toml"), "free");
    life.run(&Command::Adjust(Adjust {
        amount: Credits::whole(-100).unwrap(),
        reason: "t".into(),
        expires_at: None,
        job: None,
    }))
    .unwrap();
    assert!(submit(&mut life, "image.generate", serde_json::json!({})).is_ok());
    assert!(submit(&mut life, "video.motion", serde_json::json!({"seconds": 3})).is_err());
}

#[test]
fn ka_10_thirty_seconds_of_transform_with_4k_hold_156() {
    let mut life = Life::new(include_str!("../../../config/catalogs/kaiber.toml"), "explorer");
    submit(&mut life, "video.transform_1", serde_json::json!({"seconds": 30, "upscale": "4k"})).unwrap();
    assert_eq!(life.state().held().to_string(), "156");
}

#[test]
fn kv_07_a_free_plan_may_not_buy_credits() {
    let mut life = Life::new(include_str!("../../../config/catalogs/kive.toml"), "free");
    let buy = life.command(&Step::Purchase { credits: 5 }).unwrap();
    assert!(matches!(life.run(&buy), Err(Refusal::NotAllowed { .. })));
}
