//! An end in order, and what is there afterwards.

use serde_json::json;

use crate::fixture::{DATABASE_URL, Hand, Server, Tenant, guest_database, image, landed, verify, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_streams_and_long_polls_and_loses_nothing() {
    let mut server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let job = tenant.admitted(image(1)).await;
    let lease = hand.one().await;
    let queued = tenant.admitted(image(1)).await;
    let books = tenant.books().await;

    let events = tenant.api.request(reqwest::Method::GET, &format!("/v1/jobs/{job}/events"));
    let mut stream = events.send().await.unwrap();
    stream.chunk().await.unwrap().unwrap();
    let waiting = tokio::join!(
        tenant.api.try_send(tenant.api.request(reqwest::Method::GET, &format!("/v1/jobs/{job}?wait=60"))),
        async {
            crate::fixture::pause_ms(300).await;
            server.terminate(30).await
        }
    );
    assert_eq!(waiting.1.code(), Some(0), "{}", server.log());
    if let Ok(answer) = waiting.0 {
        assert!(matches!(answer.status, 200 | 503), "{}", answer.text());
    }
    within("the stream's end", 10, async { while let Ok(Some(_)) = stream.chunk().await {} }).await;

    let verified = server.verify_folder();
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
    server.up();
    assert_eq!(tenant.books().await, books);
    assert_eq!(tenant.job(&queued).await["status"], "queued");
    hand.complete(&lease, json!([landed(0)])).await.ok(200);
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_answers_waiting_workers_empty_and_running_jobs_keep_their_leases() {
    let mut server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let job = tenant.admitted(image(1)).await;
    let lease = hand.one().await;
    let api = server.worker_api();
    let request = api.request(reqwest::Method::POST, "/v1/worker/leases").json(&hand.lease_body(1, 60));
    let (answer, status) = tokio::join!(api.try_send(request), async {
        crate::fixture::pause_ms(300).await;
        server.terminate(20).await
    });
    assert_eq!(status.code(), Some(0), "{}", server.log());
    let answer = answer.unwrap().ok(200);
    assert_eq!((&answer["leases"], &answer["drain"]), (&json!([]), &json!(true)));
    server.up();
    assert_eq!(tenant.job(&job).await["status"], "running");
    assert_eq!(hand.heartbeat(&[&lease]).await["renewed"], json!([lease]));
    assert_eq!(hand.complete(&lease, json!([landed(0)])).await.ok(200)["attempt"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_told_to_stop_hands_its_job_back() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let worker = server.worker(1);
    let params = json!({"outputs": 1, "width": 32, "height": 32, "sketch": {"slow_ms": 120_000}});
    let job = tenant.admitted(json!({"action": "image.generate", "params": params})).await;
    server.job_is(&job, "running", 30).await;
    let ended = worker.terminate(40).await;
    assert_eq!(ended.and_then(|status| status.code()), Some(0), "{}", server.log());
    let view = server.job_is(&job, "queued", 30).await;
    assert_eq!(view["credits"]["held"], 8, "{view:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_the_same_folder_is_refused() {
    let server = Server::start();
    if server.is_on_postgres() {
        return; // There it stands by: see `postgres::standby`.
    }
    let mut second = server.command("serve");
    second.args(["--listen", "127.0.0.1:0", "--data"]).arg(server.data());
    let output = tokio::task::block_in_place(|| second.output()).unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", server.log());
    server.admin().get("/healthz").await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn port_zero_picks_a_free_port_and_says_which() {
    let server = Server::start();
    let database = guest_database();
    let mut child = server
        .command("serve")
        .envs(database.iter().map(|database| (DATABASE_URL, database.url())))
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(server.data().join("other"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let read = tokio::task::block_in_place(|| {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).map(|_| line)
    });
    let line = read.unwrap();
    let url = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("`{line}`")).trim();
    let api = crate::fixture::Api::new(url, "x").with_key(None);
    assert_eq!(api.get("/healthz").await.ok(200)["status"], "ok");
    child.kill().unwrap();
    child.wait().unwrap();
}
