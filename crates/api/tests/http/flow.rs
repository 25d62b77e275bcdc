//! The life of a job over the wire, and what can be read of it.

use reqwest::Method;
use serde_json::json;

use crate::server::{ADMIN, Answer, Server, TENANT, WORKER};

#[tokio::test]
async fn a_job_runs_lands_and_is_charged_for_what_landed() {
    let server = Server::start();
    server.workspace("w").await;
    let before = server.get("/v1/workspaces/w/balance").await.json["available"].as_f64().unwrap();
    let job = server.submit("w").await;
    let queued = server.get(&format!("/v1/jobs/{job}")).await.json;
    assert_eq!(
        (&queued["status"], &queued["credits"]["held"]),
        (&json!("queued"), &queued["credits"]["quoted"])
    );
    let lease = server.lease().await;
    assert_eq!(lease["job"], job.as_str());
    let id = lease["lease"].as_str().unwrap();
    let heard = server
        .work(&format!("/v1/worker/leases/{id}/progress"), json!({"fraction": 0.5, "stage": "bands"}))
        .await;
    assert_eq!((heard.status, &heard.json["cancel"]), (200, &json!(false)));
    let output = format!("/v1/jobs/{job}/outputs/0");
    assert_eq!(server.get(&output).await.code(), (404, "not_found"), "nothing is readable before the close");
    let done = server.complete(&lease, b"0123456789").await;
    assert_eq!((done.status, &done.json["status"]), (200, &json!("succeeded")), "{:?}", done.json);
    assert_eq!(done.json["credits"]["settled"], queued["credits"]["quoted"]);
    assert_eq!(done.json["outputs"][0]["url"], output.as_str());
    let price = queued["credits"]["quoted"].as_f64().unwrap();
    let after = server.get("/v1/workspaces/w/balance").await.json;
    assert_eq!(after["available"].as_f64().unwrap(), before - price);
    assert_eq!((after["spent_shown"].as_f64().unwrap(), &after["held"]), (price, &json!(0)));
    let receipt = server.get(&format!("/v1/jobs/{job}/receipt")).await.json;
    assert_eq!(receipt["lots"][0]["settled"], queued["credits"]["quoted"]);
    assert_eq!(receipt["ledger"].as_array().unwrap().len(), 2, "{receipt}");
}

#[tokio::test]
async fn the_bytes_come_whole_in_part_and_with_their_digest() {
    let server = Server::start();
    server.workspace("w").await;
    let job = server.submit("w").await;
    let lease = server.lease().await;
    server.complete(&lease, b"0123456789").await;
    let path = format!("/v1/jobs/{job}/outputs/0");
    let whole = server.get(&path).await;
    assert_eq!((whole.status, whole.bytes.as_slice()), (200, b"0123456789".as_slice()));
    assert_eq!(whole.header("content-type"), Some("image/png"));
    assert_eq!(whole.header("content-length"), Some("10"));
    assert_eq!(
        whole.header("content-digest"),
        Some("sha-256=:hNiYd/DUBB77a/kaFvAkjy/Vc+avBcGflr7bn4gveII=:")
    );
    let get = || server.request(Method::GET, &path, ADMIN);
    let part = Answer::of(get().header("Range", "bytes=2-4")).await;
    assert_eq!((part.status, part.bytes.as_slice()), (206, b"234".as_slice()));
    assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));
    let outside = Answer::of(get().header("Range", "bytes=10-")).await;
    assert_eq!((outside.status, outside.header("content-range")), (416, Some("bytes */10")));
    let known = Answer::of(get().header("If-None-Match", whole.header("etag").unwrap())).await;
    assert_eq!(known.status, 304);
    for other in ["1", "-1", "x", "4294967296"] {
        assert_eq!(server.get(&format!("/v1/jobs/{job}/outputs/{other}")).await.status, 404);
    }
}

#[tokio::test]
async fn a_digest_or_an_index_that_is_wrong_is_refused_and_the_lease_lives_on() {
    let server = Server::start();
    server.workspace("w").await;
    server.submit("w").await;
    let lease = server.lease().await;
    let id = lease["lease"].as_str().unwrap();
    let put = |n: &str| server.request(Method::PUT, &format!("/v1/worker/leases/{id}/outputs/{n}"), WORKER);
    let zeros = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:";
    let wrong = Answer::of(put("0").header("Content-Digest", zeros).body("abc")).await;
    assert_eq!(wrong.code(), (422, "invalid_request"));
    assert_eq!(Answer::of(put("0").header("Content-Digest", "nonsense").body("abc")).await.status, 422);
    assert_eq!(Answer::of(put("1").body("abc")).await.code(), (422, "invalid_request"));
    let path = format!("/v1/worker/leases/{id}/complete");
    let not_there = server.work(&path, json!({"outputs": [{"index": 0, "outcome": "landed"}]})).await;
    assert_eq!(not_there.code(), (422, "invalid_request"));
    assert_eq!(server.complete(&lease, b"abc").await.json["status"], "succeeded");
}

#[tokio::test]
async fn a_stale_lease_changes_nothing() {
    let server = Server::start();
    server.workspace("w").await;
    let job = server.submit("w").await;
    let lease = server.lease().await;
    let id = lease["lease"].as_str().unwrap().to_owned();
    let fail = json!({"reason": "out of memory", "retryable": false});
    let failed = server.work(&format!("/v1/worker/leases/{id}/fail"), fail.clone()).await;
    assert_eq!((failed.status, &failed.json["status"]), (200, &json!("failed")));
    let again = server.work(&format!("/v1/worker/leases/{id}/fail"), fail).await;
    assert_eq!((again.status, &again.json["status"]), (200, &json!("failed")), "the first answer again");
    let next = id.replace("00000001", "00000009");
    for path in [format!("/v1/worker/leases/{next}/complete"), "/v1/worker/leases/x/complete".to_owned()] {
        let answer = server.work(&path, json!({"outputs": []})).await;
        assert!(matches!(answer.code(), (409, "stale_lease") | (404, "not_found")), "{path} {answer:?}");
    }
    let put = server.request(Method::PUT, &format!("/v1/worker/leases/{id}/outputs/0"), WORKER).body("late");
    assert_eq!(Answer::of(put).await.code(), (409, "stale_lease"));
    let after = server.get(&format!("/v1/jobs/{job}")).await.json;
    assert_eq!((&after["status"], &after["credits"]["settled"]), (&json!("failed"), &json!(0)));
}

#[tokio::test]
async fn an_output_elsewhere_is_a_redirect() {
    let server = Server::start();
    server.workspace("w").await;
    let job = server.submit("w").await;
    let lease = server.lease().await;
    let output = json!({"index": 0, "outcome": "landed", "url": "https://cdn.example.com/a.png",
        "sha256": "ab".repeat(32), "size": 7});
    let path = format!("/v1/worker/leases/{}/complete", lease["lease"].as_str().unwrap());
    assert_eq!(server.work(&path, json!({"outputs": [output]})).await.json["status"], "succeeded");
    let moved = server.get(&format!("/v1/jobs/{job}/outputs/0")).await;
    assert_eq!((moved.status, moved.header("location")), (307, Some("https://cdn.example.com/a.png")));
}

#[tokio::test]
async fn a_batch_answers_each_entry_on_its_own() {
    let server = Server::start();
    server.workspace("w").await;
    server.submit("w").await;
    let lease = server.lease().await["lease"].clone();
    let body = json!({"entries": [
        {"lease": "lease_0000000000000000000000000000000100000001", "fail": {"reason": "x", "retryable": true}},
        {"lease": lease, "complete": {"outputs": [{"index": 0, "outcome": "filtered", "reason": "nudity"}]}},
        {"lease": lease},
    ]});
    let answer = server.work("/v1/worker/completions", body).await;
    let results = answer.json["results"].as_array().unwrap();
    let statuses: Vec<u64> = results.iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [409, 200, 422], "{results:?}");
    assert_eq!(results[1]["job"]["error"]["code"], "content_filtered");
    assert_eq!(results[1]["job"]["outputs"][0]["status"], "filtered");
}

#[tokio::test]
async fn an_input_of_the_own_workspace_is_signed_and_opens_without_a_key() {
    let server = Server::start();
    for workspace in ["w", "other"] {
        server.workspace(workspace).await;
    }
    let asset = |workspace: &str| {
        let post = server.request(Method::POST, &format!("/v1/workspaces/{workspace}/assets"), ADMIN);
        Answer::of(post.header("Content-Type", "image/png").body("picture"))
    };
    let (own, foreign) = (asset("w").await, asset("other").await);
    assert_eq!(own.status, 201, "{own:?}");
    let edit = |input: &serde_json::Value| {
        let body = json!({"action": "image.edit", "params": {"input": input}});
        server.post("/v1/workspaces/w/jobs", body)
    };
    for (input, signed) in [(&own.json["url"], true), (&foreign.json["url"], false)] {
        assert_eq!(edit(input).await.status, 201);
        let lease = server.lease().await;
        let inputs = lease["inputs"].as_array().unwrap();
        assert_eq!(inputs.len(), usize::from(signed), "{lease}");
        if signed {
            let url = inputs[0]["url"].as_str().unwrap();
            let open = Answer::of(server.anonymous(Method::GET, url)).await;
            assert_eq!((open.status, open.bytes.as_slice()), (200, b"picture".as_slice()));
            let (path, _) = url.split_once('?').unwrap();
            assert_eq!(Answer::of(server.anonymous(Method::GET, path)).await.status, 401);
            let moved = url.replace("/workspaces/w/", "/workspaces/other/");
            assert_eq!(Answer::of(server.anonymous(Method::GET, &moved)).await.status, 401);
        }
    }
    let path = foreign.json["url"].as_str().unwrap();
    assert_eq!(Answer::of(server.request(Method::GET, path, TENANT)).await.status, 404);
}

#[tokio::test]
async fn what_cannot_be_paid_is_refused_with_the_ways_out() {
    let server = Server::start();
    let create = json!({"id": "poor", "catalog": "kreatorflow"});
    assert_eq!(server.post("/v1/workspaces", create).await.status, 201);
    let body = json!({"action": "image.generate", "params": {"outputs": 16, "quality": "standard"}});
    let quote = server.post("/v1/workspaces/poor/quotes", body.clone()).await;
    assert_eq!((quote.status, &quote.json["affordable"]), (200, &json!(false)), "{:?}", quote.json);
    let denied = server.post("/v1/workspaces/poor/jobs", body).await;
    assert_eq!(denied.code(), (402, "insufficient_credits"));
    assert_eq!(denied.json["missing"], quote.json["missing"]);
    assert!(denied.json["remedies"].as_array().unwrap().contains(&json!("purchase")), "{:?}", denied.json);
    let dear = json!({"action": "image.generate", "params": {"outputs": 1}, "max_credits": 0.5});
    assert_eq!(server.post("/v1/workspaces/poor/jobs", dear).await.code(), (409, "price_changed"));
}

#[tokio::test]
async fn lists_come_in_pages_and_the_ledger_as_a_statement() {
    let server = Server::start();
    server.workspace("w").await;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(server.submit("w").await);
    }
    jobs.sort();
    let first = server.get("/v1/workspaces/w/jobs?limit=2").await.json;
    let rest = server
        .get(&format!("/v1/workspaces/w/jobs?limit=2&cursor={}", first["next_cursor"].as_str().unwrap()))
        .await
        .json;
    let ids = |page: &serde_json::Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
    };
    let mut listed = [ids(&first), ids(&rest)].concat();
    listed.reverse();
    assert_eq!((listed, &rest["next_cursor"]), (jobs, &json!(null)));
    let statement =
        server.request(Method::GET, "/v1/workspaces/w/ledger?kind=hold", ADMIN).header("Accept", "text/csv");
    let statement = Answer::of(statement).await;
    assert!(statement.header("content-type").unwrap().starts_with("text/csv"));
    let text = String::from_utf8(statement.bytes).unwrap();
    assert_eq!(text.lines().count(), 4, "{text}");
    let row = &server.get("/v1/workspaces/w/ledger?kind=hold&limit=1").await.json["data"][0];
    assert!(
        row["actor"].as_str().unwrap().starts_with("key_")
            && row["request"].as_str().unwrap().starts_with("req_")
    );
}

#[tokio::test]
async fn operators_see_catalogs_queue_workers_and_verification() {
    let server = Server::start();
    server.workspace("w").await;
    for _ in 0..2 {
        server.submit("w").await;
    }
    let lease = server.lease().await;
    let queue = server.get("/v1/queue").await.json;
    let image = queue["pools"].as_array().unwrap().iter().find(|pool| pool["pool"] == "image").unwrap();
    assert_eq!((&image["busy"], &image["workers"]), (&json!(1), &json!(1)), "{image}");
    let workers = server.get("/v1/workers").await.json;
    assert_eq!(workers["data"][0]["sessions"][0]["leases"][0], lease["lease"]);
    let kive = server.get("/v1/catalogs/kive").await.json;
    assert_eq!(kive["plans"].as_array().unwrap().len(), 4);
    assert_eq!(server.get("/v1/verify").await.json["status"], "idle");
    let run = server.post("/v1/verify?wait=10", json!({})).await;
    assert_eq!((run.status, &run.json["ok"]), (200, &json!(true)));
    assert_eq!(Answer::of(server.anonymous(Method::GET, "/readyz")).await.status, 200);
}
