//! The shape of a file of examples, and of a script; see the crate's page for the format by example.
//!
//! Everything is read strictly: a key that is not known is refused with its place, so that a typing mistake never
//! turns an expectation into nothing.

mod expect;
mod given;
pub mod money;
pub mod step;
mod words;

use std::collections::BTreeSet;

use reeve_credits::CatalogError;
use reeve_types::CatalogName;
use serde::Deserialize;

pub use expect::{Expect, LotSaid};
pub use given::{Given, GivenLot, Overlay};
pub use money::{Adjust, PaymentRef, Purchase, Refer, Refund, RefundPlan, Renew, SetAddon, Subscribe};
pub use step::{
    Action, Advance, Complete, Create, Ending, Fail, JobRef, Lapse, LimitMember, MoveCatalog, Nothing, Patch,
    Promotion, Request, Settle, Step, Submit,
};
pub use words::{End, Instant, Moment, Span};

/// The examples of one catalog.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    pub catalog: CatalogName,
    #[serde(default)]
    pub example: Vec<Example>,
    /// Rules that no example can say, and where they are tested instead.
    #[serde(default)]
    pub elsewhere: Vec<Elsewhere>,
}

impl Examples {
    /// Reads a file of examples. `file` only names the text in findings.
    ///
    /// # Errors
    /// The first thing that is not readable, with its key.
    pub fn parse(file: &str, text: &str) -> Result<Self, CatalogError> {
        reeve_credits::catalog::read(file, text)
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
    /// Never empty.
    pub when: Vec<Step>,
    /// What holds after the last step. May be left out when a step says what it expects.
    pub then: Option<Box<Expect>>,
}

/// A rule that is about more than one catalog's world.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elsewhere {
    pub rule: String,
    pub why: String,
    /// `path of the file::name of the test`.
    pub test: String,
}

/// A story to be watched: the same steps, without a verdict at the end.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    pub title: String,
    #[serde(default)]
    pub given: Given,
    pub when: Vec<Step>,
}

impl Script {
    /// Reads a script. `file` only names the text in findings.
    ///
    /// # Errors
    /// The first thing that is not readable, with its key.
    pub fn parse(file: &str, text: &str) -> Result<Self, CatalogError> {
        reeve_credits::catalog::read(file, text)
    }
}
