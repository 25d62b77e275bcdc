//! When jobs are due in an open-loop phase, and the thread that says so.
//!
//! A thread of its own, because the runtime's timer wakes on whole milliseconds and an admit takes about one. It does
//! not wait for the server: what is due is told, and latencies count from then.

use std::time::Duration;

use reeve_actors::Entropy as _;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::clock::Mark;
use crate::system::SystemEntropy;

/// When jobs are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Arrivals {
    /// At equal distances.
    Fixed,
    /// At exponential distances: as many callers who do not know of each other come.
    Poisson,
}

impl Arrivals {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Poisson => "poisson",
        }
    }
}

/// An open-loop load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    pub(super) per_second: f64,
    pub(super) seconds: u32,
    pub(super) arrivals: Arrivals,
}

impl Pace {
    /// Jobs of the whole phase, at least one.
    pub(super) fn jobs(self) -> u64 {
        ((self.per_second * f64::from(self.seconds)).round() as u64).max(1)
    }

    /// Distance from the start to each job, ascending.
    fn offsets(self, mut bits: impl FnMut() -> u128) -> impl Iterator<Item = Duration> {
        let (mean, mut at) = (1.0 / self.per_second, 0.0);
        (0..self.jobs()).map(move |n| {
            at = match self.arrivals {
                Arrivals::Fixed => n as f64 * mean,
                Arrivals::Poisson => at + mean * -uniform(bits()).ln(),
            };
            Duration::from_secs_f64(at)
        })
    }

    /// Starts the thread; each mark is the instant at which a job is due. The channel ends with the last job.
    #[expect(clippy::disallowed_methods, reason = "a thread of its own, which does nothing but wait")]
    pub(super) fn start(self) -> UnboundedReceiver<Mark> {
        let (sender, due) = unbounded_channel();
        let start = Mark::now();
        std::thread::spawn(move || {
            for offset in self.offsets(|| SystemEntropy.bits()) {
                let at = start.plus(offset);
                std::thread::sleep(at.left());
                if sender.send(at).is_err() {
                    return;
                }
            }
        });
        due
    }
}

/// Above 0, at most 1.
fn uniform(bits: u128) -> f64 {
    const DIGITS: u32 = 53;
    ((bits >> (u128::BITS - DIGITS)) + 1) as f64 / (1_u64 << DIGITS) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that fill the unit interval evenly, out of order.
    fn even() -> impl FnMut() -> u128 {
        let mut at = 0_u128;
        move || {
            at = at.wrapping_add(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834);
            at
        }
    }

    fn pace(arrivals: Arrivals) -> Pace {
        Pace { per_second: 500.0, seconds: 20, arrivals }
    }

    #[test]
    fn fixed_arrivals_have_equal_distances() {
        let at: Vec<_> = pace(Arrivals::Fixed).offsets(even()).collect();
        assert_eq!((at.len(), at[0], at[500]), (10_000, Duration::ZERO, Duration::from_secs(1)));
    }

    #[test]
    fn random_arrivals_keep_the_rate_and_vary_as_poisson_does() {
        let at: Vec<f64> = pace(Arrivals::Poisson).offsets(even()).map(|at| at.as_secs_f64()).collect();
        let total = at[at.len() - 1];
        assert!((19.0..21.0).contains(&total), "{total}");
        let gaps: Vec<f64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        let spread = variance.sqrt() / mean;
        assert!((0.9..1.1).contains(&spread), "an exponential distance deviates by its mean: {spread}");
        assert!(gaps.iter().all(|gap| *gap >= 0.0));
    }

    #[test]
    fn even_a_slow_pace_has_a_job() {
        assert_eq!(Pace { per_second: 0.1, seconds: 1, arrivals: Arrivals::Fixed }.jobs(), 1);
    }
}
