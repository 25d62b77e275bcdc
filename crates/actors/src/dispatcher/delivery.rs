//! Committed leases on their way to a worker.
//!
//! Whoever drops a delivery without taking it (the caller hung up, a read failed, the reply was never
//! heard) gives its leases back at once, instead of leaving them to the lease ticker.

use std::sync::Arc;

use reeve_jobs::LapseCause;
use reeve_workspace::{Command, Lapse};

use super::message::Reserved;
use crate::call::Call;
use crate::shared::Shared;
use crate::trail::Trail;
use crate::workspace::{Execute, ReplyTo, Work};

/// Leases nobody has taken yet.
pub(crate) struct Delivery {
    shared: Arc<Shared>,
    leases: Vec<Reserved>,
}

impl Delivery {
    pub(crate) const fn new(shared: Arc<Shared>, leases: Vec<Reserved>) -> Self {
        Self { shared, leases }
    }

    /// What is delivered.
    pub(crate) fn leases(&self) -> &[Reserved] {
        &self.leases
    }

    /// The worker has them.
    pub(crate) fn taken(mut self) {
        self.leases.clear();
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        for Reserved { lease, workspace, .. } in self.leases.drain(..) {
            let lapse = Lapse { lease, cause: LapseCause::Unacknowledged };
            let (command, trail) = (Command::Lapse(lapse), Trail::default());
            let work = Work { command, call: Call::default(), reply: ReplyTo::Nobody, trail };
            if let Some(addr) = self.shared.registry.get(&workspace) {
                // If it cannot be delivered, the lease ticker proposes the same soon.
                addr.do_send(Execute(Some(work)));
            }
        }
    }
}
