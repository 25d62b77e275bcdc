//! What decisions cost: medians over many runs, on the state that a busy workspace has.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use divan::Bencher;
use reeve_jobs::{Digest, Phase, Reported, ReportedOutcome};
use reeve_testkit::laws::open;
use reeve_testkit::life::Life;
use reeve_testkit::plain;
use reeve_testkit::setting::{Setting, shipped};
use reeve_types::{Credits, JobId, LeaseId, Millis};
use reeve_workspace::{
    Adjust, Chain, Command, Complete, Defaults, LeaseJob, Meta, State, World, execute, state_at,
};

fn main() {
    divan::main();
}

fn kive() -> Setting {
    shipped().into_iter().find(|setting| setting.name == "kive").unwrap()
}

/// A workspace with 10 live lots, of which none ends before the first boundary.
fn ten_lots(setting: &Setting) -> Life<'_> {
    let mut life = open(setting, "basic", 1).unwrap();
    for n in 0..8_i64 {
        let adjust = Adjust {
            amount: Credits::whole(100 + n).unwrap(),
            reason: "t".into(),
            expires_at: Some(life.clock.plus_ms(60 * 86_400_000 + n)),
            job: None,
            scope: None,
        };
        life.run(&Command::Adjust(adjust)).unwrap().unwrap();
    }
    assert_eq!(life.state().lots.len(), 10);
    life
}

fn world(setting: &Setting, now: Millis) -> World<'_> {
    World {
        now,
        shelf: &setting.shelf,
        tiers: &setting.tiers,
        retry: &setting.retry,
        defaults: Defaults { queue_timeout_ms: 20_000_000, run_timeout_ms: 900_000 },
        jitter: 7,
        taken: &[],
        dry: false,
    }
}

fn submit(now: Millis) -> Command {
    let params = serde_json::json!({ "outputs": 4 });
    Command::Submit(Box::new(plain::submit(JobId::from_parts(now, 1), "image.generate", params)))
}

/// Runs one command on a fresh copy each time; copying and dropping are not counted.
fn decide(bencher: Bencher<'_, '_>, (life, now): (&Life<'_>, Millis), state: &State, command: &Command) {
    let (setting, id, meta) = (life.setting, &life.id, Meta::default());
    bencher.with_inputs(|| Some(state.clone())).bench_local_refs(|slot| {
        let executed = execute(id, slot, (command, &meta), &world(setting, now)).unwrap();
        assert!(executed.reply.is_ok());
        executed
    });
}

#[divan::bench(sample_count = 2_000, sample_size = 10)]
fn admit_with_10_live_lots(bencher: Bencher<'_, '_>) {
    let setting = kive();
    let life = ten_lots(&setting);
    decide(bencher, (&life, life.clock), life.state(), &submit(life.clock));
}

/// The ledger of such a workspace is in the store; what memory knows of it is its length and last hash.
#[divan::bench(sample_count = 2_000, sample_size = 10)]
fn admit_with_a_ledger_of_a_million_rows(bencher: Bencher<'_, '_>) {
    let setting = kive();
    let life = ten_lots(&setting);
    let mut state = life.state().clone();
    state.chain = Chain { seq: 1_000_000, ..state.chain };
    state.admitted = 300_000;
    state.lots_made = 40_000;
    decide(bencher, (&life, life.clock), &state, &submit(life.clock));
}

#[divan::bench(sample_count = 2_000, sample_size = 10)]
fn close_with_4_outputs(bencher: Bencher<'_, '_>) {
    let setting = kive();
    let mut life = ten_lots(&setting);
    life.run(&submit(life.clock)).unwrap().unwrap();
    let job = life.state().jobs.values().find(|live| matches!(live.job.phase, Phase::Queued { .. })).unwrap();
    let job = job.job.spec.id;
    let lease = LeaseJob { job, worker: "w".parse().unwrap(), session: "s".into() };
    life.run(&Command::Lease(lease)).unwrap().unwrap();
    let landed = |index| {
        let elsewhere = Some(("https://x.example".into(), Digest([0; 32]), 1));
        Reported { index, outcome: ReportedOutcome::Landed { elsewhere, units: None, stages: vec![] } }
    };
    let outputs = (0..4).map(landed).collect();
    let complete = Command::Complete(Complete { lease: LeaseId { job, attempt: 1 }, outputs });
    decide(bencher, (&life, life.clock), life.state(), &complete);
}

#[divan::bench(sample_count = 2_000, sample_size = 10)]
fn fold_one_monthly_boundary(bencher: Bencher<'_, '_>) {
    let setting = kive();
    let life = ten_lots(&setting);
    let boundary = life.state().profile.period_end;
    decide(bencher, (&life, boundary), life.state(), &Command::Wake);
}

#[divan::bench(sample_count = 2_000, sample_size = 10)]
fn forecast_two_months_ahead(bencher: Bencher<'_, '_>) {
    let setting = kive();
    let life = ten_lots(&setting);
    let at = life.clock.plus_ms(59 * 86_400_000);
    let world = world(&setting, life.clock);
    bencher.bench_local(|| state_at(divan::black_box(life.state()), &world, at).available(at));
}
