//! Rule kind `price`: what a request costs, as stages that add up.
//!
//! A stage is a rate per job, output, second or block of seconds; the value of a parameter may replace the rate,
//! multiply it, or be for some plans only. All arithmetic is in integers, and every rounding is written here (X16).

mod number;
mod quote;
mod request;
mod settle;

use std::collections::BTreeMap;

use reeve_types::{Credits, PlanName};
use serde::Deserialize;

use crate::catalog::{Factor, ParamName, StageName};

pub use number::{Units, UnitsError};
pub use quote::{Quote, QuoteLine, QuoteRefusal, quote};
pub use request::ParamFinding;
pub use settle::{OutputPrice, OutputResult, SettleError, StageOutcome, StagePrice, UnitRule};

/// What an action costs: the sum of its stages, the first of which every output has.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    /// Never empty; the first is the base.
    pub stages: Vec<StageRule>,
}

/// How one stage is priced.
#[derive(Debug, Clone, PartialEq)]
pub struct StageRule {
    /// What receipts and worker reports call it.
    pub name: StageName,
    /// What the rate is for.
    pub per: Per,
    /// For one unit; left out where each value of a parameter brings its own.
    pub rate: Option<Credits>,
    /// Fewer seconds are billed, and produced, as so many (KA-07).
    pub min_seconds: Option<u32>,
    /// Length of a block, with `per = "block"`; left out where each value of a parameter brings its own.
    pub block_seconds: Option<u32>,
    /// How a part of a second or block counts.
    pub round: Round,
    /// Parameters whose value changes this stage.
    pub by: BTreeMap<ParamName, Axis>,
}

/// What the rate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// The whole job, which then has one output.
    Job,
    /// Each output.
    #[default]
    Output,
    /// Each second of each output.
    Second,
    /// Each block of seconds of each output.
    Block,
}

/// How a part of a second or block counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Round {
    /// As a whole one (AS-01, KA-08).
    #[default]
    Up,
    /// Not at all.
    Down,
}

/// A parameter whose value changes the price. A value that is not listed is refused, never priced at a ceiling.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// The value of a request that leaves the parameter out; without it the request must say.
    pub default: Option<String>,
    /// A request that leaves the parameter out does without the stage.
    #[serde(default)]
    pub optional: bool,
    /// What each value does to the stage.
    pub values: BTreeMap<String, Variant>,
}

/// What one value does to the stage.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Takes the place of the stage's rate.
    #[serde(default, deserialize_with = "crate::catalog::decimal_optional")]
    pub rate: Option<Credits>,
    /// Multiplies the rate; a product finer than a millionth is rounded up.
    pub times: Option<Factor>,
    /// Takes the place of the stage's block length.
    pub block_seconds: Option<u32>,
    /// Plans that may ask for it; every plan when left out (KF-14, KV-30).
    pub plans: Option<Vec<PlanName>>,
}

impl Price {
    /// True when no request can cost anything.
    pub fn is_free(&self) -> bool {
        self.stages.iter().all(|stage| {
            let rates =
                stage.by.values().flat_map(|axis| axis.values.values()).filter_map(|variant| variant.rate);
            rates.chain(stage.rate).all(Credits::is_zero)
        })
    }

    /// True when a request must say how many seconds it wants.
    pub fn needs_seconds(&self) -> bool {
        self.stages.first().is_some_and(|stage| matches!(stage.per, Per::Second | Per::Block))
    }

    /// The smallest length that is billed and produced, in seconds.
    pub fn min_seconds(&self) -> u32 {
        self.stages.iter().filter_map(|stage| stage.min_seconds).max().unwrap_or(0)
    }
}

/// A price as the file writes it: the base, and the names of the stages that are added to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPrice {
    #[serde(default)]
    per: Per,
    #[serde(default, deserialize_with = "crate::catalog::decimal_optional")]
    rate: Option<Credits>,
    min_seconds: Option<u32>,
    block_seconds: Option<u32>,
    #[serde(default)]
    round: Round,
    #[serde(default)]
    by: BTreeMap<ParamName, Axis>,
    #[serde(default)]
    pub(crate) stages: Vec<StageName>,
}

/// A stage that several actions share, as the file writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStage {
    #[serde(default)]
    per: Per,
    #[serde(default, deserialize_with = "crate::catalog::decimal_optional")]
    rate: Option<Credits>,
    block_seconds: Option<u32>,
    #[serde(default)]
    round: Round,
    #[serde(default)]
    by: BTreeMap<ParamName, Axis>,
}

impl RawPrice {
    /// The stages in order: the base, then those named. A name that is not defined is left out here; the parser
    /// reports it.
    pub(crate) fn into_price(self, shared: &BTreeMap<StageName, RawStage>) -> Price {
        let base = StageRule {
            name: StageName::base(),
            per: self.per,
            rate: self.rate,
            min_seconds: self.min_seconds,
            block_seconds: self.block_seconds,
            round: self.round,
            by: self.by,
        };
        let further = self.stages.into_iter().filter_map(|name| {
            let raw = shared.get(&name)?.clone();
            let RawStage { per, rate, block_seconds, round, by } = raw;
            Some(StageRule { name, per, rate, min_seconds: None, block_seconds, round, by })
        });
        Price { stages: std::iter::once(base).chain(further).collect() }
    }
}
