//! What a payment provider tells: in order, out of order, again and again, and always the same books.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod desk;

use std::collections::BTreeMap;
use std::sync::Arc;

use desk::{Desk, at, cr, create, text};
use proptest::prelude::*;
use reeve_credits::catalog::{AddonName, Interval};
use reeve_types::{Credits, Millis, PlanName, PurchaseId};
use reeve_workspace::{
    BillingEvent, Change, Command, InvoiceTold, Kind, Life, Purchase, PurchaseStatus, Refusal, Stand,
    Subscribe, SubscriptionTold, Told, WorkspaceStatus,
};

const OPENED: &str = "2026-01-10T00:00:00Z";

/// An event `n` seconds after the workspace was opened.
fn event(n: i64, what: Told) -> BillingEvent {
    BillingEvent {
        event: format!("evt_{n}").into(),
        told_at: at(OPENED).plus_ms(n * 1_000),
        late: false,
        customer: Some("cus_1".into()),
        catalog: None,
        what,
    }
}

fn late(event: BillingEvent) -> BillingEvent {
    BillingEvent { late: true, ..event }
}

fn tell(desk: &mut Desk, event: &BillingEvent) -> Result<(), Refusal> {
    desk.run(Command::Billing(Box::new(event.clone())))
}

fn plan(name: &str, allotment: Option<i64>) -> Subscribe {
    let plan = PlanName::new(name).unwrap();
    Subscribe { plan, allotment: allotment.map(cr), interval: Some(Interval::Month), seats: None }
}

/// A subscription as the provider has it: a plan, units of an add-on, and how far it is.
#[derive(Clone)]
struct Sub {
    id: &'static str,
    life: Life,
    canceling: bool,
    plan: Option<Subscribe>,
    units: u32,
}

impl Sub {
    fn of(plan: Subscribe) -> Self {
        Self { id: "sub_1", life: Life::Live, canceling: false, plan: Some(plan), units: 0 }
    }

    fn stand(&self) -> Stand {
        let items = format!("{:?}*{}", self.plan, self.units);
        Stand { life: self.life, canceling: self.canceling, items: items.into() }
    }

    fn told(&self, change: Change) -> Told {
        let units = (self.units > 0).then(|| (AddonName::new("unit").unwrap(), self.units));
        Told::Subscription(Box::new(SubscriptionTold {
            id: self.id.into(),
            change,
            stand: self.stand(),
            plan: self.plan.clone(),
            addons: units.into_iter().collect::<BTreeMap<_, _>>(),
        }))
    }

    fn made(&self) -> Told {
        self.told(Change::Made)
    }

    fn after(&self, before: &Self) -> Told {
        self.told(Change::Changed { before: before.stand() })
    }
}

fn bought(payment: &str, goods: (Option<&str>, Option<i64>), pending: bool) -> Told {
    Told::Bought(Box::new(Purchase {
        id: PurchaseId::from_parts(at(OPENED), payment.bytes().map(u128::from).sum()),
        pack: goods.0.map(Arc::from),
        credits: goods.1.map(cr),
        payment: payment.into(),
        pending,
    }))
}

fn refunded(payment: &str, given_back: u64) -> Told {
    Told::Refunded { payment: payment.into(), given_back, of: 1_000 }
}

fn disputed(payment: &str) -> Told {
    Told::Disputed { payment: payment.into() }
}

fn won(payment: &str) -> Told {
    Told::DisputeWon { payment: payment.into() }
}

/// What the books say, without the ids that follow from the order of things.
fn books(desk: &Desk) -> (Credits, Credits, BTreeMap<String, Credits>, Vec<String>, String) {
    let state = desk.state();
    let mut lots: BTreeMap<String, Credits> = BTreeMap::new();
    for lot in &state.lots {
        let sum = lots.entry(format!("{} {:?}", lot.source, lot.payment)).or_insert(Credits::ZERO);
        *sum = sum.checked_add(lot.terms.available).unwrap();
    }
    lots.retain(|_, sum| !sum.is_zero());
    let mut purchases: Vec<String> = state
        .purchases
        .values()
        .map(|row| format!("{} {:?} {} {}", row.payment, row.status, row.reversed, row.restored))
        .collect();
    purchases.sort();
    let profile = &state.profile;
    let standing = format!("{:?} {:?} {:?}", profile.subscribed, profile.scheduled, profile.addons);
    (desk.available(), state.debt, lots, purchases, standing)
}

/// As the provider does it: what is refused for now comes again after everything else, until all is taken.
fn deliver(desk: &mut Desk, order: Vec<BillingEvent>) {
    let mut waiting = order;
    for _ in 0..50 {
        // Also what a rule refuses: a free plan may not buy, and the paid one may be told later.
        waiting.retain(|event| tell(desk, event).is_err());
        if waiting.is_empty() {
            return;
        }
    }
    panic!("never taken: {waiting:#?}");
}

/// Everything at once on one workspace: plans up and down, packs, money given back, disputes.
fn story() -> Vec<BillingEvent> {
    let pending = Sub { life: Life::Pending, ..Sub::of(plan("basic", None)) };
    let basic = Sub::of(plan("basic", None));
    let pro = Sub::of(plan("pro", Some(5_000)));
    let leaving = Sub { canceling: true, ..pro.clone() };
    let lower = Sub::of(plan("basic", None));
    let buy = |payment, credits, pending| bought(payment, (None, Some(credits)), pending);
    let told = [
        pending.made(),
        basic.after(&pending),
        buy("pi_1", 300, true),
        buy("pi_1", 300, false),
        pro.after(&basic),
        buy("pi_2", 200, false),
        refunded("pi_1", 250),
        disputed("pi_2"),
        refunded("pi_1", 500),
        won("pi_2"),
        leaving.after(&pro),
        pro.after(&leaving),
        buy("pi_3", 100, true),
        Told::BuyFailed { payment: "pi_3".into() },
        refunded("pi_2", 400),
        lower.after(&pro),
    ];
    told.into_iter().zip(1..).map(|(what, n)| event(n, what)).collect()
}

fn kive() -> Desk {
    Desk::open("kive", "free", OPENED)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_order_with_any_repeats_leads_to_the_same_books(
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        seed in Just(story()).prop_shuffle(),
    ) {
        let mut ordered = kive();
        deliver(&mut ordered, story());
        let mut order = seed;
        for pick in &picks {
            let again = order[pick.index(order.len())].clone();
            let to = pick.index(order.len() + 1);
            order.insert(to, again);
        }
        let mut desk = kive();
        deliver(&mut desk, order);
        prop_assert_eq!(books(&desk), books(&ordered));
        // Days later, with the keys of the events long forgotten.
        for event in story() {
            tell(&mut desk, &late(event)).unwrap();
        }
        prop_assert_eq!(books(&desk), books(&ordered));
    }
}

#[test]
fn the_story_in_order_does_what_the_same_news_by_hand_would() {
    let mut desk = kive();
    deliver(&mut desk, story());
    // 1,000 and 5,000 of the plans; half of 300 given back; 200 disputed, won, and 40 % given back; 100 never paid.
    assert_eq!(desk.available(), cr(6_000 + 150 + 120));
    let state = desk.state();
    assert!(state.profile.scheduled.is_some(), "down at the end of the period");
    let statuses: Vec<PurchaseStatus> = state.purchases.values().map(|row| row.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == PurchaseStatus::Paid).count(), 2);
    assert!(statuses.contains(&PurchaseStatus::Failed));
}

#[test]
fn a_change_waits_for_the_one_before_it_and_not_for_ever() {
    let (basic, pro) = (Sub::of(plan("basic", None)), Sub::of(plan("pro", None)));
    let (first, second) = (event(1, basic.made()), event(2, pro.after(&basic)));
    let mut desk = kive();
    let early = tell(&mut desk, &second);
    assert!(matches!(early, Err(Refusal::NotYet { .. })), "{early:?}");
    tell(&mut desk, &first).unwrap();
    tell(&mut desk, &second).unwrap();
    assert_eq!(desk.available(), cr(3_000));
    // The first one never came: after its time the second is taken as told, and the first is an echo.
    let mut desk = kive();
    tell(&mut desk, &late(second)).unwrap();
    tell(&mut desk, &first).unwrap();
    assert_eq!(desk.available(), cr(2_000));
}

#[test]
fn changes_of_one_second_follow_from_each_other() {
    let (basic, pro) = (Sub::of(plan("basic", None)), Sub::of(plan("pro", None)));
    let leaving = Sub { canceling: true, ..pro.clone() };
    let same = |n: &str, what| BillingEvent { event: n.into(), ..event(1, what) };
    let events = [same("c", basic.made()), same("b", pro.after(&basic)), same("a", leaving.after(&pro))];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let mut desk = kive();
        deliver(&mut desk, order.map(|n| events[n].clone()).to_vec());
        assert_eq!(desk.available(), cr(3_000), "{order:?}");
        assert_eq!(desk.state().profile.status(), WorkspaceStatus::Canceling, "{order:?}");
    }
}

#[test]
fn an_end_cancels_the_plan_unless_another_subscription_gives_it() {
    let one = Sub::of(plan("pro", None));
    let two = Sub { id: "sub_2", ..one.clone() };
    let end = |sub: &Sub| Sub { life: Life::Ended, ..sub.clone() }.told(Change::Ended);
    let mut desk = kive();
    deliver(&mut desk, vec![event(1, one.made()), event(2, two.made()), event(3, end(&one))]);
    assert_eq!(desk.state().profile.status(), WorkspaceStatus::Active);
    tell(&mut desk, &event(4, end(&two))).unwrap();
    assert_eq!(desk.state().profile.status(), WorkspaceStatus::Canceling);
    desk.to("2026-02-10T00:00:00Z");
    assert_eq!(desk.state().profile.subscribed.plan.as_str(), "free");
    assert_eq!(desk.available(), cr(0), "KV-12");
    // And nothing comes of its echoes.
    for echo in [event(1, one.made()), event(3, end(&one)), event(4, end(&two))] {
        tell(&mut desk, &late(echo)).unwrap();
    }
    assert_eq!(desk.state().profile.subscribed.plan.as_str(), "free");
}

#[test]
fn units_follow_the_quantity_and_end_with_the_subscription() {
    let none = Sub::of(plan("personal", None));
    let two = Sub { units: 2, ..none.clone() };
    let mut desk = Desk::open("ai-studios", "free", OPENED);
    deliver(&mut desk, vec![event(2, two.after(&none)), event(1, none.made())]);
    assert_eq!(desk.available(), cr(60 + 120), "AS-07: the free plan's lots end with it");
    tell(&mut desk, &event(3, none.after(&two))).unwrap();
    assert_eq!(desk.available(), cr(180), "AS-08: until the end of the month");
    desk.to("2026-02-10T00:00:00Z");
    assert_eq!(desk.available(), cr(60));
    let end = Sub { life: Life::Ended, ..none.clone() };
    tell(&mut desk, &event(2_700_000, end.told(Change::Ended))).unwrap();
    desk.to("2026-03-10T00:00:00Z");
    assert_eq!(desk.state().profile.subscribed.plan.as_str(), "free");
}

fn invoice(n: i64, payment: &str, paid: bool, term_from: &str) -> BillingEvent {
    let (subscription, payment) = ("sub_1".into(), payment.into());
    let told = InvoiceTold { subscription, payment, paid, term_from: at(term_from) };
    BillingEvent { told_at: at(term_from).plus_ms(n * 1_000), ..event(n, Told::Invoice(told)) }
}

fn on_payment() -> Desk {
    let text = text("kive").replace("renewal = \"automatic\"", "renewal = \"on_payment\"");
    Desk::with(&text, create("kive", "free"), OPENED)
}

#[test]
fn kv_26_a_renewal_is_granted_once_it_is_paid_before_or_after_its_boundary() {
    let made = event(0, Sub::of(plan("basic", None)).made());
    let february = "2026-02-10T00:00:00Z";
    for paid_first in [true, false] {
        let mut desk = on_payment();
        tell(&mut desk, &made).unwrap();
        assert_eq!(desk.available(), cr(1_000));
        if paid_first {
            tell(&mut desk, &invoice(-5, "in_2", true, february)).unwrap();
            assert_eq!(desk.available(), cr(1_000), "not before its boundary");
        }
        desk.to(february);
        if !paid_first {
            tell(&mut desk, &invoice(5, "in_2", false, february)).unwrap();
            assert_eq!(desk.state().profile.status(), WorkspaceStatus::PastDue);
            tell(&mut desk, &invoice(9, "in_2", true, february)).unwrap();
        }
        for _ in 0..2 {
            assert_eq!(desk.available(), cr(2_000), "KV-17, once");
            tell(&mut desk, &invoice(9, "in_2", true, february)).unwrap();
            tell(&mut desk, &invoice(5, "in_2", false, february)).unwrap();
        }
        assert_eq!(desk.state().profile.status(), WorkspaceStatus::Active);
        // What was told again does not pay for March.
        desk.to("2026-03-10T00:00:00Z");
        assert_eq!(desk.state().profile.status(), WorkspaceStatus::PastDue, "paid first: {paid_first}");
    }
}

#[test]
fn an_automatic_renewal_needs_no_invoice_and_an_invoice_grants_it_no_second_time() {
    let mut desk = kive();
    tell(&mut desk, &event(0, Sub::of(plan("basic", None)).made())).unwrap();
    desk.to("2026-02-10T01:00:00Z");
    assert_eq!(desk.available(), cr(2_000));
    tell(&mut desk, &invoice(3_600, "in_2", true, "2026-02-10T00:00:00Z")).unwrap();
    tell(&mut desk, &invoice(3_700, "in_2", false, "2026-02-10T00:00:00Z")).unwrap();
    assert_eq!(desk.available(), cr(2_000));
    desk.to("2026-03-10T01:00:00Z");
    assert_eq!((desk.available(), desk.state().profile.status()), (cr(3_000), WorkspaceStatus::Active));
}

#[test]
fn an_invoice_waits_for_its_subscription() {
    let mut desk = kive();
    let early = tell(&mut desk, &invoice(5, "in_2", true, "2026-02-10T00:00:00Z"));
    assert!(matches!(early, Err(Refusal::NotYet { .. })), "{early:?}");
}

#[test]
fn a_dispute_won_leaves_given_back_what_was_given_back() {
    let buy = event(1, bought("pi_1", (None, Some(1_000)), false));
    let stories: [&[Told]; 3] = [
        &[refunded("pi_1", 500), disputed("pi_1"), won("pi_1")],
        &[disputed("pi_1"), refunded("pi_1", 500), won("pi_1")],
        &[disputed("pi_1"), won("pi_1"), refunded("pi_1", 500)],
    ];
    for story in stories {
        let mut desk = Desk::open("kive", "basic", OPENED);
        let told = story.iter().cloned().zip(2..).map(|(what, n)| event(n, what));
        deliver(&mut desk, std::iter::once(buy.clone()).chain(told).collect());
        assert_eq!(desk.available(), cr(1_000 + 500), "{story:?}");
        let row = desk.state().purchases.values().next().unwrap();
        assert_eq!((row.status, row.reversed), (PurchaseStatus::Paid, cr(500)), "{story:?}");
        assert!(row.restored, "{story:?}");
    }
}

#[test]
fn a_payment_is_charged_back_once_and_won_once() {
    let mut desk = Desk::open("kive", "basic", OPENED);
    let events = [bought("pi_1", (None, Some(400)), false), disputed("pi_1"), won("pi_1")];
    for _ in 0..3 {
        for (what, n) in events.iter().cloned().zip(1..) {
            tell(&mut desk, &event(n, what)).unwrap();
        }
    }
    assert_eq!(desk.available(), cr(1_400));
    assert_eq!((desk.count(Kind::ClawBack), desk.sum(Kind::ClawBack)), (1, cr(400)));
    let mut desk = Desk::open("kive", "basic", OPENED);
    tell(&mut desk, &event(1, events[0].clone())).unwrap();
    let early = tell(&mut desk, &event(3, won("pi_1")));
    assert!(matches!(early, Err(Refusal::NotYet { .. })), "the dispute itself is to come");
    // It never came in time: it is over, and changes nothing any more.
    tell(&mut desk, &late(event(3, won("pi_1")))).unwrap();
    tell(&mut desk, &late(event(2, disputed("pi_1")))).unwrap();
    assert_eq!(desk.available(), cr(1_400));
}

#[test]
fn a_customer_leads_to_one_workspace() {
    let mut desk = kive();
    tell(&mut desk, &event(1, Told::Customer { firmly: false })).unwrap();
    assert!(desk.claims.keys().any(|claim| &*claim.scope == "customer" && &*claim.key == "cus_1"));
    tell(&mut desk, &event(2, Told::Released)).unwrap();
    assert!(desk.state().profile.billing.is_none());
    assert!(!desk.claims.keys().any(|claim| &*claim.scope == "customer"));
    let other = reeve_types::WorkspaceId::new("other").unwrap();
    desk.claims.insert(reeve_workspace::Claim::customer("cus_1"), other);
    let firmly = tell(&mut desk, &event(3, Told::Customer { firmly: true }));
    assert!(matches!(firmly, Err(Refusal::Conflict { .. })), "{firmly:?}");
    tell(&mut desk, &event(4, Sub::of(plan("basic", None)).made())).unwrap();
    assert_eq!(desk.available(), cr(1_000), "what names its workspace needs no customer");
}

#[test]
fn a_closed_workspace_takes_back_what_was_paid_and_sells_nothing() {
    let mut desk = Desk::open("kive", "free", OPENED);
    let basic = Sub::of(plan("basic", None));
    deliver(&mut desk, vec![event(1, basic.made()), event(2, bought("pi_1", (None, Some(500)), false))]);
    desk.run(Command::Close).unwrap();
    let again = tell(&mut desk, &event(3, bought("pi_2", (None, Some(500)), false)));
    assert!(matches!(again, Err(Refusal::Closed { .. })), "{again:?}");
    tell(&mut desk, &event(4, refunded("pi_1", 500))).unwrap();
    let end = Sub { life: Life::Ended, ..basic };
    tell(&mut desk, &event(5, end.told(Change::Ended))).unwrap();
    assert_eq!(desk.available(), cr(1_000 + 250), "as it was when it was closed, less the refund");
    desk.run(Command::Erase).unwrap();
    assert!(desk.state().profile.billing.is_none());
    assert!(!desk.claims.keys().any(|claim| &*claim.scope == "customer"));
    tell(&mut desk, &event(6, disputed("pi_1"))).unwrap();
    assert_eq!(desk.available(), cr(1_000));
}

#[test]
fn a_price_of_another_catalog_is_refused() {
    let mut desk = kive();
    let catalog = Some(reeve_types::CatalogName::new("kira").unwrap());
    let wrong = BillingEvent { catalog, ..event(1, Sub::of(plan("basic", None)).made()) };
    assert!(matches!(tell(&mut desk, &wrong), Err(Refusal::Conflict { .. })));
    assert!(desk.state().profile.billing.is_none(), "X17");
}

#[test]
fn what_is_remembered_is_stored_with_the_profile() {
    let mut desk = kive();
    deliver(&mut desk, story());
    let profile = &desk.state().profile;
    let text = serde_json::to_string(profile).unwrap();
    let read: reeve_workspace::Profile = serde_json::from_str(&text).unwrap();
    assert_eq!(&read, profile);
    let billing = profile.billing.as_deref().unwrap();
    assert_eq!(billing.subscriptions["sub_1"].at, Millis::from_millis(at(OPENED).value() + 16_000));
}
