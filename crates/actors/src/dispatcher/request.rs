//! Lease requests that wait for work, in order of arrival.

use reeve_queue::PoolIndex;
use tokio::sync::oneshot;

use super::delivery::Delivery;
use super::message::Reserved;
use crate::call::LeaseRequest;

/// One request.
pub(super) struct Request {
    pub id: u64,
    pub asked: LeaseRequest,
    /// The pools of the settings that it names, in its order.
    pub pools: Vec<PoolIndex>,
    pub grants: Vec<Reserved>,
    /// Reservations whose workspace has not answered yet.
    pub in_flight: u32,
    /// Its time is up.
    pub withdrawn: bool,
    pub reply: oneshot::Sender<Delivery>,
}

impl Request {
    /// Slots that may still be filled.
    pub(super) fn open(&self) -> u32 {
        if self.withdrawn || self.reply.is_closed() {
            return 0;
        }
        let used = u32::try_from(self.grants.len()).unwrap_or(u32::MAX).saturating_add(self.in_flight);
        self.asked.slots.saturating_sub(used)
    }

    /// True when it should be answered now: everything reserved for it is decided, and there is
    /// something to give or no more time.
    pub(super) fn is_complete(&self) -> bool {
        self.in_flight == 0 && (!self.grants.is_empty() || self.withdrawn || self.reply.is_closed())
    }
}
