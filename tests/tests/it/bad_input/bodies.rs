//! Bodies that are no JSON, or JSON of the wrong shape.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Scene, raw};

/// Deeper than any stack would bear.
const DEPTH: usize = 50_000;

/// The pointers of a problem's findings.
fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().filter_map(|error| error["pointer"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_json_is_400() {
    let scene = Scene::new().await;
    let deep_list = format!(
        r#"{{"action":"image.generate","params":{{"x":{}{}}}}}"#,
        "[".repeat(DEPTH),
        "]".repeat(DEPTH)
    );
    let deep_map = format!(r#"{{"action":"a","params":{}1{}}}"#, r#"{"a":"#.repeat(DEPTH), "}".repeat(DEPTH));
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"{".to_vec(),
        b"nope".to_vec(),
        b"{\"action\":\"image.generate\"}}".to_vec(),
        b"{\"action\":\"image.generate\",}".to_vec(),
        b"{\"action\":\"\xff\xfe\"}".to_vec(),
        b"\x00".to_vec(),
        b"{\"action\":\"a\",\"params\":{\"outputs\":1e999}}".to_vec(),
        b"{\"action\":\"a\",\"params\":{\"seconds\":NaN}}".to_vec(),
        deep_list.into_bytes(),
        deep_map.into_bytes(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let submit = raw(&scene.tenant.api, Method::POST, &scene.tenant.path("/jobs"), body.clone());
        let answer = scene.tenant.api.send(submit).await;
        assert_eq!(answer.status, 400, "`{shown}`: {}", answer.text());
        answer.problem(400, "invalid_request");
        // Elsewhere its first fields may be unknown before its end is seen to be broken: as wrong, and as clear.
        let complete = format!("/v1/worker/leases/{}/complete", scene.lease);
        for path in ["/v1/workspaces", complete.as_str()] {
            let answer =
                scene.tenant.api.send(raw(&scene.tenant.api, Method::POST, path, body.clone())).await;
            assert!(matches!(answer.status, 400 | 422), "`{shown}` to {path}: {}", answer.text());
            answer.problem(answer.status, "invalid_request");
        }
    }
    scene.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_submit_is_422_and_says_where() {
    let scene = Scene::new().await;
    let image = |params: Value| json!({"action": "image.generate", "params": params});
    let video = |params: Value| json!({"action": "video.generate", "params": params});
    let with = |name: &str, value: Value| {
        let mut body = image(json!({"outputs": 1}));
        body[name] = value;
        body
    };
    let long = "x".repeat(20_000);
    let cases = [
        (json!({"action": 7}), "/action"),
        (json!({"action": "no such action"}), "/action"),
        (json!({"action": "nothing.known", "params": {}}), "/action"),
        (json!({"params": {}}), ""),
        (json!([]), ""),
        (json!({"action": "image.generate", "params": []}), "/params"),
        (image(json!({"outputs": "4"})), "/params/outputs"),
        (image(json!({"outputs": 1.5})), "/params/outputs"),
        (image(json!({"outputs": 0})), "/params/outputs"),
        (image(json!({"outputs": -4})), "/params/outputs"),
        (image(json!({"outputs": 17})), "/params/outputs"),
        (image(json!({"outputs": 1e30})), "/params/outputs"),
        (image(json!({"outputs": u64::MAX})), "/params/outputs"),
        (image(json!({"outputs": 1, "quality": "divine"})), "/params/quality"),
        (image(json!({"outputs": 1, "quality": 3})), "/params/quality"),
        (image(json!({"outputs": 1, "prompt": "a\u{0}b"})), "/params/prompt"),
        (video(json!({})), "/params/seconds"),
        (video(json!({"seconds": -5})), "/params/seconds"),
        (video(json!({"seconds": 0})), "/params/seconds"),
        (video(json!({"seconds": 1e300})), "/params/seconds"),
        (video(json!({"seconds": 601})), "/params/seconds"),
        (video(json!({"seconds": "5"})), "/params/seconds"),
        (video(json!({"seconds": null})), "/params/seconds"),
        (with("unknown", json!(1)), "/unknown"),
        (with("priority", json!(1e12 as i64)), "/priority"),
        (with("max_credits", json!(0.0000001)), "/max_credits"),
        (with("max_credits", json!("8")), "/max_credits"),
        (with("queue_timeout_seconds", json!(0)), "/queue_timeout_seconds"),
        (with("queue_timeout_seconds", json!(-1)), "/queue_timeout_seconds"),
        (with("run_timeout_seconds", json!(u64::MAX)), "/run_timeout_seconds"),
        (with("not_before", json!("tomorrow")), "/not_before"),
        (with("member", json!("")), "/member"),
        (with("webhook", json!("file:///etc/passwd")), "/webhook"),
        (with("metadata", json!([1])), "/metadata"),
        (with("metadata", json!({"x": long})), "/metadata"),
        (with("metadata", json!({"x": "\u{0}"})), "/metadata/x"),
    ];
    for (body, pointer) in cases {
        let shown: String = body.to_string().chars().take(120).collect();
        for path in ["/jobs", "/quotes"] {
            // A quote has fewer fields; there the others are unknown, which is as wrong.
            let answer = scene.tenant.api.post(&scene.tenant.path(path), body.clone()).await;
            assert_eq!(answer.status, 422, "{path} {shown}: {}", answer.text());
            let problem = answer.problem(422, "invalid_request");
            assert!(pointers(&problem).contains(&pointer), "{path} {shown}: {problem:#}");
        }
    }
    scene.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_workspace_or_amount_is_refused() {
    let scene = Scene::new().await;
    let api = &scene.tenant.api;
    let long_id = "x".repeat(65);
    let workspaces = [
        json!({"catalog": "nope"}),
        json!({"catalog": ""}),
        json!({"catalog": "kive", "id": "a/b"}),
        json!({"catalog": "kive", "id": ""}),
        json!({"catalog": "kive", "id": long_id}),
        json!({"catalog": "kive", "id": "ü"}),
        json!({"catalog": "kive", "id": "ok", "plan": "platinum"}),
        json!({"catalog": "kive", "id": "ok", "timezone": "Mars/Olympus"}),
        json!({"catalog": "kive", "id": "ok", "seats": -1}),
        json!({"catalog": "kive", "id": "ok", "interval": "decade"}),
        json!({"catalog": "kive", "id": "ok", "plan": "pro", "allotment": 1e15}),
        json!({"catalog": "kive", "id": "ok", "plan": "pro", "allotment": -5}),
        json!({"catalog": "kive", "id": "ok", "owner": "me"}),
        json!({"catalog": "kive", "id": "ok", "nope": 1}),
    ];
    for body in workspaces {
        let answer = api
            .post_as(
                &format!("w-{body}").replace(' ', "")[..40.min(body.to_string().len())],
                "/v1/workspaces",
                &body,
            )
            .await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
        answer.problem(422, "invalid_request");
    }
    api.post("/v1/workspaces", json!({"catalog": "kive", "id": "acme"})).await.problem(409, "conflict");
    let amounts = [
        json!({"amount": 0, "reason": "x"}),
        json!({"amount": "5", "reason": "x"}),
        json!({"amount": 0.0000001, "reason": "x"}),
        json!({"amount": 1e15, "reason": "x"}),
        json!({"amount": 1e30, "reason": "x"}),
        json!({"amount": 5}),
        json!({"amount": 5, "reason": ""}),
        json!({"amount": 5, "reason": "a\nb"}),
        json!({"amount": 5, "reason": "x", "expires_at": "2001-01-01T00:00:00Z"}),
        json!({"amount": 5, "reason": "x", "job": format!("job_{}", "0".repeat(32))}),
        json!({"amount": 5, "reason": "x", "job": "nope"}),
    ];
    for body in amounts {
        let answer = api.post(&scene.tenant.path("/adjustments"), body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
        answer.problem(422, "invalid_request");
    }
    let beyond = json!({"amount": -1_000_000, "reason": "x"});
    api.post(&scene.tenant.path("/adjustments"), beyond).await.problem(409, "conflict");
    // More than the running job settled, which is nothing.
    let refund = json!({"amount": 1, "reason": "x", "job": scene.job});
    api.post(&scene.tenant.path("/adjustments"), refund).await.problem(409, "conflict");
    let purchases = [
        json!({"payment": "p"}),
        json!({"payment": "p", "credits": 0}),
        json!({"payment": "p", "credits": -5}),
        json!({"payment": "p", "credits": 1e14}),
        json!({"payment": "", "credits": 5}),
        json!({"credits": 5}),
        json!({"payment": "p", "credits": 5, "pack": "starter"}),
        json!({"payment": "p", "pack": "nope"}),
    ];
    for body in purchases {
        let answer = api.post(&scene.tenant.path("/purchases"), body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
    }
    let listed = api.get("/v1/workspaces").await.ok(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed:#}");
    scene.check().await;
}
