//! Bodies beyond all bounds, abuse of HTTP itself, readers that hang.

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Scene, raw};
use crate::fixture::{Hand, image, landed, verify, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_have_bounds_and_types() {
    let scene = Scene::new().await;
    let api = &scene.tenant.api;
    let path = scene.tenant.path("/jobs");
    for megabytes in [2, 20] {
        let text = format!(
            r#"{{"action":"image.generate","params":{{"prompt":"{}"}}}}"#,
            "x".repeat(megabytes << 20)
        );
        api.send(raw(api, Method::POST, &path, text)).await.problem(413, "payload_too_large");
    }
    let typed =
        api.request(Method::POST, &path).header("Content-Type", "text/plain").body(image(1).to_string());
    api.send(typed).await.problem(415, "unsupported_media_type");
    for key in ["k".repeat(256), "k".repeat(60_000), "a b".to_owned(), "\u{7f}".to_owned()] {
        let request = api.request(Method::POST, &path).json(&image(1));
        let Ok(request) = request.header("Idempotency-Key", key.as_str()).build() else { continue };
        let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        let request = RequestBuilder::from_parts(client, request);
        let answer = api.send(request).await;
        assert!((400..500).contains(&answer.status), "{}: {}", key.len(), answer.text());
        if key.len() < 1_000 {
            answer.problem(422, "invalid_request");
        }
    }
    // A large output is no bad input: but its digest must be right.
    let bytes = vec![7_u8; 20 << 20];
    let wrong = format!("sha-256=:{}=:", "A".repeat(43));
    scene.hand.put_as(&scene.lease, 0, &bytes, Some(&wrong)).await.problem(422, "invalid_request");
    scene.hand.put(&scene.lease, 0, &bytes).await.ok(201);
    scene.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_of_http_itself_ends_with_the_connection() {
    let scene = Scene::new().await;
    let address = scene.server.url.strip_prefix("http://").unwrap().to_owned();
    let huge_header = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(1 << 20));
    let many_headers = format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(5_000));
    let long_path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "z".repeat(300_000));
    let smuggled = "POST /v1/workspaces HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let requests: Vec<Vec<u8>> = vec![
        huge_header.into_bytes(),
        many_headers.into_bytes(),
        long_path.into_bytes(),
        smuggled.as_bytes().to_vec(),
        b"POST /v1/workspaces HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_vec(),
        b"POST /v1/workspaces HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n".to_vec(),
        b"GET /v1/jobs/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"\0\0\0\0\0\0\0\0\r\n\r\n".to_vec(),
        // A promise of a body that never comes.
        b"POST /v1/workspaces HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{".to_vec(),
    ];
    for request in requests {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        // The server may have hung up in the middle of it.
        let _ = stream.write_all(&request).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = within("an end of the connection", 60, stream.read_to_end(&mut answer)).await;
        let shown = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        let head = String::from_utf8_lossy(&answer).into_owned();
        let first = head.lines().next().unwrap_or_default();
        assert!(first.is_empty() || first.starts_with("HTTP/1.1 4"), "`{shown}`: {first}");
        scene.tenant.api.get("/healthz").await.ok(200);
    }
    scene.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_hangs_holds_nobody_up() {
    let scene = Scene::new().await;
    let address = scene.server.url.strip_prefix("http://").unwrap();
    let mut hanging = Vec::new();
    for path in [format!("/v1/jobs/{}/events", scene.job), scene.tenant.path("/events")] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let key = "admin-key-of-the-tests-0123456789abcdef";
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        // Held open, never read.
        hanging.push(stream);
    }
    let message = "m".repeat(1_500);
    let path = format!("/v1/worker/leases/{}/progress", scene.lease);
    for n in 0..3_000 {
        let body = json!({"fraction": f64::from(n) / 3_000.0, "stage": "draw", "message": message});
        scene.hand.api.post(&path, body).await.ok(200);
    }
    let (tenant, other) = (scene.tenant.clone(), Hand::new(&scene.server.worker_api(), "other"));
    let job = tenant.admitted(image(1)).await;
    let lease = other.one().await;
    other.complete(&lease, json!([landed(0)])).await.ok(200);
    assert_eq!(tenant.job(&job).await["status"], "succeeded");
    scene.hand.complete(&scene.lease, json!([landed(0), landed(1)])).await.ok(200);
    drop(hanging);
    verify(&tenant.api).await;
}
