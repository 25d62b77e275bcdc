//! Addresses and bodies of endpoints, bent: what is taken of them can be called, and the rest is the caller's fault.

use std::cell::Cell;
use std::net::IpAddr;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use reeve_protocol::{DeliveriesQuery, Problem, WebhookCreate, WebhookRedeliver, WebhookRotate};
use reeve_webhooks::Settings;
use serde_json::{Value, json};
use url::{Host, Url};

use crate::special::is_special;
use crate::{Desk, runner};

/// Addresses, good and bad, for pieces of other ones to be put in.
const URLS: &[&str] = &[
    "https://hooks.example.com/reeve?token=1",
    "https://8.8.8.8:8443/",
    "https://[2606:4700::1]/a",
    "https://user:pass@hooks.example.com",
    "https://127.0.0.1:9000/",
    "https://[::ffff:10.0.0.1]/",
    "https://xn--bcher-kva.example/",
    "https://localhost./",
    "https://0x7f.1/",
    "http://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "gopher://10.0.0.1:70/_x",
];

/// One of them with a piece of another in it, or with other characters.
fn bent() -> BoxedStrategy<String> {
    let piece = (select(URLS), any::<Index>(), any::<Index>());
    let chars = "[a-z0-9:/@\\[\\]\\\\.%?#&=\"'<>{}|^`~!$()*+,;_ -]{0,4}|\\PC{0,4}|[\\x00-\\x1f]";
    (select(URLS), prop::collection::vec((any::<Index>(), any::<Index>(), piece, chars, any::<bool>()), 0..4))
        .prop_map(|(base, cuts)| cuts.into_iter().fold(base.to_owned(), bend))
        .boxed()
}

type Cut = (Index, Index, (&'static str, Index, Index), String, bool);

fn bend(text: String, (from, to, (other, start, end), chars, takes_other): Cut) -> String {
    let all: Vec<char> = text.chars().collect();
    let (from, to) = (from.index(all.len() + 1), to.index(all.len() + 1));
    let (from, to) = (from.min(to), to.min(from + 3).max(from));
    let piece = if takes_other {
        let (start, end) = (start.index(other.len()), end.index(other.len()));
        other[start.min(end)..start.max(end)].to_owned()
    } else {
        chars
    };
    all[..from].iter().copied().chain(piece.chars()).chain(all[to..].iter().copied()).collect()
}

#[test]
fn what_is_taken_is_a_web_address_without_a_user_and_of_nothing_special() {
    let desk = Desk::open(Settings::default());
    let (taken, all) = (Cell::new(0), Cell::new(0));
    let ran = runner(3_000).run(&bent(), |text| {
        all.set(all.get() + 1);
        if !desk.takes(&text) {
            return Ok(());
        }
        taken.set(taken.get() + 1);
        prop_assert!(text.len() <= 2_048 && text.is_ascii());
        let url = Url::parse(&text).unwrap();
        prop_assert!(url.scheme() == "https" && url.username().is_empty() && url.password().is_none());
        match url.host().unwrap() {
            Host::Ipv4(v4) => prop_assert!(!is_special(v4.into()), "{} is {}", text, v4),
            Host::Ipv6(v6) => prop_assert!(!is_special(v6.into()), "{} is {}", text, v6),
            Host::Domain(name) => {
                let name = name.trim_end_matches('.');
                prop_assert!(!name.is_empty() && name.parse::<IpAddr>().is_err(), "{}", text);
            }
        }
        Ok(())
    });
    ran.unwrap();
    let (taken, all) = (taken.get(), all.get());
    println!("{taken} of {all} taken");
    assert!(taken > 0 && taken < all, "the addresses were bent too much, or not at all");
}

fn hostile() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        bent().prop_map(Value::from),
        select(vec![
            "a\u{0}b",
            "job.*",
            "job.succeeded",
            "acme",
            "msg_000000000000000000000000",
            "-1",
            "1970-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999Z",
            "9223372036854775807"
        ])
        .prop_map(Value::from),
        Just(json!("https://example.com/".to_owned() + &"x".repeat(70_000))),
        Just(json!(vec!["job.succeeded"; 5_000])),
    ];
    prop_oneof![4 => leaf.clone(), 1 => prop::collection::vec(leaf, 0..4).prop_map(Value::from)]
}

/// A body with one or two fields otherwise.
fn body(of: Value) -> impl Strategy<Value = Value> {
    let names: Vec<String> = of.as_object().unwrap().keys().cloned().collect();
    prop::collection::vec((select(names), hostile()), 1..3).prop_map(move |changes| {
        let mut body = of.clone();
        changes.into_iter().for_each(|(name, value)| body[name] = value);
        body
    })
}

/// A refusal is the caller's fault, and says something.
fn refused<T>(answer: Result<T, Box<Problem>>) -> Option<T> {
    answer
        .map_err(|problem| {
            assert!((400..500).contains(&problem.status) && !problem.detail.is_empty(), "{problem:?}");
        })
        .ok()
}

#[test]
fn a_bent_body_is_refused_or_taken_and_the_endpoints_can_be_listed() {
    let desk = Desk::open(Settings::default());
    let fine = json!({"url": "https://hooks.example.com/", "events": ["job.failed"]});
    let made = desk.webhooks.create(serde_json::from_value(fine.clone()).unwrap());
    let id = desk.runtime.block_on(made).unwrap().webhook.id;
    let again =
        json!({"delivery": null, "since": "2026-01-01T00:00:00Z", "failed_only": true, "cursor": "1"});
    let strategy = prop_oneof![
        2 => body(json!({"url": "https://hooks.example.com/", "events": ["job.failed"], "workspace": null})),
        1 => body(json!({"overlap_seconds": 5})),
        2 => body(again),
        1 => body(json!({"status": "failed", "since": "2026-01-01T00:00:00Z", "limit": 5, "cursor": "1"})),
    ];
    let made = Cell::new(0);
    let ran = runner(600).run(&strategy, |body| {
        let webhooks = &desk.webhooks;
        if let Ok(body) = serde_json::from_value::<WebhookCreate>(body.clone())
            && let Some(new) = refused(desk.runtime.block_on(webhooks.create(body)))
        {
            made.set(made.get() + 1);
            prop_assert!(desk.takes(&new.webhook.url));
            desk.runtime.block_on(webhooks.delete(new.webhook.id)).unwrap();
        }
        if let Ok(body) = serde_json::from_value::<WebhookRotate>(body.clone()) {
            refused(desk.runtime.block_on(webhooks.rotate(id, body)));
        }
        if let Ok(body) = serde_json::from_value::<WebhookRedeliver>(body.clone()) {
            refused(desk.runtime.block_on(webhooks.redeliver(id, body)));
        }
        if let Ok(query) = serde_json::from_value::<DeliveriesQuery>(body) {
            refused(desk.runtime.block_on(webhooks.deliveries(id, query)));
        }
        Ok(())
    });
    ran.unwrap();
    assert!(made.get() > 0, "no body was ever taken");
    let left = desk.runtime.block_on(desk.webhooks.list()).unwrap();
    assert_eq!(left.iter().map(|webhook| webhook.id).collect::<Vec<_>>(), [id]);
}
