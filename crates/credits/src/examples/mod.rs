//! Executable examples: a catalog's own tests, as data next to it.
//!
//! A file of examples is written by whoever writes the catalog and runs wherever the catalog is checked, in tests and
//! on the command line alike. An example is a starting point, steps, and what the last step must answer.

mod run;

use std::collections::BTreeSet;

use chrono_tz::Tz;
use reeve_types::{ActionName, CatalogName, Credits, Millis, PlanName, SourceName, WorkspaceId};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::catalog::{
    CatalogError, Interval, Outcome, ScopeName, StageName, decimal_list_optional, decimal_optional,
};
use crate::lot::LotClass;
use crate::price::Units;

pub use run::{ExampleResult, run_examples};

/// The examples of one catalog.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    pub catalog: CatalogName,
    #[serde(default)]
    pub example: Vec<Example>,
}

impl Examples {
    /// Reads a file of examples. `file` only names the text in findings.
    ///
    /// # Errors
    /// The first thing that is not readable, with its key.
    pub fn parse(file: &str, text: &str) -> Result<Self, CatalogError> {
        crate::catalog::read(file, text)
    }

    /// The numbers of the rules that have an example.
    pub fn rules(&self) -> BTreeSet<&str> {
        self.example.iter().map(|example| example.rule.as_str()).collect()
    }
}

/// One example of one rule.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The rule's number, such as `X18`.
    pub rule: String,
    pub title: String,
    #[serde(default)]
    pub given: Given,
    /// Never empty; `then` is about the last one.
    pub when: Vec<Step>,
    pub then: Then,
}

/// The workspace that the steps are about.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    /// The catalog's default plan when left out.
    pub plan: Option<PlanName>,
    #[serde(deserialize_with = "decimal_optional")]
    pub allotment: Option<Credits>,
    pub interval: Interval,
    pub seats: u32,
    pub identity: Option<String>,
    pub user: Option<String>,
    pub workspace: Option<WorkspaceId>,
    pub timezone: Tz,
    /// When it is created: RFC 3339.
    #[serde(deserialize_with = "instant")]
    pub at: Millis,
    /// Keys of grants that others already have.
    pub claimed: Vec<String>,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            plan: None,
            allotment: None,
            interval: Interval::Month,
            seats: 1,
            identity: None,
            user: None,
            workspace: None,
            timezone: Tz::UTC,
            // An ordinary morning; examples for which the instant matters say theirs.
            at: Millis::from_millis(1_767_258_000_000),
            claimed: Vec::new(),
        }
    }
}

fn instant<'de, D: Deserializer<'de>>(d: D) -> Result<Millis, D::Error> {
    let text = String::deserialize(d)?;
    let parsed = chrono::DateTime::parse_from_rfc3339(&text);
    parsed.map(|at| Millis::from_utc(at.to_utc())).map_err(|_| {
        serde::de::Error::custom(format_args!("`{text}` is not an instant such as `2026-01-31T00:00:00Z`"))
    })
}

/// One thing that happens. Further kinds of steps are further variants.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The workspace is created.
    Create(Create),
    /// A price is asked.
    Quote(Request),
    /// A job runs to its end.
    Settle(Settle),
}

/// No more is known than what is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Create {}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub action: ActionName,
    #[serde(default)]
    pub params: Map<String, Value>,
}

/// A request, and how each of its outputs ends.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    pub action: ActionName,
    #[serde(default)]
    pub params: Map<String, Value>,
    /// One for each output quoted.
    pub outputs: Vec<Ending>,
}

/// How one output ends.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    pub outcome: Outcome,
    /// Seconds delivered, where they differ from those quoted.
    #[serde(default, deserialize_with = "seconds")]
    pub delivered: Option<Units>,
    /// Stages that end otherwise.
    #[serde(default)]
    pub stages: std::collections::BTreeMap<StageName, Outcome>,
}

fn seconds<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Units>, D::Error> {
    let value = Value::deserialize(d)?;
    Units::from_json(&value).map(Some).map_err(serde::de::Error::custom)
}

/// What the last step must answer: all that is said must hold, and something must be said.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Then {
    /// The code of the refusal, as the API names it.
    pub refused: Option<String>,
    /// Pointers of the parameters at fault, in any order.
    pub pointers: Option<Vec<String>>,
    /// Plans that a refusal names as the way out.
    pub plans: Option<Vec<PlanName>>,
    /// The whole price.
    #[serde(deserialize_with = "decimal_optional")]
    pub credits: Option<Credits>,
    pub outputs: Option<u32>,
    /// Credits of each line of the quote.
    #[serde(deserialize_with = "decimal_list_optional")]
    pub lines: Option<Vec<Credits>>,
    #[serde(deserialize_with = "decimal_optional")]
    pub settled: Option<Credits>,
    #[serde(deserialize_with = "decimal_optional")]
    pub released: Option<Credits>,
    /// The sum of what is granted.
    #[serde(deserialize_with = "decimal_optional")]
    pub available: Option<Credits>,
    /// All lots that appear, by the order of their sources' names.
    pub lots: Option<Vec<LotSaid>>,
}

/// A lot, as far as an example says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LotSaid {
    pub source: SourceName,
    #[serde(default, deserialize_with = "decimal_optional")]
    pub amount: Option<Credits>,
    pub class: Option<LotClass>,
    /// `never`, or an instant.
    pub until: Option<String>,
    pub scope: Option<ScopeName>,
    pub key: Option<String>,
}
