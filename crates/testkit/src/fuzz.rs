//! Runs of hostile input that a seed repeats.
//!
//! `REEVE_FUZZ_CASES` makes every such run longer, `REEVE_FUZZ_SEED` another one; docs/reliability.md tells how.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

fn number(name: &str, shipped: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(shipped)
}

/// Cases of a run: `shipped`, unless the environment says otherwise.
pub fn cases(shipped: u32) -> u32 {
    number("REEVE_FUZZ_CASES", shipped)
}

/// Runs a property over so many cases. Failures are not written down: the seed brings them back.
pub fn runner(shipped: u32) -> TestRunner {
    let seed = [u8::try_from(number("REEVE_FUZZ_SEED", 1) % 256).unwrap_or(0); 32];
    let config =
        ProptestConfig { cases: cases(shipped), failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

/// Draws what a case is made of.
#[derive(Debug)]
pub struct Dice(TestRunner);

impl Dice {
    /// From `REEVE_FUZZ_SEED`, or the seed of an ordinary run.
    pub fn seeded() -> Self {
        Self(runner(0))
    }

    /// One value of many.
    pub fn draw<S: Strategy>(&mut self, of: S) -> S::Value {
        of.new_tree(&mut self.0).expect("the strategy refuses nothing").current()
    }

    /// A number below `n`; 0 below nothing.
    pub fn below(&mut self, n: usize) -> usize {
        self.draw(any::<Index>()).index(n.max(1))
    }

    /// One of these texts.
    pub fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.get(self.below(of.len())).copied().unwrap_or_default()
    }
}

/// Every place of a value, as JSON pointers: for a mutation to hit.
pub fn places(value: &Value) -> Vec<String> {
    fn below(value: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        match value {
            Value::Object(map) => map.iter().for_each(|(name, inner)| {
                below(inner, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(n, inner)| below(inner, &format!("{at}/{n}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    below(value, "", &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same() {
        let drawn = || {
            let mut dice = Dice::seeded();
            (0..20).map(|n| dice.below(n * 10)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(), drawn());
        assert!(drawn().windows(2).any(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn every_place_is_found_and_leads_back() {
        let value = serde_json::json!({"a/b": [1, {"~": null}]});
        let places = places(&value);
        assert_eq!(places, ["", "/a~1b", "/a~1b/0", "/a~1b/1", "/a~1b/1/~0"]);
        assert!(places.iter().all(|place| value.pointer(place).is_some()));
    }
}
