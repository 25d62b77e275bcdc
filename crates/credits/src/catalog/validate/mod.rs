//! The checks that shapes cannot make: names that must exist, amounts that must not be, tables that must be whole.
//!
//! Every check adds findings and goes on, so that an author sees all mistakes of a file at once.

mod plans;
mod price;
mod rules;
mod sources;

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;

use reeve_types::{ActionName, Credits, SourceName, did_you_mean, limits};

use super::parse::{CatalogError, Finding, quoted};
use super::{Catalog, ScopeName};

/// Findings of a file that say what may have been meant.
const HINTS_MAX: usize = 50;

/// All that is wrong with a well-formed catalog.
pub(super) fn check(catalog: &Catalog, findings: &mut Findings) {
    if catalog.version == 0 {
        findings.add("version", "versions count from 1");
    }
    plans::check(catalog, findings);
    price::check(catalog, findings);
    sources::check(catalog, findings);
    rules::check(catalog, findings);
}

/// The names that there are, for whoever wrote another one.
impl Catalog {
    pub(super) fn plan_names(&self) -> impl Iterator<Item = &str> {
        self.plans.iter().map(|plan| plan.name.as_str())
    }

    fn source_names(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(SourceName::as_str)
    }

    fn scope_names(&self) -> impl Iterator<Item = &str> {
        self.scopes.keys().map(ScopeName::as_str)
    }

    fn action_names(&self) -> impl Iterator<Item = &str> {
        self.actions.keys().map(ActionName::as_str)
    }
}

/// What was found, in the order of the checks.
#[derive(Debug, Default)]
pub(super) struct Findings {
    found: Vec<(String, String)>,
    /// The same again: a file may have as many mistakes as lines, so the list itself is not searched.
    known: HashSet<(String, String)>,
}

impl Findings {
    /// One thing that is wrong with the value at `key`. A stage that actions share is still reported once.
    pub(super) fn add(&mut self, key: impl Display, reason: impl Display) {
        let finding = (key.to_string(), reason.to_string());
        if self.known.insert(finding.clone()) {
            self.found.push(finding);
        }
    }

    /// Reports a name that nothing has, and what may have been meant.
    pub(super) fn no_such<'k>(
        &mut self,
        key: impl Display,
        kind: &str,
        name: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        // A file of nothing but mistakes shall not cost the product of all its names.
        let hint = if self.found.len() < HINTS_MAX { did_you_mean(name, known) } else { String::new() };
        self.add(key, format_args!("there is no {kind} `{name}`{hint}"));
    }

    /// Reports when the condition does not hold.
    fn require(&mut self, holds: bool, key: impl Display, reason: impl Display) {
        if !holds {
            self.add(key, reason);
        }
    }

    /// Reports an amount that no price or grant may have.
    fn require_amount(&mut self, amount: Credits, least: Least, key: impl Display) {
        let whole_max = Credits::whole(limits::CREDITS_MAX).unwrap_or(Credits::ZERO);
        if amount.is_negative() {
            self.add(key, format_args!("`{amount}` is negative"));
        } else if amount.is_zero() && least == Least::AboveZero {
            self.add(key, "must be above zero");
        } else if amount > whole_max {
            self.add(key, format_args!("`{amount}` is more than {whole_max} credits"));
        }
    }

    pub(super) fn into_error(self, file: &str) -> Option<CatalogError> {
        let finding = |(key, reason)| Finding { file: file.to_owned(), key, reason };
        let findings: Vec<Finding> = self.found.into_iter().map(finding).collect();
        (!findings.is_empty()).then_some(CatalogError { findings })
    }
}

/// The least an amount may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Least {
    Zero,
    AboveZero,
}

/// The path of a named table: `action."image.generate"`.
fn table(kind: &str, name: impl Display) -> String {
    format!("{kind}.{}", quoted(&name.to_string()))
}

/// The first value that is listed before.
pub(super) fn repeated<T: Eq + Hash>(list: &[T]) -> Option<&T> {
    let mut seen = HashSet::new();
    list.iter().find(|value| !seen.insert(*value))
}
