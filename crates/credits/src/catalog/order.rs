//! Rule kind `order`: which lot pays first (X19).

use std::cmp::Ordering;

use reeve_types::{LotId, Millis};
use serde::Deserialize;

use crate::lot::LotClass;

/// One key by which lots are put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKey {
    /// Smaller first.
    Priority,
    /// Sooner first, never last.
    ExpiresAt,
    /// Given before bought: see [`class_rank`].
    Class,
    /// Older first.
    EffectiveAt,
    /// What makes the order total.
    Id,
}

/// The order in which lots pay. Total, because it ends with the id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct LotOrder(pub(super) Vec<OrderKey>);

impl Default for LotOrder {
    fn default() -> Self {
        Self(vec![
            OrderKey::Priority,
            OrderKey::ExpiresAt,
            OrderKey::Class,
            OrderKey::EffectiveAt,
            OrderKey::Id,
        ])
    }
}

/// What of a lot the order looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderFacts {
    /// Lower is used first.
    pub priority: i32,
    /// First instant at which it is not usable any more; `None` never expires.
    pub expires_at: Option<Millis>,
    /// What kind of credits it holds.
    pub class: LotClass,
    /// First instant at which it is usable.
    pub effective_at: Millis,
    /// Its id, which decides where all else is equal.
    pub id: LotId,
}

impl LotOrder {
    /// The keys, most significant first.
    pub fn keys(&self) -> &[OrderKey] {
        &self.0
    }

    /// `Less` when `a` pays before `b`. `Equal` only for one and the same id.
    pub fn compare(&self, a: &OrderFacts, b: &OrderFacts) -> Ordering {
        let by = |key: &OrderKey| match key {
            OrderKey::Priority => a.priority.cmp(&b.priority),
            // `None` sorts first in an option, but what never expires is spent last.
            OrderKey::ExpiresAt => match (a.expires_at, b.expires_at) {
                (Some(a), Some(b)) => a.cmp(&b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            },
            OrderKey::Class => class_rank(a.class).cmp(&class_rank(b.class)),
            OrderKey::EffectiveAt => a.effective_at.cmp(&b.effective_at),
            OrderKey::Id => a.id.cmp(&b.id),
        };
        self.0.iter().map(by).find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
    }
}

/// Given credits go before a plan's, a plan's before bought ones: what was paid for stays refundable longest (KA-13).
pub const fn class_rank(class: LotClass) -> u8 {
    match class {
        LotClass::Promo => 0,
        LotClass::Trial | LotClass::Daily | LotClass::Signup | LotClass::Referral | LotClass::Adjustment => 1,
        LotClass::Plan => 2,
        LotClass::Addon => 3,
        LotClass::Pack => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts(expires_at: Option<i64>, class: LotClass, id: u128) -> OrderFacts {
        OrderFacts {
            priority: 0,
            expires_at: expires_at.map(Millis::from_millis),
            class,
            effective_at: Millis::from_millis(0),
            id: LotId::from_parts(Millis::from_millis(0), id),
        }
    }

    #[test]
    fn x19_sooner_expiry_goes_first_and_never_goes_last() {
        let order = LotOrder::default();
        let soon = facts(Some(5), LotClass::Pack, 2);
        let never = facts(None, LotClass::Promo, 1);
        assert_eq!(order.compare(&soon, &never), Ordering::Less);
        assert_eq!(order.compare(&never, &soon), Ordering::Greater);
    }

    #[test]
    fn ka_13_given_credits_go_before_plan_before_bought() {
        let order = LotOrder::default();
        let classes = [LotClass::Promo, LotClass::Referral, LotClass::Plan, LotClass::Addon, LotClass::Pack];
        for pair in classes.windows(2) {
            let (first, second) = (facts(None, pair[0], 9), facts(None, pair[1], 1));
            assert_eq!(order.compare(&first, &second), Ordering::Less, "{pair:?}");
        }
    }

    fn any_facts() -> impl Strategy<Value = OrderFacts> {
        let class =
            prop::sample::select(vec![LotClass::Promo, LotClass::Daily, LotClass::Plan, LotClass::Pack]);
        (-2..2i32, prop::option::of(0..3i64), class, 0..3i64, 0..4u128).prop_map(
            |(priority, expires, class, at, id)| OrderFacts {
                priority,
                effective_at: Millis::from_millis(at),
                ..facts(expires, class, id)
            },
        )
    }

    proptest! {
        #[test]
        fn x19_the_order_is_total_and_transitive(a in any_facts(), b in any_facts(), c in any_facts()) {
            let order = LotOrder::default();
            prop_assert_eq!(order.compare(&a, &b), order.compare(&b, &a).reverse());
            if a.id != b.id {
                prop_assert_ne!(order.compare(&a, &b), Ordering::Equal);
            }
            if order.compare(&a, &b).is_lt() && order.compare(&b, &c).is_lt() {
                prop_assert_eq!(order.compare(&a, &c), Ordering::Less);
            }
        }
    }
}
