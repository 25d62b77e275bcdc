//! What one output settles: the prices frozen at admission, applied to what was delivered (X6, X7).

use reeve_types::Credits;

use super::Round;
use super::number::Units;
use crate::catalog::{Outcome, StageName};

/// The price of one output, frozen with the terms under which it is charged.
///
/// Stored on the job, so that a new catalog version changes nothing for jobs that were admitted before (X6).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OutputPrice {
    /// Its stages; the first is the base.
    pub stages: Vec<StagePrice>,
    /// Outcomes that are charged; every other releases.
    pub charged: Vec<Outcome>,
    /// Landed stages are charged when others did not land; if not, nothing is (KA-11).
    pub partial: bool,
}

/// The price of one stage of one output.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StagePrice {
    /// The stage's name.
    pub name: StageName,
    /// How seconds become units.
    pub rule: UnitRule,
    /// For one unit.
    pub rate: Credits,
    /// Units quoted: the most that is ever settled.
    pub units: u64,
}

/// How seconds become units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitRule {
    /// One unit, whatever the length.
    Each,
    /// One unit a second.
    Seconds {
        /// Fewer seconds count as so many.
        min_seconds: u32,
        /// How a part of a second counts.
        round: Round,
    },
    /// One unit a block of seconds.
    Blocks {
        /// The length of a block; at least 1.
        block_seconds: u32,
        /// How a part of a block counts.
        round: Round,
    },
}

impl UnitRule {
    /// Units of that many seconds. Nothing delivered is nothing, also under a minimum.
    pub fn units(self, seconds: Units) -> u64 {
        let whole = |round| match round {
            Round::Up => seconds.ceil(),
            Round::Down => seconds.floor(),
        };
        match self {
            Self::Each => 1,
            Self::Seconds { .. } | Self::Blocks { .. } if seconds.is_zero() => 0,
            Self::Seconds { min_seconds, round } => whole(round).max(u64::from(min_seconds)),
            Self::Blocks { block_seconds, round } => {
                // `validate` refuses blocks of no length; `max` keeps a stored row from dividing by zero.
                let block = u64::from(block_seconds.max(1));
                match round {
                    Round::Up => whole(round).div_ceil(block),
                    Round::Down => whole(round) / block,
                }
            }
        }
    }
}

/// How one output ended, as the closing command says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OutputResult {
    /// How it ended.
    pub outcome: Outcome,
    /// Seconds delivered; as quoted when left out.
    pub delivered: Option<Units>,
    /// Stages that ended otherwise than the output; all share its outcome when empty.
    pub stages: Vec<StageOutcome>,
}

impl OutputResult {
    /// An output that landed as quoted.
    pub fn landed() -> Self {
        Self::of(Outcome::Success)
    }

    /// An output of which every stage ended so.
    pub fn of(outcome: Outcome) -> Self {
        Self { outcome, delivered: None, stages: Vec::new() }
    }
}

/// How one stage of an output ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StageOutcome {
    /// The stage's name.
    pub name: StageName,
    /// How it ended.
    pub outcome: Outcome,
}

/// A result that does not fit its quote: the worker's mistake, nothing is settled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettleError {
    /// A stage that the output was not quoted with.
    #[error("the output has no stage `{name}`; it was quoted with {}", names(.known))]
    UnknownStage {
        /// The stage that was named.
        name: StageName,
        /// The stages that there are.
        known: Vec<StageName>,
    },
    /// One stage, two outcomes.
    #[error("stage `{name}` is listed twice")]
    RepeatedStage {
        /// The stage.
        name: StageName,
    },
    /// Only a stored price that was tampered with can do this.
    #[error("the price of stage `{name}` does not fit an amount")]
    Overflow {
        /// The stage.
        name: StageName,
    },
}

fn names(stages: &[StageName]) -> String {
    stages.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl StagePrice {
    /// What the stage settles for so much delivered: never above what was quoted (X7).
    fn settle(&self, delivered: Option<Units>) -> Option<Credits> {
        let units = delivered.map_or(self.units, |seconds| self.rule.units(seconds).min(self.units));
        self.rate.checked_mul(i64::try_from(units).ok()?)
    }
}

impl OutputPrice {
    /// What one output is quoted at; `None` only for a stored row that was tampered with.
    pub fn quoted(&self) -> Option<Credits> {
        self.stages.iter().try_fold(Credits::ZERO, |sum, stage| sum.checked_add(stage.settle(None)?))
    }

    /// Credits to settle for one output: the sum of the charged stages, each at most as quoted (X7, AS-01, KA-11).
    ///
    /// # Errors
    /// When the result names a stage that was not quoted, or one twice.
    pub fn settle(&self, result: &OutputResult) -> Result<Credits, SettleError> {
        self.check_names(&result.stages)?;
        if !self.charged.contains(&result.outcome) {
            return Ok(Credits::ZERO);
        }
        let outcome_of = |stage: &StagePrice| {
            result
                .stages
                .iter()
                .find(|said| said.name == stage.name)
                .map_or(result.outcome, |said| said.outcome)
        };
        let charged = |stage: &&StagePrice| self.charged.contains(&outcome_of(stage));
        if !self.partial && !self.stages.iter().all(|stage| charged(&stage)) {
            return Ok(Credits::ZERO);
        }
        self.stages.iter().filter(charged).try_fold(Credits::ZERO, |sum, stage| {
            let overflow = || SettleError::Overflow { name: stage.name.clone() };
            stage.settle(result.delivered).and_then(|credits| sum.checked_add(credits)).ok_or_else(overflow)
        })
    }

    fn check_names(&self, said: &[StageOutcome]) -> Result<(), SettleError> {
        for (n, stage) in said.iter().enumerate() {
            let name = || stage.name.clone();
            if !self.stages.iter().any(|known| known.name == stage.name) {
                let known = self.stages.iter().map(|known| known.name.clone()).collect();
                return Err(SettleError::UnknownStage { name: name(), known });
            }
            if said.iter().take(n).any(|earlier| earlier.name == stage.name) {
                return Err(SettleError::RepeatedStage { name: name() });
            }
        }
        Ok(())
    }
}
