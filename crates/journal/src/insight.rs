//! What the ledger says of the past: usage by member, action and day, and balances at an instant.
//!
//! Types of `Reader`'s questions, and the one place that says what a ledger row does to its lot: the
//! readers and the verifier of the store fold rows with it.

use reeve_credits::lot::{Lot, Terms};
use reeve_types::{ActionName, Credits, LotId, MemberId, Millis, SourceName};
use reeve_workspace::Kind;

/// Most rows of one answer about usage.
pub const USAGE_ROWS_MAX: u32 = 10_000;
/// Milliseconds of a day in UTC.
pub const DAY_MS: i64 = 86_400_000;

/// By what usage is grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UsageKey {
    Member,
    Action,
    /// A date in UTC.
    Day,
}

/// Which usage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageFilter {
    pub from: Option<Millis>,
    /// The first instant that is not looked at.
    pub to: Option<Millis>,
    pub member: Option<MemberId>,
}

/// What jobs took and gave back. A key that was not asked for is `None`. Sums stop at the largest amount.
///
/// An adjustment for a job counts for the job's member and action, on the day of the adjustment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageRow {
    pub member: Option<MemberId>,
    pub action: Option<ActionName>,
    /// Days since 1970-01-01 in UTC.
    pub day: Option<i64>,
    /// Paid for what landed.
    pub settled: Credits,
    /// Held and given back when a job closed.
    pub released: Credits,
    /// Granted by an operator to make good for a job.
    pub refunded: Credits,
    /// Jobs that closed and had held credits: a job of price 0 leaves no trace in the ledger.
    pub jobs: u64,
}

impl UsageRow {
    /// The day of an instant, counted from 1970-01-01 in UTC.
    pub const fn day_of(at: Millis) -> i64 {
        at.value().div_euclid(DAY_MS)
    }
}

/// A balance as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PastBalance {
    /// The last ledger row that counts; 0 before the first.
    pub seq: u64,
    /// What its row says: all lots less debt, also lots that had not begun yet.
    pub available: Credits,
    pub held: Credits,
    pub debt: Credits,
    /// Every lot there was, spent ones too, in order of id.
    pub lots: Vec<PastLot>,
}

/// A lot as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastLot {
    pub id: LotId,
    pub source: SourceName,
    pub granted: Credits,
    pub terms: Terms,
}

/// What ledger rows add up to for one lot, in micro-credits. Wide, so that no row can overflow it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LotSums {
    pub granted: i128,
    pub available: i128,
    pub held: i128,
    pub consumed: i128,
    pub expired: i128,
    pub forfeited: i128,
    pub clawed_back: i128,
}

fn wide(amount: Credits) -> i128 {
    i128::from(amount.micros())
}

impl LotSums {
    /// What a lot says of itself.
    pub fn of(lot: &Lot) -> Self {
        let Terms { available, held, consumed, expired, forfeited, clawed_back } = lot.terms;
        Self {
            granted: wide(lot.granted),
            available: wide(available),
            held: wide(held),
            consumed: wide(consumed),
            expired: wide(expired),
            forfeited: wide(forfeited),
            clawed_back: wide(clawed_back),
        }
    }

    /// Adds rows of one kind, `amount` of micro-credits in all.
    pub fn add(&mut self, kind: Kind, amount: i128) {
        let Self { granted, available, held, consumed, expired, forfeited, clawed_back } = self;
        let (from, to) = match kind {
            Kind::Grant => {
                *granted += amount;
                *available += amount;
                return;
            }
            Kind::Hold => (available, held),
            Kind::Settle => (held, consumed),
            Kind::Release => (held, available),
            Kind::Take => (available, consumed),
            Kind::Expire => (available, expired),
            Kind::Forfeit => (available, forfeited),
            Kind::ClawBack => (available, clawed_back),
            Kind::Restore => (clawed_back, available),
            // Debt is the workspace's: these rows only name the lot that caused them (X13).
            Kind::Owe | Kind::Repay => return,
        };
        *from -= amount;
        *to += amount;
    }

    /// As amounts: granted, and the terms. `None` when one does not fit, which only damage can cause.
    pub fn amounts(self) -> Option<(Credits, Terms)> {
        let credits = |micros: i128| i64::try_from(micros).ok().map(Credits::from_micros);
        let terms = Terms {
            available: credits(self.available)?,
            held: credits(self.held)?,
            consumed: credits(self.consumed)?,
            expired: credits(self.expired)?,
            forfeited: credits(self.forfeited)?,
            clawed_back: credits(self.clawed_back)?,
        };
        Some((credits(self.granted)?, terms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_moves_as_much_in_its_lot_as_in_the_balance() {
        for kind in Kind::ALL {
            let mut sums = LotSums::default();
            sums.add(kind, 5);
            let (available, held) = kind.effect();
            let of_lot = (sums.available, sums.held);
            let expected = match kind {
                Kind::Owe | Kind::Repay => (0, 0),
                _ => (i128::from(available) * 5, i128::from(held) * 5),
            };
            assert_eq!(of_lot, expected, "{kind:?}");
            let terms = sums.available + sums.held + sums.consumed + sums.expired;
            assert_eq!(terms + sums.forfeited + sums.clawed_back, sums.granted, "L1: {kind:?}");
        }
    }

    #[test]
    fn days_are_counted_down_before_the_epoch() {
        let days = [-DAY_MS - 1, -DAY_MS, -1, 0, DAY_MS - 1, DAY_MS];
        let days = days.map(|ms| UsageRow::day_of(Millis::from_millis(ms)));
        assert_eq!(days, [-2, -1, -1, 0, 0, 1]);
    }
}
