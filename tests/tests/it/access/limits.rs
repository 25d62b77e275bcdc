//! How many requests are taken, from a key and from an address.

use serde_json::json;

use super::{key, key_of};
use crate::fixture::{Answer, Server, Tenant, eventually};

fn waits(answer: &Answer) -> u64 {
    let problem = answer.problem(429, "rate_limited");
    let header: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(problem["retry_after_seconds"], header);
    assert!(header >= 1);
    header
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_makes_as_many_requests_as_it_may_and_is_told_how_it_stands() {
    // So slow that nothing comes back while the test runs.
    let bounds = [("REEVE__LIMITS__WORKSPACE_PER_SECOND", "1"), ("REEVE__LIMITS__WORKSPACE_BURST", "100")];
    let server = Server::with(&bounds);
    let admin = server.admin();
    Tenant::large(&admin, "acme").await;
    let (_, secret) = key_of(&admin, "acme").await;
    let app = admin.with_key(Some(&secret));
    let mut left = 100;
    for path in ["/v1/workspaces/acme", "/v1/workspaces/nobodys", "/v1/keys", "/v1/jobs/job_0"] {
        let answer = app.get(path).await;
        assert_eq!(answer.header("ratelimit-policy"), Some("\"key\";q=100;w=100"), "{path}");
        let said = answer.header("ratelimit").unwrap().strip_prefix("\"key\";r=").unwrap();
        left = said.split(';').next().unwrap().parse::<u32>().unwrap();
    }
    assert!(left <= 98, "refusals count too: {left}");
    let (_, other) = key_of(&admin, "acme").await;
    let spent = eventually("the bound", 30, || async {
        let answer = app.get("/v1/workspaces/acme").await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    waits(&spent);
    assert!(spent.header("ratelimit").unwrap().starts_with("\"key\";r=0;t="));
    // Nobody else pays for it, and admin and worker keys have no bound unless they are given one.
    admin.with_key(Some(&other)).get("/v1/workspaces/acme").await.ok(200);
    let answer = admin.get("/v1/workspaces/acme").await;
    assert_eq!((answer.status, answer.header("ratelimit")), (200, None));
    let beat = json!({"worker": "w", "session": "s", "leases": []});
    assert_eq!(server.worker_api().post("/v1/worker/heartbeat", beat).await.header("ratelimit"), None);
    let text = admin.get("/metrics").await.text();
    let page = String::from_utf8_lossy(&admin.get("/metrics").await.body).into_owned();
    assert!(page.contains("reeve_requests_limited_total{by=\"key\"} "), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_may_have_a_bound_of_its_own() {
    let server = Server::start();
    let admin = server.admin();
    Tenant::large(&admin, "acme").await;
    let made = async |body| admin.with_key(Some(&key(&admin, body).await.1));
    let tight = made(json!({"role": "admin", "rate_per_second": 1, "burst": 2})).await;
    let free = made(json!({"role": "workspace", "workspace": "acme", "rate_per_second": 0})).await;
    assert_eq!(free.get("/v1/workspaces/acme").await.header("ratelimit-policy"), None);
    let refused = eventually("the bound", 30, || async {
        let answer = tight.get("/v1/workspaces").await;
        assert_eq!(answer.header("ratelimit-policy"), Some("\"key\";q=2;w=2"));
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert_eq!(waits(&refused), 1);
    eventually("another second", 30, || async {
        (tight.get("/v1/workspaces").await.status == 200).then_some(())
    })
    .await;
    for (body, pointer) in [
        (json!({"role": "admin", "burst": 2}), "/burst"),
        (json!({"role": "admin", "rate_per_second": 5, "burst": 0}), "/burst"),
        (json!({"role": "admin", "rate_per_second": 1_000_001}), "/rate_per_second"),
    ] {
        let problem = admin.post("/v1/keys", body).await.problem(422, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_guesses_keys_is_slowed_down_and_its_right_guess_does_not_show() {
    let bounds = [("REEVE__LIMITS__UNKNOWN_PER_SECOND", "1"), ("REEVE__LIMITS__UNKNOWN_BURST", "5")];
    let server = Server::with(&bounds);
    let admin = server.admin();
    let (_, fresh) = key(&admin, json!({"role": "admin"})).await;
    let guess = async |n: usize| admin.with_key(Some(&format!("guess-{n}"))).get("/v1/workspaces").await;
    let mut refused = 0;
    for n in 0..40 {
        let answer = guess(n).await;
        match answer.status {
            401 => assert_eq!(answer.header("www-authenticate"), Some("Bearer")),
            _ => {
                waits(&answer);
                refused += 1;
            }
        }
    }
    assert!(refused >= 20, "{refused} of 40");
    // The key that was used from here before still opens.
    admin.get("/v1/workspaces").await.ok(200);
    let page = String::from_utf8_lossy(&admin.get("/metrics").await.body).into_owned();
    assert!(page.contains("reeve_requests_limited_total{by=\"address\"} "), "{page}");
    // A right guess looks like a wrong one for as long as the wrong ones go on.
    let right = admin.with_key(Some(&fresh));
    let mut hidden = false;
    for n in 0..50 {
        if guess(n).await.status == 429 && right.get("/v1/workspaces").await.status == 429 {
            hidden = true;
            break;
        }
    }
    assert!(hidden);
    eventually("a share again", 30, || async {
        (right.get("/v1/workspaces").await.status == 200).then_some(())
    })
    .await;
    // Open routes ask for no key and count for nobody.
    assert_eq!(admin.with_key(None).get("/healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_bounds_and_proxies_are_in_force_after_a_reload() {
    let bound = |burst: u32| format!("[limits]\nworkspace_per_second = 1\nworkspace_burst = {burst}\n");
    let server = Server::configured(&bound(50));
    let admin = server.admin();
    Tenant::large(&admin, "acme").await;
    let app = admin.with_key(Some(&key_of(&admin, "acme").await.1));
    let policy = async || app.get("/v1/workspaces/acme").await.header("ratelimit-policy").map(str::to_owned);
    let reload = async || admin.post("/v1/reload", json!({})).await;
    assert_eq!(policy().await.as_deref(), Some("\"key\";q=50;w=50"));
    server.configure(&bound(70));
    assert_eq!(reload().await.ok(200), json!({"applied": ["limits"], "needs_restart": []}));
    assert_eq!(policy().await.as_deref(), Some("\"key\";q=70;w=70"));
    server.configure("[limits]\ntrusted_proxies = [\"next door\"]\n");
    let refused = reload().await.problem(422, "invalid_request");
    assert!(refused["detail"].as_str().unwrap().contains("limits.trusted_proxies"), "{refused}");
    assert_eq!(policy().await.as_deref(), Some("\"key\";q=70;w=70"), "nothing changed");

    let guess = async |from: &str| {
        let request = admin.with_key(Some("guess")).request(reqwest::Method::GET, "/v1/workspaces");
        admin.send(request.header("X-Forwarded-For", from)).await.status
    };
    let tight = "[limits]\nunknown_per_second = 1\nunknown_burst = 3\n";
    let bar = async |from: &str| {
        for _ in 0..4 {
            guess(from).await;
        }
        guess(from).await
    };
    // Nobody is believed: a guesser that says it is somebody else is still the same.
    server.configure(tight);
    reload().await.ok(200);
    assert_eq!(bar("198.51.100.1").await, 429);
    assert_eq!(guess("198.51.100.2").await, 429);
    server.configure(&format!("{tight}trusted_proxies = [\"127.0.0.0/8\"]\n"));
    reload().await.ok(200);
    assert_eq!(bar("198.51.100.3").await, 429);
    assert_eq!(guess("198.51.100.4").await, 401);
    assert_eq!(guess("198.51.100.4, 198.51.100.3").await, 429, "what the caller wrote is not looked at");
}
