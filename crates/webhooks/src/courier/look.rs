//! From the outbox to deliveries: what was told since the last look, and who hears it.

use std::sync::atomic::Ordering;

use reeve_journal::{EndpointRow, OutboxEvent, StoreError};

use super::{Courier, Looked};
use crate::hearing;
use crate::secret;

/// Rows of the outbox that are looked through at a time.
const LOOK_ROWS_MAX: u32 = 1_000;

impl Courier {
    /// Looks through the outbox, if anything was committed since.
    pub(super) async fn look(&mut self) -> Result<(), StoreError> {
        // Read before the outbox is: what is committed in between is seen in the next round.
        let commits = self.office.journal.health().written.commits;
        if self.looked.is_some() || self.commits == Some(commits) {
            return Ok(());
        }
        let store = &self.office.store;
        let state = store.outbox_state().await?;
        self.commits = Some(commits);
        if state.newest <= self.cursor {
            self.office.counters.outbox_rows.store(0, Ordering::Relaxed);
            return Ok(());
        }
        // After the state: whoever is not among them yet hears only rows that are newer than the newest one here.
        let endpoints = store.endpoints().await?;
        let is_heard = state.job_urls || endpoints.iter().any(|endpoint| endpoint.disabled.is_none());
        self.housekeeping.listeners(state.job_urls || !endpoints.is_empty());
        if !is_heard {
            // There is no need to read what nobody hears.
            self.cursor = state.newest;
            self.office.counters.outbox_rows.store(0, Ordering::Relaxed);
            return Ok(());
        }
        let mut rows = store.outbox(self.cursor, state.job_urls, LOOK_ROWS_MAX).await?;
        let is_all = rows.len() < LOOK_ROWS_MAX as usize;
        rows.retain(|row| row.id <= state.newest);
        let is_all = self.hear(&rows, &endpoints) && is_all;
        let behind = state.newest.saturating_sub(self.cursor).unsigned_abs();
        self.office.counters.outbox_rows.store(if is_all { 0 } else { behind }, Ordering::Relaxed);
        if !is_all {
            // The rest is looked at in the next round.
            self.commits = None;
        }
        Ok(())
    }

    /// What rows make due; false when some are left for the next look.
    fn hear(&mut self, rows: &[OutboxEvent], endpoints: &[EndpointRow]) -> bool {
        let office = &self.office;
        let secret = || secret::of_bits([(office.entropy)(), (office.entropy)()]);
        let heard = hearing::heard(rows, endpoints, &self.of_jobs, (office.clock.now(), secret));
        let Some(cursor) = heard.upto else { return true };
        if heard.deliveries.is_empty() {
            self.cursor = cursor;
        } else {
            self.looked = Some(Looked { heard, cursor });
        }
        rows.last().is_none_or(|last| last.id == cursor)
    }
}
