//! Counts what was checked and keeps the first broken rows of each promise.

use super::meter::Meter;
use super::{Check, DETAILS_MAX};

/// The promises that a store can show broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Promise {
    Rows,
    L1,
    L2,
    L3,
    L4,
    L5,
    L6,
    J1,
    J2,
    J3,
    Q2,
    S1,
}

const ALL: [(Promise, &str, &str); 12] = [
    (Promise::Rows, "rows", "every row can be read"),
    (Promise::L1, "L1", "per lot, granted = available + held + consumed + expired + forfeited + clawed back"),
    (Promise::L2, "L2", "available is never below zero without debt"),
    (Promise::L3, "L3", "a hold closes once: settled + released = held"),
    (Promise::L4, "L4", "what lots hold is what live jobs hold"),
    (Promise::L5, "L5", "balances, lots and debt are the fold of an unbroken ledger chain"),
    (Promise::L6, "L6", "grants and payments are claimed once in the whole store"),
    (Promise::J1, "J1", "exactly the running jobs have a lease"),
    (Promise::J2, "J2", "final jobs are closed, live ones are not"),
    (Promise::J3, "J3", "success means a landed output that was settled, or price 0"),
    (Promise::Q2, "Q2", "jobs counted as running and queued are those that run and wait"),
    (Promise::S1, "S1", "the state rebuilt from the rows keeps its own promises"),
];

/// The counts so far.
pub(super) struct Tally<'a> {
    meter: &'a Meter<'a>,
    checks: Vec<(Promise, Check)>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(meter: &'a Meter<'a>) -> Self {
        let check = |(promise, name, about)| {
            (promise, Check { name, about, ok: true, checked: 0, broken: 0, detail: Vec::new() })
        };
        Self { meter, checks: ALL.into_iter().map(check).collect() }
    }

    /// An empty one, of the same run.
    pub(super) fn another(&self) -> Self {
        Self::new(self.meter)
    }

    /// So many rows of ledger or jobs were read.
    pub(super) fn read(&self, rows: usize) {
        self.meter.rows(rows);
    }

    /// One thing was looked at; `detail` names the row when it is not as promised.
    pub(super) fn check(&mut self, promise: Promise, is_kept: bool, detail: impl FnOnce() -> String) {
        let Some((_, check)) = self.checks.iter_mut().find(|(known, _)| *known == promise) else {
            return;
        };
        check.checked += 1;
        if is_kept {
            return;
        }
        check.ok = false;
        check.broken += 1;
        if check.detail.len() < DETAILS_MAX {
            check.detail.push(detail());
        }
    }

    /// True when nothing was broken so far.
    pub(super) fn is_ok(&self) -> bool {
        self.checks.iter().all(|(_, check)| check.ok)
    }

    /// Counts along what another one found to be as promised.
    pub(super) fn add(&mut self, sound: &Self) {
        for ((_, check), (_, other)) in self.checks.iter_mut().zip(&sound.checks) {
            check.checked += other.checked;
        }
    }

    /// A row that cannot be read.
    pub(super) fn damaged(&mut self, detail: String) {
        self.check(Promise::Rows, false, || detail);
    }

    pub(super) fn into_checks(self) -> Vec<Check> {
        self.checks.into_iter().map(|(_, check)| check).collect()
    }
}
