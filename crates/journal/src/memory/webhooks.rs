//! What the memory journal keeps for webhooks.

use std::collections::BTreeMap;

use futures_util::FutureExt as _;
use reeve_types::{Millis, WebhookId, WorkspaceId};
use reeve_workspace::OutboxRow;

use super::{MemoryJournal, lock};
use crate::reader::{Page, Read, StoreError};
use crate::webhooks::{
    Backlog, DeliveryFilter, DeliveryRow, DeliveryState, DueDelivery, EndpointRow, Oldest, OutboxEvent,
    OutboxState, Prune, WebhookChange, WebhookReader, WebhookStep,
};

/// Outbox, endpoints and deliveries.
#[derive(Default)]
pub(super) struct Webhooks {
    outbox: BTreeMap<i64, OutboxEvent>,
    newest: i64,
    cursor: i64,
    endpoints: BTreeMap<WebhookId, EndpointRow>,
    deliveries: BTreeMap<(WebhookId, i64), DeliveryRow>,
}

impl Webhooks {
    /// Rows written so far.
    pub(super) const fn told(&self) -> u64 {
        self.newest.unsigned_abs()
    }

    /// Adds what a change set tells.
    pub(super) fn tell(&mut self, workspace: &WorkspaceId, rows: Vec<OutboxRow>) {
        for OutboxRow { kind, at, job, body } in rows {
            let workspace = Some(workspace.clone());
            self.push(OutboxEvent { id: 0, workspace, at, kind: kind.to_owned(), job, body, job_url: None });
        }
    }

    fn push(&mut self, event: OutboxEvent) {
        self.newest += 1;
        self.outbox.insert(self.newest, OutboxEvent { id: self.newest, ..event });
    }

    pub(super) fn change(&mut self, change: WebhookChange) {
        match change {
            WebhookChange::Put(row) => {
                let heard_from = self.endpoints.get(&row.id).map_or(self.newest, |old| old.heard_from);
                self.endpoints.insert(row.id, EndpointRow { heard_from, ..row });
            }
            WebhookChange::Delete { id, count_max } => {
                self.endpoints.remove(&id);
                let of_it = self.deliveries.range((id, i64::MIN)..=(id, i64::MAX));
                let keys: Vec<_> = of_it.map(|(key, _)| *key).take(count_max as usize).collect();
                keys.iter().for_each(|key| drop(self.deliveries.remove(key)));
            }
            WebhookChange::Tell { kind, workspace, at, body } => {
                self.push(OutboxEvent { id: 0, workspace, at, kind, job: None, body, job_url: None });
            }
            WebhookChange::Step(step) => self.step(*step),
        }
    }

    fn step(&mut self, step: WebhookStep) {
        let WebhookStep { endpoints, deliveries, again, attempts, health, cursor, prune } = step;
        for row in endpoints {
            let heard_from = self.newest;
            self.endpoints.entry(row.id).or_insert(EndpointRow { heard_from, ..row });
        }
        for row in deliveries {
            self.deliveries.entry((row.webhook, row.event)).or_insert(row);
        }
        for row in again {
            let old = self.deliveries.get(&(row.webhook, row.event));
            let (last, asked) = (old.and_then(|old| old.last.clone()), old.map_or(0, |old| old.asked + 1));
            self.deliveries.insert((row.webhook, row.event), DeliveryRow { last, asked, ..row });
        }
        for row in attempts {
            if let Some(stored) = self.deliveries.get_mut(&(row.webhook, row.event))
                && stored.asked == row.asked
            {
                *stored = DeliveryRow {
                    state: row.state,
                    due_at: row.due_at,
                    attempts: row.attempts,
                    last: row.last,
                    ..stored.clone()
                };
            }
        }
        for health in health {
            if let Some(stored) = self.endpoints.get_mut(&health.id) {
                (stored.failing_since, stored.disabled) = (health.failing_since, health.disabled);
            }
        }
        self.cursor = self.cursor.max(cursor.unwrap_or(0));
        if let Some(prune) = prune {
            self.prune(prune);
        }
    }

    fn prune(&mut self, prune: Prune) {
        let Prune { outbox_upto, outbox_before, deliveries_before, count_max } = prune;
        let count_max = count_max as usize;
        let first: Vec<i64> = self.outbox.range(..=outbox_upto).map(|(id, _)| *id).take(count_max).collect();
        for id in first {
            if self.outbox.get(&id).is_some_and(|event| event.at < outbox_before) {
                self.outbox.remove(&id);
            }
        }
        let mut old: Vec<(Millis, (WebhookId, i64))> = self
            .deliveries
            .iter()
            .filter(|(_, row)| row.created_at < deliveries_before)
            .map(|(key, row)| (row.created_at, *key))
            .collect();
        old.sort();
        old.iter().take(count_max).for_each(|(_, key)| drop(self.deliveries.remove(key)));
    }

    fn of(&self, id: WebhookId) -> impl DoubleEndedIterator<Item = &DeliveryRow> {
        self.deliveries.range((id, i64::MIN)..=(id, i64::MAX)).map(|(_, row)| row)
    }

    fn with_event(&self, delivery: &DeliveryRow) -> DueDelivery {
        DueDelivery { delivery: delivery.clone(), event: self.outbox.get(&delivery.event).cloned() }
    }

    fn pending(&self) -> impl Iterator<Item = &DeliveryRow> {
        self.deliveries.values().filter(|row| row.due_at.is_some())
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> Read<'a, T> {
    async move { Ok::<T, StoreError>(value) }.boxed()
}

impl WebhookReader for MemoryJournal {
    fn endpoints(&self) -> Read<'_, Vec<EndpointRow>> {
        let tables = lock(&self.tables);
        ready(tables.webhooks.endpoints.values().filter(|row| !row.of_jobs).cloned().collect())
    }

    fn endpoint(&self, id: WebhookId) -> Read<'_, Option<EndpointRow>> {
        ready(lock(&self.tables).webhooks.endpoints.get(&id).cloned())
    }

    fn outbox_state(&self) -> Read<'_, OutboxState> {
        let tables = lock(&self.tables);
        let job_urls = tables.intros.values().any(|intro| intro.webhook.is_some());
        ready(OutboxState { newest: tables.webhooks.newest, cursor: tables.webhooks.cursor, job_urls })
    }

    fn outbox(&self, after: i64, job_urls: bool, count_max: u32) -> Read<'_, Vec<OutboxEvent>> {
        let tables = lock(&self.tables);
        let rows = tables.webhooks.outbox.range(after.saturating_add(1)..).take(count_max as usize);
        let url = |event: &OutboxEvent| {
            let intro = event.job.filter(|_| job_urls).and_then(|job| tables.intros.get(&job))?;
            intro.webhook.as_deref().map(str::to_owned)
        };
        ready(rows.map(|(_, event)| OutboxEvent { job_url: url(event), ..event.clone() }).collect())
    }

    fn waiting(&self) -> Read<'_, Vec<WebhookId>> {
        let tables = lock(&self.tables);
        let mut ids: Vec<WebhookId> = tables.webhooks.pending().map(|row| row.webhook).collect();
        ids.dedup();
        ready(ids)
    }

    fn next_due(&self, id: WebhookId, count_max: u32) -> Read<'_, Vec<DueDelivery>> {
        let tables = lock(&self.tables);
        let mut rows: Vec<&DeliveryRow> = tables.webhooks.of(id).filter(|row| row.due_at.is_some()).collect();
        rows.sort_by_key(|row| (row.due_at, row.event));
        ready(rows.into_iter().take(count_max as usize).map(|row| tables.webhooks.with_event(row)).collect())
    }

    fn deliveries<'a>(
        &'a self,
        id: WebhookId,
        filter: &'a DeliveryFilter,
        page: &'a Page,
    ) -> Read<'a, Vec<DeliveryRow>> {
        let before: i64 = page.after.as_deref().and_then(|text| text.parse().ok()).unwrap_or(i64::MAX);
        let tables = lock(&self.tables);
        let wanted = |row: &&DeliveryRow| {
            row.event < before
                && filter.state.is_none_or(|state: DeliveryState| state == row.state)
                && filter.since.is_none_or(|since| row.created_at >= since)
        };
        let rows = tables.webhooks.of(id).rev().filter(wanted).take(page.limit as usize);
        ready(rows.cloned().collect())
    }

    fn delivery(&self, id: WebhookId, event: i64) -> Read<'_, Option<DueDelivery>> {
        let tables = lock(&self.tables);
        let row = tables.webhooks.deliveries.get(&(id, event));
        ready(row.map(|row| tables.webhooks.with_event(row)))
    }

    fn backlog(&self) -> Read<'_, Backlog> {
        let tables = lock(&self.tables);
        ready(Backlog {
            count: tables.webhooks.pending().count() as u64,
            oldest_at: tables.webhooks.pending().map(|row| row.created_at).min(),
            lowest_event: tables.webhooks.pending().map(|row| row.event).min(),
        })
    }

    fn oldest(&self) -> Read<'_, Oldest> {
        let tables = lock(&self.tables);
        let first = tables.webhooks.outbox.first_key_value();
        ready(Oldest {
            outbox_at: first.map(|(_, event)| event.at),
            outbox_id: first.map(|(id, _)| *id),
            delivery_at: tables.webhooks.deliveries.values().map(|row| row.created_at).min(),
        })
    }
}
