//! The OpenAPI document, made from the handlers.

use std::sync::OnceLock;

use actix_web::HttpResponse;
use reeve_protocol::headers::PROBLEM_JSON;
use reeve_protocol::{CreditsEvent, LogEvent, OutputEvent, Problem, ProgressEvent, StatusEvent};
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::resources::{
    addons, adjustments, assets, balance, catalogs, clock, events, health, import, jobs, keys, ledger,
    members, metrics, outputs, pools, promotions, publish, purchases, queue, quotes, receipt, reload,
    settings, subscriptions, usage, verify, workers, workspaces,
};
use crate::worker::{completion, heartbeat, leases, progress, uploads};

/// Name of the scheme by which keys are sent.
const BEARER: &str = "key";

#[derive(OpenApi)]
#[openapi(
    info(title = "Reeve", description = "Jobs and credits of a generation platform."),
    paths(
        jobs::submit, jobs::list_of_workspace, jobs::get, jobs::list, jobs::cancel,
        leases::lease, completion::complete, completion::fail, completion::batch, uploads::put, progress::report,
        heartbeat::beat, outputs::get, events::of_job, events::of_workspace, receipt::get, balance::get,
        quotes::create, ledger::list, assets::create, assets::get, purchases::create, purchases::list,
        purchases::confirm, purchases::fail, purchases::refund, purchases::win_dispute, adjustments::refer,
        adjustments::adjust, usage::get, subscriptions::change, subscriptions::cancel, subscriptions::resume,
        subscriptions::refund_proposal, subscriptions::refund, subscriptions::renew, subscriptions::start_trial,
        addons::put, addons::cancel, members::put, members::list, settings::move_catalog, settings::patch,
        import::run, workspaces::create, workspaces::list, workspaces::get, catalogs::list, catalogs::get,
        publish::put, promotions::put, promotions::list, clock::get, clock::set, queue::get,
        workers::list, workers::drain, workers::quarantine, workers::release, pools::pause, pools::resume,
        settings::pause, settings::resume, reload::run, metrics::get, keys::create, keys::list, keys::revoke,
        verify::start, verify::latest, health::live, health::ready, serve,
    ),
    components(schemas(Problem, StatusEvent, ProgressEvent, OutputEvent, LogEvent, CreditsEvent)),
    modifiers(&Shared),
)]
struct Api;

/// What holds for every call: the key, and problem details for whatever goes wrong.
struct Shared;

impl Modify for Shared {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(BEARER, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        document.security = Some(vec![SecurityRequirement::new(BEARER, Vec::<String>::new())]);
        let problem = ResponseBuilder::new()
            .description("What went wrong")
            .content(
                PROBLEM_JSON,
                ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build(),
            )
            .build();
        for operation in document.paths.paths.values_mut().flat_map(operations) {
            operation.responses.responses.insert("default".to_owned(), problem.clone().into());
        }
    }
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = path;
    [get, put, post, delete, patch].into_iter().filter_map(Option::as_mut)
}

/// The document.
pub fn document() -> Document {
    Api::openapi()
}

/// The document as it is served.
#[utoipa::path(get, path = "/openapi.json", tag = "health", security(()),
    responses((status = 200, description = "This document", body = Object)))]
pub(crate) async fn serve() -> HttpResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| document().to_json().unwrap_or_default());
    HttpResponse::Ok().content_type("application/json").body(text.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::routes::table;

    #[test]
    fn the_document_lists_every_route_and_no_other() {
        let value = serde_json::to_value(document()).unwrap();
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
        let value = serde_json::to_value(document()).unwrap();
        let mut references = Vec::new();
        collect(&value, &mut references);
        assert!(references.len() > 50);
        for reference in references {
            let pointer = reference.trim_start_matches('#');
            assert!(value.pointer(pointer).is_some(), "{reference}");
        }
    }

    fn collect(value: &serde_json::Value, into: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(map) => {
                into.extend(map.get("$ref").and_then(|text| text.as_str()).map(ToOwned::to_owned));
                map.values().for_each(|value| collect(value, into));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
            _ => {}
        }
    }
}
