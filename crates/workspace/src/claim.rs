//! A fact unique beyond one workspace: who used it first owns it.

use std::sync::Arc;

/// A row of `claims(scope, key) -> workspace`, inserted in the change set that uses it.
///
/// A command with claims is a barrier: whether it may happen is known only when its commit answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Claim {
    /// What kind of fact: `grant`, `payment`, `referral`, `customer`.
    pub scope: Arc<str>,
    /// Which fact of that kind.
    pub key: Arc<str>,
}

impl Claim {
    /// A once-only grant, by its key `catalog:source:subject:period` (X14).
    pub fn grant(key: &str) -> Self {
        Self { scope: "grant".into(), key: key.into() }
    }

    /// A payment that credits came from: two confirmations make one lot (KV-08).
    pub fn payment(reference: &str) -> Self {
        Self { scope: "payment".into(), key: reference.into() }
    }

    /// A daily source that only one of a user's workspaces is granted (KR-03). It is free again when that
    /// one leaves the plan.
    pub fn daily(catalog: &str, source: &str, user: &str) -> Self {
        Self { scope: "daily".into(), key: format!("{catalog}:{source}:user={user}").into() }
    }

    /// A customer of the payment provider: it leads to one workspace.
    pub fn customer(customer: &str) -> Self {
        Self { scope: "customer".into(), key: customer.into() }
    }

    /// A friend who was referred: one bonus over all referrers (KA-04).
    pub fn referral(catalog: &str, friend: &str) -> Self {
        Self { scope: "referral".into(), key: format!("{catalog}:{friend}").into() }
    }
}
