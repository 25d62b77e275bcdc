//! Signed links: what they open, and what they do not.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Api, Hand, Server, Tenant, landed, lease_of};

const BEGIN: &str = "2026-03-01T00:00:00Z";

async fn asset(tenant: &Tenant, bytes: &str) -> (String, Value) {
    let upload =
        tenant.api.request(Method::POST, &tenant.path("/assets")).header("Content-Type", "image/png");
    let made = tenant.api.send(upload.body(bytes.to_owned())).await.ok(201);
    (made["url"].as_str().unwrap().to_owned(), made)
}

/// The link of the input of the next job.
async fn link(tenant: &Tenant, hand: &Hand, input: &str) -> (String, String) {
    let params = json!({"prompt": "x", "outputs": 1, "input": input});
    tenant.admitted(json!({"action": "image.edit", "params": params})).await;
    let leases = hand.lease(1, 20).await;
    let url = leases[0]["inputs"][0]["url"].as_str().unwrap_or_default().to_owned();
    (url, lease_of(&leases[0]))
}

async fn status(api: &Api, path: &str) -> u16 {
    api.get(path).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_opens_one_path_until_it_expires_and_nothing_else() {
    let server = Server::at(BEGIN);
    let admin = server.admin();
    let tenant = Tenant::large(&admin, "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let (first, _) = asset(&tenant, "first").await;
    let (second, _) = asset(&tenant, "second").await;
    let (url, lease) = link(&tenant, &hand, &first).await;
    let (path, query) = url.split_once('?').unwrap();
    assert_eq!(path, first);
    let anyone = admin.with_key(None);
    let opened = anyone.get(&url).await;
    assert_eq!((opened.status, &*opened.body), (200, &b"first"[..]));
    assert_eq!(opened.header("x-content-type-options"), Some("nosniff"));

    // Another path, another time, another signature, or less than all of it.
    let (expires, signature) = query.split_once('&').unwrap();
    let flipped: String = {
        let (name, value) = signature.split_once('=').unwrap();
        let head = if value.starts_with('A') { "B" } else { "A" };
        format!("{name}={head}{}", &value[1..])
    };
    let later = format!("expires={}", expires.split_once('=').unwrap().1.parse::<i64>().unwrap() + 1_000);
    for altered in [
        format!("{second}?{query}"),
        format!("{first}?{expires}&{flipped}"),
        format!("{first}?{later}&{signature}"),
        format!("{first}?{expires}"),
        format!("{first}?{signature}"),
        format!("{first}?{signature}&{signature}"),
        format!("/v1/workspaces/acme/assets/../assets/{}?{query}", first.rsplit('/').next().unwrap()),
        format!("/v1/workspaces/acme?{query}"),
        first.clone(),
    ] {
        let answer = anyone.get(&altered).await;
        let expected = if altered.contains("..") { [401, 200] } else { [401, 401] };
        assert!(expected.contains(&answer.status), "{altered}: {}", answer.status);
    }
    let delete = anyone.request(Method::DELETE, &url);
    assert_eq!(anyone.send(delete).await.status, 405, "it is for reading");

    // A link to an output of the same workspace; somebody else's input is not signed at all.
    hand.put(&lease, 0, b"drawn").await.ok(201);
    let done = hand.complete(&lease, json!([{"index": 0, "outcome": "landed"}])).await.ok(200);
    let output = done["outputs"][0]["url"].as_str().unwrap().to_owned();
    assert_eq!(status(&anyone, &output).await, 401);
    let (of_output, _) = link(&tenant, &hand, &output).await;
    assert_eq!(&*anyone.get(&of_output).await.body, b"drawn");
    let other = Tenant::large(&admin, "other").await;
    assert_eq!(link(&other, &hand, &output).await.0, "");
    assert_eq!(link(&other, &hand, &first).await.0, "");

    // It holds over the whole run and a little beyond, then for nobody.
    admin.clock("2026-03-01T02:00:00Z").await;
    assert_eq!(status(&anyone, &url).await, 401);
    assert_eq!(status(&admin, &url).await, 200, "a key opens it all the same");
    let stale = hand.complete(&lease, json!([landed(0)])).await;
    assert!(stale.status < 500);
}
