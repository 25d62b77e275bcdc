//! What arrives, where, and signed by whom.

use serde_json::json;

use super::receiver::Delivery;
use super::{ALLOWED, Hook, Receiver, Reply, performed};
use crate::fixture::{Server, Tenant, eventually, image, now_ms, verify};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_arrive_signed_and_only_where_they_belong() {
    let server = Server::with(&ALLOWED);
    let api = server.admin();
    let [all, others, done] = [Receiver::start().await, Receiver::start().await, Receiver::start().await];
    let hook = Hook::add(&api, json!({"url": all.url})).await;
    let acme = Tenant::with_credits(&api, "acme", 100).await;
    let other = Tenant::with_credits(&api, "other", 100).await;
    let of_other = Hook::add(&api, json!({"url": others.url, "workspace": "other"})).await;
    Hook::add(&api, json!({"url": done.url, "events": ["job.succeeded"], "workspace": "acme"})).await;
    let job = performed(&server, &acme).await;
    other.give(5).await;

    let succeeded = all.hears_of("job.succeeded", 20).await;
    assert_eq!(succeeded.path, "/hook?a=b");
    assert_eq!(succeeded.signed_with(&hook.secret), 1, "{succeeded:?}");
    assert_eq!(succeeded.signed_with(&of_other.secret), 0);
    assert!((succeeded.seconds - now_ms() / 1_000).abs() < 120);
    let data = &succeeded.body["data"];
    assert_eq!((&data["workspace"], &data["job"]), (&json!("acme"), &json!(job)));
    assert_eq!((&data["status"], &data["attempt"]), (&json!("succeeded"), &json!(1)));
    assert_eq!((&data["action"], &data["metadata"]), (&json!("image.generate"), &json!({"order": 7})));
    assert_eq!(data["credits"], json!({"quoted": 8, "settled": 8, "released": 0}));
    assert!(!succeeded.raw.contains("lighthouse"), "no prompt leaves: {}", succeeded.raw);
    let started = all.hears_of("job.started", 20).await;
    // Eight are under way at once, so that a later event may arrive first: their instants have the order.
    let granted = eventually("a grant of acme's opening", 20, || async {
        let of_acme =
            |one: &Delivery| one.kind() == "credits.granted" && one.body["data"]["workspace"] == "acme";
        all.heard().into_iter().find(of_acme)
    })
    .await;
    let instants = [&granted, &started, &succeeded].map(|one| one.body["timestamp"].as_str().unwrap());
    assert!(instants.is_sorted(), "{instants:?}");
    assert_eq!(started.body["data"]["credits"], json!({"quoted": 8, "settled": null, "released": null}));

    // Two grants of its opening came before it was registered; the gift came after.
    let gift = others.hears(1, 20).await;
    assert_eq!(others.kinds(), ["credits.granted"], "{gift:?}");
    assert_eq!(gift[0].body["data"]["workspace"], "other");
    done.hears(1, 20).await;
    assert_eq!(done.kinds(), ["job.succeeded"]);
    assert_eq!(done.heard()[0].id, succeeded.id, "one event has one id");

    eventually("a whole log", 20, || async {
        let log = hook.log().await;
        (log.len() == all.ids().len() && log.iter().all(|one| one["status"] == "delivered")).then_some(())
    })
    .await;
    let metrics = String::from_utf8(api.get("/metrics").await.body.to_vec()).unwrap();
    assert!(metrics.contains("reeve_webhook_tries_total{result=\"delivered\"}"), "{metrics}");
    verify(&api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jobs_own_address_hears_of_that_job_under_its_workspaces_secret() {
    let server = Server::with(&ALLOWED);
    let api = server.admin();
    let receiver = Receiver::start().await;
    let acme = Tenant::with_credits(&api, "acme", 100).await;
    let made = api.post(&acme.path("/job_webhooks/rotate"), json!({})).await.ok(200);
    let secret = made["secret"].as_str().unwrap();
    let mut body = image(1);
    body["webhook"] = json!(receiver.url);
    let job = acme.admitted(body.clone()).await;
    acme.admitted(image(1)).await;
    acme.cancel(&job).await.ok(200);
    let heard = receiver.hears(1, 20).await;
    assert_eq!(receiver.kinds(), ["job.cancelled"]);
    assert_eq!(heard[0].body["data"]["job"], json!(job));
    assert_eq!(heard[0].signed_with(secret), 1);
    let path = format!("/v1/webhooks/{}/deliveries", made["webhook"]["id"].as_str().unwrap());
    eventually("a log", 20, || async {
        let log = api.get(&path).await.ok(200);
        (log["data"][0]["status"] == "delivered" && log["data"][0]["url"] == json!(receiver.url))
            .then_some(())
    })
    .await;
    assert_eq!(api.get("/v1/webhooks").await.ok(200)["data"], json!([]), "it is nobody's endpoint");
    // One that is gone is no reason to forget the others.
    receiver.answers(|_| Reply::Status(410));
    for _ in 0..2 {
        let job = acme.admitted(body.clone()).await;
        acme.cancel(&job).await.ok(200);
    }
    receiver.hears(3, 20).await;
    body["webhook"] = json!("http://user:pass@127.0.0.1/");
    acme.submit(body).await.problem(422, "invalid_request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_secrets_sign_while_one_replaces_the_other() {
    let server = Server::at_with("2026-03-01T00:00:00Z", &ALLOWED);
    let api = server.admin();
    let receiver = Receiver::start().await;
    let hook = Hook::add(&api, json!({"url": receiver.url})).await;
    let rotated = api.post(&hook.path("/rotate"), json!({"overlap_seconds": 3_600})).await.ok(200);
    let secret = rotated["secret"].as_str().unwrap().to_owned();
    assert_ne!(secret, hook.secret);
    assert_eq!(rotated["webhook"]["old_secret_until"], "2026-03-01T01:00:00.000Z");
    api.post(&hook.path("/test"), json!({})).await.ok(202);
    let both = receiver.hears(1, 20).await.remove(0);
    assert_eq!(both.kind(), "webhook.test");
    assert_eq!((both.signed_with(&secret), both.signed_with(&hook.secret)), (1, 1), "{both:?}");
    // The world's clock, not the one that stands: receivers compare it with theirs.
    assert!((both.seconds - now_ms() / 1_000).abs() < 120);
    api.clock("2026-03-01T01:00:00Z").await;
    api.post(&hook.path("/test"), json!({})).await.ok(202);
    let one = receiver.hears(2, 20).await.remove(1);
    assert_eq!((one.signed_with(&secret), one.signed_with(&hook.secret)), (1, 0));
    let listed = api.get("/v1/webhooks").await;
    assert!(!listed.text().contains("whsec_") && !listed.text().contains(&secret[6..]));
    let log = std::fs::read_to_string(server.folder().join("log")).unwrap();
    assert!(!log.contains(&secret[6..]), "a secret is in the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_where_it_must_not_go() {
    // Plain http, so that a receiver on this machine could be reached; its address is not allowed.
    let server = Server::with(&[("REEVE__WEBHOOKS__ALLOW_HTTP", "true")]);
    let api = server.admin();
    let receiver = Receiver::start().await;
    for (body, pointer) in [
        (json!({"url": receiver.url}), "/url"),
        (json!({"url": "http://169.254.169.254/latest"}), "/url"),
        (json!({"url": "http://[::ffff:10.0.0.1]/"}), "/url"),
        (json!({"url": "http://0x7f000001/"}), "/url"),
        (json!({"url": "ftp://example.com/"}), "/url"),
        (json!({"url": "https://user@example.com/"}), "/url"),
        (json!({"url": "https://example.com/", "events": ["job.exploded"]}), "/events/0"),
        (json!({"url": "https://example.com/", "workspace": "nobody"}), "/workspace"),
    ] {
        let problem = api.post("/v1/webhooks", body).await.problem(422, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    // A name says nothing until it is looked up, which each try does.
    let hook = Hook::add(&api, json!({"url": format!("http://localhost:{}/", receiver.port)})).await;
    api.post(&hook.path("/test"), json!({})).await.ok(202);
    let error = eventually("a refused try", 20, || async {
        hook.log().await.first().and_then(|one| one["last_error"].as_str().map(str::to_owned))
    })
    .await;
    assert!(error.contains("refused") && error.contains("loopback"), "{error}");
    assert_eq!(receiver.heard().len(), 0);
    let strict = Server::start();
    let plain = json!({"url": "http://example.com/"});
    strict.admin().post("/v1/webhooks", plain).await.problem(422, "invalid_request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_are_listed_tested_and_removed_also_from_the_command_line() {
    let server = Server::with(&ALLOWED);
    let api = server.admin();
    let receiver = Receiver::start().await;
    let reeve = |args: &[&str]| {
        let mut command = server.command("webhook");
        command.args(args).env("REEVE_URL", &server.url).env("REEVE_KEY", admin_key());
        let output = command.stdout(std::process::Stdio::piped()).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let (ok, secret) = reeve(&["add", &receiver.url, "--events", "credits.low,job.failed"]);
    assert!(ok && secret.starts_with("whsec_"), "{secret}");
    let listed = api.get("/v1/webhooks").await.ok(200);
    let id = listed["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(listed["data"][0]["events"], json!(["credits.low", "job.failed"]));
    assert!(reeve(&["test", &id]).0);
    let heard = receiver.hears(1, 20).await;
    assert_eq!(heard[0].signed_with(secret.trim()), 1);
    let shown = eventually("a delivery in the log", 20, || async {
        let (_, shown) = reeve(&["deliveries", &id]);
        shown.contains("delivered").then_some(shown)
    })
    .await;
    assert!(shown.contains("webhook.test"), "{shown}");
    assert!(reeve(&["redeliver", &id, "--delivery", &heard[0].id]).0);
    let again = receiver.hears(2, 20).await;
    assert_eq!((&again[1].id, &again[1].raw), (&heard[0].id, &heard[0].raw), "the same, said again");
    let (ok, rotated) = reeve(&["rotate", &id]);
    assert!(ok && rotated.starts_with("whsec_") && rotated != secret);
    assert!(reeve(&["list"]).1.contains(&id));
    assert!(reeve(&["remove", &id]).0);
    assert!(!reeve(&["remove", &id]).0, "it is gone");
    api.get(&format!("/v1/webhooks/{id}")).await.problem(404, "not_found");
    server.worker_api().get("/v1/webhooks").await.problem(403, "forbidden");
}

fn admin_key() -> &'static str {
    "admin-key-of-the-tests-0123456789abcdef"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_is_told_to_those_who_ask_for_it_by_name() {
    let server = Server::with(&ALLOWED);
    let api = server.admin();
    let [asks, not] = [Receiver::start().await, Receiver::start().await];
    Hook::add(&api, json!({"url": asks.url, "events": ["job.progress"]})).await;
    Hook::add(&api, json!({"url": not.url})).await;
    let acme = Tenant::with_credits(&api, "acme", 100).await;
    let hand = crate::fixture::Hand::new(&server.worker_api(), "hand");
    let job = acme.admitted(image(1)).await;
    let lease = hand.one().await;
    // Who asks is looked up every two seconds; reports before that are nobody's.
    eventually("progress", 20, || async {
        hand.progress(&lease, 0.5).await.ok(200);
        (!asks.heard().is_empty()).then_some(())
    })
    .await;
    for _ in 0..20 {
        hand.progress(&lease, 0.6).await.ok(200);
    }
    let heard = asks.heard();
    assert_eq!(heard[0].body["data"]["progress"]["fraction"], json!(0.5));
    assert_eq!(heard[0].body["data"]["job"], json!(job));
    assert!(heard.len() <= 3, "at most one in five seconds: {}", heard.len());
    assert!(!not.kinds().contains(&"job.progress".to_owned()));
}
