//! A hold: which lots a job's credits are pinned on, in the order they were taken.
//!
//! Used by `workspace`. Settles use the parts in that order, releases return in reverse (X19), so a
//! refund always goes back to the lot it came from.

use reeve_types::{Credits, LotId, Millis};

use crate::catalog::LotOrder;
use crate::lot::Lot;

/// Credits pinned on one lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Part {
    /// The lot that the credits are pinned on.
    pub lot: LotId,
    /// How many; never zero in a hold.
    pub amount: Credits,
}

/// The open hold of a job. Empty for a job that costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Hold {
    parts: Box<[Part]>,
}

/// What an admission lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// What the usable lots that may pay for the action have.
    pub available: Credits,
    /// What is missing to the price.
    pub missing: Credits,
}

/// How a closing hold is divided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Division {
    /// For each settle in the order given: the lots that pay it.
    pub settled: Vec<Vec<Part>>,
    /// The remainder, in the order it goes back.
    pub released: Vec<Part>,
}

impl Hold {
    /// A hold as stored.
    pub fn from_parts(parts: Vec<Part>) -> Self {
        Self { parts: parts.into_boxed_slice() }
    }

    /// The parts in the order they were taken.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// All that is held; saturates never, since each part was taken from a lot of the same workspace.
    pub fn total(&self) -> Credits {
        Credits::checked_sum(self.parts.iter().map(|part| part.amount)).unwrap_or(Credits::ZERO)
    }

    /// Chooses lots for `amount` at `now`, all or nothing (X8); `pays` says which lots may pay for the action.
    ///
    /// Changes nothing: the caller records the hold and then applies it to the lots.
    ///
    /// # Errors
    /// What the usable lots have, and what is missing to the amount.
    pub fn choose(
        lots: &[Lot],
        amount: Credits,
        (now, order): (Millis, &LotOrder),
        pays: impl Fn(&Lot) -> bool,
    ) -> Result<Self, Shortfall> {
        if amount.is_zero() {
            // X12: a price of zero is admitted at any balance.
            return Ok(Self::default());
        }
        let mut usable: Vec<&Lot> = lots
            .iter()
            .filter(|lot| lot.is_usable(now) && lot.terms.available.is_positive() && pays(lot))
            .collect();
        usable.sort_by(|a, b| order.compare(&a.order_facts(), &b.order_facts()));
        let mut missing = amount;
        let mut parts = Vec::with_capacity(1);
        for lot in &usable {
            if missing.is_zero() {
                break;
            }
            let taken = missing.min(lot.terms.available);
            parts.push(Part { lot: lot.id, amount: taken });
            missing = missing.checked_sub(taken).unwrap_or(Credits::ZERO);
        }
        if missing.is_positive() {
            let available =
                Credits::checked_sum(usable.iter().map(|lot| lot.terms.available)).unwrap_or(Credits::ZERO);
            return Err(Shortfall { available, missing });
        }
        Ok(Self::from_parts(parts))
    }

    /// Divides the hold at close among `settles`; `None` when they exceed what is held (X7 forbids it).
    pub fn divide(&self, settles: &[Credits]) -> Option<Division> {
        let mut left: Vec<Part> = self.parts.to_vec();
        let mut next = 0;
        let mut settled = Vec::with_capacity(settles.len());
        for settle in settles {
            let mut due = *settle;
            let mut paid = Vec::new();
            while due.is_positive() {
                let part = left.get_mut(next)?;
                let taken = due.min(part.amount);
                if taken.is_positive() {
                    paid.push(Part { lot: part.lot, amount: taken });
                }
                part.amount = part.amount.checked_sub(taken)?;
                due = due.checked_sub(taken)?;
                if part.amount.is_zero() {
                    next += 1;
                }
            }
            settled.push(paid);
        }
        let released = left.into_iter().rev().filter(|part| part.amount.is_positive()).collect();
        Some(Division { settled, released })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lot::LotClass;
    use crate::lot::tests::lot;
    use proptest::prelude::*;

    fn cr(n: i64) -> Credits {
        Credits::whole(n).unwrap()
    }

    const NOW: Millis = Millis::from_millis(10);

    #[test]
    fn x8_a_hold_is_all_or_nothing() {
        let lots = [lot(1, 20, LotClass::Plan, None), lot(2, 11, LotClass::Pack, None)];
        assert_eq!(
            Hold::choose(&lots, cr(32), (NOW, &LotOrder::default()), |_| true),
            Err(Shortfall { available: cr(31), missing: cr(1) })
        );
        assert_eq!(
            Hold::choose(&lots, cr(31), (NOW, &LotOrder::default()), |_| true).unwrap().total(),
            cr(31)
        );
    }

    #[test]
    fn x12_nothing_is_held_for_a_price_of_zero() {
        assert_eq!(
            Hold::choose(&[], Credits::ZERO, (NOW, &LotOrder::default()), |_| true),
            Ok(Hold::default())
        );
    }

    #[test]
    fn bug_28_a_partial_settle_uses_lots_in_order_and_returns_in_reverse() {
        let lots = [
            lot(1, 4, LotClass::Plan, Some(20)),
            lot(2, 4, LotClass::Plan, None),
            lot(3, 4, LotClass::Pack, None),
        ];
        let hold = Hold::choose(&lots, cr(12), (NOW, &LotOrder::default()), |_| true).unwrap();
        let division = hold.divide(&[cr(3), cr(3)]).unwrap();
        let id = |n: usize| lots[n].id;
        assert_eq!(
            division.settled,
            [
                vec![Part { lot: id(0), amount: cr(3) }],
                vec![Part { lot: id(0), amount: cr(1) }, Part { lot: id(1), amount: cr(2) }]
            ]
        );
        assert_eq!(
            division.released,
            [Part { lot: id(2), amount: cr(4) }, Part { lot: id(1), amount: cr(2) }]
        );
    }

    #[test]
    fn x7_settling_more_than_held_is_impossible() {
        let lots = [lot(1, 4, LotClass::Plan, None)];
        let hold = Hold::choose(&lots, cr(4), (NOW, &LotOrder::default()), |_| true).unwrap();
        assert_eq!(hold.divide(&[cr(2), cr(3)]), None);
    }

    proptest! {
        #[test]
        fn l3_settled_and_released_make_up_the_hold(
            amounts in prop::collection::vec(1_i64..50, 1..6),
            price in 1_i64..120,
            outputs in prop::collection::vec(0_i64..40, 0..5),
        ) {
            let lots: Vec<_> = amounts.iter().enumerate().map(|(n, a)| lot(n as u128, *a, LotClass::Plan, None)).collect();
            let Ok(hold) = Hold::choose(&lots, cr(price), (NOW, &LotOrder::default()), |_| true) else {
                prop_assert!(amounts.iter().sum::<i64>() < price);
                return Ok(());
            };
            let settles: Vec<Credits> = outputs.iter().map(|n| cr(*n)).collect();
            match hold.divide(&settles) {
                None => prop_assert!(outputs.iter().sum::<i64>() > price),
                Some(division) => {
                    let settled = division.settled.iter().flatten().map(|part| part.amount);
                    let total = Credits::checked_sum(settled.chain(division.released.iter().map(|part| part.amount)));
                    prop_assert_eq!(total, Some(cr(price)));
                }
            }
        }
    }
}
