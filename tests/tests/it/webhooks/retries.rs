//! Receivers that fail, ask for time, or are gone: on a clock that is moved by hand.

use serde_json::{Value, json};

use super::{ALLOWED, Hook, Receiver, Reply};
use crate::fixture::{Api, Server, Tenant, eventually};

/// Waits until the newest delivery was tried so often.
async fn tried(hook: &Hook, tries: u64) -> Value {
    eventually(&format!("{tries} tries"), 20, || async {
        let log = hook.log().await;
        log.first().filter(|one| one["attempts"] == tries).cloned()
    })
    .await
}

async fn advance(api: &Api, seconds: i64) {
    api.post("/v1/clock", json!({"advance_seconds": seconds})).await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_fails_is_tried_again_under_the_same_id_when_it_is_due() {
    let server = Server::at_with("2026-03-01T00:00:00Z", &ALLOWED);
    let api = server.admin();
    let receiver = Receiver::start().await;
    let hook = Hook::add(&api, json!({"url": receiver.url})).await;
    let mut answers = vec![
        Reply::Status(500),
        Reply::With(503, "retry-after: 600\r\n"),
        Reply::With(302, "location: /x\r\n"),
    ];
    answers.reverse();
    receiver.answers(move |_| answers.pop().unwrap_or(Reply::Status(200)));
    api.post(&hook.path("/test"), json!({})).await.ok(202);

    let first = tried(&hook, 1).await;
    assert_eq!((&first["status"], &first["last_status"]), (&json!("pending"), &json!(500)));
    assert_eq!(first["last_response"], "so it is");
    let due = first["next_attempt_at"].as_str().unwrap();
    assert!(("2026-03-01T00:00:05.000Z"..="2026-03-01T00:00:06.000Z").contains(&due), "{due}");
    advance(&api, 4).await;
    crate::fixture::pause_ms(300).await;
    assert_eq!(receiver.heard().len(), 1, "it is not due yet");
    advance(&api, 2).await;
    let second = tried(&hook, 2).await;
    let due = second["next_attempt_at"].as_str().unwrap();
    assert_eq!(due, "2026-03-01T00:10:06.000Z", "what the receiver asked for");
    advance(&api, 600).await;
    let third = tried(&hook, 3).await;
    assert!(third["last_error"].as_str().unwrap().contains("redirects are not followed"), "{third}");
    assert!(hook.view().await["failing_since"].is_string());
    advance(&api, 300).await;
    let last = tried(&hook, 4).await;
    assert_eq!((&last["status"], &last["next_attempt_at"]), (&json!("delivered"), &Value::Null));
    assert_eq!(hook.view().await["failing_since"], Value::Null);
    let heard = receiver.heard();
    assert_eq!(heard.len(), 4);
    assert!(heard.iter().all(|one| one.id == last["id"] && one.raw == heard[0].raw), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_never_answers_well_is_given_up_and_after_days_disabled() {
    let server = Server::at_with("2026-03-01T00:00:00Z", &ALLOWED);
    let api = server.admin();
    let receiver = Receiver::start().await;
    let hook = Hook::add(&api, json!({"url": receiver.url})).await;
    receiver.answers(|_| Reply::Status(500));
    api.post(&hook.path("/test"), json!({})).await.ok(202);
    for tries in 1..11 {
        tried(&hook, tries).await;
        advance(&api, 10 * 3_600).await;
    }
    let given_up = tried(&hook, 11).await;
    assert_eq!((&given_up["status"], &given_up["next_attempt_at"]), (&json!("failed"), &Value::Null));
    assert_eq!(hook.view().await["disabled_at"], Value::Null, "four days are not five");
    advance(&api, 2 * 86_400).await;
    api.post(&hook.path("/test"), json!({})).await.ok(202);
    let view = eventually("the endpoint to be disabled", 20, || async {
        let view = hook.view().await;
        view["disabled_at"].is_string().then_some(view)
    })
    .await;
    assert!(view["disabled_reason"].as_str().unwrap().contains("five days"), "{view}");
    api.post(&hook.path("/redeliver"), json!({"since": "2026-03-01T00:00:00Z"}))
        .await
        .problem(409, "conflict");

    receiver.answers(|_| Reply::Status(200));
    receiver.forget();
    api.post(&hook.path("/enable"), json!({})).await.ok(200);
    // The second one was pending when it was disabled, and goes on; the first one was given up.
    advance(&api, 10).await;
    receiver.hears(1, 20).await;
    let again = json!({"since": "2026-03-01T00:00:00Z", "failed_only": true});
    assert_eq!(hook.redeliver(again.clone()).await, 1);
    let heard = receiver.hears(2, 20).await;
    assert_eq!(json!(heard[1].id), given_up["id"]);
    eventually("nothing that failed", 20, || async {
        hook.log().await.iter().all(|one| one["status"] == "delivered").then_some(())
    })
    .await;
    assert_eq!(hook.redeliver(again).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_gone_hears_nothing_until_it_is_enabled_and_then_what_it_missed() {
    let server = Server::with(&ALLOWED);
    let api = server.admin();
    let receiver = Receiver::start().await;
    let acme = Tenant::with_credits(&api, "acme", 10).await;
    let hook = Hook::add(&api, json!({"url": receiver.url, "events": ["credits.granted"]})).await;
    receiver.answers(|_| Reply::Status(410));
    acme.give(1).await;
    let view = eventually("the endpoint to be disabled", 20, || async {
        let view = hook.view().await;
        view["disabled_at"].is_string().then_some(view)
    })
    .await;
    assert!(view["disabled_reason"].as_str().unwrap().contains("410"));
    acme.give(2).await;
    crate::fixture::pause_ms(400).await;
    assert_eq!(receiver.heard().len(), 1, "it is called no more");
    api.post(&hook.path("/test"), json!({})).await.problem(409, "conflict");

    receiver.answers(|_| Reply::Status(200));
    api.post(&hook.path("/enable"), json!({})).await.ok(200);
    acme.give(3).await;
    receiver.hears(2, 20).await;
    assert_eq!(hook.redeliver(json!({"since": "2026-01-01T00:00:00Z"})).await, 3);
    eventually("every gift, the missed one too", 20, || async { (receiver.ids().len() == 3).then_some(()) })
        .await;
    let none = json!({"delivery": "msg_000000000000000000000000"});
    api.post(&hook.path("/redeliver"), none).await.problem(404, "not_found");
    api.post(&hook.path("/redeliver"), json!({})).await.problem(422, "invalid_request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_old_is_removed_the_events_before_the_log() {
    let server = Server::at_with("2026-03-01T00:00:00Z", &ALLOWED);
    let api = server.admin();
    let receiver = Receiver::start().await;
    let hook = Hook::add(&api, json!({"url": receiver.url})).await;
    for _ in 0..3 {
        api.post(&hook.path("/test"), json!({})).await.ok(202);
    }
    receiver.hears(3, 20).await;
    let since = json!({"since": "2026-02-28T00:00:00Z"});
    assert_eq!(hook.redeliver(since.clone()).await, 3);
    receiver.hears(6, 20).await;
    advance(&api, 8 * 86_400).await;
    // Asking makes deliveries due, and their events are kept for them: so not too often, and with a minute in between,
    // after which the server looks again.
    eventually("an empty outbox", 60, || async {
        crate::fixture::pause_ms(500).await;
        advance(&api, 61).await;
        crate::fixture::pause_ms(500).await;
        (hook.redeliver(since.clone()).await == 0).then_some(())
    })
    .await;
    let log = hook.log().await;
    assert_eq!(log.len(), 3, "the log stays");
    let gone = json!({"delivery": log[0]["id"]});
    api.post(&hook.path("/redeliver"), gone).await.problem(409, "conflict");
    advance(&api, 23 * 86_400).await;
    eventually("an empty log", 20, || async { hook.log().await.is_empty().then_some(()) }).await;
}
