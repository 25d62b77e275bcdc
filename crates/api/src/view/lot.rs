//! Lots as the wire shows them: as they are, and as they were.

use reeve_credits::lot::{Lot, LotClass, Terms};
use reeve_protocol::{Amount, LotView};
use reeve_types::{Credits, Millis};

/// A lot.
pub(crate) fn view(lot: &Lot) -> LotView {
    let terms = lot.terms;
    LotView {
        id: lot.id,
        source: lot.source.clone(),
        class: class(lot.class),
        granted: Amount(lot.granted),
        available: Amount(terms.available),
        held: Amount(terms.held),
        consumed: Amount(terms.consumed),
        expired: Amount(terms.expired),
        forfeited: Amount(terms.forfeited),
        clawed_back: Amount(terms.clawed_back),
        effective_at: lot.effective_at.into(),
        expires_at: lot.expires_at.map(Into::into),
        scope: lot.scope.as_ref().map(ToString::to_string),
    }
}

/// The lot as of `at`, with the terms it had then. What expired by then is shown as expired, also where the row
/// that says so was written later (X1).
pub(crate) fn as_of(lot: &Lot, (granted, terms): (Credits, Terms), at: Millis) -> Lot {
    let mut past = Lot { granted, terms, ..lot.clone() };
    if past.is_expired(at) {
        let left = past.terms.available;
        past.terms.expired = past.terms.expired.checked_add(left).unwrap_or(past.terms.expired);
        past.terms.available = Credits::ZERO;
    }
    past
}

const fn class(class: LotClass) -> reeve_protocol::LotClass {
    match class {
        LotClass::Promo => reeve_protocol::LotClass::Promo,
        LotClass::Trial => reeve_protocol::LotClass::Trial,
        LotClass::Daily => reeve_protocol::LotClass::Daily,
        LotClass::Signup => reeve_protocol::LotClass::Signup,
        LotClass::Referral => reeve_protocol::LotClass::Referral,
        LotClass::Adjustment => reeve_protocol::LotClass::Adjustment,
        LotClass::Plan => reeve_protocol::LotClass::Plan,
        LotClass::Addon => reeve_protocol::LotClass::Addon,
        LotClass::Pack => reeve_protocol::LotClass::Pack,
    }
}

/// The word of a class on the wire.
pub(crate) const fn class_word(class: LotClass) -> &'static str {
    match class {
        LotClass::Promo => "promo",
        LotClass::Trial => "trial",
        LotClass::Daily => "daily",
        LotClass::Signup => "signup",
        LotClass::Referral => "referral",
        LotClass::Adjustment => "adjustment",
        LotClass::Plan => "plan",
        LotClass::Addon => "addon",
        LotClass::Pack => "pack",
    }
}

#[cfg(test)]
mod tests {
    use reeve_types::{LotId, SourceName};

    use super::*;

    fn lot(available: i64, expires_at: Option<i64>) -> Lot {
        let granted = Credits::whole(available).unwrap();
        Lot {
            id: LotId::from_parts(Millis::from_millis(0), 1),
            source: SourceName::new("plan").unwrap(),
            class: LotClass::Plan,
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
    fn a_lot_of_the_past_is_expired_from_its_instant_on() {
        let lot = lot(5, Some(100));
        let at = |ms| as_of(&lot, (lot.granted, lot.terms), Millis::from_millis(ms));
        assert_eq!(at(99), lot);
        assert!(at(100).terms.available.is_zero() && at(100).is_conserved());
    }

    #[test]
    fn the_word_of_a_class_is_the_one_on_the_wire() {
        for known in [LotClass::Promo, LotClass::Daily, LotClass::Signup, LotClass::Pack, LotClass::Addon] {
            let word = serde_json::to_string(&class(known)).unwrap();
            assert_eq!(word.trim_matches('"'), class_word(known));
        }
    }
}
