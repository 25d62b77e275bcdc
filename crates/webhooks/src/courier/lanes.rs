//! From deliveries that are due to tries, and what a try says of its delivery and of its endpoint.

use std::sync::Arc;

use reeve_journal::{DueDelivery, EndpointRow, StoreError};
use reeve_types::{Millis, WebhookId};

use super::Courier;
use crate::figures::count;
use crate::task;
use crate::trying::{self, Tried};
use crate::verdict::{self, Verdict};

/// Lanes that ask the store in one round: a round must end.
const LOADS_MAX: usize = 64;

impl Courier {
    /// Takes due deliveries into memory, a few for each lane.
    pub(super) async fn load(&mut self) -> Result<(), StoreError> {
        let now = self.office.clock.now();
        let wanting = self.lanes.iter().filter_map(|(id, lane)| lane.wants(now).map(|asked| (*id, asked)));
        let wanting: Vec<(WebhookId, u32)> = wanting.collect();
        let from = self.turn.checked_rem(wanting.len()).unwrap_or(0);
        for (id, asked) in wanting.iter().cycle().skip(from).take(wanting.len().min(LOADS_MAX)) {
            let endpoint = self.office.store.endpoint(*id).await?;
            let endpoint = endpoint.filter(|endpoint| endpoint.disabled.is_none());
            let rows = match &endpoint {
                Some(_) => self.office.store.next_due(*id, *asked).await?,
                None => Vec::new(),
            };
            let Some(lane) = self.lanes.get_mut(id) else { continue };
            match endpoint {
                Some(endpoint) => {
                    lane.failing_since = endpoint.failing_since;
                    lane.endpoint = Some(Arc::new(endpoint));
                    lane.load(rows, *asked, now);
                }
                None => lane.close(),
            }
        }
        Ok(())
    }

    /// Starts tries while there is room, one of each lane at a time.
    pub(super) fn start(&mut self) {
        self.turn = self.turn.wrapping_add(1);
        let ids: Vec<WebhookId> = self.lanes.keys().copied().collect();
        let from = self.turn.checked_rem(ids.len()).unwrap_or(0);
        let mut idle = 0;
        for id in ids.iter().cycle().skip(from) {
            if self.running >= self.office.settings.tries_max || idle >= ids.len() {
                return;
            }
            idle = if self.start_one(*id) { 0 } else { idle + 1 };
        }
    }

    fn start_one(&mut self, id: WebhookId) -> bool {
        let running_max = self.office.settings.endpoint_tries_max;
        let Some(lane) = self.lanes.get_mut(&id) else { return false };
        let Some(endpoint) = lane.endpoint.clone() else { return false };
        let Some(due) = lane.start(running_max) else { return false };
        self.running += 1;
        self.spawn(endpoint, due);
        true
    }

    fn spawn(&self, endpoint: Arc<EndpointRow>, due: DueDelivery) {
        let (office, results) = (self.office.clone(), self.results.0.clone());
        drop(task::spawn(async move {
            let tried = trying::run(&office, &endpoint, due).await;
            // The receiver is gone only when the process ends, and then it is tried again.
            let _ = results.send(tried);
        }));
    }

    /// A try ended.
    pub(super) fn ended(&mut self, tried: Tried) {
        self.running = self.running.saturating_sub(1);
        let (id, event) = (tried.webhook, tried.event);
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        lane.ended();
        let Some((row, verdict)) = tried.outcome else {
            lane.recorded(event);
            lane.wake_open();
            return;
        };
        let at = row.last.as_ref().map_or(Millis::from_millis(0), |last| last.at);
        let health = verdict::health(id, (lane.failing_since, tried.of_jobs), verdict, at);
        // A try that ends after the endpoint was disabled says nothing new of it.
        if let Some(health) = health.filter(|_| !lane.closed) {
            lane.failing_since = health.failing_since;
            if let Some(disabled) = &health.disabled {
                tracing::warn!(webhook.id = %id, why = disabled.why, "a webhook is disabled");
                count(&self.office.counters.disabled);
                lane.close();
            }
            self.health.retain(|older| older.id != id);
            self.health.push(health);
        }
        let counters = &self.office.counters;
        count(match verdict {
            Verdict::Delivered => &counters.delivered,
            Verdict::Retry => &counters.failed,
            Verdict::GivenUp | Verdict::Gone => &counters.given_up,
        });
        self.done.push(row);
    }
}
