//! The OpenAPI document, made from the handlers and completed from the table of routes.
//!
//! A handler's annotation says what it takes and what it answers when all is well; [`mod@finish`] adds what follows
//! from its route: refusals with their codes, keys, headers, bounds and examples.

mod bounds;
pub(crate) mod examples;
mod facts;
mod finish;
mod problems;
#[cfg(test)]
mod whole;
#[cfg(test)]
mod written;

use std::sync::OnceLock;

use actix_web::HttpResponse;
use reeve_protocol::{CreditsEvent, LogEvent, OutputEvent, Problem, ProgressEvent, StatusEvent, schema};
use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::docs;
use crate::integrations::stripe;
use crate::resources::{
    addons, adjustments, assets, balance, catalogs, clock, ends, events, health, import, jobs, keys, ledger,
    members, metrics, outputs, pools, promotions, publish, purchases, queue, quotes, receipt, reconciliation,
    reload, repeat, settings, subscriptions, usage, verify, webhooks, workers, workspaces,
};
use crate::worker::{completion, heartbeat, leases, progress, uploads};

/// Name of the scheme by which keys are sent.
const BEARER: &str = "key";

#[derive(OpenApi)]
#[openapi(
    info(title = "Reeve"),
    paths(
        jobs::submit,
        jobs::list_of_workspace,
        jobs::get,
        jobs::list,
        jobs::cancel,
        repeat::retry,
        repeat::cancel_many,
        ends::close,
        ends::erase,
        reconciliation::get,
        leases::lease,
        completion::complete,
        completion::fail,
        completion::batch,
        uploads::put,
        progress::report,
        heartbeat::beat,
        outputs::get,
        events::of_job,
        events::of_workspace,
        receipt::get,
        balance::get,
        quotes::create,
        ledger::list,
        assets::create,
        assets::get,
        purchases::create,
        purchases::list,
        purchases::confirm,
        purchases::fail,
        purchases::refund,
        purchases::win_dispute,
        adjustments::refer,
        adjustments::adjust,
        usage::get,
        subscriptions::change,
        subscriptions::cancel,
        subscriptions::resume,
        subscriptions::refund_proposal,
        subscriptions::refund,
        subscriptions::renew,
        subscriptions::start_trial,
        addons::put,
        addons::cancel,
        members::put,
        members::list,
        settings::move_catalog,
        settings::patch,
        import::run,
        workspaces::create,
        workspaces::list,
        workspaces::get,
        catalogs::list,
        catalogs::get,
        publish::put,
        promotions::put,
        promotions::list,
        clock::get,
        clock::set,
        queue::get,
        workers::list,
        workers::drain,
        workers::quarantine,
        workers::release,
        pools::pause,
        pools::resume,
        settings::pause,
        settings::resume,
        reload::run,
        stripe::take,
        stripe::customers::put,
        stripe::customers::get,
        stripe::customers::forget,
        metrics::get,
        keys::create,
        keys::list,
        keys::revoke,
        webhooks::create,
        webhooks::list,
        webhooks::get,
        webhooks::remove,
        webhooks::rotate,
        webhooks::enable,
        webhooks::test,
        webhooks::redeliver,
        webhooks::deliveries,
        webhooks::rotate_of_jobs,
        verify::start,
        verify::latest,
        health::live,
        health::ready,
        serve,
        docs::serve,
    ),
    components(schemas(
        Problem,
        StatusEvent,
        ProgressEvent,
        OutputEvent,
        LogEvent,
        CreditsEvent,
        schema::JobId,
        schema::LotId,
        schema::KeyId,
        schema::AssetId,
        schema::PurchaseId,
        schema::WebhookId,
        schema::LeaseId,
        schema::WorkspaceId,
        schema::MemberId,
        schema::CatalogName,
        schema::PlanName,
        schema::SourceName,
        schema::ActionName,
        schema::PoolName,
        schema::TierName,
        schema::WorkerName,
        reeve_protocol::At,
        reeve_protocol::Amount,
    ))
)]
struct Api;

/// What the document says before its calls.
const INTRODUCTION: &str = "\
Jobs and credits of a generation platform.

Every call but those of the group `health` needs a key: `Authorization: Bearer <key>`. `x-roles` names the roles that may \
call. Bodies are JSON in UTF-8; a member that a shape does not have is refused, a query parameter that a call does not \
have is passed over. Credits are numbers with at most six decimals, times are RFC 3339 in UTC with milliseconds. Every \
answer has `X-Request-Id`. What goes wrong is told as problem details (RFC 9457) with a stable `code`; an answer with \
429 or 503 may be repeated as it is. Requests that change something take `Idempotency-Key`.";

/// The document as the handlers' annotations make it.
fn raw() -> Value {
    let mut document = serde_json::to_value(Api::openapi()).unwrap_or_default();
    document["info"]["description"] = json!(INTRODUCTION);
    document["security"] = json!([{ BEARER: [] }]);
    document["components"]["securitySchemes"] = json!({ BEARER: {
        "type": "http", "scheme": "bearer",
        "description": "A key of this server, with the role that the call asks for.",
    }});
    document
}

/// The whole document.
pub fn document() -> Value {
    let mut document = raw();
    finish::finish(&mut document);
    document
}

/// The document as it is served.
#[utoipa::path(get, path = "/openapi.json", tag = "health", security(()),
    responses((status = 200, description = "This document", body = Object)))]
pub(crate) async fn serve() -> HttpResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| document().to_string());
    HttpResponse::Ok().content_type("application/json").body(text.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::routes::table;

    #[test]
    fn the_document_lists_every_route_and_no_other() {
        let value = document();
        let listed: BTreeSet<(String, String)> = value["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                item.as_object()
                    .unwrap()
                    .keys()
                    .map(|method| (path.clone(), method.to_uppercase()))
                    .collect::<Vec<_>>()
            })
            .collect();
        let routed: BTreeSet<(String, String)> =
            table().iter().map(|endpoint| (endpoint.path.to_owned(), endpoint.method.to_string())).collect();
        assert_eq!(listed, routed);
    }

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        let value = document();
        let mut references = Vec::new();
        collect(&value, &mut references);
        assert!(references.len() > 50);
        for reference in references {
            let pointer = reference.trim_start_matches('#');
            assert!(value.pointer(pointer).is_some(), "{reference}");
        }
    }

    fn collect(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                into.extend(map.get("$ref").and_then(|text| text.as_str()).map(ToOwned::to_owned));
                map.values().for_each(|value| collect(value, into));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
            _ => {}
        }
    }
}
