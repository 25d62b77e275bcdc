//! What keeps the tables small: which rows are old, and how much waits.

use std::sync::atomic::Ordering;

use reeve_journal::{Prune, StoreError};
use reeve_types::Millis;

use crate::office::Office;
use crate::task::Mark;

/// Rows of each table that one transaction removes.
const PRUNE_ROWS_MAX: u32 = 1_000;
/// Between two of them while there are old rows.
const PRUNE_MS: u64 = 250;
/// How often it is looked whether there are, by the platform's clock.
const LOOK_MS: i64 = 60_000;
/// How long the outbox is kept while nobody listens.
const UNHEARD_MS: i64 = 3_600_000;
/// How often what waits is counted.
const COUNT_MS: u64 = 5_000;

/// What it knows.
#[derive(Debug, Default)]
pub(crate) struct Housekeeping {
    looked_at: Option<Millis>,
    pruned: Option<Mark>,
    counted: Option<Mark>,
    /// The lowest outbox id that a delivery still needs.
    needed: Option<i64>,
    next: Option<Prune>,
    /// True once it is known that nobody listens.
    unheard: bool,
}

impl Housekeeping {
    /// Remembers whether anybody listens.
    pub(crate) fn listeners(&mut self, any: bool) {
        self.unheard = !any;
    }

    /// True when there is something to write.
    pub(crate) const fn has_work(&self) -> bool {
        self.next.is_some()
    }

    /// What the next transaction removes.
    pub(crate) fn take(&mut self) -> Option<Prune> {
        self.next.take()
    }

    /// Counts what waits, and finds out whether there is something to remove.
    pub(crate) async fn look(&mut self, office: &Office, cursor: i64) -> Result<(), StoreError> {
        if self.counted.is_none_or(|counted| counted.elapsed_ms() >= COUNT_MS) {
            self.count(office).await?;
        }
        let now = office.clock.now();
        let is_time = self.looked_at.is_none_or(|at| now.since(at).abs() >= LOOK_MS);
        let is_soon = self.pruned.is_some_and(|pruned| pruned.elapsed_ms() < PRUNE_MS);
        if !is_time || is_soon || self.next.is_some() {
            return Ok(());
        }
        self.next = self.prune(office, (now, cursor)).await?;
        match self.next {
            Some(_) => self.pruned = Some(Mark::now()),
            None => (self.looked_at, self.pruned) = (Some(now), None),
        }
        Ok(())
    }

    async fn count(&mut self, office: &Office) -> Result<(), StoreError> {
        let backlog = office.store.backlog().await?;
        self.needed = backlog.lowest_event;
        office.counters.waiting.store(backlog.count, Ordering::Relaxed);
        let oldest_at = backlog.oldest_at.map_or(0, Millis::value);
        office.counters.oldest_at.store(oldest_at, Ordering::Relaxed);
        self.counted = Some(Mark::now());
        Ok(())
    }

    async fn prune(
        &mut self,
        office: &Office,
        (now, cursor): (Millis, i64),
    ) -> Result<Option<Prune>, StoreError> {
        // Anew, since a delivery that was made after the last count must keep its event.
        self.count(office).await?;
        let oldest = office.store.oldest().await?;
        let settings = &office.settings;
        let kept_ms = if self.unheard { settings.outbox_ms.min(UNHEARD_MS) } else { settings.outbox_ms };
        let upto = self.needed.map_or(cursor, |needed| cursor.min(needed.saturating_sub(1)));
        let (outbox_before, deliveries_before) = (now.plus_ms(-kept_ms), now.plus_ms(-settings.log_ms));
        let outbox_is_old = oldest.outbox_id.is_some_and(|id| id <= upto)
            && oldest.outbox_at.is_some_and(|at| at < outbox_before);
        let log_is_old = oldest.delivery_at.is_some_and(|at| at < deliveries_before);
        let count_max = PRUNE_ROWS_MAX;
        let prune = Prune { outbox_upto: upto, outbox_before, deliveries_before, count_max };
        Ok((outbox_is_old || log_is_old).then_some(prune))
    }
}
