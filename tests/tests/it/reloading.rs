//! Other settings while the server runs.

use serde_json::{Value, json};

use crate::fixture::{Api, Hand, Server, Tenant, eventually, image, landed, lease_of, verify};

fn jobs_of(leases: &[Value]) -> Vec<String> {
    leases.iter().map(|lease| lease["job"].as_str().unwrap().to_owned()).collect()
}

fn cap(running_max: u32) -> String {
    format!("[tiers.free]\nrunning_max = {running_max}\n")
}

async fn reload(api: &Api) -> crate::fixture::Answer {
    api.post("/v1/reload", json!({})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_puts_a_new_running_cap_in_force_and_jobs_stay_in_order() {
    let server = Server::configured(&cap(2));
    let tenant = Tenant::with_credits(&server.admin(), "acme", 1_000).await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let mut jobs = Vec::new();
    for _ in 0..6 {
        jobs.push(tenant.admitted(image(1)).await);
    }
    let first = hand.lease(6, 10).await;
    assert_eq!(jobs_of(&first), jobs[..2]);
    assert!(hand.lease(6, 0).await.is_empty(), "two run at once");
    assert_eq!(tenant.job(&jobs[2]).await["queue"]["waiting_for"], "workspace_limit");

    server.configure(&cap(5));
    // A worker that waits hears of it at once.
    let (next, ()) = tokio::join!(hand.lease(6, 30), async {
        crate::fixture::pause_ms(200).await;
        server.hang_up();
    });
    let mut leases = next;
    while leases.len() < 3 {
        leases.extend(hand.lease(6, 30).await);
    }
    assert_eq!(jobs_of(&leases), jobs[2..5]);
    assert!(hand.lease(6, 0).await.is_empty(), "five run at once");
    assert_eq!(tenant.view().await["max_concurrent"], 5);

    // Down again: nothing is taken away, and nothing starts before there is room.
    server.configure(&cap(1));
    assert_eq!(reload(&server.admin()).await.ok(200), json!({"applied": ["tiers"], "needs_restart": []}));
    for lease in first.iter().chain(&leases) {
        assert!(hand.lease(6, 0).await.is_empty(), "still more than one run");
        hand.complete(&lease_of(lease), json!([landed(0)])).await.ok(200);
    }
    assert_eq!(jobs_of(&hand.lease(6, 10).await), jobs[5..]);
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_that_is_wrong_changes_nothing_and_says_why() {
    let server = Server::configured(&cap(2));
    let api = server.admin();
    let tenant = Tenant::with_credits(&api, "acme", 100).await;
    for (text, word) in [
        ("[tiers.free]\nrunning_maxx = 9\n", "running_maxx"),
        ("[tiers.free]\nfloor_permille = 900\n", "floors"),
        ("[tiers.free", "reeve.toml"),
    ] {
        server.configure(text);
        let problem = reload(&api).await.problem(422, "invalid_request");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{problem}");
        assert_eq!(tenant.view().await["max_concurrent"], 2);
    }
    server.hang_up();
    eventually("the log says why", 20, || async { server.log().contains("is not reloaded").then_some(()) })
        .await;
    assert_eq!(tenant.view().await["max_concurrent"], 2);

    server.configure("[tiers.free]\nqueued_max = 1\n[cache]\nintro_bytes_max = 1000000\n");
    let report = reload(&api).await.ok(200);
    assert_eq!(report, json!({"applied": ["tiers"], "needs_restart": ["cache"]}));
    tenant.admitted(image(1)).await;
    tenant.submit(image(1)).await.problem(429, "queue_full");
    reload(&server.worker_api()).await.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_of_ones_own_or_of_the_plan_stands_above_and_below_the_tiers_over_a_reload() {
    let tier = |running_max: u32| format!("[tiers.standard]\nrunning_max = {running_max}\n");
    let server = Server::configured(&tier(2));
    let api = server.admin();
    let open =
        async |id: &str| Tenant::open(&api, json!({"id": id, "catalog": "kira", "plan": "plus"})).await;
    let (plain, own) = (open("plain").await, open("own").await);
    let asked = api.patch(&own.path(""), json!({"max_concurrent": 3})).await.ok(200);
    assert_eq!(asked["max_concurrent"], 3);
    // A plan with a cap of its own, in the same tier.
    let text = include_str!("../../../config/catalogs/kira.toml").replace("version = 1\n", "version = 2\n");
    let text = text.replace("tier = \"standard\"\n", "tier = \"standard\"\nmax_concurrent = 1\n");
    let put = api.request(reqwest::Method::PUT, "/v1/catalogs/kira");
    api.send(put.header("Content-Type", "application/toml").body(text)).await.ok(200);
    let planned = open("planned").await;
    let caps = async || {
        let mut caps = Vec::new();
        for tenant in [&plain, &own, &planned] {
            caps.push(tenant.view().await["max_concurrent"].as_u64().unwrap());
        }
        caps
    };
    assert_eq!(caps().await, [2, 3, 1]);
    server.configure(&tier(5));
    assert_eq!(reload(&api).await.ok(200)["applied"], json!(["tiers"]));
    assert_eq!(caps().await, [5, 3, 1], "only who has no cap of its own follows the tier");

    // The queue and the decisions go by the same.
    let hand = Hand::new(&server.worker_api(), "hand");
    let count = async |tenant: &Tenant, most: usize| {
        for _ in 0..6 {
            tenant.admitted(json!({"action": "image.edit", "params": {}})).await;
        }
        let mut leases = Vec::new();
        while leases.len() < most {
            leases.extend(hand.lease(6, 30).await);
        }
        leases.extend(hand.lease(6, 0).await);
        leases.len()
    };
    assert_eq!(count(&plain, 5).await, 5);
    assert_eq!(count(&own, 3).await, 3);
    assert_eq!(count(&planned, 1).await, 1);

    // Taken back, the plan's cap holds, and without one the tier's.
    for (tenant, cap) in [(&own, 5), (&planned, 1)] {
        let asked = api.patch(&tenant.path(""), json!({"max_concurrent": 4})).await.ok(200);
        assert_eq!(asked["max_concurrent"], 4);
        let cleared = api.patch(&tenant.path(""), json!({"max_concurrent": null})).await.ok(200);
        assert_eq!(cleared["max_concurrent"], cap);
    }
    verify(&api).await;
}
