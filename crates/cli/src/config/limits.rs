//! Settings of how many requests are taken, and what the server takes of them.

use reeve_api::{Limits, Rate, RoleRates};
use reeve_types::PrefixError;
use serde::Deserialize;

use super::lists::{prefixes, texts};

/// How many requests are taken from one key, and from an address without one. Nothing per second is no bound.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LimitSettings {
    pub workspace_per_second: u32,
    pub workspace_burst: u32,
    pub worker_per_second: u32,
    pub worker_burst: u32,
    pub admin_per_second: u32,
    pub admin_burst: u32,
    pub unknown_per_second: u32,
    pub unknown_burst: u32,
    #[serde(deserialize_with = "texts")]
    pub trusted_proxies: Vec<String>,
}

impl LimitSettings {
    /// What the server takes.
    ///
    /// # Errors
    /// A text of `trusted_proxies` that is no block of addresses.
    pub fn bounds(&self) -> Result<Limits, PrefixError> {
        let roles = RoleRates {
            admin: Rate::new(self.admin_per_second, self.admin_burst),
            workspace: Rate::new(self.workspace_per_second, self.workspace_burst),
            worker: Rate::new(self.worker_per_second, self.worker_burst),
        };
        let unknown = Rate::new(self.unknown_per_second, self.unknown_burst);
        Ok(Limits { roles, unknown, trusted_proxies: prefixes(&self.trusted_proxies)? })
    }
}
