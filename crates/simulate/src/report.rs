//! What a run came to, for people and for programs.

use reeve_queue::Settings;
use serde::Serialize;

use crate::engine::{Outcome, Stage};
use crate::load::Load;
use crate::measure::{Waits, jain, percentile, satisfaction, wait_ms};
use crate::policy::PolicyKind;

/// One run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The policy's word, or the name of the variant.
    pub name: String,
    pub policy: PolicyKind,
    pub seed: u64,
    pub seconds: u64,
    /// Work asked for over work that the first fleet can do.
    pub offered: f64,
    pub jobs: Counts,
    pub attempts_lost: u64,
    /// Busy slot time over all slot time.
    pub utilisation: f64,
    /// Jobs finished in a second.
    pub throughput_per_second: f64,
    /// Over all workspaces: what each had over its fair share inside its tier.
    pub jain: f64,
    /// Time with a free slot and a job that could have had it; 0 unless the scheduler is broken.
    pub idle_while_eligible_ms: u64,
    /// Lowest first.
    pub tiers: Vec<TierReport>,
}

/// How many jobs ended how. They add up to `arrived`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub arrived: u64,
    pub finished: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub refused: u64,
    pub waiting: u64,
    pub running: u64,
}

/// One tier.
#[derive(Debug, Clone, Serialize)]
pub struct TierReport {
    pub tier: String,
    pub jobs: Counts,
    /// Until the first start; a job that still waits counts with its wait so far.
    pub waits: Waits,
    /// The same without the workspaces that the load calls noisy.
    pub quiet_waits: Waits,
    /// Part of the busy slot time.
    pub share: f64,
    pub jain: f64,
    /// Most service that the tier's floor owed it, in slot-milliseconds; nothing for policies without one.
    pub floor_lag_ms_max: Option<u64>,
    /// Waits of quiet workspaces by the time at which their jobs came.
    pub series: Vec<Point>,
}

/// Waits of the jobs that came in one stretch of time.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Point {
    /// The stretch's middle.
    pub second: f64,
    pub jobs: u64,
    /// Those of them that had not started when the run ended; with any, the waits are at least these.
    pub unstarted: u64,
    pub p50_ms: u64,
    pub p99_ms: u64,
}

impl Report {
    /// Of a run of this load.
    pub fn new(load: &Load, outcome: &Outcome) -> Self {
        let had = satisfaction(load, outcome);
        let busy_ms: u64 = outcome.worked_ms.iter().sum();
        let tiers: Vec<TierReport> =
            (0..load.settings.tiers.len()).map(|tier| tier_report(load, outcome, tier as u8, &had)).collect();
        let jobs = tiers.iter().fold(Counts::default(), |sum, tier| sum.plus(&tier.jobs));
        Self {
            name: outcome.kind.word().to_owned(),
            policy: outcome.kind,
            seed: load.seed,
            seconds: load.end_ms / 1_000,
            offered: load.offered(),
            jobs,
            attempts_lost: outcome.attempts_lost,
            utilisation: busy_ms as f64 / outcome.capacity_ms.max(1) as f64,
            throughput_per_second: jobs.finished as f64 * 1_000.0 / load.end_ms as f64,
            jain: jain(&had.iter().map(|(_, x)| *x).collect::<Vec<_>>()),
            idle_while_eligible_ms: outcome.idle_while_eligible_ms,
            tiers,
        }
    }
}

impl Counts {
    fn add(&mut self, stage: Stage) {
        let count = match stage {
            Stage::Ahead => return,
            Stage::Waiting => &mut self.waiting,
            Stage::Running | Stage::Orphaned => &mut self.running,
            Stage::Finished => &mut self.finished,
            Stage::Failed => &mut self.failed,
            Stage::Cancelled => &mut self.cancelled,
            Stage::Refused => &mut self.refused,
        };
        *count += 1;
        self.arrived += 1;
    }

    fn plus(&self, other: &Self) -> Self {
        Self {
            arrived: self.arrived + other.arrived,
            finished: self.finished + other.finished,
            failed: self.failed + other.failed,
            cancelled: self.cancelled + other.cancelled,
            refused: self.refused + other.refused,
            waiting: self.waiting + other.waiting,
            running: self.running + other.running,
        }
    }
}

fn tier_report(load: &Load, outcome: &Outcome, tier: u8, had: &[(u8, f64)]) -> TierReport {
    let mut jobs = Counts::default();
    let (mut waits, mut quiet) = (Vec::new(), Vec::new());
    let mut series = vec![(0, Vec::new()); load.points as usize];
    for (record, arrival) in outcome.jobs.iter().zip(&load.arrivals) {
        let workspace = &load.workspaces[arrival.workspace as usize];
        if workspace.tier != tier {
            continue;
        }
        jobs.add(record.stage);
        let Some(wait) = wait_ms(record, arrival, load.end_ms) else { continue };
        waits.push(wait);
        if !workspace.is_noisy {
            quiet.push(wait);
            let point = arrival.at_ms * u64::from(load.points) / load.end_ms.max(1);
            let (unstarted, waits) = &mut series[point as usize];
            *unstarted += u64::from(record.first_started_at.is_none());
            waits.push(wait);
        }
    }
    let busy_ms: u64 = outcome.worked_ms.iter().sum();
    let members = load.workspaces.iter().zip(&outcome.worked_ms).filter(|(w, _)| w.tier == tier);
    let worked_ms: u64 = members.map(|(_, ms)| *ms).sum();
    TierReport {
        tier: tier_name(&load.settings, tier),
        jobs,
        waits: Waits::of(waits),
        quiet_waits: Waits::of(quiet),
        share: worked_ms as f64 / busy_ms.max(1) as f64,
        jain: jain(&had.iter().filter(|(of, _)| *of == tier).map(|(_, x)| *x).collect::<Vec<_>>()),
        floor_lag_ms_max: outcome.floor_lag_ms_max[usize::from(tier)],
        series: points(load, series),
    }
}

fn points(load: &Load, series: Vec<(u64, Vec<u64>)>) -> Vec<Point> {
    let step = load.end_ms as f64 / 1_000.0 / f64::from(load.points);
    let point = |(n, (unstarted, mut waits)): (usize, (u64, Vec<u64>))| {
        waits.sort_unstable();
        Point {
            second: (n as f64 + 0.5) * step,
            jobs: waits.len() as u64,
            unstarted,
            p50_ms: percentile(&waits, 500),
            p99_ms: percentile(&waits, 990),
        }
    };
    series.into_iter().enumerate().map(point).collect()
}

fn tier_name(settings: &Settings, tier: u8) -> String {
    settings.tiers.get(usize::from(tier)).map(|tier| tier.name.to_string()).unwrap_or_default()
}
