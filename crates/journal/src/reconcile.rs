//! Payments against credits and charges against deliveries, day by day in UTC: what an accountant asks of the books.
//!
//! Each figure of one side comes from other rows than that of the other side, so that a difference means something.

use std::collections::BTreeMap;

use reeve_types::Millis;
use reeve_workspace::Kind;

/// What happened on one day, in micro-credits; wide, because it sums over all workspaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DaySums {
    /// Purchases whose payment was confirmed, by their own rows: how many, and their credits.
    pub payments: u64,
    pub paid: i128,
    /// Grants of the lots that these payments bought, by the ledger; promotional lots are not among them.
    pub granted_paid: i128,
    /// Every other grant.
    pub granted_other: i128,
    /// Settled by the ledger.
    pub settled: i128,
    /// Charges of the landed outputs of jobs that ended, by their own rows: how many, and for how much.
    pub delivered: u64,
    pub charged: i128,
    pub held: i128,
    pub released: i128,
    pub expired: i128,
    pub forfeited: i128,
    pub clawed_back: i128,
    pub restored: i128,
    /// Taken by operators.
    pub taken: i128,
    /// Debt made, less debt paid.
    pub debt: i128,
}

impl DaySums {
    /// Adds another part of the same day.
    pub fn add(&mut self, other: &Self) {
        self.payments += other.payments;
        self.delivered += other.delivered;
        let mine = self.amounts_mut();
        let mut theirs = *other;
        for (mine, theirs) in mine.into_iter().zip(theirs.amounts_mut()) {
            *mine += *theirs;
        }
    }

    /// Adds what ledger rows of one kind say; `is_bought` of a grant whose lot a payment bought.
    pub const fn book(&mut self, kind: Kind, is_bought: bool, amount: i128) {
        let sum = match kind {
            Kind::Grant if is_bought => &mut self.granted_paid,
            Kind::Grant => &mut self.granted_other,
            Kind::Hold => &mut self.held,
            Kind::Settle => &mut self.settled,
            Kind::Release => &mut self.released,
            Kind::Expire => &mut self.expired,
            Kind::Forfeit => &mut self.forfeited,
            Kind::ClawBack => &mut self.clawed_back,
            Kind::Restore => &mut self.restored,
            Kind::Take => &mut self.taken,
            Kind::Owe => &mut self.debt,
            Kind::Repay => {
                self.debt -= amount;
                return;
            }
        };
        *sum += amount;
    }

    fn amounts_mut(&mut self) -> [&mut i128; 13] {
        [
            &mut self.paid,
            &mut self.granted_paid,
            &mut self.granted_other,
            &mut self.settled,
            &mut self.charged,
            &mut self.held,
            &mut self.released,
            &mut self.expired,
            &mut self.forfeited,
            &mut self.clawed_back,
            &mut self.restored,
            &mut self.taken,
            &mut self.debt,
        ]
    }

    /// Credits of confirmed payments less those granted for them: 0, or money became no credits.
    pub const fn payments_difference(&self) -> i128 {
        self.paid - self.granted_paid
    }

    /// Settled credits less the charges of delivered outputs: 0, or somebody paid for nothing.
    pub const fn deliveries_difference(&self) -> i128 {
        self.settled - self.charged
    }
}

/// Days from 1970-01-01 in UTC, each with its sums.
pub type Days = BTreeMap<i64, DaySums>;

/// Which days: from the first instant of one to the first instant of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaySpan {
    pub from: Millis,
    /// The first instant that is not looked at.
    pub to: Millis,
}

/// The sums of some workspaces in order of id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    pub days: Days,
    /// The last workspace that was looked at; `None` when there was none left.
    pub last: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_added() {
        let mut one = DaySums { payments: 1, delivered: 2, ..DaySums::default() };
        for (n, amount) in one.amounts_mut().into_iter().enumerate() {
            *amount = n as i128 + 1;
        }
        let mut sum = one;
        sum.add(&one);
        assert_eq!((sum.payments, sum.delivered), (2, 4));
        let doubled =
            sum.amounts_mut().into_iter().enumerate().all(|(n, amount)| *amount == 2 * (n as i128 + 1));
        assert!(doubled);
        assert_eq!(sum.deliveries_difference(), 2 * one.deliveries_difference());
    }
}
