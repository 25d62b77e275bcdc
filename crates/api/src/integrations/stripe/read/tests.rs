//! What events mean, and that no text makes reading them panic.

use std::sync::LazyLock;

use proptest::prelude::*;
use reeve_testkit::fuzz::places;
use reeve_workspace::Subscribe;
use serde_json::{Value, json};

use super::super::prices::PriceEntry;
use super::super::prices::tests::{entry, shelf};
use super::*;

/// Made once: reading catalogs takes longer than reading events.
static PRICES: LazyLock<Prices> = LazyLock::new(prices);

fn prices() -> Prices {
    let plan = |price: &str, plan: &str| PriceEntry { plan: Some(plan.to_owned()), ..entry(price, "kive") };
    let entries = [
        plan("basic", "basic"),
        plan("pro", "pro"),
        PriceEntry { credits: Some(100), ..entry("hundred", "kive") },
        PriceEntry { pack: Some("creator".to_owned()), ..entry("pack", "kreatorflow") },
        PriceEntry { plan: Some("team".to_owned()), seats: true, ..entry("team", "ai-studios") },
        PriceEntry { addon: Some("unit".to_owned()), ..entry("unit", "ai-studios") },
    ];
    Prices::new(&entries, &shelf()).unwrap()
}

fn event(kind: &str, object: Value, previous: Value) -> StripeEvent {
    let data = json!({"object": object, "previous_attributes": previous});
    serde_json::from_value(json!({"id": "evt_1", "type": kind, "created": 1_767_225_600, "data": data}))
        .unwrap()
}

fn say(kind: &str, object: Value) -> Answer<Option<News>> {
    read(&event(kind, object, Value::Null), &PRICES, PurchaseId::from_parts(Millis::from_millis(0), 1))
}

fn items(prices: &[(&str, u64)]) -> Value {
    let item = |(price, quantity): &(&str, u64)| json!({"price": {"id": price}, "quantity": quantity});
    json!({"data": prices.iter().map(item).collect::<Vec<_>>()})
}

fn subscription(status: &str, prices: &[(&str, u64)]) -> Value {
    json!({"id": "sub_1", "status": status, "customer": "cus_1", "items": items(prices)})
}

fn told(news: Answer<Option<News>>) -> Told {
    news.unwrap().unwrap().told
}

fn status_of(news: Answer<Option<News>>) -> u16 {
    news.unwrap_err().problem().status
}

const CREATED: &str = "customer.subscription.created";

#[test]
fn a_subscription_says_plan_seats_units_and_how_far_it_is() {
    let sold = [("team", 4), ("unit", 2), ("another", 1)];
    let Told::Subscription(of) = told(say(CREATED, subscription("trialing", &sold))) else { panic!() };
    let Some(Subscribe { plan, seats, .. }) = &of.plan else { panic!() };
    assert_eq!((plan.as_str(), *seats, of.stand.life), ("team", Some(4), Life::Live));
    assert_eq!(of.addons.values().copied().collect::<Vec<_>>(), [2]);
    assert_eq!(&*of.stand.items, "another*1,team*4,unit*2");
    for (status, life) in [
        ("incomplete", Life::Pending),
        ("active", Life::Live),
        ("past_due", Life::Live),
        ("unpaid", Life::Ended),
        ("canceled", Life::Ended),
        ("incomplete_expired", Life::Ended),
        ("paused", Life::Ended),
    ] {
        let Told::Subscription(of) = told(say(CREATED, subscription(status, &[("pro", 1)]))) else {
            panic!()
        };
        assert_eq!(of.stand.life, life, "{status}");
    }
}

#[test]
fn an_update_says_how_it_stood_before() {
    let mut now = subscription("active", &[("pro", 1)]);
    now["cancel_at_period_end"] = json!(true);
    let previous = json!({"items": items(&[("basic", 1)]), "cancel_at_period_end": false});
    let event = event("customer.subscription.updated", now, previous);
    let news = read(&event, &PRICES, PurchaseId::from_parts(Millis::from_millis(0), 1));
    let Told::Subscription(of) = told(news) else { panic!() };
    let Change::Changed { before } = of.change else { panic!() };
    assert_eq!((&*before.items, before.canceling), ("basic*1", false));
    assert_eq!((&*of.stand.items, of.stand.canceling), ("pro*1", true));
}

#[test]
fn what_cannot_be_sold_is_refused_and_what_is_not_ours_is_nobody_s() {
    for wrong in [
        subscription("active", &[("basic", 1), ("pro", 1)]),
        subscription("active", &[("basic", 1), ("unit", 1)]),
        subscription("active", &[("hundred", 1)]),
        subscription("active", &[("unit", u64::MAX)]),
        json!({"id": "sub_1", "status": "active"}),
        json!({"id": "sub 1", "status": "active", "items": items(&[("pro", 1)])}),
    ] {
        assert_eq!(status_of(say(CREATED, wrong.clone())), 422, "{wrong}");
    }
    assert_eq!(say(CREATED, subscription("active", &[("another", 1)])).unwrap(), None);
    assert_eq!(say("customer.created", json!(7)).unwrap(), None);
    assert_eq!(say("refund.created", json!({})).unwrap(), None);
}

fn session(metadata: Value) -> Value {
    json!({"id": "cs_1", "mode": "payment", "payment_status": "paid", "payment_intent": "pi_1", "metadata": metadata})
}

#[test]
fn a_checkout_says_its_goods_by_its_lines_or_by_its_metadata() {
    let completed = |object| say("checkout.session.completed", object);
    let by_metadata = session(json!({"reeve_price": "hundred", "reeve_quantity": "3"}));
    let mut by_lines = session(Value::Null);
    by_lines["line_items"] = items(&[("hundred", 1), ("hundred", 2), ("another", 5)]);
    for object in [by_metadata, by_lines] {
        let Told::Bought(purchase) = told(completed(object)) else { panic!() };
        assert_eq!(
            (purchase.credits, &*purchase.payment, purchase.pending),
            (Credits::whole(300), "pi_1", false)
        );
    }
    let mut free = session(json!({"reeve_price": "pack"}));
    free["payment_intent"] = Value::Null;
    free["payment_status"] = json!("no_payment_required");
    let Told::Bought(purchase) = told(completed(free)) else { panic!() };
    assert_eq!((purchase.pack.as_deref(), &*purchase.payment), (Some("creator"), "cs_1"));
    for wrong in [
        json!({"reeve_price": "pack", "reeve_quantity": "2"}),
        json!({"reeve_price": "hundred", "reeve_quantity": "-1"}),
        json!({"reeve_price": "hundred", "reeve_quantity": u64::MAX.to_string()}),
        json!({"reeve_price": "pro"}),
        json!({"reeve_workspace": "acme"}),
        json!({"reeve_workspace": "acme", "reeve_price": "another"}),
    ] {
        assert_eq!(status_of(completed(session(wrong.clone()))), 422, "{wrong}");
    }
    let mut mixed = session(Value::Null);
    mixed["line_items"] = items(&[("hundred", 1), ("pack", 1)]);
    assert_eq!(status_of(completed(mixed)), 422);
    assert_eq!(completed(session(json!({"reeve_price": "another"}))).unwrap(), None);
}

#[test]
fn refunds_are_sums_and_disputes_go_by_their_status() {
    let charge = json!({"id": "ch_1", "amount": 900, "amount_refunded": 300, "payment_intent": "pi_1"});
    let payment: Arc<str> = "pi_1".into();
    let expected = Told::Refunded { payment: payment.clone(), given_back: 300, of: 900 };
    assert_eq!(told(say("charge.refunded", charge.clone())), expected);
    let mut of_subscription = charge;
    of_subscription["invoice"] = json!("in_1");
    assert_eq!(say("charge.refunded", of_subscription).unwrap(), None);
    for (status, expected) in [
        ("needs_response", Some(Told::Disputed { payment: payment.clone() })),
        ("lost", Some(Told::Disputed { payment: payment.clone() })),
        ("won", Some(Told::DisputeWon { payment })),
        ("warning_needs_response", None),
        ("warning_closed", None),
        ("of_tomorrow", None),
    ] {
        let dispute = json!({"id": "dp_1", "charge": "ch_1", "payment_intent": "pi_1", "status": status});
        let news = say("charge.dispute.updated", dispute).unwrap();
        assert_eq!(news.map(|news| news.told), expected, "{status}");
    }
}

const KINDS: [&str; 9] = [
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "invoice.paid",
    "invoice.payment_failed",
    "checkout.session.completed",
    "checkout.session.async_payment_failed",
    "charge.refunded",
    "charge.dispute.closed",
];

fn samples() -> Vec<Value> {
    let mut bought =
        session(json!({"reeve_price": "hundred", "reeve_quantity": "3", "reeve_workspace": "acme"}));
    bought["line_items"] = items(&[("hundred", 1), ("pack", 1)]);
    vec![
        subscription("active", &[("pro", 1), ("unit", 2)]),
        bought,
        json!({"id": "in_1", "billing_reason": "subscription_cycle", "period_end": 1_767_225_600, "subscription": "sub_1",
            "lines": {"data": [{"price": {"id": "pro"}}]}}),
        json!({"id": "ch_1", "amount": 900, "amount_refunded": 300, "payment_intent": "pi_1", "status": "won"}),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["pro", "unit", "hundred", "pack", "team", "active", "won", ""])
            .prop_map(Value::from),
        Just(json!("a\u{0}b")),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{0,8}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_event_makes_reading_panic(
        kind in prop::sample::select(KINDS.to_vec()),
        sample in 0_usize..4,
        hits in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 0..4),
        previous in any_json(),
    ) {
        let mut object = samples().swap_remove(sample);
        for (hit, with) in hits {
            let all = places(&object);
            if let Some(place) = object.pointer_mut(&all[hit.index(all.len())]) {
                *place = with;
            }
        }
        let event = event(kind, object, previous);
        if let Err(error) = read(&event, &PRICES, PurchaseId::from_parts(Millis::from_millis(0), 1)) {
            prop_assert_eq!(error.problem().status, 422);
        }
    }
}
