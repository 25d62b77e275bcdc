//! What Stripe would send: signed events in its shapes, again and again until they are taken.

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::fixture::{Answer, Api, Server};

pub const SECRET: &str = "whsec_of_the_tests_0123456789";
pub const PATH: &str = "/v1/integrations/stripe";
/// 2026-01-10T00:00:00Z, when most of these tests begin.
pub const OPENED: &str = "2026-01-10T00:00:00Z";
pub const OPENED_AT: i64 = 1_768_003_200;

/// Prices of two catalogs, of every kind.
pub const PRICES: &str = r#"
[[integrations.stripe.prices]]
price = "price_basic"
catalog = "kive"
plan = "basic"

[[integrations.stripe.prices]]
price = "price_pro"
catalog = "kive"
plan = "pro"
allotment = 5000

[[integrations.stripe.prices]]
price = "price_hundred"
catalog = "kive"
credits = 100

[[integrations.stripe.prices]]
price = "price_team"
catalog = "ai-studios"
plan = "team"
seats = true

[[integrations.stripe.prices]]
price = "price_unit"
catalog = "ai-studios"
addon = "unit"

[[integrations.stripe.prices]]
price = "price_creator_pack"
catalog = "kreatorflow"
pack = "creator"
"#;

/// A server that takes events, its clock standing at [`OPENED`].
pub fn server(config: &str) -> Server {
    Server::configured_at(config, &[("REEVE_STRIPE_SECRET", SECRET)], OPENED)
}

/// An account at the provider with this server as its endpoint.
#[derive(Clone)]
pub struct Account {
    pub api: Api,
    /// The server's clock, in seconds.
    pub now: i64,
}

impl Account {
    pub fn of(server: &Server) -> Self {
        Self { api: server.admin().with_key(None), now: OPENED_AT }
    }

    /// One delivery, signed now.
    pub async fn send(&self, event: &Value) -> Answer {
        let body = event.to_string();
        let header = signature(SECRET, self.now, &body);
        self.send_as(&header, body).await
    }

    pub async fn send_as(&self, header: &str, body: String) -> Answer {
        let request = self.api.request(Method::POST, PATH).header("Stripe-Signature", header);
        self.api.send(request.header("Content-Type", "application/json").body(body)).await
    }

    /// Delivers in this order, and what is not taken again after all the others, until all is taken.
    pub async fn deliver(&self, events: &[Value]) {
        let mut waiting: Vec<&Value> = events.iter().collect();
        let mut last = String::new();
        for _ in 0..30 {
            let mut left = Vec::new();
            for event in waiting {
                let answer = self.send(event).await;
                if answer.status != 200 {
                    last = answer.text();
                    left.push(event);
                }
            }
            if left.is_empty() {
                return;
            }
            waiting = left;
        }
        panic!("never taken: {waiting:#?}: {last}");
    }
}

/// The header of a body that is signed at an instant.
pub fn signature(secret: &str, seconds: i64, body: &str) -> String {
    let mut block = [0; 64];
    block[..secret.len()].copy_from_slice(secret.as_bytes());
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// An event `n` seconds after [`OPENED`].
pub fn event(n: i64, kind: &str, object: Value) -> Value {
    json!({
        "id": format!("evt_{n}"), "object": "event", "api_version": "2025-03-31.basil", "created": OPENED_AT + n,
        "type": kind, "livemode": false, "pending_webhooks": 1, "request": {"id": null, "idempotency_key": null},
        "data": {"object": object},
    })
}

/// An event of a subscription that stood otherwise before.
pub fn updated(n: i64, object: Value, previous: Value) -> Value {
    let mut event = event(n, "customer.subscription.updated", object);
    event["data"]["previous_attributes"] = previous;
    event
}

/// Items of a subscription, as they stand in it and in what is told of its past.
pub fn items(prices: &[(&str, u32)]) -> Value {
    let item = |(price, quantity): &(&str, u32)| {
        json!({"id": format!("si_{price}"), "object": "subscription_item", "quantity": quantity,
            "price": {"id": price, "object": "price", "type": "recurring", "unit_amount": 1000}})
    };
    json!({"object": "list", "data": prices.iter().map(item).collect::<Vec<_>>(), "has_more": false})
}

pub fn subscription(workspace: &str, prices: &[(&str, u32)], status: &str) -> Value {
    json!({"id": format!("sub_{workspace}"), "object": "subscription", "status": status, "currency": "usd",
        "customer": format!("cus_{workspace}"), "cancel_at_period_end": false, "cancel_at": null,
        "items": items(prices), "metadata": {"reeve_workspace": workspace}})
}

/// The invoice of a renewal at an instant.
pub fn invoice(workspace: &str, id: &str, price: &str, period_end: i64) -> Value {
    json!({"id": id, "object": "invoice", "billing_reason": "subscription_cycle", "period_end": period_end,
        "customer": format!("cus_{workspace}"), "metadata": {},
        "parent": {"type": "subscription_details", "subscription_details": {
            "subscription": format!("sub_{workspace}"), "metadata": {"reeve_workspace": workspace}}},
        "lines": {"object": "list", "data": [{"pricing": {"price_details": {"price": price}}}]}})
}

/// A checkout of credits or a pack.
pub fn session(workspace: &str, payment: &str, (price, quantity): (&str, u32), status: &str) -> Value {
    json!({"id": format!("cs_{payment}"), "object": "checkout.session", "mode": "payment", "payment_status": status,
        "payment_intent": payment, "customer": format!("cus_{workspace}"), "amount_total": 1500,
        "metadata": {"reeve_workspace": workspace, "reeve_price": price, "reeve_quantity": quantity.to_string()}})
}

pub fn charge(payment: &str, given_back: u32) -> Value {
    json!({"id": format!("ch_{payment}"), "object": "charge", "amount": 1000, "amount_refunded": given_back,
        "refunded": given_back == 1000, "payment_intent": payment, "customer": "cus_any", "metadata": {}})
}

pub fn dispute(payment: &str, status: &str) -> Value {
    json!({"id": format!("dp_{payment}"), "object": "dispute", "amount": 1000, "charge": format!("ch_{payment}"),
        "payment_intent": payment, "status": status, "reason": "fraudulent", "metadata": {}})
}
