//! One history in one run, and cut into pieces with downtime between them: identical ledgers (X15, S1).
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use reeve_credits::catalog::{Every, Source, Subject};
use reeve_testkit::Seeded;
use reeve_testkit::life::Life;
use reeve_testkit::script::steps;
use reeve_testkit::setting::{Setting, all};
use reeve_types::{Credits, Millis};
use reeve_workspace::{Command, Row, State};

/// A history: commands at instants that never run backward.
fn history(setting: &Setting, seed: u64) -> Vec<(Millis, Command)> {
    let mut life = Life::open(setting, seed).unwrap();
    for step in steps(seed, 120) {
        let clock = life.now();
        life.clock = life.clock.max(clock);
        life.step(&step).unwrap();
    }
    let mut now = life.log[0].0;
    life.log
        .into_iter()
        .map(|(clock, command)| {
            now = now.max(clock);
            (now, command)
        })
        .collect()
}

/// Runs it; at each command whose number is in `cuts` everything but the store is lost first, and with `awake`
/// somebody looks in between any two commands.
fn run(
    setting: &Setting,
    history: &[(Millis, Command)],
    cuts: &[usize],
    awake: Option<&Seeded>,
) -> (Vec<Row>, State, Vec<(Credits, Credits)>) {
    let mut balances = Vec::new();
    let mut life = Life::empty(setting);
    life.strict = false;
    for (n, (at, command)) in history.iter().enumerate() {
        if let (Some(random), true) = (awake, n > 0) {
            let from = life.clock;
            let gap = at.since(from).max(0) as u64;
            for _ in 0..random.below(4) {
                life.clock = life.clock.max(from.plus_ms(random.below(gap + 1) as i64));
                life.run(&Command::Wake).unwrap().unwrap();
            }
        }
        if cuts.contains(&n) {
            life.restart().unwrap();
        }
        life.clock = *at;
        let _ = life.run(command).unwrap();
        balances.push((life.state().available(life.now()), life.state().held()));
    }
    let mut state = life.slot.unwrap();
    // How many change sets it took may differ, and which of the silent dates was the last to be marked: dates on
    // which nothing is granted pass together.
    state.version = 0;
    state.last_event_at = life.clock;
    (life.store.ledger, state, balances)
}

/// Daily lots of a user are had by the workspace that claims them first, at the moment it is looked at (KR-03).
/// When they change hands, the dates that nobody saw are granted to nobody, so that the rows depend on who looks.
fn shares_daily_lots(state: &State, setting: &Setting) -> bool {
    let by_user = |source: &Source| source.every == Some(Every::Day) && source.subject == Subject::User;
    state.profile.user().is_some() && setting.catalog.sources.values().any(by_user)
}

#[test]
fn x15_a_history_cut_at_1_to_19_points_leads_to_the_same_ledger() {
    for setting in all() {
        for seed in 0..20 {
            let history = history(&setting, 1_000 + seed);
            let whole = run(&setting, &history, &[], None);
            let random = Seeded::new(seed);
            for round in 0..3 {
                let count = 1 + random.below(19) as usize;
                let cuts: Vec<usize> =
                    (0..count).map(|_| 1 + random.below(history.len() as u64 - 1) as usize).collect();
                let awake = (round > 0).then_some(&random);
                let cut = run(&setting, &history, &cuts, awake);
                if awake.is_some() && shares_daily_lots(&whole.1, &setting) {
                    continue;
                }
                let place = whole.0.iter().zip(&cut.0).position(|(a, b)| a != b);
                if let Some(n) = place {
                    let around = |rows: &[Row]| rows[n.saturating_sub(3)..(n + 3).min(rows.len())].to_vec();
                    unreachable!(
                        "{} seed {seed} round {round}, row {n}:\n{:#?}\nand\n{:#?}",
                        setting.name,
                        around(&whole.0),
                        around(&cut.0)
                    );
                }
                assert_eq!(whole.0.len(), cut.0.len(), "{} seed {seed} round {round}", setting.name);
                assert_eq!(whole.2, cut.2, "{} seed {seed} round {round}", setting.name);
                assert_eq!(whole.1, cut.1, "{} seed {seed} round {round}", setting.name);
            }
        }
    }
}
