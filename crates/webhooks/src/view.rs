//! Rows as the API shows them.

use reeve_journal::{DeliveryRow, DeliveryState, EndpointRow};
use reeve_protocol::{DeliveryStatus, DeliveryView, WebhookView};
use reeve_types::Millis;

use crate::message::MessageId;

/// An endpoint, without its secrets.
pub(crate) fn endpoint(row: &EndpointRow, now: Millis) -> WebhookView {
    let old = row.secrets.iter().filter_map(|secret| secret.until).filter(|until| now < *until).max();
    WebhookView {
        id: row.id,
        url: row.url.clone(),
        events: row.events.clone(),
        workspace: row.workspace.clone(),
        created_at: row.created_at.into(),
        old_secret_until: old.map(Into::into),
        failing_since: row.failing_since.map(Into::into),
        disabled_at: row.disabled.as_ref().map(|disabled| disabled.at.into()),
        disabled_reason: row.disabled.as_ref().map(|disabled| disabled.why.clone()),
    }
}

/// A delivery with its last try.
pub(crate) fn delivery(row: &DeliveryRow, endpoint: &EndpointRow) -> DeliveryView {
    let last = row.last.as_ref();
    DeliveryView {
        id: MessageId { at: row.created_at, event: row.event }.to_string(),
        kind: row.kind.clone(),
        timestamp: row.created_at.into(),
        url: row.url.clone().unwrap_or_else(|| endpoint.url.clone()),
        status: match row.state {
            DeliveryState::Pending => DeliveryStatus::Pending,
            DeliveryState::Delivered => DeliveryStatus::Delivered,
            DeliveryState::Failed => DeliveryStatus::Failed,
        },
        attempts: row.attempts,
        next_attempt_at: row.due_at.map(Into::into),
        last_attempt_at: last.map(|last| last.at.into()),
        last_took_ms: last.map(|last| last.took_ms),
        last_status: last.and_then(|last| last.status),
        last_error: last.and_then(|last| last.error.clone()),
        last_response: last.and_then(|last| last.response.clone()),
    }
}

/// The state that a query asks for.
pub(crate) const fn asked(status: DeliveryStatus) -> DeliveryState {
    match status {
        DeliveryStatus::Pending => DeliveryState::Pending,
        DeliveryStatus::Delivered => DeliveryState::Delivered,
        DeliveryStatus::Failed => DeliveryState::Failed,
    }
}
