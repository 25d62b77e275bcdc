//! Webhooks: who hears of what happens, and what became of each delivery.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use reeve_protocol::{
    Code, DeliveriesQuery, DeliveryView, Page, WebhookCreate, WebhookCreated, WebhookRedeliver,
    WebhookRedelivered, WebhookRotate, WebhookView,
};
use reeve_types::WebhookId;

use crate::error::{Answer, ApiError};
use crate::json::{Bare, Input, answer, ok};
use crate::query::{CURSOR_BYTES_MAX, LIMIT_MAX, path_id, query};
use crate::resources::workspaces::existing;
use crate::state::ApiState;
use crate::webhooks::WebhookPort;

fn port(state: &ApiState) -> Result<&Arc<dyn WebhookPort>, ApiError> {
    let missing = || ApiError::new(Code::NotFound, "this server delivers no webhooks");
    state.webhooks.as_ref().ok_or_else(missing)
}

fn id(req: &HttpRequest) -> Result<WebhookId, ApiError> {
    path_id(req, "id", "webhook")
}

/// Registers an endpoint. Its secret is in this answer and nowhere else, so a repeat makes another one.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", request_body = WebhookCreate,
    responses((status = 201, description = "Made", body = WebhookCreated)))]
pub(crate) async fn create(state: Data<ApiState>, input: Input<WebhookCreate>) -> Answer {
    answer(StatusCode::CREATED, &port(&state)?.create(input.body).await?)
}

/// Every endpoint, also those that are disabled.
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks",
    responses((status = 200, description = "All of them", body = Page<WebhookView>)))]
pub(crate) async fn list(state: Data<ApiState>) -> Answer {
    ok(&Page::only(port(&state)?.list().await?))
}

/// One endpoint.
#[utoipa::path(get, path = "/v1/webhooks/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "Webhook id")),
    responses((status = 200, description = "The endpoint", body = WebhookView)))]
pub(crate) async fn get(state: Data<ApiState>, req: HttpRequest) -> Answer {
    ok(&port(&state)?.get(id(&req)?).await?)
}

/// Removes an endpoint with its deliveries; those under way may still arrive.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "Webhook id")),
    responses((status = 204, description = "Removed")))]
pub(crate) async fn remove(state: Data<ApiState>, req: HttpRequest) -> Answer {
    port(&state)?.delete(id(&req)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Gives an endpoint a new secret, which is in this answer and nowhere else; the old one signs too for a while.
#[utoipa::path(post, path = "/v1/webhooks/{id}/rotate", tag = "webhooks", request_body = WebhookRotate,
    params(("id" = String, Path, description = "Webhook id")),
    responses((status = 200, description = "The endpoint and its new secret", body = WebhookCreated)))]
pub(crate) async fn rotate(state: Data<ApiState>, req: HttpRequest, input: Input<WebhookRotate>) -> Answer {
    ok(&port(&state)?.rotate(id(&req)?, input.body).await?)
}

/// Gives a new secret to what goes to the `webhook` addresses that jobs of a workspace name; the first one too.
#[utoipa::path(post, path = "/v1/workspaces/{ws}/job_webhooks/rotate", tag = "webhooks",
    request_body = WebhookRotate, params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "The secret, shown this once", body = WebhookCreated)))]
pub(crate) async fn rotate_of_jobs(
    state: Data<ApiState>,
    req: HttpRequest,
    input: Input<WebhookRotate>,
) -> Answer {
    let workspace = existing(&state, &req).await?;
    ok(&port(&state)?.rotate_of_jobs(workspace, input.body).await?)
}

/// Lets a disabled endpoint hear again; what waited when it was disabled goes on.
#[utoipa::path(post, path = "/v1/webhooks/{id}/enable", tag = "webhooks",
    params(("id" = String, Path, description = "Webhook id")),
    responses((status = 200, description = "The endpoint", body = WebhookView)))]
pub(crate) async fn enable(state: Data<ApiState>, req: HttpRequest, _: Bare) -> Answer {
    ok(&port(&state)?.enable(id(&req)?).await?)
}

/// Sends an event of type `webhook.test`.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", tag = "webhooks",
    params(("id" = String, Path, description = "Webhook id")),
    responses((status = 202, description = "On its way", body = WebhookView)))]
pub(crate) async fn test(state: Data<ApiState>, req: HttpRequest, _: Bare) -> Answer {
    answer(StatusCode::ACCEPTED, &port(&state)?.test(id(&req)?).await?)
}

/// Sends one delivery again, or those of a time.
#[utoipa::path(post, path = "/v1/webhooks/{id}/redeliver", tag = "webhooks", request_body = WebhookRedeliver,
    params(("id" = String, Path, description = "Webhook id")),
    responses((status = 200, description = "What is due now", body = WebhookRedelivered)))]
pub(crate) async fn redeliver(
    state: Data<ApiState>,
    req: HttpRequest,
    input: Input<WebhookRedeliver>,
) -> Answer {
    ok(&port(&state)?.redeliver(id(&req)?, input.body).await?)
}

/// Deliveries of an endpoint, the newest event first.
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries", tag = "webhooks",
    params(("id" = String, Path, description = "Webhook id"), DeliveriesQuery),
    responses((status = 200, description = "A page", body = Page<DeliveryView>)))]
pub(crate) async fn deliveries(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let (id, asked) = (id(&req)?, query::<DeliveriesQuery>(&req)?);
    if asked.limit == Some(0) {
        return Err(ApiError::field("limit", format!("must be 1 to {LIMIT_MAX}")));
    }
    if asked.cursor.as_ref().is_some_and(|cursor| cursor.len() > CURSOR_BYTES_MAX) {
        return Err(ApiError::field("cursor", "is not one that a list answered with"));
    }
    ok(&port(&state)?.deliveries(id, asked).await?)
}
