//! What every part of the crate is given: the ports, the settings, and how to wake the courier.

use std::sync::Arc;

use reeve_journal::{Journal, Reader};
use reeve_types::{Clock, WebhookId};
use tokio::sync::mpsc;

use crate::exchange::Sender;
use crate::figures::Counters;
use crate::settings::Settings;

/// 128 random bits that nobody can guess.
pub type Entropy = Arc<dyn Fn() -> u128 + Send + Sync>;

/// What deliveries are made of.
pub struct Parts {
    pub journal: Arc<dyn Journal>,
    pub store: Arc<dyn Reader>,
    /// The platform's clock: when tries are due, and how old a row is. Stands still on a test server.
    pub clock: Arc<dyn Clock>,
    /// The world's clock: goes into `webhook-timestamp`, which receivers compare with theirs.
    pub wall: Arc<dyn Clock>,
    pub entropy: Entropy,
    pub settings: Settings,
}

/// What the courier is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The outbox has a row that no commit of a workspace wrote.
    Outbox,
    /// An endpoint has deliveries that became due.
    Lane(WebhookId),
}

/// The parts at work.
pub(crate) struct Office {
    pub journal: Arc<dyn Journal>,
    pub store: Arc<dyn Reader>,
    pub clock: Arc<dyn Clock>,
    pub wall: Arc<dyn Clock>,
    pub entropy: Entropy,
    pub settings: Settings,
    pub sender: Sender,
    pub counters: Counters,
    pub wakes: mpsc::UnboundedSender<Wake>,
}

impl Office {
    /// Tells the courier. It is gone only when the server stops, and looks for itself when it starts.
    pub(crate) fn wake(&self, wake: Wake) {
        let _ = self.wakes.send(wake);
    }
}
