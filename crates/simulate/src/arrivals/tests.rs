//! When jobs arrive: as often as was said, and in the same way for the same seed.

use super::*;
use crate::base::Base;

const BASE: &str = include_str!("../../../../config/default.toml");

fn load(group: &str) -> Load {
    let text = format!(
        "[run]\nseconds = 6000\nseed = 3\n[actions.a]\npool = \"p\"\nrun = {{ kind = \"fixed\", ms = 7 }}\n\
         [[workers]]\nname = \"w\"\npools = [\"p\"]\ncount = 1\n\
         [[workspaces]]\nname = \"g\"\ntier = \"free\"\nactions = {{ a = 1 }}\n{group}"
    );
    let description = Description::from_toml(&text).unwrap();
    Load::new(&Base::from_toml(BASE).unwrap(), &description, None).unwrap()
}

#[test]
fn a_poisson_stream_has_its_rate() {
    let load = load("per_minute = 60\ncount = 3");
    assert_eq!(load.workspaces.len(), 3);
    let jobs = load.arrivals.len() as f64;
    assert!((17_500.0..18_500.0).contains(&jobs), "{jobs}");
    assert!(load.arrivals.is_sorted_by_key(|arrival| arrival.at_ms));
}

#[test]
fn bursts_come_together_and_keep_the_rate() {
    let load = load("per_minute = 60\nprocess = { kind = \"bursts\", size = 20, gap_ms = 0 }");
    let jobs = load.arrivals.len();
    assert!((4_800..7_200).contains(&jobs), "{jobs}");
    assert_eq!(jobs % 20, 0);
    assert!(load.arrivals.chunks(20).all(|burst| burst[0].at_ms == burst[19].at_ms));
}

#[test]
fn a_diurnal_stream_peaks_when_it_says() {
    let process = "process = { kind = \"diurnal\", swing = 1.0, period_seconds = 6000, peak_second = 1500 }";
    let load = load(&format!("per_minute = 60\n{process}"));
    let between = |from, to| load.arrivals.iter().filter(|a| (from..to).contains(&a.at_ms)).count();
    let (peak, trough) = (between(1_000_000, 2_000_000), between(4_000_000, 5_000_000));
    assert!(peak > 1_800 && trough < 200, "{peak} {trough}");
    assert!((5_600..6_400).contains(&load.arrivals.len()), "{}", load.arrivals.len());
}

#[test]
fn a_group_lives_between_its_seconds() {
    let load = load("per_minute = 60\nfrom_second = 100\nto_second = 200");
    assert!(!load.arrivals.is_empty());
    assert!(load.arrivals.iter().all(|arrival| (100_000..200_000).contains(&arrival.at_ms)));
}

#[test]
fn a_lognormal_length_has_its_median_and_its_bound() {
    let lengths = Lengths::Lognormal { median_ms: 1_000, sigma: 1.0, max_ms: 5_000 };
    let mut dice = Dice::of(1, 1, 1);
    let mut drawn: Vec<u32> = (0..10_001).map(|_| lengths.draw(&mut dice)).collect();
    drawn.sort_unstable();
    assert!((950..1_050).contains(&drawn[5_000]), "{}", drawn[5_000]);
    assert_eq!(drawn[10_000], 5_000);
}
