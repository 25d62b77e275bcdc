//! What a payment provider tells of its own records, and what a workspace remembers of it.
//!
//! A provider tells at least once and in no order. So everything here says how things stand, not what to add: sums so
//! far instead of amounts, a subscription together with how it stood before. Told again it changes nothing; told before
//! what it follows from it is refused with [`Refusal::NotYet`](crate::Refusal::NotYet), and the provider tells it once more.
//! The memory is a part of the profile and is written by `decide::billing` alone, in the commit of what it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reeve_credits::catalog::AddonName;
use reeve_types::{CatalogName, Credits, Millis};

use crate::command::{Purchase, Subscribe};

/// Most customers of the provider that lead to one workspace.
pub(crate) const CUSTOMERS_MAX: usize = 16;
/// Most subscriptions of the provider that one workspace remembers.
pub(crate) const FOLLOWED_MAX: usize = 16;

/// Something that the provider told.
#[derive(Clone, Debug, PartialEq)]
pub struct BillingEvent {
    /// The provider's id of the event, for the reasons of ledger rows.
    pub event: Arc<str>,
    /// When it happened, as the provider says.
    pub told_at: Millis,
    /// It is so old that what it follows from is not waited for any more.
    pub late: bool,
    /// The customer it is about: from now on events that name no workspace are found by it.
    pub customer: Option<Arc<str>>,
    /// The catalog that the price belongs to, where one is sold.
    pub catalog: Option<CatalogName>,
    /// What it tells.
    pub what: Told,
}

impl BillingEvent {
    /// Whether it may be told of a workspace that is closed: it takes back, or ends, what was before.
    pub(crate) fn may_follow_the_end(&self) -> bool {
        match &self.what {
            Told::Subscription(told) => told.stand.life == Life::Ended,
            Told::Customer { .. } | Told::Bought(_) => false,
            Told::Released | Told::Invoice(_) | Told::BuyFailed { .. } => true,
            Told::Refunded { .. } | Told::Disputed { .. } | Told::DisputeWon { .. } => true,
        }
    }
}

/// What it is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// The customer is this workspace's. `firmly`: an operator says so, and hears when it is another one's.
    Customer {
        /// Whether an operator says so, and not an event in passing.
        firmly: bool,
    },
    /// The customer is this workspace's no more.
    Released,
    /// A subscription was made, changed or ended.
    Subscription(Box<SubscriptionTold>),
    /// What became of the payment of a subscription's next term.
    Invoice(InvoiceTold),
    /// Credits are bought: pending, or paid.
    Bought(Box<Purchase>),
    /// A payment that was awaited will not come.
    BuyFailed {
        /// The payment that will not come.
        payment: Arc<str>,
    },
    /// So much of a payment is given back by now, in the provider's money.
    Refunded {
        /// The payment that is given back.
        payment: Arc<str>,
        /// So much by now, all refunds together.
        given_back: u64,
        /// What was paid.
        of: u64,
    },
    /// The payer's bank took a payment back.
    Disputed {
        /// The payment that was taken back.
        payment: Arc<str>,
    },
    /// The bank decided for the platform.
    DisputeWon {
        /// The payment that stays.
        payment: Arc<str>,
    },
}

/// A subscription as it stood after a change of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionTold {
    /// The provider's id of it.
    pub id: Arc<str>,
    /// What happened to it.
    pub change: Change,
    /// How it stands after that.
    pub stand: Stand,
    /// What its prices mean here; `None` when it has no price of a plan.
    pub plan: Option<Subscribe>,
    /// Units by add-on, none of them zero.
    pub addons: BTreeMap<AddonName, u32>,
}

/// What happened to a subscription: it says which message it follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was made: the first message of it.
    Made,
    /// It stood so before.
    Changed {
        /// How it stood before the change.
        before: Stand,
    },
    /// It ended; nobody says how it stood before, but its prices did not change with it.
    Ended,
}

impl Change {
    /// The order of messages of one instant, since the provider counts in seconds.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Self::Made => 0,
            Self::Changed { .. } => 1,
            Self::Ended => 2,
        }
    }
}

/// The part of a subscription that matters here.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stand {
    /// How far it is.
    pub life: Life,
    /// It will end with the period that is paid.
    pub canceling: bool,
    /// Its prices and quantities, in the provider's words and one order.
    pub items: Arc<str>,
}

/// How far a subscription is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// Its first payment is awaited.
    Pending,
    /// It is paid for.
    Live,
    /// It is over.
    Ended,
}

/// The payment of a term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceTold {
    /// The provider's id of the subscription.
    pub subscription: Arc<str>,
    /// The provider's id of the payment.
    pub payment: Arc<str>,
    /// Whether it was paid; a failed one may be paid later.
    pub paid: bool,
    /// When the term begins that it pays for.
    pub term_from: Millis,
}

/// What a workspace remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Billing {
    /// The provider's customers that lead here.
    pub customers: BTreeSet<Arc<str>>,
    /// What was told of each subscription last, by the provider's id.
    pub subscriptions: BTreeMap<Arc<str>, Followed>,
    /// Up to here, what comes of a subscription that is not among them is an echo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgotten_at: Option<Millis>,
    /// What was given back, all in all, of payments that the payers' banks hold now: taken once the dispute is won.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub given_back: BTreeMap<Arc<str>, Credits>,
}

/// A subscription as it was told last.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Followed {
    /// When that happened, as the provider says.
    pub at: Millis,
    /// Its order among messages of one instant.
    pub rank: u8,
    /// How it stood.
    pub stand: Stand,
    /// What its prices meant; `None` without a price of a plan.
    pub plan: Option<Subscribe>,
    /// Units by add-on.
    pub addons: BTreeMap<AddonName, u32>,
}

impl Billing {
    /// Remembers a subscription, and forgets the oldest beyond the bound: ended ones first.
    pub(crate) fn follow(&mut self, id: Arc<str>, followed: Followed) {
        self.subscriptions.insert(id, followed);
        if self.subscriptions.len() <= FOLLOWED_MAX {
            return;
        }
        let age = |followed: &Followed| (followed.stand.life != Life::Ended, followed.at);
        let oldest = self.subscriptions.iter().min_by_key(|(_, followed)| age(followed));
        let Some((id, at)) = oldest.map(|(id, followed)| (id.clone(), followed.at)) else { return };
        self.subscriptions.remove(&id);
        self.forgotten_at = self.forgotten_at.max(Some(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_subscriptions_are_forgotten_first_and_their_time_is_kept() {
        let followed = |n: i64, life| Followed {
            at: Millis::from_millis(n),
            rank: 0,
            stand: Stand { life, canceling: false, items: "p".into() },
            plan: None,
            addons: BTreeMap::new(),
        };
        let mut billing = Billing::default();
        billing.follow("live".into(), followed(0, Life::Live));
        for n in 1..=20 {
            billing.follow(format!("s{n}").into(), followed(n, Life::Ended));
        }
        assert_eq!(billing.subscriptions.len(), FOLLOWED_MAX);
        assert!(billing.subscriptions.contains_key("live") && !billing.subscriptions.contains_key("s5"));
        assert_eq!(billing.forgotten_at, Some(Millis::from_millis(5)));
    }
}
