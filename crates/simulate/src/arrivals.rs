//! Draws the arrivals of a described load: one stream of dice for each workspace, merged by time.

use std::collections::BTreeMap;

use crate::Refusal;
use crate::check::range;
use crate::description::{Description, GroupEntry, Lengths, Process};
use crate::dice::Dice;
use crate::load::{Arrival, JOBS_MAX, Load, WORKSPACES_MAX};
use crate::resolve::{Tiers, workspace};

/// What a stream of dice is for.
const ARRIVALS: u64 = 1;
/// Most jobs of one burst.
const BURST_MAX: u32 = 100_000;

/// How one group's jobs come.
struct Stream<'a> {
    from_ms: f64,
    to_ms: f64,
    per_ms: f64,
    process: &'a Process,
    /// Place and weight of each action, and how long it runs.
    actions: Vec<(u16, u32, &'a Lengths)>,
}

/// Fills the load's workspaces, and its arrivals unless they are recorded.
pub(crate) fn draw(
    load: &mut Load,
    description: &Description,
    tiers: &Tiers,
    is_drawn: bool,
) -> Result<(), Refusal> {
    for (n, group) in description.workspaces.iter().enumerate() {
        if description.workspaces.iter().take(n).any(|other| other.name == group.name) {
            return Err(Refusal::Twice { what: "workspaces", name: group.name.clone() });
        }
        let stream = stream(load, description, group)?;
        let tier = tiers.iter().position(|(name, _)| *name == group.tier);
        let tier = tier.ok_or_else(|| unknown(group, "tier", &group.tier))?;
        if load.workspaces.len() as u64 + u64::from(group.count) > WORKSPACES_MAX {
            return Err(Refusal::TooMany { what: "workspaces", max: WORKSPACES_MAX });
        }
        let expected = stream.per_ms * (stream.to_ms - stream.from_ms).max(0.0) * f64::from(group.count);
        if load.arrivals.len() as f64 + expected > JOBS_MAX as f64 {
            return Err(Refusal::TooMany { what: "jobs", max: JOBS_MAX });
        }
        for n in 0..group.count {
            let mut made = workspace(&format!("{}-{n}", group.name), tier, &tiers[tier].1)?;
            made.running_max = group.running_max.unwrap_or(made.running_max);
            made.is_noisy = group.noisy;
            let at = load.workspaces.len() as u32;
            load.workspaces.push(made);
            if is_drawn {
                let mut dice = Dice::of(load.seed, ARRIVALS, u64::from(at));
                stream.draw(at, &mut dice, &mut load.arrivals);
            }
        }
    }
    let end_ms = load.end_ms;
    load.arrivals.retain(|arrival| arrival.at_ms < end_ms);
    // Stable: jobs of one workspace stay in the order in which they were drawn.
    load.arrivals.sort_by_key(|arrival| (arrival.at_ms, arrival.workspace));
    Ok(())
}

fn unknown(group: &GroupEntry, what: &'static str, name: &str) -> Refusal {
    Refusal::Unknown { by: group.name.clone(), what, name: name.to_owned() }
}

fn stream<'a>(
    load: &Load,
    description: &'a Description,
    group: &'a GroupEntry,
) -> Result<Stream<'a>, Refusal> {
    let key = |key: &str| format!("workspaces.{}.{key}", group.name);
    if !(group.per_minute.is_finite() && (0.0..=1e6).contains(&group.per_minute)) {
        return Err(range(key("per_minute"), group.per_minute, "0 to 1000000"));
    }
    match group.process {
        Process::Bursts { size, .. } if !(1..=BURST_MAX).contains(&size) => {
            return Err(range(key("process.size"), size, "1 to 100000"));
        }
        Process::Diurnal { swing, .. } if !(0.0..=1.0).contains(&swing) => {
            return Err(range(key("process.swing"), swing, "0 to 1"));
        }
        Process::Diurnal { period_seconds: 0, .. } => {
            return Err(range(key("process.period_seconds"), 0, "at least 1"));
        }
        _ => {}
    }
    let to_ms = group.to_second.map_or(load.end_ms, |second| second.saturating_mul(1_000));
    Ok(Stream {
        from_ms: group.from_second as f64 * 1_000.0,
        to_ms: to_ms.min(load.end_ms) as f64,
        per_ms: group.per_minute * description.run.rate_factor / 60_000.0,
        process: &group.process,
        actions: actions(description, group, &group.actions)?,
    })
}

fn actions<'a>(
    description: &'a Description,
    group: &GroupEntry,
    weights: &BTreeMap<String, u32>,
) -> Result<Vec<(u16, u32, &'a Lengths)>, Refusal> {
    if weights.values().all(|weight| *weight == 0) {
        return Err(range(format!("workspaces.{}.actions", group.name), "{}", "at least one action"));
    }
    let place = |(name, weight): (&String, &u32)| {
        let at = description.actions.keys().position(|action| action == name);
        let at = at.and_then(|at| u16::try_from(at).ok()).ok_or_else(|| unknown(group, "action", name))?;
        Ok((at, *weight, &description.actions[name].run))
    };
    weights.iter().map(place).collect()
}

impl Stream<'_> {
    fn draw(&self, workspace: u32, dice: &mut Dice, into: &mut Vec<Arrival>) {
        if self.per_ms <= 0.0 {
            return;
        }
        let (peak, size) = match self.process {
            Process::Poisson => (1.0, 1),
            Process::Bursts { size, .. } => (1.0 / f64::from(*size), *size),
            Process::Diurnal { swing, .. } => (1.0 + swing, 1),
        };
        let mut at = self.from_ms;
        loop {
            at += dice.exponential(1.0 / (self.per_ms * peak));
            if at >= self.to_ms {
                return;
            }
            if self.is_thinned(at, dice) {
                continue;
            }
            for n in 0..size {
                let gap = if let Process::Bursts { gap_ms, .. } = self.process { *gap_ms } else { 0 };
                let at_ms = at as u64 + u64::from(n) * u64::from(gap);
                into.push(self.job(at_ms, workspace, dice));
            }
        }
    }

    /// A varying rate is drawn at its peak, and thinned to what it is at that time.
    fn is_thinned(&self, at: f64, dice: &mut Dice) -> bool {
        let Process::Diurnal { swing, period_seconds, peak_second } = self.process else { return false };
        let turn = (at / 1_000.0 - *peak_second as f64) / *period_seconds as f64;
        let now = 1.0 + swing * libm::cos(std::f64::consts::TAU * turn);
        dice.unit() * (1.0 + swing) > now
    }

    fn job(&self, at_ms: u64, workspace: u32, dice: &mut Dice) -> Arrival {
        let (action, _, run) = self.actions[dice.weighted(self.actions.iter().map(|(_, weight, _)| *weight))];
        Arrival { at_ms, workspace, run_ms: run.draw(dice), action }
    }
}

impl Lengths {
    /// One length, at least 1 ms.
    pub(crate) fn draw(&self, dice: &mut Dice) -> u32 {
        let ms = match self {
            Self::Fixed { ms } => f64::from(*ms),
            Self::Exponential { mean_ms } => dice.exponential(f64::from(*mean_ms)),
            Self::Lognormal { median_ms, sigma, max_ms } => {
                let drawn = f64::from(*median_ms) * libm::exp(sigma * dice.normal());
                drawn.min(f64::from(*max_ms))
            }
            Self::Empirical { ms, weights } if weights.is_empty() => {
                f64::from(ms[dice.below(ms.len() as u64) as usize])
            }
            Self::Empirical { ms, weights } => f64::from(ms[dice.weighted(weights.iter().copied())]),
        };
        // A float's cast to an integer stops at the ends of its range.
        (ms as u32).max(1)
    }
}

#[cfg(test)]
mod tests;
