//! Whatever is sent, the answer is a problem that tells what was wrong.

use reqwest::Method;
use serde_json::json;

use crate::server::{ADMIN, Answer, Server};

fn is_problem(answer: &Answer, path: &str) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    assert_eq!(answer.json["status"], answer.status);
    assert_eq!(answer.json["instance"], path);
    assert!(answer.header("x-request-id").is_some());
    for member in ["type", "title", "detail", "code"] {
        assert!(answer.json[member].is_string(), "{member} of {answer:?}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let server = Server::start();
    let nowhere = server.get("/v1/nothing").await;
    is_problem(&nowhere, "/v1/nothing");
    assert_eq!(nowhere.code(), (404, "not_found"));
    let method = Answer::of(server.request(Method::DELETE, "/v1/workspaces", ADMIN)).await;
    is_problem(&method, "/v1/workspaces");
    assert_eq!(method.code(), (405, "method_not_allowed"));
    assert_eq!(method.header("allow"), Some("POST, GET"));
}

#[tokio::test]
async fn ids_that_cannot_exist_are_not_found() {
    let server = Server::start();
    server.workspace("w").await;
    for path in [
        "/v1/jobs/x",
        "/v1/jobs/job_1",
        "/v1/jobs/%00",
        "/v1/jobs/..%2f..%2fetc",
        "/v1/jobs/job_00000000000000000000000000000001",
        "/v1/workspaces/none",
        "/v1/workspaces/a%00b/balance",
        "/v1/workspaces/none/ledger",
        "/v1/workspaces/none/jobs",
        "/v1/workspaces/none/purchases",
        "/v1/workspaces/w/assets/x",
        "/v1/catalogs/none",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.code(), (404, "not_found"), "{path} {answer:?}");
    }
}

#[tokio::test]
async fn bodies_that_are_wrong_say_where() {
    let server = Server::start();
    server.workspace("w").await;
    let path = "/v1/workspaces/w/jobs";
    let send = |body: &str| {
        let request = server.request(Method::POST, path, ADMIN).header("Content-Type", "application/json");
        Answer::of(request.body(body.to_owned()))
    };
    for body in ["", "{", "nope", "\u{0}"] {
        let answer = send(body).await;
        is_problem(&answer, path);
        assert_eq!(answer.code(), (400, "invalid_request"), "{body:?}");
    }
    let image = |rest: &str| format!(r#"{{"action":"image.generate"{rest}}}"#);
    for (body, pointer) in [
        (image(r#","params":7"#), "/params"),
        (image(r#","unknown":1"#), "/unknown"),
        (image(r#","params":{"prompt":"\u0000"}"#), "/params/prompt"),
        (image(r#","metadata":{"a":["\u0000"]}"#), "/metadata/a/0"),
        (image(r#","max_credits":0.0000001"#), "/max_credits"),
        (image(r#","priority":1e99"#), "/priority"),
        (image(r#","webhook":"file:///etc/passwd""#), "/webhook"),
        (image(r#","queue_timeout_seconds":0"#), "/queue_timeout_seconds"),
        (r#"{"action":"no such"}"#.to_owned(), "/action"),
        (r#"{"action":"nothing.known"}"#.to_owned(), "/action"),
    ] {
        let answer = send(&body).await;
        is_problem(&answer, path);
        assert_eq!(answer.code(), (422, "invalid_request"), "{body}");
        assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{body} {:?}", answer.json);
    }
    for params in [
        json!({"outputs": -1}),
        json!({"outputs": 1e300}),
        json!({"outputs": 17}),
        json!({"outputs": "2"}),
        json!({"quality": "best"}),
    ] {
        let answer = server.post(path, json!({"action": "image.generate", "params": params})).await;
        assert_eq!(answer.code(), (422, "invalid_request"), "{params}");
    }
    let balance = server.get("/v1/workspaces/w/balance").await;
    assert_eq!(balance.json["held"], 0, "a refused body must not hold anything");
}

#[tokio::test]
async fn a_body_of_another_type_or_beyond_the_bound_is_refused_readably() {
    let server = Server::start();
    server.workspace("w").await;
    let post = || server.request(Method::POST, "/v1/workspaces/w/jobs", ADMIN);
    let text = Answer::of(post().header("Content-Type", "text/plain").body("{}")).await;
    assert_eq!(text.code(), (415, "unsupported_media_type"));
    let huge = Answer::of(post().header("Content-Type", "application/json").body(vec![b' '; 20 << 20])).await;
    is_problem(&huge, "/v1/workspaces/w/jobs");
    assert_eq!(huge.code(), (413, "payload_too_large"));
    assert_eq!(server.get("/v1/workspaces/w").await.status, 200);
}

#[tokio::test]
async fn an_upload_beyond_its_bound_leaves_nothing_behind() {
    let server = Server::with(|settings| settings.upload_bytes_max = 1_000);
    server.workspace("w").await;
    let post = server.request(Method::POST, "/v1/workspaces/w/assets", ADMIN);
    assert_eq!(Answer::of(post.body(vec![1; 1_001])).await.code(), (413, "payload_too_large"));
    let post = server.request(Method::POST, "/v1/workspaces/w/assets", ADMIN);
    assert_eq!(Answer::of(post.body(vec![1; 1_000])).await.status, 201);
}

#[tokio::test]
async fn queries_that_are_wrong_are_refused_and_unknown_names_passed_over() {
    let server = Server::start();
    server.workspace("w").await;
    for path in [
        "/v1/workspaces?limit=x",
        "/v1/workspaces?limit=0",
        "/v1/workspaces?cursor=a%2Fb",
        "/v1/workspaces/w/ledger?cursor=x",
        "/v1/workspaces/w/ledger?kind=stolen",
        "/v1/workspaces/w/ledger?member=%00",
        "/v1/workspaces/w/jobs?status=lost",
        "/v1/workspaces/w/jobs?since=yesterday",
        "/v1/workspaces/w/balance?at=yesterday",
        "/v1/workspaces/w/balance?at=9000-01-01T00:00:00Z",
        "/v1/workspaces/w/usage?group_by=week",
        "/v1/catalogs/kive?version=x",
    ] {
        assert_eq!(server.get(path).await.code(), (422, "invalid_request"), "{path}");
    }
    assert_eq!(server.get("/v1/workspaces?unknown=1&limit=1").await.status, 200);
}

#[tokio::test]
async fn a_request_id_is_taken_over_or_made() {
    let server = Server::start();
    let sent = server.anonymous(Method::GET, "/healthz").header("X-Request-Id", "abc-1");
    assert_eq!(Answer::of(sent).await.header("x-request-id"), Some("abc-1"));
    let bad = server.anonymous(Method::GET, "/healthz").header("X-Request-Id", "a b");
    assert!(Answer::of(bad).await.header("x-request-id").unwrap().starts_with("req_"));
}

#[tokio::test]
async fn whatever_is_sent_to_any_route_the_server_does_not_fail() {
    let server = Server::start();
    server.workspace("w").await;
    let job = server.submit("w").await;
    let lease = server.lease().await["lease"].as_str().unwrap().to_owned();
    let document = server.get("/openapi.json").await.json;
    let ids = [
        "w",
        &job,
        &lease,
        "0",
        "%ff",
        "%zz",
        "%2e%2e",
        "a%00",
        "-1",
        "99999999999999999999",
        "%f0%9f%92%a9",
    ];
    let bodies: [&[u8]; 12] = [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\"\\ud800\"",
        b"{\"a\":\"\xff\"}",
        br#"{"action":"image.generate","params":{"outputs":1,"outputs":99999999999999999999}}"#,
        br#"{"outputs":[{"index":4294967295,"outcome":"landed","units":-1}]}"#,
        br#"{"outputs":[{"index":0,"outcome":"landed","units":1e12,"stages":[{"name":"","outcome":"failed"}]}]}"#,
        br#"{"amount":-9223372036854.775807,"reason":"x","expires_at":"9999-12-31T23:59:59Z"}"#,
        br#"{"worker":"w","session":"s","pools":["none"],"slots":1000,"leases":[]}"#,
        br#"{"fraction":1e308,"reason":"","retryable":true,"catalog":"none","payment":"p","credits":1e-6}"#,
    ];
    for (template, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            for (n, id) in ids.iter().enumerate() {
                let path: String = template
                    .split('/')
                    .map(|part| if part.starts_with('{') { *id } else { part })
                    .collect::<Vec<_>>()
                    .join("/");
                // Streams of what exists do not end by themselves.
                if path.ends_with("/events") && (n < 2) {
                    continue;
                }
                let body = bodies[n % bodies.len()];
                for body in [body, bodies[(n + 5) % bodies.len()], bodies[(n + 9) % bodies.len()]] {
                    let request = server.request(method.clone(), &path, ADMIN);
                    let answer =
                        Answer::of(request.header("Content-Type", "application/json").body(body.to_vec()))
                            .await;
                    assert!(answer.status < 500, "{method} {path} {answer:?}");
                    if answer.status >= 400 {
                        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
                    }
                }
            }
        }
    }
    assert_eq!(server.get("/v1/workspaces/w").await.status, 200);
}

#[tokio::test]
async fn a_priced_parameter_that_is_wrong_is_named_by_its_pointer() {
    let server = Server::start();
    server.workspace("w").await;
    let body = json!({"action": "image.generate", "params": {"outputs": -1, "quality": "best"}});
    let answer = server.post("/v1/workspaces/w/jobs", body).await;
    let pointers: Vec<&str> = answer.json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["/params/outputs", "/params/quality"]);
}
