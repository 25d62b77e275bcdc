//! Numbers about waits and shares.

use crate::engine::{JobRecord, Outcome, Stage};
use crate::load::{Arrival, Load};

/// How long a job waited for its first start, in milliseconds; one that still waits has waited until the
/// end at least, and counts with that: leaving it out would make the worst policy look best. `None` for a
/// job that never waited or gave up.
pub(crate) fn wait_ms(record: &JobRecord, arrival: &Arrival, end_ms: u64) -> Option<u64> {
    match (record.first_started_at, record.stage) {
        (Some(at), _) => Some(at.saturating_sub(arrival.at_ms)),
        (None, Stage::Waiting) => Some(end_ms.saturating_sub(arrival.at_ms)),
        (None, _) => None,
    }
}

/// Waits of many jobs, in milliseconds. All are 0 when there are no jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Waits {
    pub jobs: u64,
    pub p50_ms: u64,
    pub p90_ms: u64,
    pub p99_ms: u64,
    pub max_ms: u64,
}

impl Waits {
    /// Of these waits, in any order.
    pub(crate) fn of(mut waits: Vec<u64>) -> Self {
        waits.sort_unstable();
        Self {
            jobs: waits.len() as u64,
            p50_ms: percentile(&waits, 500),
            p90_ms: percentile(&waits, 900),
            p99_ms: percentile(&waits, 990),
            max_ms: waits.last().copied().unwrap_or_default(),
        }
    }
}

/// The smallest value that so many in a thousand do not exceed.
pub(crate) fn percentile(sorted: &[u64], permille: u64) -> u64 {
    let rank = (sorted.len() as u64 * permille).div_ceil(1_000).max(1);
    sorted.get(rank as usize - 1).copied().unwrap_or_default()
}

/// Jain's index: 1 when all are alike, 1/n when one has everything.
pub(crate) fn jain(values: &[f64]) -> f64 {
    let (sum, squares) = values.iter().fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
    if squares == 0.0 { 1.0 } else { sum * sum / (values.len() as f64 * squares) }
}

/// Divides a total over demands so that nobody who wants more has less than another (max-min fair).
pub(crate) fn fair_shares(demands: &[u64], total: u64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..demands.len()).collect();
    order.sort_by_key(|at| demands[*at]);
    let mut shares = vec![0.0; demands.len()];
    let mut left = total as f64;
    for (n, at) in order.into_iter().enumerate() {
        let equal = left / (demands.len() - n) as f64;
        shares[at] = equal.min(demands[at] as f64);
        left -= shares[at];
    }
    shares
}

/// What each workspace had over what it should have had, for those that asked for anything.
///
/// It should have had its max-min fair share of what its tier had in all; it can use no more than it asked
/// for, nor more than its cap times the length of the run.
pub(crate) fn satisfaction(load: &Load, outcome: &Outcome) -> Vec<(u8, f64)> {
    let mut asked = vec![0_u64; load.workspaces.len()];
    for (record, arrival) in outcome.jobs.iter().zip(&load.arrivals) {
        if !matches!(record.stage, Stage::Refused | Stage::Ahead) {
            asked[arrival.workspace as usize] += u64::from(arrival.run_ms);
        }
    }
    let mut found = Vec::new();
    for tier in 0..load.settings.tiers.len() {
        let members = load.workspaces.iter().enumerate().filter(|(at, workspace)| {
            usize::from(workspace.tier) == tier && (asked[*at] > 0 || outcome.worked_ms[*at] > 0)
        });
        let members: Vec<usize> = members.map(|(at, _)| at).collect();
        let demand = |at: &usize| {
            let most = u64::from(load.workspaces[*at].running_max).saturating_mul(load.end_ms);
            asked[*at].min(most).max(outcome.worked_ms[*at])
        };
        let demands: Vec<u64> = members.iter().map(demand).collect();
        let shares = fair_shares(&demands, members.iter().map(|at| outcome.worked_ms[*at]).sum());
        let had = members.iter().zip(&shares).filter(|(_, share)| **share > 0.0);
        found.extend(had.map(|(at, share)| (tier as u8, outcome.worked_ms[*at] as f64 / share)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<u64> = (1..=200).collect();
        assert_eq!((percentile(&values, 500), percentile(&values, 990)), (100, 198));
        assert_eq!((percentile(&[7], 500), percentile(&[], 500)), (7, 0));
    }

    #[test]
    fn jains_index_is_one_for_equals_and_falls_with_inequality() {
        assert!((jain(&[2.0, 2.0, 2.0]) - 1.0).abs() < 1e-12);
        assert!((jain(&[4.0, 0.0, 0.0, 0.0]) - 0.25).abs() < 1e-12);
        assert!((jain(&[]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_fair_share_gives_the_modest_all_and_divides_the_rest() {
        assert_eq!(fair_shares(&[10, 100, 100], 110), vec![10.0, 50.0, 50.0]);
        assert_eq!(fair_shares(&[5, 5], 100), vec![5.0, 5.0]);
    }
}
