//! How fast a server is: the same load for a moment, again and again, with what each submit cost it.

use super::load::{Heard, Until, crowd};
use super::process::cpu_ms;
use crate::fixture::Tenant;

/// Connections of a load that can be sustained.
const SUSTAINED: usize = 32;
/// How long one look at it takes.
const LOOK_MS: i64 = 1_000;

/// One look.
pub struct Pace {
    pub per_second: u64,
    /// Processor time of the server for each submit, in microseconds: says more than the rate beside other programs.
    pub cpu_us: u64,
    pub heard: Heard,
}

impl Pace {
    /// Takes a look.
    pub async fn of(pid: u32, tenants: &[Tenant]) -> Self {
        let before_ms = cpu_ms(pid);
        let heard = crowd(tenants, SUSTAINED, Until::Ms(LOOK_MS)).await;
        let cpu_us = (cpu_ms(pid) - before_ms) * 1_000 / heard.of(201).max(1);
        Self { per_second: heard.per_second(201), cpu_us, heard }
    }

    /// The fastest of several.
    pub async fn best(pid: u32, tenants: &[Tenant], looks: u32) -> Self {
        let mut best = Self::of(pid, tenants).await;
        for _ in 1..looks {
            let pace = Self::of(pid, tenants).await;
            if pace.per_second > best.per_second {
                best = pace;
            }
        }
        best
    }

    /// Share of another pace, in percent.
    pub fn percent_of(&self, other: &Self) -> u64 {
        self.per_second * 100 / other.per_second.max(1)
    }

    /// For people.
    pub fn figures(&self) -> String {
        format!("{}, {} us of the server each", self.heard.figures(), self.cpu_us)
    }
}

/// Looks until it is as fast as that share of before, at most so often; all of them.
pub async fn recovered(
    pid: u32,
    tenants: &[Tenant],
    (before, percent, looks_max): (&Pace, u64, usize),
) -> Vec<Pace> {
    let mut looks: Vec<Pace> = Vec::new();
    while looks.len() < looks_max {
        let pace = Pace::of(pid, tenants).await;
        let enough = pace.percent_of(before) >= percent;
        looks.push(pace);
        if enough {
            break;
        }
    }
    looks
}
