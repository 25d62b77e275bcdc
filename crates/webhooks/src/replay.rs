//! Deliveries of a time, asked for again: found in the outbox, in order, a part at a time.
//!
//! The outbox has no index by time, so a part is bounded by the rows that are looked at, not only by those that are
//! found; whoever asked goes on with the cursor of the answer.

use std::collections::HashSet;

use reeve_journal::{
    DeliveryFilter, DeliveryRow, DeliveryState, EndpointRow, OutboxEvent, Page, WebhookChange, WebhookStep,
};
use reeve_protocol::WebhookRedelivered;
use reeve_types::Millis;

use crate::desk::{Answer, commit, unavailable};
use crate::hearing::hears;
use crate::office::Office;

/// Rows of the outbox that one read takes, and deliveries that one transaction makes due.
const ROWS_MAX: u32 = 1_000;
/// Rows of the outbox that one call looks at.
const LOOKED_MAX: usize = 200_000;
/// Deliveries that one call makes due.
const DUE_MAX: u64 = 10_000;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub since: Millis,
    pub failed_only: bool,
    /// Where the part before ended.
    pub after: Option<i64>,
}

/// Makes a part due.
pub(crate) async fn run(office: &Office, endpoint: &EndpointRow, part: Part) -> Answer<WebhookRedelivered> {
    let mut after = part.after.unwrap_or(endpoint.heard_from);
    let (mut deliveries, mut looked) = (0, 0);
    while looked < LOOKED_MAX && deliveries < DUE_MAX {
        let rows = office.store.outbox(after, false, ROWS_MAX).await;
        let rows = rows.map_err(|error| unavailable(&error))?;
        let Some(last) = rows.last().map(|row| row.id) else {
            return Ok(WebhookRedelivered { deliveries, next_cursor: None });
        };
        let mut wanted: Vec<&OutboxEvent> =
            rows.iter().filter(|row| row.at >= part.since && hears(endpoint, row)).collect();
        if part.failed_only {
            let failed = failed(office, endpoint, (after, last)).await?;
            wanted.retain(|row| failed.contains(&row.id));
        }
        let now = office.clock.now();
        let due = wanted.into_iter().map(|row| DeliveryRow::new(endpoint.id, row, None, now));
        let due: Vec<DeliveryRow> = due.collect();
        deliveries += due.len() as u64;
        write(office, due).await?;
        looked += rows.len();
        after = last;
    }
    Ok(WebhookRedelivered { deliveries, next_cursor: Some(after.to_string()) })
}

/// Deliveries that were given up, among those of the events after one up to another.
async fn failed(office: &Office, endpoint: &EndpointRow, (after, last): (i64, i64)) -> Answer<HashSet<i64>> {
    let filter = DeliveryFilter { state: Some(DeliveryState::Failed), since: None };
    let page = Page { after: Some(last.saturating_add(1).to_string()), limit: ROWS_MAX };
    let rows = office.store.deliveries(endpoint.id, &filter, &page).await;
    let rows = rows.map_err(|error| unavailable(&error))?;
    Ok(rows.into_iter().map(|row| row.event).filter(|event| *event > after).collect())
}

/// Makes deliveries due, whether they are there or not.
pub(crate) async fn write(office: &Office, again: Vec<DeliveryRow>) -> Answer<()> {
    if again.is_empty() {
        return Ok(());
    }
    commit(office, WebhookChange::Step(Box::new(WebhookStep { again, ..WebhookStep::default() }))).await
}
