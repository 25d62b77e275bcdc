//! SIGKILL in the middle of deliveries, and receivers that hold up nobody but themselves.

use std::collections::BTreeSet;

use serde_json::json;

use super::{ALLOWED, Hook, Receiver, Reply};
use crate::fixture::{Server, Tenant, eventually, pause_ms, spawn, verify};

/// Gifts of one run: each is one event.
const GIFTS: usize = 500;
const GIVERS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_of_deliveries_loses_none() {
    let mut server = Server::with(&ALLOWED);
    let api = server.admin();
    let receiver = Receiver::start().await;
    let acme = Tenant::with_credits(&api, "acme", 10).await;
    Hook::add(&api, json!({"url": receiver.url, "events": ["credits.granted"]})).await;
    // Eight at a time: some six seconds for all, of which the kills take a part.
    receiver.answers(|_| Reply::Late(100));
    let givers: Vec<_> = (0..GIVERS)
        .map(|_| {
            let acme = acme.clone();
            spawn(async move {
                for _ in 0..GIFTS / GIVERS {
                    acme.give(1).await;
                }
            })
        })
        .collect();
    for giver in givers {
        giver.await.unwrap();
    }
    for heard in [60, 200] {
        eventually("some deliveries", 60, || async { (receiver.ids().len() >= heard).then_some(()) }).await;
        assert!(receiver.ids().len() < GIFTS, "it was to be killed in the middle");
        server.restart();
    }
    let ids = eventually("every delivery", 60, || async {
        let ids = receiver.ids();
        (ids.len() >= GIFTS).then_some(ids)
    })
    .await;
    assert_eq!(ids.len(), GIFTS, "and no event that did not happen");
    let heard = receiver.heard();
    let bodies: BTreeSet<_> = heard.iter().map(|one| (one.id.clone(), one.raw.clone())).collect();
    assert_eq!(bodies.len(), GIFTS, "a delivery that comes twice is the same twice");
    assert!(heard.len() < GIFTS + 100, "few come twice: {}", heard.len() - GIFTS);
    verify(&server.admin()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_hangs_holds_up_no_other_one() {
    let mut settings = ALLOWED.to_vec();
    settings.push(("REEVE__WEBHOOKS__TIMEOUT_MS", "20000"));
    let server = Server::with(&settings);
    let api = server.admin();
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    slow.answers(|_| Reply::Hang);
    for receiver in [&slow, &quick] {
        Hook::add(&api, json!({"url": receiver.url, "events": ["credits.granted"]})).await;
    }
    let acme = Tenant::with_credits(&api, "acme", 10).await;
    for _ in 0..40 {
        acme.give(1).await;
    }
    // The opening has grants of its own.
    quick.hears(41, 15).await;
    pause_ms(200).await;
    assert_eq!((slow.heard().len(), slow.open_max()), (8, 8), "eight at once, and no more until they end");
    assert!(quick.open_max() <= 8);
    verify(&api).await;
}
