//! `docs/scheduling.md` says what the simulator says, figure by figure.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use reeve_simulate::{Base, Description, Load, PolicyKind, Report, Sweep, compare, table};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn base() -> Base {
    Base::from_toml(&read("config/default.toml")).unwrap()
}

fn description(name: &str) -> Description {
    Description::from_toml(&read(&format!("config/simulations/{name}.toml"))).unwrap()
}

/// The load as it is shipped.
fn load(name: &str) -> Load {
    let description = description(name);
    let file =
        description.recorded.as_ref().map(|recorded| root().join("config/simulations").join(&recorded.file));
    let recorded = file.map(|file| std::fs::read(file).unwrap());
    Load::new(&base(), &description, recorded.as_deref()).unwrap()
}

/// What stands in the document between a marker and its end.
fn documented(marker: &str) -> String {
    let text = read("docs/scheduling.md");
    let (_, rest) = text.split_once(&format!("<!-- {marker} -->\n")).unwrap();
    rest.split_once("<!-- end -->").unwrap().0.to_owned()
}

/// p99 of the quiet workspaces of a tier.
fn p99(report: &Report, tier: &str) -> f64 {
    report.tiers.iter().find(|found| found.tier == tier).unwrap().quiet_waits.p99_ms as f64
}

fn holds(name: &str) {
    let mut load = load(name);
    let reports = compare(&mut load).unwrap();
    assert_eq!(
        table::of_comparison(&load, &reports),
        documented(name),
        "run the command above the table again"
    );
    let (others, ours) = reports.split_at(5);
    assert!(others.iter().all(|report| report.policy != PolicyKind::Reeve) && ours.len() == 2);
    let best = |tier| others.iter().map(|report| p99(report, tier)).fold(f64::MAX, f64::min);
    let (shipped, low_floor) = (&ours[0], &ours[1]);
    assert!(p99(shipped, "instant") < 2.5 * best("instant"), "instant stays instant");
    assert!(
        p99(shipped, "free") < 3.0 * best("free"),
        "a floor of what is asked for keeps free near the best"
    );
    assert!(p99(low_floor, "free") > 5.0 * best("free"), "which a floor far below it does not");
    assert!(reports.iter().all(|report| report.idle_while_eligible_ms == 0));
}

#[test]
fn the_comparison_at_1_2_times_is_as_documented() {
    holds("comparison-1.2");
}

#[test]
fn the_comparison_at_2_9_times_is_as_documented() {
    holds("comparison-2.9");
}

#[test]
fn the_shipped_arrivals_are_those_that_the_seed_draws() {
    for name in ["comparison-1.2", "comparison-2.9"] {
        let key = |load: &Load| {
            let id = |at: u32| load.workspaces[at as usize].id.to_string();
            let rows = load.arrivals.iter().map(|a| (a.at_ms, id(a.workspace), a.run_ms, a.action));
            rows.collect::<Vec<_>>()
        };
        let drawn = Load::new(&base(), &description(name), None).unwrap();
        let shipped = load(name);
        assert!(key(&drawn) == key(&shipped), "{name}: write the arrivals again, and the tables");
        assert!((drawn.offered() - name[11..].parse::<f64>().unwrap()).abs() < 0.05, "{}", drawn.offered());
    }
}

#[test]
fn the_sizes_of_a_fleet_are_as_documented() {
    let mut load = load("platform");
    let sweep = Sweep::parse("image=10..22:4").unwrap();
    let at = sweep.of(&load).unwrap();
    let rows = sweep.run(&mut load, at, PolicyKind::Reeve).unwrap();
    assert_eq!(
        table::of_sweep(&load, &rows),
        documented("platform"),
        "run the command above the table again"
    );
}

#[test]
fn the_big_load_is_a_million_jobs_of_a_hundred_thousand_workspaces() {
    let load = load("million");
    assert_eq!(load.workspaces.len(), 100_000);
    assert!(load.arrivals.len() > 1_000_000);
}
