//! What shall happen in this process, read from a text.

use std::ops::RangeInclusive;

use crate::{Law, Point};

/// What `REEVE_FAULT` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Points that end the process, and the passing that does; counted from 1.
    pub deaths: Vec<(Point, u64)>,
    /// Points that fail, and the passings that do.
    pub errors: Vec<(Point, RangeInclusive<u64>)>,
    pub broken: Vec<Law>,
}

/// A text that says nothing: a test that misspells a point must not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError(String);

impl std::fmt::Display for PlanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is no fault: use `die:<point>:<n>`, `error:<point>:<n>` or `break:<law>`", self.0)
    }
}

impl std::error::Error for PlanError {}

impl Plan {
    /// Reads a text; an empty one asks for nothing.
    ///
    /// # Errors
    /// [`PlanError`] names the part that cannot be read.
    pub fn parse(text: &str) -> Result<Self, PlanError> {
        let mut plan = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            plan.add(part).ok_or_else(|| PlanError(part.to_owned()))?;
        }
        Ok(plan)
    }

    fn add(&mut self, part: &str) -> Option<()> {
        let (what, rest) = part.split_once(':')?;
        if what == "break" {
            self.broken.push(*Law::ALL.iter().find(|law| law.name() == rest)?);
            return Some(());
        }
        let (name, times) = rest.split_once(':')?;
        let point = *Point::ALL.iter().find(|point| point.name() == name)?;
        let (from, to) = times.split_once('-').unwrap_or((times, times));
        let (from, to): (u64, u64) = (from.parse().ok()?, to.parse().ok()?);
        match what {
            "die" if from == to && from > 0 => self.deaths.push((point, from)),
            "error" if from > 0 && from <= to => self.errors.push((point, from..=to)),
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_from_its_text() {
        let plan = Plan::parse(
            "die:journal.after_commit:7, error:journal.after_inserts:3-9,break:version_guard,error:output.staged:2",
        );
        let expected = Plan {
            deaths: vec![(Point::JournalAfterCommit, 7)],
            errors: vec![(Point::JournalAfterInserts, 3..=9), (Point::OutputStaged, 2..=2)],
            broken: vec![Law::VersionGuard],
        };
        assert_eq!(plan, Ok(expected));
        assert_eq!(Plan::parse(""), Ok(Plan::default()));
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        for bad in [
            "die",
            "die:journal.after_commit",
            "die:journal.after_comit:1",
            "die:journal.after_commit:0",
            "die:journal.after_commit:1-2",
            "error:journal.after_commit:5-2",
            "break:nothing",
            "live:journal.after_commit:1",
        ] {
            assert_eq!(Plan::parse(bad), Err(PlanError(bad.to_owned())), "{bad}");
        }
    }
}
