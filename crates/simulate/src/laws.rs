//! What holds of every run, under every policy, for random loads.

use proptest::prelude::*;

use crate::engine::run_audited;
use crate::{Base, Description, Load, PolicyKind, Report, run, table};

const BASE: &str = include_str!("../../../config/default.toml");

/// A small random load with everything in it: two pools, shared workers, failures, cancellations, losses.
fn text() -> impl Strategy<Value = String> {
    let numbers = (1_u64..1_000, 5_u64..60, 0_u32..400, 0_u32..400, 1_u32..5, any::<bool>());
    (numbers, 1.0..200.0, 0_usize..3, 1_u32..4, prop::option::of(5_u64..40)).prop_map(
        |((seed, seconds, fail, cancel, workers, limits), rate, process, slots, lost)| {
            let process = [
                "{ kind = \"poisson\" }",
                "{ kind = \"bursts\", size = 7, gap_ms = 3 }",
                "{ kind = \"diurnal\", swing = 0.9, period_seconds = 20 }",
            ][process];
            let lost = lost.map(|s| format!("lost_every_seconds = {s}\nback_seconds = 3\n")).unwrap_or_default();
            let half = seconds / 2;
            format!(
                "[run]\nseed = {seed}\nseconds = {seconds}\nbacklog_limits = {limits}\npoints = 10\n\
                 [tiers.free]\nqueued_max = 9\n\
                 [retry]\nlease_ms = 2000\nbackoff_ms = 300\n\
                 [cancel]\npermille = {cancel}\nafter = {{ kind = \"exponential\", mean_ms = 3000 }}\n\
                 [actions.a]\npool = \"p\"\nfail_permille = {fail}\nretryable_permille = 700\n\
                 run = {{ kind = \"lognormal\", median_ms = 700, sigma = 0.8, max_ms = 5000 }}\n\
                 [actions.b]\npool = \"q\"\ndeclared_ms = 900\n\
                 run = {{ kind = \"empirical\", ms = [200, 900], weights = [1, 3] }}\n\
                 [[workspaces]]\nname = \"f\"\ntier = \"free\"\ncount = 4\nper_minute = {rate}\n\
                 actions = {{ a = 2, b = 1 }}\nprocess = {process}\n\
                 [[workspaces]]\nname = \"i\"\ntier = \"instant\"\ncount = 2\nper_minute = {rate}\n\
                 actions = {{ a = 1, b = 1 }}\nrunning_max = 3\n\
                 [[workers]]\nname = \"both\"\npools = [\"q\", \"p\"]\ncount = {workers}\nslots = {slots}\n{lost}\
                 changes = [{{ at_second = {half}, what = \"drain\", count = 1 }}, \
                 {{ at_second = {half}, what = \"join\", count = 2 }}]\n\
                 [[workers]]\nname = \"one\"\npools = [\"p\"]\ncount = 1\n\
                 changes = [{{ at_second = {half}, what = \"lost\", count = 1 }}]\n"
            )
        },
    )
}

fn load(text: &str) -> Load {
    let base = Base::from_toml(BASE).unwrap();
    Load::new(&base, &Description::from_toml(text).unwrap(), None).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The audit itself panics when a cap or a slot is exceeded, or a slot idles while a job could run.
    #[test]
    fn caps_and_slots_hold_and_no_slot_idles_while_a_job_could_run(text in text()) {
        let load = load(&text);
        for kind in PolicyKind::ALL {
            let outcome = run_audited(&load, kind).unwrap();
            prop_assert_eq!(outcome.idle_while_eligible_ms, 0);
        }
    }

    #[test]
    fn jobs_and_slot_time_are_conserved(text in text()) {
        let load = load(&text);
        for kind in PolicyKind::ALL {
            let outcome = run(&load, kind).unwrap();
            let jobs = Report::new(&load, &outcome).jobs;
            let ended = jobs.finished + jobs.failed + jobs.cancelled + jobs.refused;
            prop_assert_eq!(ended + jobs.waiting + jobs.running, jobs.arrived);
            prop_assert_eq!(jobs.arrived, load.arrivals.len() as u64);
            prop_assert!(outcome.worked_ms.iter().sum::<u64>() <= outcome.capacity_ms);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_result(text in text()) {
        let report = |text: &str| {
            let load = load(text);
            serde_json::to_string(&Report::new(&load, &run(&load, PolicyKind::Reeve).unwrap())).unwrap()
        };
        prop_assert_eq!(report(&text), report(&text));
    }
}

const SMALL: &str = "[run]\nseconds = 60\n[actions.a]\npool = \"p\"\nrun = { kind = \"fixed\", ms = 1000 }\n\
                     [[workers]]\nname = \"w\"\npools = [\"p\"]\ncount = 2\n";

#[test]
fn a_slot_is_busy_from_start_to_end_and_waits_are_exact() {
    // Two slots; one workspace with a cap of 1 sends three jobs at once: they run one after the other.
    let recorded = b"at_ms,workspace,tier,pool,run_ms\n0,a,free,p,1000\n0,a,free,p,1000\n0,a,free,p,1000\n";
    let text = format!("{SMALL}[recorded]\nfile = \"x\"\n");
    let base = Base::from_toml(BASE).unwrap();
    let load = Load::new(&base, &Description::from_toml(&text).unwrap(), Some(recorded)).unwrap();
    let outcome = run(&load, PolicyKind::Reeve).unwrap();
    let starts: Vec<_> = outcome.jobs.iter().map(|job| job.first_started_at).collect();
    assert_eq!(starts, [Some(0), Some(1_000), Some(2_000)]);
    assert_eq!((outcome.worked_ms[0], outcome.capacity_ms), (3_000, 120_000));
    let report = Report::new(&load, &outcome);
    let waits = report.tiers[0].waits;
    assert_eq!((waits.jobs, waits.p50_ms, waits.p99_ms, waits.max_ms), (3, 1_000, 2_000, 2_000));
    assert!(table::of_run(&load, &report).contains("| free"));
}

#[test]
fn a_lost_worker_costs_its_job_a_lease_and_a_pause() {
    let text = "[run]\nseconds = 60\n[retry]\nlease_ms = 30000\nbackoff_ms = 1000\n\
                [recorded]\nfile = \"x\"\n\
                [[workers]]\nname = \"w\"\npools = [\"p\"]\ncount = 1\n\
                changes = [{ at_second = 1, what = \"lost\", count = 1 }, { at_second = 2, what = \"join\", count = 1 }]\n";
    let recorded = b"at_ms,workspace,tier,pool,run_ms\n500,a,free,p,4000\n";
    let base = Base::from_toml(BASE).unwrap();
    let load = Load::new(&base, &Description::from_toml(text).unwrap(), Some(recorded)).unwrap();
    let outcome = run_audited(&load, PolicyKind::Reeve).unwrap();
    let again_at = outcome.jobs[0].started_at;
    assert!(
        (32_000..=32_250).contains(&again_at),
        "lost at 1 s, lapsed at 31 s, pause of 1 to 1.25 s: {again_at}"
    );
    assert_eq!((outcome.jobs[0].attempt, outcome.attempts_lost), (2, 1));
    assert_eq!(outcome.worked_ms[0], 500 + 4_000);
    assert_eq!(outcome.capacity_ms, 1_000 + 58_000);
}

#[test]
fn a_load_that_cannot_be_run_is_refused_with_the_way_out() {
    let refused = |text: &str| {
        let made = Description::from_toml(text)
            .and_then(|description| Load::new(&Base::from_toml(BASE).unwrap(), &description, None));
        made.map(|_| ()).unwrap_err().to_string()
    };
    let group = |rest: &str| {
        format!(
            "{SMALL}[[workspaces]]\nname = \"g\"\ntier = \"free\"\nper_minute = 1\nactions = {{ a = 1 }}\n{rest}"
        )
    };
    assert!(refused(SMALL).contains("nothing to run"));
    assert!(refused(&group("colour = 1")).contains("colour"));
    assert!(refused(&group("").replace("\"free\"", "\"gold\"")).contains("the tier `gold`"));
    assert!(refused(&group("").replace("{ a = 1 }", "{ b = 1 }")).contains("the action `b`"));
    assert!(refused(&group("").replace("pools = [\"p\"]", "pools = [\"q\"]")).contains("pool `p`"));
    assert!(refused(&group("").replace("per_minute = 1", "per_minute = -1")).contains("`-1`"));
    assert!(refused(&group("process = { kind = \"bursts\", size = 0 }")).contains("size"));
    assert!(refused(&group(&group("").replace(SMALL, ""))).contains("workspaces `g` are described twice"));
    assert!(refused(&group("").replace("count = 2", "count = 200000")).contains("`100000` workers"));
    assert!(refused(&group("[retry]\nlease_ms = -1")).contains("lease_ms"));
    assert!(refused(&group("[tiers.free]\nfloor_permille = 900")).contains("floors sum up"));
    assert!(refused(&group("[tiers.gold]\nrank = 9")).contains("must give its `weight`"));
    assert!(refused(&group("").replace("seconds = 60", "seconds = 0")).contains("run.seconds"));
}

#[test]
fn the_ends_of_every_range_run() {
    let most = u64::MAX >> 1;
    let text = format!(
        "[run]\nseconds = 31622400\nrate_factor = 0.000001\n[tiers.free]\nrunning_max = {}\nqueued_max = {most}\n\
         [retry]\nlease_ms = {most}\nbackoff_ms = {most}\nbackoff_ms_max = {most}\n\
         [cancel]\npermille = 1000\nafter = {{ kind = \"fixed\", ms = 0 }}\nnotice_ms = {most}\n\
         [actions.a]\npool = \"p\"\nrun = {{ kind = \"fixed\", ms = {} }}\nfail_permille = 1000\n\
         [[workers]]\nname = \"w\"\npools = [\"p\", \"p\"]\ncount = 1\nslots = 999999\nback_seconds = {most}\n\
         lost_every_seconds = {most}\nchanges = [{{ at_second = {most}, what = \"lost\", count = 1 }}]\n\
         [[workspaces]]\nname = \"g\"\ntier = \"free\"\nper_minute = 40000\nactions = {{ a = {} }}\n\
         process = {{ kind = \"bursts\", size = 1000, gap_ms = 60000 }}\n",
        u32::MAX,
        u32::MAX,
        u32::MAX
    );
    let load = load(&text);
    assert!(load.arrivals.len() > 1_000);
    for kind in [PolicyKind::Reeve, PolicyKind::Flat] {
        let report = Report::new(&load, &run(&load, kind).unwrap());
        assert_eq!(report.jobs.arrived, load.arrivals.len() as u64);
    }
}
