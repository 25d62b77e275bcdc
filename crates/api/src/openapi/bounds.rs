//! Bounds of single fields, as the server enforces them, written into the document.
//!
//! The shapes know of no bounds and the handlers enforce them, so they meet here: each line takes its number from the
//! constant that the handler checks with. A test fails when a line names a field that is no longer there.

use reeve_protocol::schema::PLAIN;
use reeve_types::limits::{SLOTS_MAX, WAIT_SECONDS_MAX};
use serde_json::{Value, json};

use crate::query::{CURSOR_BYTES_MAX, LIMIT_MAX, LIMIT_SHIPPED};
use crate::resources::import::LOTS_MAX;
use crate::resources::jobs::TIMEOUT_SECONDS_MAX;
use crate::resources::promotions::ID_CHARS_MAX;
use crate::resources::workspaces::SEATS_MAX;
use crate::text::{NAME_CHARS_MAX, REASON_CHARS_MAX, URL_CHARS_MAX};
use crate::worker::SESSION_CHARS_MAX;
use crate::worker::completion::OUTPUTS_MAX;
use crate::worker::heartbeat::LEASES_MAX;
use crate::worker::leases::POOLS_MAX;

/// What a field keeps to.
#[derive(Clone, Copy)]
enum Bound {
    /// So many characters, none of them a control character.
    Line(usize),
    /// Not below this.
    Least(u64),
    Between(u64, u64),
    /// So many items.
    Items(usize, usize),
    WebUrl,
}

use Bound::{Between, Items, Least, Line, WebUrl};

/// `<schema>.<field>` and what it keeps to.
const FIELDS: &[(&str, Bound)] = &[
    ("WorkspaceCreate.name", Line(NAME_CHARS_MAX)),
    ("WorkspaceCreate.seats", Between(1, SEATS_MAX as u64)),
    ("Owner.user", Line(NAME_CHARS_MAX)),
    ("Owner.identity", Line(NAME_CHARS_MAX)),
    ("WorkspacePatch.name", Line(NAME_CHARS_MAX)),
    ("ImportRow.name", Line(NAME_CHARS_MAX)),
    ("ImportRow.seats", Between(1, SEATS_MAX as u64)),
    ("ImportRow.lots", Items(0, LOTS_MAX)),
    ("ImportLot.payment", Line(NAME_CHARS_MAX)),
    ("SubscriptionChange.seats", Between(1, SEATS_MAX as u64)),
    ("SubscriptionRefund.payment", Line(NAME_CHARS_MAX)),
    ("SubscriptionRefund.reason", Line(REASON_CHARS_MAX)),
    ("RenewalCreate.payment", Line(NAME_CHARS_MAX)),
    ("PurchaseCreate.pack", Line(NAME_CHARS_MAX)),
    ("PurchaseCreate.payment", Line(NAME_CHARS_MAX)),
    ("RefundRequest.reason", Line(REASON_CHARS_MAX)),
    ("AdjustmentCreate.reason", Line(REASON_CHARS_MAX)),
    ("ReferralCreate.friend", Line(NAME_CHARS_MAX)),
    ("JobSubmit.queue_timeout_seconds", Between(1, TIMEOUT_SECONDS_MAX)),
    ("JobSubmit.run_timeout_seconds", Between(1, TIMEOUT_SECONDS_MAX)),
    ("JobSubmit.webhook", WebUrl),
    ("KeyCreate.name", Line(NAME_CHARS_MAX)),
    ("LeaseRequest.session", Line(SESSION_CHARS_MAX)),
    ("LeaseRequest.pools", Items(1, POOLS_MAX)),
    ("LeaseRequest.slots", Between(1, SLOTS_MAX as u64)),
    ("LeaseRequest.wait_seconds", Least(0)),
    ("HeartbeatRequest.session", Line(SESSION_CHARS_MAX)),
    ("HeartbeatRequest.leases", Items(0, LEASES_MAX)),
    ("ProgressReport.fraction", Between(0, 1)),
    ("CompleteRequest.outputs", Items(0, OUTPUTS_MAX)),
    ("CompletionsRequest.entries", Items(0, SLOTS_MAX as usize)),
    ("StageReport.name", Line(64)),
    ("OutputReport.url", WebUrl),
];

/// Writes the bounds into the schemas of a document.
pub(crate) fn write(document: &mut Value) {
    for (place, bound) in FIELDS {
        if let Some(field) = field(document, place) {
            for (name, value) in words(*bound) {
                field.insert(name.to_owned(), value);
            }
        }
    }
}

/// The field of a line; of one that may be null, the schema of its value.
fn field<'a>(document: &'a mut Value, place: &str) -> Option<&'a mut serde_json::Map<String, Value>> {
    let (schema, name) = place.split_once('.')?;
    document["components"]["schemas"].get_mut(schema)?.get_mut("properties")?.get_mut(name)?.as_object_mut()
}

fn words(bound: Bound) -> Vec<(&'static str, Value)> {
    match bound {
        Line(most) => vec![("minLength", json!(1)), ("maxLength", json!(most)), ("pattern", json!(PLAIN))],
        Least(least) => vec![("minimum", json!(least))],
        Between(least, most) => vec![("minimum", json!(least)), ("maximum", json!(most))],
        Items(least, most) => vec![("minItems", json!(least)), ("maxItems", json!(most))],
        WebUrl => vec![("maxLength", json!(URL_CHARS_MAX)), ("pattern", json!("^https?://[!-.0-~][!-~]*$"))],
    }
}

/// What a path or query parameter is, by its name; `None` for one that its own annotation says enough of.
pub(crate) fn parameter(path: &str, name: &str) -> Option<Value> {
    let named = |schema: &str| Some(json!({ "$ref": format!("#/components/schemas/{schema}") }));
    let owner = path.strip_prefix("/v1/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    match (name, owner) {
        ("ws", _) => named("WorkspaceId"),
        ("asset", _) => named("AssetId"),
        ("lease", _) => named("LeaseId"),
        ("member", "workspaces") if path.contains("{member}") => named("MemberId"),
        ("worker", _) => named("WorkerName"),
        ("pool", _) => named("PoolName"),
        ("addon" | "name", _) => named("CatalogName"),
        ("id", "jobs") => named("JobId"),
        ("id", "purchases") => named("PurchaseId"),
        ("id", "keys") => named("KeyId"),
        ("id", "webhooks") => named("WebhookId"),
        ("id", "promotions") => {
            Some(json!({"type": "string", "minLength": 1, "maxLength": ID_CHARS_MAX, "pattern": PLAIN}))
        }
        ("limit", _) => Some(json!({
            "type": "integer", "format": "int32", "minimum": 1, "maximum": u32::MAX, "default": LIMIT_SHIPPED,
            "description": format!("More than {LIMIT_MAX} is taken for {LIMIT_MAX}."),
        })),
        ("cursor", _) => Some(json!({"type": "string", "maxLength": CURSOR_BYTES_MAX})),
        // Of a signed link, which is taken as it was given: nobody makes one up.
        ("expires" | "signature", _) => Some(json!({"type": "string"})),
        ("wait", _) => Some(json!({
            "type": "integer", "minimum": 0, "maximum": u64::MAX,
            "description": format!("More than {WAIT_SECONDS_MAX} is taken for {WAIT_SECONDS_MAX}."),
        })),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_names_a_field_of_the_document() {
        let mut document = super::super::raw();
        for (place, _) in FIELDS {
            assert!(field(&mut document, place).is_some(), "{place}");
        }
    }
}
