//! What is known of a server: a fold of successive looks, and of looks that failed.
//!
//! Pure: instants are arguments. Drawing reads it and changes nothing.

use std::collections::{BTreeMap, VecDeque};

use reeve_types::{PoolName, TierName};

use super::look::Look;
use super::rate::Rate;

/// Waits that are kept of each tier: more than a wide terminal has columns.
const WAITS_MAX: usize = 400;

/// What became of one look.
#[derive(Clone, Debug)]
pub enum Outcome {
    Seen(Box<Look>),
    /// In words, for people.
    Failed(String),
}

/// Whether the server answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Nothing was heard yet.
    #[default]
    Opening,
    Up,
    /// No answer since an instant of the monotonic clock; `at_ms` is the last try.
    Down {
        since_ms: u64,
        at_ms: u64,
        reason: String,
    },
}

/// A tier's waits of its oldest job in seconds, oldest look first.
pub type Waits = VecDeque<f64>;

/// What is known.
#[derive(Clone, Debug, Default)]
pub struct Model {
    look: Option<Look>,
    link: Link,
    rate: Rate,
    waits: BTreeMap<(PoolName, TierName), Waits>,
}

impl Model {
    /// Takes the next look, made at `at_ms` of the monotonic clock.
    pub fn fold(&mut self, outcome: Outcome, at_ms: u64) {
        match outcome {
            Outcome::Seen(look) => self.seen(*look, at_ms),
            Outcome::Failed(reason) => self.failed(reason, at_ms),
        }
    }

    fn seen(&mut self, look: Look, at_ms: u64) {
        self.rate.fold(&look.queue.finished, at_ms);
        for pool in &look.queue.pools {
            for tier in &pool.tiers {
                let waits = self.waits.entry((pool.pool.clone(), tier.tier.clone())).or_default();
                waits.push_back(known(tier.oldest_wait_seconds).unwrap_or(0.0));
                if waits.len() > WAITS_MAX {
                    waits.pop_front();
                }
            }
        }
        self.look = Some(look);
        self.link = Link::Up;
    }

    fn failed(&mut self, reason: String, at_ms: u64) {
        self.rate.reset();
        let since_ms = match &self.link {
            Link::Down { since_ms, .. } => *since_ms,
            Link::Opening | Link::Up => at_ms,
        };
        self.link = Link::Down { since_ms, at_ms, reason };
    }

    /// The last answers, however old; `None` before the first.
    pub const fn look(&self) -> Option<&Look> {
        self.look.as_ref()
    }

    pub const fn link(&self) -> &Link {
        &self.link
    }

    /// Jobs per second that workers brought to an end; `None` before two looks in a row.
    pub fn finished_per_second(&self) -> Option<f64> {
        self.rate.per_second()
    }

    /// The waits of one tier of a pool.
    pub fn waits(&self, pool: &PoolName, tier: &TierName) -> Option<&Waits> {
        self.waits.get(&(pool.clone(), tier.clone()))
    }

    /// The longest wait of a pool's tiers at each look, oldest first.
    pub fn waits_of_pool(&self, pool: &PoolName) -> Waits {
        let mut longest = Waits::new();
        for ((_, _), waits) in self.waits.iter().filter(|((of, _), _)| of == pool) {
            // Newest looks side by side: a tier that was added at run time has fewer.
            for (back, wait) in waits.iter().rev().enumerate() {
                match longest.get_mut(back) {
                    Some(most) => *most = wait.max(*most),
                    None => longest.push_back(*wait),
                }
            }
        }
        longest.into_iter().rev().collect()
    }
}

/// A figure that a server may leave out, now or in a later version.
pub fn known(figure: impl Into<Option<f64>>) -> Option<f64> {
    figure.into().filter(|figure| figure.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::top::fixture::{look_of, look_with_finished, look_with_waits, pool, tier};

    fn seen(look: Look) -> Outcome {
        Outcome::Seen(Box::new(look))
    }

    #[test]
    fn an_outage_keeps_the_last_look_and_its_own_beginning() {
        let mut model = Model::default();
        model.fold(seen(look_of(&[1])), 0);
        model.fold(Outcome::Failed("refused".into()), 1_000);
        model.fold(Outcome::Failed("still".into()), 3_000);
        assert!(model.look().is_some());
        assert_eq!(*model.link(), Link::Down { since_ms: 1_000, at_ms: 3_000, reason: "still".into() });
    }

    #[test]
    fn what_ended_during_an_outage_is_no_throughput() {
        let mut model = Model::default();
        model.fold(seen(look_with_finished(0)), 0);
        model.fold(Outcome::Failed("refused".into()), 1_000);
        model.fold(seen(look_with_finished(3)), 2_000);
        assert_eq!(model.finished_per_second(), None);
        model.fold(seen(look_with_finished(5)), 3_000);
        assert_eq!(model.finished_per_second(), Some(2.0));
        assert_eq!(*model.link(), Link::Up);
    }

    #[test]
    fn waits_are_kept_by_tier_and_the_longest_is_the_pools() {
        let mut model = Model::default();
        model.fold(seen(look_with_waits(&[("free", Some(4.0)), ("pro", None)])), 0);
        model.fold(seen(look_with_waits(&[("free", Some(1.0)), ("pro", Some(2.5))])), 1);
        assert_eq!(model.waits(&pool("image"), &tier("pro")).unwrap(), &Waits::from([0.0, 2.5]));
        assert_eq!(model.waits_of_pool(&pool("image")), Waits::from([4.0, 2.5]));
        assert_eq!(model.waits(&pool("video"), &tier("pro")), None);
    }

    #[test]
    fn waits_are_bounded() {
        let mut model = Model::default();
        for at in 0..WAITS_MAX as u64 + 50 {
            model.fold(seen(look_with_waits(&[("free", Some(1.0))])), at);
        }
        assert_eq!(model.waits(&pool("image"), &tier("free")).unwrap().len(), WAITS_MAX);
    }

    #[test]
    fn figures_that_are_none_are_not_known() {
        assert_eq!(known(None), None);
        assert_eq!(known(f64::NAN), None);
        assert_eq!(known(1.5), Some(1.5));
    }
}
