//! What a dispatch changed, remembered until it is confirmed or taken back.

use crate::settings::TIERS_MAX;
use crate::{Step, Ticket};

/// One unconfirmed dispatch.
#[derive(Debug, Clone)]
pub(crate) struct Reservation {
    pub(crate) ticket: Ticket,
    /// The dispatch's number in its pool, and the number that was the latest before it.
    pub(crate) number: u64,
    pub(crate) prior_latest: u64,
    pub(crate) settings_epoch: u64,
    pub(crate) step: Step,
    pub(crate) tier: u8,
    pub(crate) cost_ms: u32,
    pub(crate) charge_ms: u32,
    /// What was added to the lane's tags; one of them is 0.
    pub(crate) tier_charge: u128,
    pub(crate) shared_charge: u128,
    /// The virtual time that the step moved, as it was before.
    pub(crate) virtual_time: u128,
    /// What was added to the entitlements (negative: taken).
    pub(crate) entitlements: [i64; TIERS_MAX],
}
