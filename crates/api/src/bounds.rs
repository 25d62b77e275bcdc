//! How many requests are taken: the figures that are configured, and putting others in force while the server runs.
//!
//! Made by the composition root, at the start and at each reload. Who is bounded by what stays where it is counted:
//! keys in their table, addresses among the peers. A bound that stays as it was keeps its counts.

use std::sync::Arc;

use reeve_types::Prefix;

use crate::key_table::KeyTable;
use crate::peers::Peers;
use crate::rate::{Rate, RoleRates};

/// What is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of keys without a bound of their own.
    pub roles: RoleRates,
    /// What one address may send without a key that is known here; without it as much as it likes.
    pub unknown: Option<Rate>,
    /// Proxies that say whom they speak for. Nobody is believed who is not among them.
    pub trusted_proxies: Vec<Prefix>,
}

/// The bounds of a running server.
pub struct Bounds {
    keys: KeyTable,
    peers: Arc<Peers>,
}

impl Bounds {
    pub(crate) const fn new(keys: KeyTable, peers: Arc<Peers>) -> Self {
        Self { keys, peers }
    }

    /// From now on these.
    pub fn put(&self, limits: &Limits) {
        self.keys.put_rates(limits.roles);
        self.peers.put(limits.unknown, &limits.trusted_proxies);
    }
}
