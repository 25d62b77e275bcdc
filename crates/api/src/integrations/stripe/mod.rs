//! Stripe's webhook: signed events in, changes of one workspace out, each once.
//!
//! | who | does what |
//! |---|---|
//! | [`signature`] | lets in only what Stripe signed |
//! | [`read`] | says what an event means, by the mapping in [`prices`]; pure |
//! | here | finds the workspace, sends the one command, chooses the answer |
//! | the workspace | decides, and remembers in the same commit what makes repeats and disorder harmless |
//!
//! Whatever is not answered with 2xx is sent again by Stripe for days. So what comes too early is refused, what can
//! never be of use is taken and counted, and what an operator has to repair is refused until it is repaired.

mod counts;
pub(crate) mod customers;
mod prices;
mod read;
mod signature;

use std::sync::{Arc, PoisonError, RwLock};

use actix_web::HttpRequest;
use actix_web::web::{Data, Payload};
use reeve_actors::{Answer as Stored, Call, Idempotency};
use reeve_protocol::{Code, StripeAnswer, StripeEvent, StripeOutcome};
use reeve_types::{Millis, WorkspaceId};
use reeve_workspace::{BillingEvent, Claim, Command, Meta, Refusal, Told};

use crate::error::{Answer, ApiError};
use crate::idempotency::fingerprint;
use crate::json::{ok, parse, read_whole};
use crate::problem::refused;
use crate::request_id::RequestId;
use crate::resources::reply;
use crate::state::ApiState;

pub(crate) use counts::{Counts, Outcome};
use prices::Prices;
pub use prices::{PriceEntry, PriceError, StripeSettings};
use read::News;

/// Largest event, in bytes: an invoice with many lines is some hundred kilobytes.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// Whether and how events are taken. One per server.
#[derive(Debug, Default)]
pub struct Stripe {
    /// Any of them may have signed. Without one nothing is taken.
    secrets: Secrets,
    rules: RwLock<Arc<StripeRules>>,
    pub(crate) counts: Counts,
}

/// Never shown: debug output ends up in logs.
#[derive(Default)]
struct Secrets(Vec<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

/// What a reload may replace.
#[derive(Debug, Default)]
pub struct StripeRules {
    tolerance_ms: i64,
    wait_ms: i64,
    prices: Prices,
}

impl StripeRules {
    /// The settings, checked against the catalogs in force.
    ///
    /// # Errors
    /// The first price that does not fit them.
    pub fn new(settings: &StripeSettings, shelf: &reeve_workspace::Shelf) -> Result<Self, PriceError> {
        let ms = |seconds: u32| i64::from(seconds).saturating_mul(1_000);
        Ok(Self {
            tolerance_ms: ms(settings.tolerance_seconds),
            wait_ms: ms(settings.wait_seconds),
            prices: Prices::new(&settings.prices, shelf)?,
        })
    }
}

impl Stripe {
    /// Takes events that are signed with one of the secrets.
    pub fn new(secrets: Vec<String>, rules: StripeRules) -> Self {
        let rules = RwLock::new(Arc::new(rules));
        Self { secrets: Secrets(secrets), rules, counts: Counts::default() }
    }

    /// Puts other rules in force; events under way keep those they came under.
    pub fn put(&self, rules: StripeRules) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    fn rules(&self) -> Arc<StripeRules> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Takes an event of Stripe. It is open to whoever can sign it, and to nobody else; the body is the event as sent.
///
/// 200 says that it is not to be sent again; anything else, that it is.
#[utoipa::path(post, path = "/v1/integrations/stripe", tag = "integrations", security(()),
    request_body(content = Object, description = "An event, as Stripe sends it", content_type = "application/json"),
    params(("Stripe-Signature" = String, Header, description = "`t=<seconds>,v1=<hex>`")),
    responses((status = 200, description = "Taken", body = StripeAnswer)))]
pub(crate) async fn take(state: Data<ApiState>, req: HttpRequest, payload: Payload) -> Answer {
    let stripe = &state.stripe;
    if stripe.secrets.0.is_empty() {
        let detail = "this server takes no events of Stripe: it was started without `REEVE_STRIPE_SECRET`";
        return Err(ApiError::new(Code::NotFound, detail));
    }
    let body = read_whole(&state, payload, EVENT_BYTES_MAX).await?;
    let rules = stripe.rules();
    let header = req.headers().get(signature::HEADER).map(|value| value.to_str().unwrap_or_default());
    let clock = (state.engine.now(), rules.tolerance_ms);
    let signed = signature::check(header, &body, &stripe.secrets.0, clock);
    let taken = match signed {
        Ok(()) => about(&state, &rules, (&body, RequestId::get(&req))).await,
        Err(refused) => Err((Outcome::BadSignature, refused)),
    };
    match taken {
        Ok(outcome) => {
            stripe.counts.add(outcome.into());
            ok(&StripeAnswer { outcome })
        }
        Err((outcome, error)) => {
            stripe.counts.add(outcome);
            tracing::warn!(outcome = outcome.as_str(), %error, "an event of Stripe is not taken");
            Err(error)
        }
    }
}

type Taken<T = StripeOutcome> = Result<T, (Outcome, ApiError)>;

/// One event with what is known of it.
struct Case<'a> {
    state: &'a ApiState,
    event: &'a StripeEvent,
    told_at: Millis,
    /// Too old to wait for another one.
    late: bool,
    request: Option<Arc<str>>,
}

async fn about(state: &ApiState, rules: &StripeRules, (body, request): (&[u8], Option<Arc<str>>)) -> Taken {
    let unreadable = |error| (Outcome::Unreadable, error);
    let event: StripeEvent = parse(body).map_err(unreadable)?;
    read::id("/id", &event.id).map_err(unreadable)?;
    let told_at = read::told_at(&event).map_err(unreadable)?;
    let new_id = state.engine.new_purchase_id();
    let Some(news) = read::read(&event, &rules.prices, new_id).map_err(unreadable)? else {
        return Ok(StripeOutcome::Ignored);
    };
    let late = state.engine.now().since(told_at) > rules.wait_ms;
    Case { state, event: &event, told_at, late, request }.tell(news).await
}

impl Case<'_> {
    async fn tell(self, news: News) -> Taken {
        let Some((workspace, told)) = self.addressee(&news).await? else { return self.nobodys(&news) };
        let command = Command::Billing(Box::new(BillingEvent {
            event: self.event.id.as_str().into(),
            told_at: self.told_at,
            late: self.late,
            customer: news.customer,
            catalog: news.catalog,
            what: told,
        }));
        let executed = self.state.engine.execute(&workspace, command, self.call()).await;
        let executed = executed.map_err(|error| (Outcome::Waiting, error.into()))?;
        let (id, kind) = (self.event.id.as_str(), self.event.kind.as_str());
        match &executed.answer {
            Stored::Workspace(_) => {
                tracing::info!(stripe.event = id, stripe.kind = kind, workspace.id = %workspace, "event taken");
                Ok(StripeOutcome::Done)
            }
            Stored::Refused(Refusal::NotYet { detail }) if self.late => {
                tracing::warn!(stripe.event = id, stripe.kind = kind, workspace.id = %workspace, detail, "event given up");
                Ok(StripeOutcome::GivenUp)
            }
            Stored::Refused(refusal) => {
                let outcome = match refusal {
                    Refusal::NotYet { .. } => Outcome::Waiting,
                    Refusal::NoSuchWorkspace { .. } => Outcome::Unmatched,
                    _ => Outcome::Refused,
                };
                Err((outcome, refused(refusal)))
            }
            other => Err((Outcome::Refused, reply::unexpected(other, executed.replayed))),
        }
    }

    /// The event's id is the key: sent again it finds its own answer, whatever happened since. Its bytes are no part of
    /// the fingerprint, because the provider counts its attempts in them.
    fn call(&self) -> Call {
        let key = format!("stripe:{}", self.event.id).into();
        let fingerprint = fingerprint("stripe", &self.event.id, b"");
        let meta = Meta { actor: None, request: self.request.clone() };
        Call { meta, idempotency: Some(Idempotency { key, fingerprint }) }
    }

    /// Whose it is: the purchase's of its payment, else the one it names, else its customer's.
    async fn addressee(&self, news: &News) -> Taken<Option<(WorkspaceId, Told)>> {
        let unread = |error: reeve_journal::StoreError| (Outcome::Waiting, error.into());
        let reader = self.state.engine.reader();
        for payment in &news.payments {
            if let Some((workspace, _)) = reader.purchase_by_payment(payment).await.map_err(unread)? {
                return Ok(Some((workspace, read::about(news.told.clone(), payment.clone()))));
            }
        }
        if let Some(named) = &news.workspace {
            let workspace = WorkspaceId::new(named);
            let wrong = |error: reeve_types::NameError| {
                ApiError::field("/data/object/metadata/reeve_workspace", error.to_string())
            };
            let workspace = workspace.map_err(|error| (Outcome::Unmatched, wrong(error)))?;
            return Ok(Some((workspace, news.told.clone())));
        }
        let Some(customer) = &news.customer else { return Ok(None) };
        let owner = reader.claimed(&Claim::customer(customer)).await.map_err(unread)?;
        Ok(owner.map(|workspace| (workspace, news.told.clone())))
    }

    /// Nobody is known that it could be about.
    fn nobodys(&self, news: &News) -> Taken {
        if news.payments.is_empty() {
            // A price of ours was sold: somebody has to say to whom.
            let customer = news.customer.as_deref().unwrap_or("none");
            let detail = format!(
                "no workspace is known for customer `{customer}`: put `reeve_workspace` into the metadata, or PUT \
                 /v1/integrations/stripe/customers/{customer}"
            );
            return Err((Outcome::Unmatched, ApiError::new(Code::NotFound, detail)));
        }
        if self.late {
            // Another product's payment on the same account.
            return Ok(StripeOutcome::Ignored);
        }
        let detail = "nothing is known of its payment yet";
        Err((Outcome::Waiting, ApiError::new(Code::Conflict, detail)))
    }
}
