//! The same load with fleets of several sizes, so that a fleet is chosen before it is bought.

use crate::check::{check_workers, range};
use crate::engine::run;
use crate::load::Load;
use crate::policy::PolicyKind;
use crate::refusal::{Bug, Refusal};
use crate::report::Report;

/// Most fleets of one sweep.
const FLEETS_MAX: u64 = 1_000;

/// Sizes from `first` to `last`, `step` apart, of one kind of workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// The first kind of the load when none is named.
    pub workers: Option<String>,
    pub first: u32,
    pub last: u32,
    pub step: u32,
}

/// One size.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SweepRow {
    pub workers: u32,
    pub report: Report,
}

impl Sweep {
    /// Reads `N..M`, `N..M:STEP` or `NAME=N..M:STEP`.
    ///
    /// # Errors
    /// [`Refusal::Range`].
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let wrong =
            || range("--workers", text, "N..M, N..M:STEP or NAME=N..M:STEP with 1 <= N <= M, STEP >= 1");
        let (workers, rest) = match text.split_once('=') {
            Some((name, rest)) => (Some(name.to_owned()), rest),
            None => (None, text),
        };
        let (span, step) = rest.split_once(':').unwrap_or((rest, "1"));
        let (first, last) = span.split_once("..").unwrap_or((span, span));
        let number = |text: &str| text.trim().parse::<u32>().ok().filter(|n| *n > 0).ok_or_else(wrong);
        let sweep = Self { workers, first: number(first)?, last: number(last)?, step: number(step)? };
        let fleets = u64::from(sweep.last.saturating_sub(sweep.first) / sweep.step) + 1;
        if sweep.last < sweep.first {
            return Err(wrong());
        }
        if fleets > FLEETS_MAX {
            return Err(Refusal::TooMany { what: "fleets", max: FLEETS_MAX });
        }
        Ok(sweep)
    }

    /// The kind of workers whose number varies.
    ///
    /// # Errors
    /// [`Refusal::Unknown`], and [`Refusal::TooMany`] for the largest fleet.
    pub fn of(&self, load: &Load) -> Result<usize, Refusal> {
        let at = match &self.workers {
            None => 0,
            Some(name) => {
                let found = load.workers.iter().position(|workers| workers.name == *name);
                let (by, name) = ("--workers".to_owned(), name.clone());
                found.ok_or(Refusal::Unknown { by, what: "kind of workers", name })?
            }
        };
        let mut kinds = load.workers.clone();
        if let Some(kind) = kinds.get_mut(at) {
            kind.count = self.last;
        }
        check_workers(&kinds)?;
        Ok(at)
    }

    /// Runs every size under a policy, smallest first. `at` comes from [`of`](Self::of).
    ///
    /// # Errors
    /// [`Bug`].
    pub fn run(&self, load: &mut Load, at: usize, kind: PolicyKind) -> Result<Vec<SweepRow>, Bug> {
        let sizes = (self.first..=self.last).step_by(self.step as usize);
        let row = |workers: u32| {
            if let Some(kind) = load.workers.get_mut(at) {
                kind.count = workers;
            }
            let outcome = run(load, kind)?;
            Ok(SweepRow { workers, report: Report::new(load, &outcome) })
        };
        sizes.map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_may_have_a_step_and_a_name() {
        let sweep = |workers: Option<&str>, first, last, step| Sweep {
            workers: workers.map(Into::into),
            first,
            last,
            step,
        };
        assert_eq!(Sweep::parse("2..9"), Ok(sweep(None, 2, 9, 1)));
        assert_eq!(Sweep::parse("gpu=2..9:3"), Ok(sweep(Some("gpu"), 2, 9, 3)));
        assert_eq!(Sweep::parse("4"), Ok(sweep(None, 4, 4, 1)));
        for wrong in ["", "0..4", "9..2", "1..4:0", "a..b", "-1..4", "1..5000"] {
            assert!(Sweep::parse(wrong).is_err(), "{wrong}");
        }
    }
}
