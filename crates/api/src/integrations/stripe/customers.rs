//! Which workspace a customer of Stripe's is: told by hand where no event names it.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use reeve_actors::{Answer as Stored, Call};
use reeve_protocol::{StripeCustomerPut, StripeCustomerView};
use reeve_types::WorkspaceId;
use reeve_workspace::{BillingEvent, Claim, Command, Meta, Told};

use super::prices::is_id;
use crate::error::{Answer, ApiError};
use crate::json::{Bare, Input, ok};
use crate::resources::reply;
use crate::state::ApiState;

/// Says whose a customer is; one that was another workspace's is so no more. Events that name a workspace themselves
/// go there all the same.
#[utoipa::path(put, path = "/v1/integrations/stripe/customers/{customer}", tag = "integrations",
    request_body = StripeCustomerPut, params(("customer" = String, Path, description = "Stripe's id of the customer")),
    responses((status = 200, description = "Whose it is now", body = StripeCustomerView)))]
pub(crate) async fn put(state: Data<ApiState>, req: HttpRequest, input: Input<StripeCustomerPut>) -> Answer {
    let customer = customer(&req)?;
    let Input { body: StripeCustomerPut { workspace }, call } = input;
    if state.engine.reader().workspace(&workspace).await?.is_none() {
        return Err(ApiError::field("/workspace", format!("`{workspace}` does not exist")));
    }
    if let Some(owner) = owner(&state, &customer).await?.filter(|owner| *owner != workspace) {
        tell(&state, &owner, (&customer, Told::Released), &call.meta).await?;
    }
    tell(&state, &workspace, (&customer, Told::Customer { firmly: true }), &call.meta).await?;
    ok(&StripeCustomerView { customer, workspace })
}

/// Whose a customer is.
#[utoipa::path(get, path = "/v1/integrations/stripe/customers/{customer}", tag = "integrations",
    params(("customer" = String, Path, description = "Stripe's id of the customer")),
    responses((status = 200, description = "Whose it is", body = StripeCustomerView)))]
pub(crate) async fn get(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let customer = customer(&req)?;
    let owner = owner(&state, &customer).await?.ok_or_else(|| ApiError::not_found("customer"))?;
    ok(&StripeCustomerView { customer, workspace: owner })
}

/// A customer is nobody's any more, until an event or somebody says whose it is.
#[utoipa::path(delete, path = "/v1/integrations/stripe/customers/{customer}", tag = "integrations",
    params(("customer" = String, Path, description = "Stripe's id of the customer")),
    responses((status = 204, description = "Forgotten")))]
pub(crate) async fn forget(state: Data<ApiState>, req: HttpRequest, bare: Bare) -> Answer {
    let customer = customer(&req)?;
    let owner = owner(&state, &customer).await?.ok_or_else(|| ApiError::not_found("customer"))?;
    tell(&state, &owner, (&customer, Told::Released), &bare.call.meta).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn customer(req: &HttpRequest) -> Answer<String> {
    let text = req.match_info().get("customer").filter(|text| is_id(text));
    text.map(ToOwned::to_owned).ok_or_else(|| ApiError::not_found("customer"))
}

async fn owner(state: &ApiState, customer: &str) -> Answer<Option<WorkspaceId>> {
    Ok(state.engine.reader().claimed(&Claim::customer(customer)).await?)
}

/// Without an idempotency key: an old answer under it would leave a customer that was moved since with nobody.
async fn tell(
    state: &ApiState,
    workspace: &WorkspaceId,
    (customer, what): (&str, Told),
    meta: &Meta,
) -> Answer<()> {
    let command = Command::Billing(Box::new(BillingEvent {
        event: "by hand".into(),
        told_at: state.engine.now(),
        late: false,
        customer: Some(customer.into()),
        catalog: None,
        what,
    }));
    let call = Call { meta: meta.clone(), idempotency: None };
    let executed = state.engine.execute(workspace, command, call).await?;
    match &executed.answer {
        Stored::Workspace(_) => Ok(()),
        other => Err(reply::unexpected(other, executed.replayed)),
    }
}
