//! The table of routes: every path and method, who may call it, and what serves it.
//!
//! The one place that says so. The guard, `Allow` and the test of the OpenAPI document read it too. Hot paths stand
//! first, since paths are tried in this order.

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Handler, Responder, Route};

use crate::app::{method_not_allowed, no_such_path};
use crate::auth::{Methods, guard};
use crate::docs;
use crate::integrations::stripe;
use crate::openapi;
use crate::resources::{
    addons, adjustments, assets, balance, catalogs, clock, ends, events, health, import, jobs, keys, ledger,
    members, metrics, outputs, pools, promotions, publish, purchases, queue, quotes, receipt, reconciliation,
    reload, repeat, settings, subscriptions, usage, verify, webhooks, workers, workspaces,
};
use crate::roles::Access::{self, Admin, Link, Metrics, Open, Signed, Tenant, Worker};
use crate::worker::{completion, heartbeat, leases, progress, uploads};

/// One row of the table.
pub(crate) struct Endpoint {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
    route: Route,
}

fn on<F, Args>(method: Method, path: &'static str, access: Access, handler: F) -> Endpoint
where
    F: Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let route = web::method(method.clone()).to(handler);
    Endpoint { method, path, access, route }
}

/// The table.
#[rustfmt::skip]
pub(crate) fn table() -> Vec<Endpoint> {
    let get = Method::GET;
    let post = Method::POST;
    let put = Method::PUT;
    let delete = Method::DELETE;
    let patch = Method::PATCH;
    vec![
        on(post.clone(), "/v1/workspaces/{ws}/jobs", Tenant, jobs::submit),
        on(get.clone(), "/v1/workspaces/{ws}/jobs", Tenant, jobs::list_of_workspace),
        on(post.clone(), "/v1/worker/leases", Worker, leases::lease),
        on(post.clone(), "/v1/worker/leases/{lease}/complete", Worker, completion::complete),
        on(put.clone(), "/v1/worker/leases/{lease}/outputs/{n}", Worker, uploads::put),
        on(post.clone(), "/v1/worker/leases/{lease}/progress", Worker, progress::report),
        on(post.clone(), "/v1/worker/heartbeat", Worker, heartbeat::beat),
        on(post.clone(), "/v1/worker/leases/{lease}/fail", Worker, completion::fail),
        on(post.clone(), "/v1/worker/completions", Worker, completion::batch),
        on(get.clone(), "/v1/jobs/{id}", Tenant, jobs::get),
        on(get.clone(), "/v1/jobs/{id}/outputs/{n}", Link, outputs::get),
        on(get.clone(), "/v1/jobs/{id}/events", Tenant, events::of_job),
        on(post.clone(), "/v1/jobs/{id}/cancel", Tenant, jobs::cancel),
        on(get.clone(), "/v1/jobs/{id}/receipt", Tenant, receipt::get),
        on(post.clone(), "/v1/jobs/{id}/retry", Tenant, repeat::retry),
        on(post.clone(), "/v1/workspaces/{ws}/jobs/cancel", Tenant, repeat::cancel_many),
        on(post.clone(), "/v1/workspaces/{ws}/close", Admin, ends::close),
        on(post.clone(), "/v1/workspaces/{ws}/erase", Admin, ends::erase),
        on(get.clone(), "/v1/reconciliation", Admin, reconciliation::get),
        on(get.clone(), "/v1/jobs", Admin, jobs::list),
        on(get.clone(), "/v1/workspaces/{ws}/balance", Tenant, balance::get),
        on(post.clone(), "/v1/workspaces/{ws}/quotes", Tenant, quotes::create),
        on(get.clone(), "/v1/workspaces/{ws}/ledger", Tenant, ledger::list),
        on(get.clone(), "/v1/workspaces/{ws}/events", Tenant, events::of_workspace),
        on(post.clone(), "/v1/workspaces/{ws}/assets", Tenant, assets::create),
        on(get.clone(), "/v1/workspaces/{ws}/assets/{asset}", Link, assets::get),
        on(post.clone(), "/v1/workspaces/{ws}/purchases", Admin, purchases::create),
        on(get.clone(), "/v1/workspaces/{ws}/purchases", Tenant, purchases::list),
        on(post.clone(), "/v1/purchases/{id}/confirm", Admin, purchases::confirm),
        on(post.clone(), "/v1/purchases/{id}/fail", Admin, purchases::fail),
        on(post.clone(), "/v1/purchases/{id}/refund", Admin, purchases::refund),
        on(post.clone(), "/v1/purchases/{id}/dispute_won", Admin, purchases::win_dispute),
        on(post.clone(), "/v1/workspaces/{ws}/referrals", Admin, adjustments::refer),
        on(post.clone(), "/v1/workspaces/{ws}/adjustments", Admin, adjustments::adjust),
        on(get.clone(), "/v1/workspaces/{ws}/usage", Tenant, usage::get),
        on(post.clone(), "/v1/workspaces/{ws}/subscription", Admin, subscriptions::change),
        on(delete.clone(), "/v1/workspaces/{ws}/subscription", Admin, subscriptions::cancel),
        on(post.clone(), "/v1/workspaces/{ws}/subscription/resume", Admin, subscriptions::resume),
        on(get.clone(), "/v1/workspaces/{ws}/subscription/refund_proposal", Tenant, subscriptions::refund_proposal),
        on(post.clone(), "/v1/workspaces/{ws}/subscription/refund", Admin, subscriptions::refund),
        on(post.clone(), "/v1/workspaces/{ws}/renewals", Admin, subscriptions::renew),
        on(post.clone(), "/v1/workspaces/{ws}/trial", Admin, subscriptions::start_trial),
        on(put.clone(), "/v1/workspaces/{ws}/addons/{addon}", Admin, addons::put),
        on(delete.clone(), "/v1/workspaces/{ws}/addons/{addon}", Admin, addons::cancel),
        on(put.clone(), "/v1/workspaces/{ws}/members/{member}", Admin, members::put),
        on(get.clone(), "/v1/workspaces/{ws}/members", Tenant, members::list),
        on(post.clone(), "/v1/workspaces/{ws}/catalog", Admin, settings::move_catalog),
        on(post.clone(), "/v1/workspaces/import", Admin, import::run),
        on(post.clone(), "/v1/workspaces", Admin, workspaces::create),
        on(get.clone(), "/v1/workspaces", Admin, workspaces::list),
        on(get.clone(), "/v1/workspaces/{ws}", Tenant, workspaces::get),
        on(patch, "/v1/workspaces/{ws}", Admin, settings::patch),
        on(get.clone(), "/v1/catalogs", Tenant, catalogs::list),
        on(get.clone(), "/v1/catalogs/{name}", Tenant, catalogs::get),
        on(put.clone(), "/v1/catalogs/{name}", Admin, publish::put),
        on(put.clone(), "/v1/promotions/{id}", Admin, promotions::put),
        on(get.clone(), "/v1/promotions", Admin, promotions::list),
        on(get.clone(), "/v1/clock", Admin, clock::get),
        on(post.clone(), "/v1/clock", Admin, clock::set),
        on(get.clone(), "/v1/queue", Admin, queue::get),
        on(get.clone(), "/v1/workers", Admin, workers::list),
        on(post.clone(), "/v1/workers/{worker}/drain", Admin, workers::drain),
        on(post.clone(), "/v1/workers/{worker}/quarantine", Admin, workers::quarantine),
        on(post.clone(), "/v1/workers/{worker}/release", Admin, workers::release),
        on(post.clone(), "/v1/pools/{pool}/pause", Admin, pools::pause),
        on(post.clone(), "/v1/pools/{pool}/resume", Admin, pools::resume),
        on(post.clone(), "/v1/workspaces/{ws}/pause", Admin, settings::pause),
        on(post.clone(), "/v1/workspaces/{ws}/resume", Admin, settings::resume),
        on(post.clone(), "/v1/reload", Admin, reload::run),
        on(post.clone(), "/v1/integrations/stripe", Signed, stripe::take),
        on(put.clone(), "/v1/integrations/stripe/customers/{customer}", Admin, stripe::customers::put),
        on(get.clone(), "/v1/integrations/stripe/customers/{customer}", Admin, stripe::customers::get),
        on(delete.clone(), "/v1/integrations/stripe/customers/{customer}", Admin, stripe::customers::forget),
        on(post.clone(), "/v1/keys", Admin, keys::create),
        on(get.clone(), "/v1/keys", Admin, keys::list),
        on(delete.clone(), "/v1/keys/{id}", Admin, keys::revoke),
        on(post.clone(), "/v1/webhooks", Admin, webhooks::create),
        on(get.clone(), "/v1/webhooks", Admin, webhooks::list),
        on(get.clone(), "/v1/webhooks/{id}", Admin, webhooks::get),
        on(delete, "/v1/webhooks/{id}", Admin, webhooks::remove),
        on(post.clone(), "/v1/webhooks/{id}/rotate", Admin, webhooks::rotate),
        on(post.clone(), "/v1/webhooks/{id}/enable", Admin, webhooks::enable),
        on(post.clone(), "/v1/webhooks/{id}/test", Admin, webhooks::test),
        on(post.clone(), "/v1/webhooks/{id}/redeliver", Admin, webhooks::redeliver),
        on(get.clone(), "/v1/webhooks/{id}/deliveries", Admin, webhooks::deliveries),
        on(post.clone(), "/v1/workspaces/{ws}/job_webhooks/rotate", Tenant, webhooks::rotate_of_jobs),
        on(post, "/v1/verify", Admin, verify::start),
        on(get.clone(), "/v1/verify", Admin, verify::latest),
        on(get.clone(), "/healthz", Open, health::live),
        on(get.clone(), "/readyz", Open, health::ready),
        on(get.clone(), "/metrics", Metrics, metrics::get),
        on(get.clone(), "/openapi.json", Open, openapi::serve),
        on(get, "/docs", Open, docs::serve),
    ]
}

/// Adds every route. The app must have [`crate::ApiState`] as its data, and is wrapped by [`crate::serve`].
pub fn routes(config: &mut ServiceConfig) {
    let mut rest = table();
    while let Some(path) = rest.first().map(|endpoint| endpoint.path) {
        let (here, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|endpoint| endpoint.path == path);
        rest = others;
        let methods =
            Methods(here.iter().map(|endpoint| (endpoint.method.clone(), endpoint.access)).collect());
        let resource = web::resource(path).app_data(methods).wrap(from_fn(guard));
        let resource = here.into_iter().fold(resource, |resource, endpoint| resource.route(endpoint.route));
        config.service(resource.default_service(web::to(method_not_allowed)));
    }
    config.default_service(web::to(no_such_path));
}
