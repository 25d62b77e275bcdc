//! Lots as the wire shows them, and what will change of them by itself.

use reeve_credits::lot::{Lot, LotClass};
use reeve_protocol::{Amount, LotView, NextChange};
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

/// The next change that comes by itself after `now`: a lot that becomes usable, or one that expires.
pub(crate) fn next(lots: &[Lot], now: Millis) -> Option<NextChange> {
    let starts = lots.iter().filter(|lot| lot.effective_at > now).map(|lot| (lot.effective_at, "grant"));
    let ends = lots.iter().filter(|lot| lot.terms.available.is_positive());
    let ends = ends.filter_map(|lot| lot.expires_at.filter(|at| *at > now).map(|at| (at, "expiry")));
    // At one instant expiries come first (X2).
    let (at, what) = ends.chain(starts).min_by_key(|(at, what)| (*at, *what == "grant"))?;
    let changes = lots.iter().filter(|lot| match what {
        "grant" => lot.effective_at == at,
        _ => lot.expires_at == Some(at),
    });
    let amount = Credits::checked_sum(changes.map(|lot| lot.terms.available)).unwrap_or(Credits::ZERO);
    Some(NextChange { at: at.into(), what: what.to_owned(), amount: Amount(amount) })
}

/// A lot as it will be at `at` if nothing is spent until then.
pub(crate) fn forecast(lot: &Lot, at: Millis) -> Lot {
    let mut lot = lot.clone();
    if lot.is_expired(at) {
        let left = lot.terms.available;
        lot.terms.expired = lot.terms.expired.checked_add(left).unwrap_or(lot.terms.expired);
        lot.terms.available = Credits::ZERO;
    }
    lot
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

#[cfg(test)]
mod tests {
    use reeve_credits::lot::Terms;
    use reeve_types::{LotId, SourceName};

    use super::*;

    fn lot(n: u128, available: i64, effective_at: i64, expires_at: Option<i64>) -> Lot {
        let granted = Credits::whole(available).unwrap();
        Lot {
            id: LotId::from_parts(Millis::from_millis(0), n),
            source: SourceName::new("plan").unwrap(),
            class: LotClass::Plan,
            priority: 0,
            effective_at: Millis::from_millis(effective_at),
            expires_at: expires_at.map(Millis::from_millis),
            scope: None,
            payment: None,
            catalog_version: 1,
            granted,
            terms: Terms { available: granted, ..Terms::default() },
        }
    }

    #[test]
    fn the_next_change_is_the_earliest_and_adds_up_what_happens_then() {
        let lots =
            [lot(1, 5, 0, Some(100)), lot(2, 7, 0, Some(100)), lot(3, 9, 150, None), lot(4, 0, 0, Some(50))];
        let next_at = |now| {
            next(&lots, Millis::from_millis(now)).map(|next| (next.at.0.value(), next.what, next.amount.0))
        };
        assert_eq!(next_at(10), Some((100, "expiry".to_owned(), Credits::whole(12).unwrap())));
        assert_eq!(next_at(100), Some((150, "grant".to_owned(), Credits::whole(9).unwrap())));
        assert_eq!(next_at(150), None);
    }

    #[test]
    fn a_forecast_expires_what_ends_until_then() {
        let at = forecast(&lot(1, 5, 0, Some(100)), Millis::from_millis(100));
        assert!(at.terms.available.is_zero() && at.is_conserved());
        assert_eq!(forecast(&lot(1, 5, 0, Some(100)), Millis::from_millis(99)), lot(1, 5, 0, Some(100)));
    }
}
