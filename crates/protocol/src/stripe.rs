//! What is read of Stripe's webhook events, and what is answered to them.
//!
//! The exception among these shapes: they are the provider's, so members that are not known here are passed over, and
//! references may be ids or whole objects. Amounts are in the currency's smallest unit and never become credits.

use std::collections::BTreeMap;

use reeve_types::WorkspaceId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::schema;

/// An event, with its object still unread: which shape it has follows from `kind`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct StripeEvent {
    /// `evt_...`; told again it is the same.
    pub id: String,
    /// Such as `invoice.paid`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Seconds since 1970.
    pub created: i64,
    /// What it is about.
    pub data: StripeData,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct StripeData {
    /// As it was right after the event.
    pub object: Value,
    /// Of an update: what changed of it, at its values before.
    #[serde(default)]
    pub previous_attributes: Option<Value>,
}

impl StripeData {
    /// The object right after the event.
    ///
    /// # Errors
    /// It has not the shape.
    pub fn after<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.object)
    }

    /// The object right before the event.
    ///
    /// # Errors
    /// It has not the shape.
    pub fn before<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let mut object = self.object.clone();
        if let Some(previous) = &self.previous_attributes {
            overlay(&mut object, previous);
        }
        T::deserialize(object)
    }
}

/// Members of objects one by one; everything else whole.
fn overlay(onto: &mut Value, with: &Value) {
    match (onto, with) {
        (Value::Object(onto), Value::Object(with)) => {
            for (name, value) in with {
                overlay(onto.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (onto, with) => *onto = with.clone(),
    }
}

/// A list inside an object.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StripeList<T> {
    /// Its entries.
    pub data: Vec<T>,
}

/// Texts that the platform put on an object.
pub type StripeMetadata = Option<BTreeMap<String, String>>;

/// `customer.subscription.*`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StripeSubscription {
    /// `sub_...`.
    pub id: String,
    /// Such as `active` or `past_due`.
    pub status: String,
    /// `cus_...`.
    #[serde(default, deserialize_with = "reference")]
    pub customer: Option<String>,
    /// What the platform put on it.
    #[serde(default)]
    pub metadata: StripeMetadata,
    /// It ends with the period that is paid.
    #[serde(default)]
    pub cancel_at_period_end: bool,
    /// When it ends, in seconds since 1970, where a date was set.
    #[serde(default)]
    pub cancel_at: Option<i64>,
    /// Its prices.
    pub items: StripeList<StripeItem>,
}

/// A price with its quantity.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StripeItem {
    /// `price_...`.
    #[serde(default, deserialize_with = "reference")]
    pub price: Option<String>,
    /// How many; 1 when the provider does not say.
    #[serde(default)]
    pub quantity: Option<u64>,
}

/// `invoice.*`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StripeInvoice {
    /// `in_...`.
    pub id: String,
    /// `cus_...`.
    #[serde(default, deserialize_with = "reference")]
    pub customer: Option<String>,
    /// Such as `subscription_cycle` for a renewal.
    #[serde(default)]
    pub billing_reason: Option<String>,
    /// Of a renewal: when the period before it ended, in seconds since 1970.
    #[serde(default)]
    pub period_end: Option<i64>,
    /// What the platform put on it.
    #[serde(default)]
    pub metadata: StripeMetadata,
    /// Where older versions of the provider's API say it.
    #[serde(default, deserialize_with = "reference")]
    pub subscription: Option<String>,
    /// Likewise, with the subscription's metadata.
    #[serde(default)]
    pub subscription_details: Option<StripeSubscriptionDetails>,
    /// Where newer ones do.
    #[serde(default)]
    pub parent: Option<StripeParent>,
    /// What it charges for.
    #[serde(default)]
    pub lines: Option<StripeList<StripeLine>>,
}

/// What an invoice comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StripeParent {
    /// The subscription, where it comes from one.
    #[serde(default)]
    pub subscription_details: Option<StripeSubscriptionDetails>,
}

/// The subscription of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StripeSubscriptionDetails {
    /// `sub_...`.
    #[serde(default, deserialize_with = "reference")]
    pub subscription: Option<String>,
    /// What the platform put on the subscription.
    #[serde(default)]
    pub metadata: StripeMetadata,
}

/// A line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StripeLine {
    /// `price_...`, where older versions of the provider's API say it.
    #[serde(default, deserialize_with = "reference")]
    pub price: Option<String>,
    /// Where newer ones do.
    #[serde(default)]
    pub pricing: Option<StripePricing>,
}

/// How newer versions say the price of a line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StripePricing {
    /// The price.
    #[serde(default)]
    pub price_details: Option<StripeItem>,
}

impl StripeInvoice {
    /// The subscription that it is for.
    pub fn subscription(&self) -> Option<&str> {
        let details = self.details().find_map(|details| details.subscription.as_deref());
        details.or(self.subscription.as_deref())
    }

    /// What the platform put on its subscription, or on itself, under this name.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        let all = self.details().map(|details| &details.metadata).chain([&self.metadata]);
        all.flatten().find_map(|metadata| metadata.get(name)).map(String::as_str)
    }

    /// The prices of its lines.
    pub fn prices(&self) -> impl Iterator<Item = &str> {
        let lines = self.lines.iter().flat_map(|lines| &lines.data);
        lines.filter_map(|line| {
            let newer = line.pricing.as_ref().and_then(|pricing| pricing.price_details.as_ref());
            line.price.as_deref().or(newer.and_then(|details| details.price.as_deref()))
        })
    }

    fn details(&self) -> impl Iterator<Item = &StripeSubscriptionDetails> {
        let parent = self.parent.as_ref().and_then(|parent| parent.subscription_details.as_ref());
        parent.into_iter().chain(&self.subscription_details)
    }
}

/// `checkout.session.*`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StripeSession {
    /// `cs_...`.
    pub id: String,
    /// `payment`, `subscription` or `setup`.
    pub mode: String,
    /// `paid`, `unpaid` or `no_payment_required`.
    #[serde(default)]
    pub payment_status: Option<String>,
    /// `pi_...`, of mode `payment`.
    #[serde(default, deserialize_with = "reference")]
    pub payment_intent: Option<String>,
    /// `cus_...`.
    #[serde(default, deserialize_with = "reference")]
    pub customer: Option<String>,
    /// What the platform put on it.
    #[serde(default)]
    pub metadata: StripeMetadata,
    /// Left out by the provider; there where somebody asked for it.
    #[serde(default)]
    pub line_items: Option<StripeList<StripeItem>>,
}

/// `charge.refunded`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StripeCharge {
    /// `ch_...`.
    pub id: String,
    /// What was charged, in the currency's smallest unit.
    pub amount: u64,
    /// By now, all refunds together.
    pub amount_refunded: u64,
    /// `pi_...`.
    #[serde(default, deserialize_with = "reference")]
    pub payment_intent: Option<String>,
    /// `cus_...`.
    #[serde(default, deserialize_with = "reference")]
    pub customer: Option<String>,
    /// The invoice that it paid, where the version of the provider's API says so.
    #[serde(default, deserialize_with = "reference")]
    pub invoice: Option<String>,
    /// What the platform put on it.
    #[serde(default)]
    pub metadata: StripeMetadata,
}

/// `charge.dispute.*`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StripeDispute {
    /// `dp_...`.
    pub id: String,
    /// Such as `needs_response`, `won` or `lost`.
    pub status: String,
    /// `ch_...`.
    #[serde(default, deserialize_with = "reference")]
    pub charge: Option<String>,
    /// `pi_...`.
    #[serde(default, deserialize_with = "reference")]
    pub payment_intent: Option<String>,
    /// What the platform put on it.
    #[serde(default)]
    pub metadata: StripeMetadata,
}

/// An id, whether it stands alone or in the object that it names.
fn reference<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
    let id = match Value::deserialize(source)? {
        Value::Null => return Ok(None),
        Value::Object(mut object) => object.remove("id").unwrap_or_default(),
        other => other,
    };
    match id {
        Value::String(id) => Ok(Some(id)),
        _ => Err(serde::de::Error::custom("expected an id, or an object with one")),
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StripeOutcome {
    /// The books say what it says; also when they did before.
    Done,
    /// Nothing here is about it.
    Ignored,
    /// What it follows from was never told, and is not waited for any more.
    GivenUp,
}

/// The answer to an event that is not to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StripeAnswer {
    /// What became of the event.
    pub outcome: StripeOutcome,
}

/// `PUT /v1/integrations/stripe/customers/{customer}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StripeCustomerPut {
    /// The workspace that events of the customer are for.
    #[schema(value_type = schema::WorkspaceId)]
    pub workspace: WorkspaceId,
}

/// A customer of the provider, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StripeCustomerView {
    /// `cus_...`.
    pub customer: String,
    /// The workspace that events of the customer are for.
    #[schema(value_type = schema::WorkspaceId)]
    pub workspace: WorkspaceId,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_update_tells_how_the_object_was_before() {
        let items = |price: &str| json!({"data": [{"price": {"id": price}, "quantity": 2}]});
        let data = StripeData {
            object: json!({"id": "sub_1", "status": "active", "items": items("new"), "customer": "cus_1"}),
            previous_attributes: Some(json!({"items": items("old"), "cancel_at_period_end": true})),
        };
        let (after, before): (StripeSubscription, StripeSubscription) =
            (data.after().unwrap(), data.before().unwrap());
        let price = |of: &StripeSubscription| of.items.data[0].price.clone().unwrap();
        assert_eq!((price(&after).as_str(), price(&before).as_str()), ("new", "old"));
        assert_eq!((after.cancel_at_period_end, before.cancel_at_period_end), (false, true));
        assert_eq!(before.customer.as_deref(), Some("cus_1"));
    }

    #[test]
    fn an_invoice_says_its_subscription_in_either_version() {
        let older = json!({"id": "in_1", "subscription": "sub_1", "lines": {"data": [{"price": {"id": "p"}}]},
            "subscription_details": {"metadata": {"reeve_workspace": "acme"}}});
        let newer = json!({"id": "in_1", "lines": {"data": [{"pricing": {"price_details": {"price": "p"}}}]},
            "parent": {"subscription_details": {"subscription": {"id": "sub_1"},
                "metadata": {"reeve_workspace": "acme"}}}});
        for invoice in [older, newer] {
            let invoice = StripeInvoice::deserialize(invoice).unwrap();
            assert_eq!(invoice.subscription(), Some("sub_1"));
            assert_eq!(invoice.metadata("reeve_workspace"), Some("acme"));
            assert_eq!(invoice.prices().collect::<Vec<_>>(), ["p"]);
        }
    }

    #[test]
    fn a_reference_that_is_none_is_refused() {
        for bad in [json!(7), json!({"name": "x"}), json!(["cus_1"])] {
            let session = json!({"id": "cs_1", "mode": "payment", "customer": bad});
            assert!(StripeSession::deserialize(session).is_err());
        }
    }
}
