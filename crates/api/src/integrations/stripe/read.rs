//! From an event to what it says in this server's words. Pure: nothing here looks at what is stored.
//!
//! An event of a kind that is not listed here, or about something that no price of the mapping sells and that names no
//! workspace, is nobody's: a provider's account may serve more than this server.

use std::collections::BTreeMap;
use std::sync::Arc;

use reeve_protocol::{
    StripeCharge, StripeDispute, StripeEvent, StripeInvoice, StripeItem, StripeMetadata, StripeSession,
    StripeSubscription,
};
use reeve_types::{CatalogName, Credits, Millis, PurchaseId};
use reeve_workspace::{Change, InvoiceTold, Life, Purchase, Stand, SubscriptionTold, Told};

use super::prices::{Price, Prices, Sells, is_id};
use crate::error::{Answer, ApiError};

/// Under this name a platform puts the workspace on what it makes at the provider.
const WORKSPACE: &str = "reeve_workspace";
/// And under these, on a checkout, what is bought: the event itself does not say.
const PRICE: &str = "reeve_price";
const QUANTITY: &str = "reeve_quantity";
/// The last second of the year 9999.
const SECONDS_MAX: i64 = 253_402_300_799;

/// What an event says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct News {
    /// As its metadata name it.
    pub workspace: Option<String>,
    pub customer: Option<Arc<str>>,
    /// References of a payment that was made before, the best first: its workspace is the purchase's.
    pub payments: Vec<Arc<str>>,
    pub catalog: Option<CatalogName>,
    pub told: Told,
}

/// When it happened.
pub(super) fn told_at(event: &StripeEvent) -> Answer<Millis> {
    instant("/created", event.created)
}

/// What the event says; `None` when it is nobody's.
///
/// # Errors
/// It cannot be read, or sells here what nothing is mapped to: 422.
pub(super) fn read(event: &StripeEvent, prices: &Prices, new_id: PurchaseId) -> Answer<Option<News>> {
    match event.kind.as_str() {
        "customer.subscription.created"
        | "customer.subscription.updated"
        | "customer.subscription.deleted" => subscription(event, prices),
        "invoice.paid" | "invoice.payment_failed" => invoice(event, prices),
        "checkout.session.completed"
        | "checkout.session.async_payment_succeeded"
        | "checkout.session.async_payment_failed" => checkout(event, prices, new_id),
        "charge.refunded" => refund(event),
        "charge.dispute.created"
        | "charge.dispute.updated"
        | "charge.dispute.closed"
        | "charge.dispute.funds_withdrawn"
        | "charge.dispute.funds_reinstated" => dispute(event),
        _ => Ok(None),
    }
}

fn subscription(event: &StripeEvent, prices: &Prices) -> Answer<Option<News>> {
    let now: StripeSubscription = event.data.after().map_err(shape)?;
    let change = match event.kind.as_str() {
        "customer.subscription.created" => Change::Made,
        "customer.subscription.deleted" => Change::Ended,
        _ => Change::Changed { before: stand(&event.data.before().map_err(shape)?) },
    };
    let stand = stand(&now);
    let bought = bought(&now.items.data, prices)?;
    let named = named(&now.metadata);
    let Some(Bought { catalog, plan, addons, once }) = bought else {
        return match named {
            // What it sold is mapped no more, or never was: its end is news all the same.
            Some(_) if stand.life == Life::Live => Err(unmapped(&now.items.data)),
            Some(workspace) => {
                let told = told(&now, (change, stand), (None, BTreeMap::new()))?;
                Ok(Some(News { workspace: Some(workspace), ..news(told, id_of(&now.customer)?) }))
            }
            None => Ok(None),
        };
    };
    if let Some(price) = once {
        let detail = format!("price `{price}` is mapped to a purchase; a subscription cannot sell it");
        return Err(ApiError::field("/data/object/items", detail));
    }
    let told = told(&now, (change, stand), (plan, addons))?;
    Ok(Some(News { workspace: named, catalog: Some(catalog), ..news(told, id_of(&now.customer)?) }))
}

fn told(
    now: &StripeSubscription,
    (change, stand): (Change, Stand),
    (plan, addons): (Option<reeve_workspace::Subscribe>, Addons),
) -> Answer<Told> {
    let told = SubscriptionTold { id: id("/data/object/id", &now.id)?, change, stand, plan, addons };
    Ok(Told::Subscription(Box::new(told)))
}

type Addons = BTreeMap<reeve_credits::catalog::AddonName, u32>;

/// What the mapped prices of a subscription sell together.
struct Bought {
    catalog: CatalogName,
    plan: Option<reeve_workspace::Subscribe>,
    addons: Addons,
    /// A price among them that sells no subscription.
    once: Option<String>,
}

/// `None` when no price is mapped; the others beside a mapped one are nobody's.
fn bought(items: &[StripeItem], prices: &Prices) -> Answer<Option<Bought>> {
    let refuse = |detail: String| Err(ApiError::field("/data/object/items", detail));
    let mut all: Option<Bought> = None;
    for (id, Price { catalog, sells }, quantity) in mapped(items, prices) {
        let new = || Bought { catalog: catalog.clone(), plan: None, addons: Addons::new(), once: None };
        let all = all.get_or_insert_with(new);
        if all.catalog != *catalog {
            return refuse(format!("its prices belong to catalogs `{}` and `{catalog}`", all.catalog));
        }
        let Ok(count) = u32::try_from(quantity) else {
            return refuse(format!("quantity {quantity} is too large"));
        };
        match sells {
            Sells::Plan { .. } if all.plan.is_some() => {
                return refuse("it has two prices of plans".to_owned());
            }
            Sells::Plan { subscribe, seats } => {
                let seats = seats.then_some(count.max(1));
                all.plan = Some(reeve_workspace::Subscribe { seats, ..subscribe.clone() });
            }
            Sells::Addon(name) if count > 0 => {
                let units = all.addons.entry(name.clone()).or_insert(0);
                *units = units.saturating_add(count);
            }
            Sells::Addon(_) => {}
            Sells::Pack(_) | Sells::Credits(_) => all.once = Some(id.to_owned()),
        }
    }
    Ok(all)
}

fn mapped<'a>(
    items: &'a [StripeItem],
    prices: &'a Prices,
) -> impl Iterator<Item = (&'a str, &'a Price, u64)> {
    items.iter().filter_map(|item| {
        let id = item.price.as_deref()?;
        Some((id, prices.get(id)?, item.quantity.unwrap_or(1)))
    })
}

/// The part of a subscription that matters, in a form that can be compared.
fn stand(of: &StripeSubscription) -> Stand {
    let life = match of.status.as_str() {
        "incomplete" => Life::Pending,
        // What is owed is for the provider to collect: it says `unpaid` or `canceled` when it gives up.
        "active" | "trialing" | "past_due" => Life::Live,
        _ => Life::Ended,
    };
    let item = |item: &StripeItem| {
        format!("{}*{}", item.price.as_deref().unwrap_or_default(), item.quantity.unwrap_or(1))
    };
    let mut items: Vec<String> = of.items.data.iter().map(item).collect();
    items.sort_unstable();
    let canceling = of.cancel_at_period_end || of.cancel_at.is_some();
    Stand { life, canceling: canceling && life != Life::Ended, items: items.join(",").into() }
}

/// Only renewals: the first payment of a subscription, and those of a change, come with the subscription itself.
fn invoice(event: &StripeEvent, prices: &Prices) -> Answer<Option<News>> {
    let invoice: StripeInvoice = event.data.after().map_err(shape)?;
    let named = invoice.metadata(WORKSPACE).map(ToOwned::to_owned);
    let ours = named.is_some() || invoice.prices().any(|price| prices.get(price).is_some());
    let (true, Some("subscription_cycle"), Some(subscription)) =
        (ours, invoice.billing_reason.as_deref(), invoice.subscription())
    else {
        return Ok(None);
    };
    let Some(from) = invoice.period_end else {
        return Err(ApiError::field("/data/object/period_end", "is missing"));
    };
    let told = Told::Invoice(InvoiceTold {
        subscription: id("/data/object/subscription", subscription)?,
        payment: id("/data/object/id", &invoice.id)?,
        paid: event.kind == "invoice.paid",
        term_from: instant("/data/object/period_end", from)?,
    });
    Ok(Some(News { workspace: named, ..news(told, id_of(&invoice.customer)?) }))
}

fn checkout(event: &StripeEvent, prices: &Prices, new_id: PurchaseId) -> Answer<Option<News>> {
    let session: StripeSession = event.data.after().map_err(shape)?;
    let workspace = named(&session.metadata);
    let customer = id_of(&session.customer)?;
    match session.mode.as_str() {
        "payment" => {}
        // Its subscription tells the rest; here is learned whose the customer is.
        "subscription" if workspace.is_some() && customer.is_some() => {
            return Ok(Some(News { workspace, ..news(Told::Customer { firmly: false }, customer) }));
        }
        _ => return Ok(None),
    }
    let payment = id("/data/object/id", session.payment_intent.as_deref().unwrap_or(&session.id))?;
    let Some((catalog, pack, credits)) = goods(&session, prices)? else { return Ok(None) };
    let told = if event.kind == "checkout.session.async_payment_failed" {
        Told::BuyFailed { payment }
    } else {
        let is_later = event.kind == "checkout.session.async_payment_succeeded";
        let pending = !is_later && session.payment_status.as_deref() == Some("unpaid");
        Told::Bought(Box::new(Purchase { id: new_id, pack, credits, payment, pending }))
    };
    Ok(Some(News { workspace, catalog: Some(catalog), ..news(told, customer) }))
}

type Goods = (CatalogName, Option<Arc<str>>, Option<Credits>);

/// What a checkout sells: one pack, or credits; `None` when it is nobody's.
fn goods(session: &StripeSession, prices: &Prices) -> Answer<Option<Goods>> {
    let refuse = |detail: &str| Err(ApiError::field("/data/object/metadata", detail));
    let of = |name: &str| session.metadata.as_ref().and_then(|metadata| metadata.get(name));
    let items = match &session.line_items {
        Some(items) => items.data.clone(),
        None => {
            let quantity = of(QUANTITY).map(|text| text.parse::<u64>());
            let Ok(quantity) = quantity.transpose() else {
                return refuse(&format!("`{QUANTITY}` must be a whole number"));
            };
            of(PRICE).map(|price| StripeItem { price: Some(price.clone()), quantity }).into_iter().collect()
        }
    };
    let mut goods: Option<Goods> = None;
    for (_, Price { catalog, sells }, quantity) in mapped(&items, prices) {
        let so_far = goods.take();
        if so_far.as_ref().is_some_and(|(of, _, _)| of != catalog) {
            return refuse("its prices belong to different catalogs");
        }
        goods = match (sells, &so_far) {
            (Sells::Pack(pack), None) if quantity == 1 => {
                Some((catalog.clone(), Some(pack.as_str().into()), None))
            }
            (Sells::Credits(each), None | Some((_, None, _))) => {
                let before = so_far.as_ref().and_then(|(_, _, credits)| *credits).unwrap_or(Credits::ZERO);
                let count = i64::try_from(quantity).unwrap_or(i64::MAX);
                let sum = each.checked_mul(count).and_then(|sum| sum.checked_add(before));
                let Some(sum) = sum else { return refuse("it sells more credits than there can be") };
                Some((catalog.clone(), None, Some(sum)))
            }
            (Sells::Plan { .. } | Sells::Addon(_), _) => {
                return refuse("it sells a plan or an add-on, which needs a subscription");
            }
            _ => return refuse("a payment buys one pack, or credits"),
        };
    }
    match goods {
        None if named(&session.metadata).is_some() && !items.is_empty() => Err(unmapped(&items)),
        None if named(&session.metadata).is_some() => {
            refuse(&format!("it says what is bought neither by `line_items` nor by `{PRICE}`"))
        }
        goods => Ok(goods),
    }
}

/// The sum so far comes with the charge, so that refunds in steps, told in any order, end at the same share.
fn refund(event: &StripeEvent) -> Answer<Option<News>> {
    let charge: StripeCharge = event.data.after().map_err(shape)?;
    // A subscription's payment: its end is told by the subscription.
    if charge.invoice.is_some() || charge.amount == 0 || charge.amount_refunded == 0 {
        return Ok(None);
    }
    let payments = payments([charge.payment_intent.as_deref(), Some(&charge.id)])?;
    let Some(payment) = payments.first().cloned() else { return Ok(None) };
    let told = Told::Refunded { payment, given_back: charge.amount_refunded, of: charge.amount };
    let workspace = named(&charge.metadata);
    Ok(Some(News { workspace, payments, ..news(told, id_of(&charge.customer)?) }))
}

/// By the state of the dispute, whichever of its events tells it. An inquiry (`warning_...`) has taken no money yet.
fn dispute(event: &StripeEvent) -> Answer<Option<News>> {
    let dispute: StripeDispute = event.data.after().map_err(shape)?;
    let payments = payments([dispute.payment_intent.as_deref(), dispute.charge.as_deref()])?;
    let Some(payment) = payments.first().cloned() else { return Ok(None) };
    let told = match dispute.status.as_str() {
        "needs_response" | "under_review" | "lost" => Told::Disputed { payment },
        "won" => Told::DisputeWon { payment },
        _ => return Ok(None),
    };
    Ok(Some(News { workspace: named(&dispute.metadata), payments, ..news(told, None) }))
}

/// The same news about another reference of its payment.
pub(super) fn about(told: Told, payment: Arc<str>) -> Told {
    match told {
        Told::Refunded { given_back, of, .. } => Told::Refunded { payment, given_back, of },
        Told::Disputed { .. } => Told::Disputed { payment },
        Told::DisputeWon { .. } => Told::DisputeWon { payment },
        other => other,
    }
}

const fn news(told: Told, customer: Option<Arc<str>>) -> News {
    News { workspace: None, customer, payments: Vec::new(), catalog: None, told }
}

fn named(metadata: &StripeMetadata) -> Option<String> {
    metadata.as_ref().and_then(|metadata| metadata.get(WORKSPACE)).cloned()
}

fn payments<const N: usize>(ids: [Option<&str>; N]) -> Answer<Vec<Arc<str>>> {
    ids.into_iter().flatten().map(|text| id("/data/object/payment_intent", text)).collect()
}

fn id_of(customer: &Option<String>) -> Answer<Option<Arc<str>>> {
    customer.as_deref().map(|text| id("/data/object/customer", text)).transpose()
}

/// An id of the provider's: anything else could not be stored, or not be found again.
pub(super) fn id(pointer: &str, text: &str) -> Answer<Arc<str>> {
    if is_id(text) { Ok(text.into()) } else { Err(ApiError::field(pointer, "is no id")) }
}

fn instant(pointer: &str, seconds: i64) -> Answer<Millis> {
    if !(0..=SECONDS_MAX).contains(&seconds) {
        return Err(ApiError::field(pointer, "is no instant of our years"));
    }
    Ok(Millis::from_millis(seconds.saturating_mul(1_000)))
}

fn shape(error: serde_json::Error) -> ApiError {
    ApiError::field("/data/object", error.to_string())
}

fn unmapped(items: &[StripeItem]) -> ApiError {
    let ids = items.iter().filter_map(|item| item.price.as_deref());
    let ids: Vec<String> = ids.map(|price| format!("`{price}`")).collect();
    let detail =
        format!("no price of {} is mapped; add it to [integrations.stripe] and reload", ids.join(", "));
    ApiError::field("/data/object/items", detail)
}

#[cfg(test)]
mod tests;
