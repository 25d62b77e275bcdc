//! A lot: credits that appeared together, the only thing that can be spent.
//!
//! Used by `workspace` to hold, settle and retire. A lot guarantees L1 by construction: each move
//! takes from one term and gives to another, or is refused and changes nothing.

use std::sync::Arc;

use reeve_types::{Credits, LotId, Millis, SourceName};

use crate::catalog::{OrderFacts, ScopeName};

/// What kind of credits a lot holds; part of the order of use (X19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LotClass {
    /// A promotion gave them beside a purchase (KV-27).
    Promo,
    /// A trial lends them (KV-24).
    Trial,
    /// For one local date (KR-03).
    Daily,
    /// Once, for signing up.
    Signup,
    /// For a friend who signed up (KA-04).
    Referral,
    /// An operator gave them.
    Adjustment,
    /// The subscription's own.
    Plan,
    /// Units of an add-on give them (AS-07).
    Addon,
    /// They were bought.
    Pack,
}

impl LotClass {
    /// The stored and shown word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promo => "promo",
            Self::Trial => "trial",
            Self::Daily => "daily",
            Self::Signup => "signup",
            Self::Referral => "referral",
            Self::Adjustment => "adjustment",
            Self::Plan => "plan",
            Self::Addon => "addon",
            Self::Pack => "pack",
        }
    }

    /// The class of a stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Promo,
            Self::Trial,
            Self::Daily,
            Self::Signup,
            Self::Referral,
            Self::Adjustment,
            Self::Plan,
            Self::Addon,
            Self::Pack,
        ]
        .into_iter()
        .find(|class| class.as_str() == word)
    }
}

/// Why credits left a lot without being spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retired {
    /// Their time was over (X1).
    Expired,
    /// A boundary or a change of plan took them.
    Forfeited,
    /// Their payment was given back.
    ClawedBack,
}

/// A move that the lot's terms cannot cover: a bug of the caller, never a user's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lot `{lot}` cannot move {amount} from {from}: it has {has}")]
pub struct Overdrawn {
    /// The lot.
    pub lot: LotId,
    /// The term that has too little, such as `held`.
    pub from: &'static str,
    /// What was to be moved.
    pub amount: Credits,
    /// What the term has.
    pub has: Credits,
}

/// What a lot has in each term; their sum is `granted` (L1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Terms {
    /// Can be held.
    pub available: Credits,
    /// Pinned for jobs under way.
    pub held: Credits,
    /// Spent.
    pub consumed: Credits,
    /// Lost to their own end.
    pub expired: Credits,
    /// Lost at a boundary or a change of plan.
    pub forfeited: Credits,
    /// Taken back with their payment.
    pub clawed_back: Credits,
}

/// Credits that appeared together.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lot {
    /// Its id; made from the workspace and a count, so that a replay makes the same ones.
    pub id: LotId,
    /// The catalog's source that made it.
    pub source: SourceName,
    /// What kind of credits it holds.
    pub class: LotClass,
    /// Lower is used first (X19).
    pub priority: i32,
    /// The first instant at which it is usable.
    pub effective_at: Millis,
    /// The first instant at which it is no longer usable; `None` never expires (X1).
    pub expires_at: Option<Millis>,
    /// Which actions it may pay for; `None` pays for all.
    pub scope: Option<ScopeName>,
    /// The payment that it came from, for refunds.
    pub payment: Option<Arc<str>>,
    /// The version of the catalog that granted it (X6).
    pub catalog_version: u32,
    /// What it was made with; never changes.
    pub granted: Credits,
    /// Where those credits are now.
    pub terms: Terms,
}

impl Lot {
    /// Usable at `t` (X1).
    pub fn is_usable(&self, t: Millis) -> bool {
        self.effective_at <= t && !self.is_expired(t)
    }

    /// Past its expiry at `t`.
    pub fn is_expired(&self, t: Millis) -> bool {
        self.expires_at.is_some_and(|expiry| expiry <= t)
    }

    /// Nothing left that could still move: it may leave memory.
    pub fn is_spent(&self) -> bool {
        self.terms.available.is_zero() && self.terms.held.is_zero()
    }

    /// What the order of use looks at (X19).
    pub fn order_facts(&self) -> OrderFacts {
        OrderFacts {
            priority: self.priority,
            expires_at: self.expires_at,
            class: self.class,
            effective_at: self.effective_at,
            id: self.id,
        }
    }

    /// Moves `amount` from available to held.
    ///
    /// # Errors
    /// More than is available: the lot is unchanged.
    pub fn hold(&mut self, amount: Credits) -> Result<(), Overdrawn> {
        let terms = self.terms;
        self.shift(amount, ("available", terms.available), terms.held, |t, from, to| {
            (t.available, t.held) = (from, to)
        })
    }

    /// Moves `amount` from held to consumed.
    ///
    /// # Errors
    /// More than is held: the lot is unchanged.
    pub fn settle(&mut self, amount: Credits) -> Result<(), Overdrawn> {
        let terms = self.terms;
        self.shift(amount, ("held", terms.held), terms.consumed, |t, from, to| {
            (t.held, t.consumed) = (from, to)
        })
    }

    /// Gives `amount` of held back at `t`: to available, or to expired when the lot no longer lives (X4).
    ///
    /// # Errors
    /// More than is held: the lot is unchanged.
    pub fn release(&mut self, amount: Credits, t: Millis) -> Result<(), Overdrawn> {
        let terms = self.terms;
        if self.is_expired(t) {
            return self.shift(amount, ("held", terms.held), terms.expired, |t, from, to| {
                (t.held, t.expired) = (from, to)
            });
        }
        self.shift(amount, ("held", terms.held), terms.available, |t, from, to| {
            (t.held, t.available) = (from, to)
        })
    }

    /// Moves `amount` out of available for good.
    ///
    /// # Errors
    /// More than is available: the lot is unchanged.
    pub fn retire(&mut self, amount: Credits, how: Retired) -> Result<(), Overdrawn> {
        let terms = self.terms;
        let from = ("available", terms.available);
        match how {
            Retired::Expired => {
                self.shift(amount, from, terms.expired, |t, from, to| (t.available, t.expired) = (from, to))
            }
            Retired::Forfeited => self
                .shift(amount, from, terms.forfeited, |t, from, to| (t.available, t.forfeited) = (from, to)),
            Retired::ClawedBack => self.shift(amount, from, terms.clawed_back, |t, from, to| {
                (t.available, t.clawed_back) = (from, to)
            }),
        }
    }

    /// Moves `amount` of what was clawed back to available again: a dispute was won.
    ///
    /// # Errors
    /// More than was clawed back: the lot is unchanged.
    pub fn restore(&mut self, amount: Credits) -> Result<(), Overdrawn> {
        let terms = self.terms;
        self.shift(amount, ("clawed_back", terms.clawed_back), terms.available, |t, from, to| {
            (t.clawed_back, t.available) = (from, to)
        })
    }

    /// One checked move between two terms; nothing changes when it does not fit.
    fn shift(
        &mut self,
        amount: Credits,
        (from_name, from): (&'static str, Credits),
        to: Credits,
        put: fn(&mut Terms, Credits, Credits),
    ) -> Result<(), Overdrawn> {
        let overdrawn = || Overdrawn { lot: self.id, from: from_name, amount, has: from };
        if amount.is_negative() || amount > from {
            return Err(overdrawn());
        }
        let less = from.checked_sub(amount).ok_or_else(overdrawn)?;
        let more = to.checked_add(amount).ok_or_else(overdrawn)?;
        put(&mut self.terms, less, more);
        Ok(())
    }

    /// L1: the terms add up to what was granted, and none is negative.
    pub fn is_conserved(&self) -> bool {
        let Terms { available, held, consumed, expired, forfeited, clawed_back } = self.terms;
        let terms = [available, held, consumed, expired, forfeited, clawed_back];
        terms.iter().all(|term| !term.is_negative()) && Credits::checked_sum(terms) == Some(self.granted)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn lot(n: u128, amount: i64, class: LotClass, expires_at: Option<i64>) -> Lot {
        let granted = Credits::whole(amount).unwrap();
        Lot {
            id: LotId::from_parts(Millis::from_millis(0), n),
            source: SourceName::new("plan").unwrap(),
            class,
            priority: 0,
            effective_at: Millis::from_millis(0),
            expires_at: expires_at.map(Millis::from_millis),
            scope: None,
            payment: None,
            catalog_version: 1,
            granted,
            terms: Terms { available: granted, ..Terms::default() },
        }
    }

    #[test]
    fn x1_a_lot_is_usable_from_its_start_until_its_expiry() {
        let mut lot = lot(1, 5, LotClass::Daily, Some(100));
        lot.effective_at = Millis::from_millis(50);
        let usable: Vec<bool> = [49, 50, 99, 100].map(|t| lot.is_usable(Millis::from_millis(t))).to_vec();
        assert_eq!(usable, [false, true, true, false]);
    }

    #[test]
    fn x4_a_release_after_expiry_is_expired() {
        let mut lot = lot(1, 5, LotClass::Daily, Some(100));
        lot.hold(Credits::whole(5).unwrap()).unwrap();
        lot.release(Credits::whole(5).unwrap(), Millis::from_millis(100)).unwrap();
        assert_eq!(lot.terms.expired, lot.granted);
        assert!(lot.is_conserved());
    }

    proptest! {
        #[test]
        fn l1_no_sequence_of_moves_breaks_conservation(moves in prop::collection::vec((0_u8..6, -3_i64..60), 0..60)) {
            let mut lot = lot(1, 100, LotClass::Plan, Some(100));
            for (kind, amount) in moves {
                let amount = Credits::whole(amount).unwrap();
                let _ = match kind {
                    0 => lot.hold(amount),
                    1 => lot.settle(amount),
                    2 => lot.release(amount, Millis::from_millis(99)),
                    3 => lot.release(amount, Millis::from_millis(100)),
                    4 => lot.retire(amount, Retired::Forfeited),
                    _ => lot.retire(amount, Retired::Expired),
                };
                prop_assert!(lot.is_conserved());
            }
        }
    }
}
