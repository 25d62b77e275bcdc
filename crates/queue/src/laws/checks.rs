//! Reads a trace and says which law it breaks. A checker trusts what was seen, not why it was chosen.

use std::collections::{BTreeMap, BTreeSet};

use reeve_types::JobId;

use super::settings::COST_MS_MAX;
use super::trace::{Seen, Trace};
use crate::{Step, WorkspaceKey};

/// What a checker says.
pub(super) type Verdict = Result<(), String>;

const L_MAX: i64 = COST_MS_MAX as i64;

fn holds(holds: bool, says: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(says()) }
}

/// P1 and P10: a dispatch finds a job whenever a lane is eligible, whatever floors others left unused,
/// and a tier without an eligible lane stores up no more than L_max.
pub(super) fn p10_unused_floors(trace: &Trace) -> Verdict {
    for (at, seen) in trace.seen.iter().enumerate() {
        holds(seen.took.is_some() != seen.lanes.is_empty(), || format!("dispatch {at} took nothing"))?;
        let Some(next) = trace.seen.get(at + 1).filter(|_| seen.took.is_some()) else { continue };
        for tier in 0..trace.tiers() {
            let is_idle = seen.lanes.iter().all(|lane| lane.tier != tier);
            let stored = next.tiers[tier].entitlement;
            holds(!is_idle || stored <= 1_000 * L_MAX, || {
                format!("idle tier {tier} stores {stored} at {at}")
            })?;
        }
    }
    Ok(())
}

/// P2: over any interval in which a tier always has an eligible head, its service is at least
/// g_c X - (T + 1) L_max.
pub(super) fn p2_floor(trace: &Trace) -> Verdict {
    let bound = 1_000 * (trace.tiers() as i64 + 1) * L_MAX;
    for tier in 0..trace.tiers() {
        // Thousandths of service above the floor's share since the run began, and the most of it so far:
        // the worst interval ends here and began where most was had.
        let (mut surplus, mut most) = (0_i64, 0_i64);
        for (at, seen) in trace.seen.iter().enumerate() {
            if seen.lanes.iter().all(|lane| lane.tier != tier) {
                (surplus, most) = (0, 0);
                continue;
            }
            let Some(taken) = seen.took else { continue };
            let charge_ms = i64::from(taken.charge_ms);
            surplus -= trace.floor(tier) * charge_ms;
            if taken.tier.at() == tier {
                surplus += 1_000 * charge_ms;
            }
            most = most.max(surplus);
            holds(most - surplus <= bound, || format!("tier {tier} is {} behind at {at}", most - surplus))?;
        }
    }
    Ok(())
}

/// P3: two workspaces of a tier, both eligible throughout, differ by at most 2 (L_f + L_m).
pub(super) fn p3_fairness(trace: &Trace) -> Verdict {
    let workspaces: BTreeMap<WorkspaceKey, usize> = trace
        .seen
        .iter()
        .flat_map(|seen| seen.lanes.iter().map(|lane| (lane.workspace, lane.tier)))
        .collect();
    let pairs = workspaces.iter().flat_map(|f| workspaces.iter().map(move |m| (f, m)));
    for ((f, _), (m, _)) in pairs.filter(|((f, of_f), (m, of_m))| f < m && of_f == of_m) {
        let mut run = Pair::default();
        for (at, seen) in trace.seen.iter().enumerate() {
            run.step(seen, *f, *m);
            let (spread, bound) = (run.high - run.low, 2 * (run.most_f + run.most_m));
            holds(spread <= bound, || {
                format!("{f:?} and {m:?} are {spread} apart, {bound} allowed, at {at}")
            })?;
        }
    }
    Ok(())
}

/// A run of dispatches in which two workspaces stay eligible. Their largest charges are those of the
/// whole history: where a lane stands when a run begins comes from its earlier jobs.
#[derive(Default)]
struct Pair {
    lead: i64,
    low: i64,
    high: i64,
    most_f: i64,
    most_m: i64,
}

impl Pair {
    fn step(&mut self, seen: &Seen, f: WorkspaceKey, m: WorkspaceKey) {
        let charge = |key| seen.lanes.iter().find(|lane| lane.workspace == key).map(|lane| lane.charge_ms);
        self.most_f = self.most_f.max(charge(f).unwrap_or(0));
        self.most_m = self.most_m.max(charge(m).unwrap_or(0));
        let (Some(_), Some(_)) = (charge(f), charge(m)) else {
            (self.lead, self.low, self.high) = (0, 0, 0);
            return;
        };
        let Some(taken) = seen.took else { return };
        if taken.workspace == f {
            self.lead += i64::from(taken.charge_ms);
        } else if taken.workspace == m {
            self.lead -= i64::from(taken.charge_ms);
        }
        (self.low, self.high) = (self.low.min(self.lead), self.high.max(self.lead));
    }
}

/// P4: a head job starts after at most (4n + T + 1) L_max / g_c of others' dispatches, n the workspaces
/// of its tier that become eligible before V_c passes its tag.
pub(super) fn p4_bounded_bypass(trace: &Trace) -> Verdict {
    let mut waits: BTreeMap<JobId, Wait> = BTreeMap::new();
    for (at, seen) in trace.seen.iter().enumerate() {
        let heads: BTreeSet<JobId> = seen.lanes.iter().map(|lane| lane.head).collect();
        waits.retain(|head, _| heads.contains(head));
        for lane in &seen.lanes {
            let time = seen.tiers[lane.tier].time;
            // The tag that a newcomer would get: a lane that was only served in step 3 stands before it.
            let tag = lane.finish.max(time + lane.charge_ms as u128);
            let wait = waits.entry(lane.head).or_insert_with(|| Wait { tag, ..Wait::default() });
            wait.is_passed |= time >= wait.tag;
            if !wait.is_passed {
                let rivals = seen.lanes.iter().filter(|other| other.tier == lane.tier);
                wait.rivals
                    .extend(rivals.map(|other| other.workspace).filter(|other| *other != lane.workspace));
            }
            let Some(taken) = seen.took.filter(|taken| taken.job != lane.head) else { continue };
            wait.bypassed += i64::from(taken.charge_ms);
            let allowed = (4 * wait.rivals.len() + trace.tiers() + 1) as i64 * L_MAX * 1_000;
            let floor = trace.floor(lane.tier);
            holds(floor == 0 || wait.bypassed * floor <= allowed, || {
                let (passed, floor, n) = (wait.bypassed, trace.floor(lane.tier), wait.rivals.len());
                format!(
                    "{} of {:?} was bypassed by {passed} at {at}: floor {floor}, n {n}",
                    lane.head, lane.workspace
                )
            })?;
        }
    }
    Ok(())
}

#[derive(Default)]
struct Wait {
    tag: u128,
    is_passed: bool,
    rivals: BTreeSet<WorkspaceKey>,
    bypassed: i64,
}

/// P5: with an eligible job of a tier below its express share, the next job is of such a tier, or of one
/// that is owed it; and what is owed is worth at most (T + 1) L_max.
pub(super) fn p5_instant_start(trace: &Trace) -> Verdict {
    for (at, seen) in trace.seen.iter().enumerate() {
        let is_open = |tier: usize| {
            let share = u64::from(trace.settings.tiers[tier].express_permille);
            share > 0 && seen.tiers[tier].running < (share * seen.slots).div_ceil(1_000).max(1)
        };
        let has_head = |tier: usize| seen.lanes.iter().any(|lane| lane.tier == tier);
        if !(0..trace.tiers()).any(|tier| is_open(tier) && has_head(tier)) {
            continue;
        }
        let taken = seen.took.ok_or_else(|| format!("dispatch {at} took nothing"))?;
        let is_owed = seen.tiers[taken.tier.at()].entitlement >= 1_000 * i64::from(taken.charge_ms);
        holds(is_open(taken.tier.at()) || is_owed, || {
            format!("dispatch {at} passed an express job: {taken:?}")
        })?;
        let owed: i64 =
            (0..trace.tiers()).filter(|tier| has_head(*tier)).map(|at| seen.tiers[at].entitlement).sum();
        let bound = 1_000 * (trace.tiers() as i64 + 1) * L_MAX;
        holds(owed <= bound, || format!("{owed} is owed before an express job at {at}"))?;
    }
    Ok(())
}

/// P6, first half: nothing starts beyond its workspace's cap.
pub(super) fn p6_caps(trace: &Trace) -> Verdict {
    for (at, seen) in trace.seen.iter().enumerate() {
        if let Some((running, cap)) = seen.load {
            holds(running < cap, || format!("dispatch {at} found {running} running with a cap of {cap}"))?;
        }
    }
    Ok(())
}

/// How often each step chose, so that a test can tell whether its histories meet them all.
pub(super) fn steps(trace: &Trace) -> [usize; 3] {
    let count =
        |step| trace.seen.iter().filter(|seen| seen.took.is_some_and(|taken| taken.step == step)).count();
    [count(Step::Floor), count(Step::Express), count(Step::Weighted)]
}
