//! Leases on their way out of the process: given back at once when nobody takes them.

use crate::call::Granted;
use crate::dispatcher::Delivery;

/// Leases that a worker was granted and may not hear of. Dropped, it gives them back to the queue; what was passed on
/// is [`taken`](Self::taken).
#[must_use = "dropping it gives the leases back"]
pub struct Offer {
    granted: Vec<Granted>,
    delivery: Option<Delivery>,
}

impl Offer {
    /// There is nothing.
    pub const NOTHING: Self = Self { granted: Vec::new(), delivery: None };

    pub(super) const fn new(granted: Vec<Granted>, delivery: Delivery) -> Self {
        Self { granted, delivery: Some(delivery) }
    }

    /// What is offered.
    pub fn leases(&self) -> &[Granted] {
        &self.granted
    }

    /// The worker has them: from now on its silence, and nothing else, ends them.
    pub fn taken(self) -> Vec<Granted> {
        if let Some(delivery) = self.delivery {
            delivery.taken();
        }
        self.granted
    }
}
