//! How calls behave when the line or the server is bad.

use std::collections::HashSet;

use crate::server::{Reply, Server, job, problem};
use reeve_client::{Client, ClientError, ClientSettings, IdempotencyKey, RetryPolicy, Upload};
use reeve_protocol::{Code, JobEvent, JobSubmit, LedgerQuery, Params, Sha256};
use reeve_types::{ActionName, JobId, Millis, WorkspaceId};
use serde_json::json;

fn job_id() -> JobId {
    JobId::from_parts(Millis::from_millis(5), 7)
}

/// A client that loses no time between tries.
fn client(server: &Server) -> Client {
    let retry = RetryPolicy { deadline_ms: 20_000, first_ms: 1, pause_ms_max: 2 };
    Client::with_settings(&server.url, "k", ClientSettings { retry, ..ClientSettings::default() }).unwrap()
}

fn submit() -> (WorkspaceId, JobSubmit) {
    (
        WorkspaceId::new("acme").unwrap(),
        JobSubmit::of(ActionName::new("image.generate").unwrap(), Params::new()),
    )
}

#[tokio::test]
async fn a_submit_repeats_itself_under_one_key_until_it_is_answered() {
    let server = Server::start(|_, before| match before {
        0 => Reply::Break,
        1 => problem(503, "overloaded"),
        2 => Reply::Json(502, json!("a proxy's page")),
        _ => Reply::Json(201, job(&job_id().to_string(), "queued")),
    });
    let (workspace, body) = submit();
    let view = client(&server).submit(&workspace, &body, IdempotencyKey::Fresh).await.unwrap();
    assert_eq!(view.id, job_id());
    let seen = server.seen("POST /v1/workspaces/acme/jobs");
    let keys: HashSet<_> = seen.iter().map(|request| request.header("idempotency-key").unwrap()).collect();
    let bodies: HashSet<_> = seen.iter().map(|request| &request.body).collect();
    assert_eq!((seen.len(), keys.len(), bodies.len()), (4, 1, 1));
    assert_eq!(seen[0].header("authorization"), Some("Bearer k"));
}

#[tokio::test]
async fn a_decision_is_not_asked_for_again() {
    for (status, code) in [
        (402, Code::InsufficientCredits),
        (409, Code::Conflict),
        (429, Code::QueueFull),
        (500, Code::Internal),
    ] {
        let server = Server::start(move |_, _| problem(status, code.as_str()));
        let (workspace, body) = submit();
        let error =
            client(&server).submit(&workspace, &body, IdempotencyKey::Given("mine")).await.unwrap_err();
        assert_eq!(error.code(), Some(code));
        let seen = server.seen("POST");
        assert_eq!(seen.len(), 1, "{code}");
        assert_eq!(seen[0].header("idempotency-key"), Some("mine"));
    }
}

#[tokio::test]
async fn an_outage_longer_than_the_deadline_is_told_at_once() {
    // The second answer asks for a longer pause than the client may make: no clock is needed to give up.
    let server = Server::start(|_, before| {
        let after = if before == 0 { 0 } else { 3_600 };
        let body = json!({
            "type": "t", "title": "t", "status": 503, "detail": "d", "code": "overloaded", "retry_after_seconds": after,
        });
        Reply::Json(503, body)
    });
    let error = client(&server).job(job_id(), None).await.unwrap_err();
    assert_eq!((error.is_retryable(), error.retry_after_seconds()), (true, Some(3_600)));
    assert_eq!(server.seen("GET").len(), 2);
}

#[tokio::test]
async fn an_answer_of_another_server_is_unexpected() {
    let server = Server::start(|_, _| Reply::Json(200, json!({"hello": "world"})));
    let error = client(&server).job(job_id(), None).await.unwrap_err();
    assert!(matches!(error, ClientError::Unexpected { status: 200, .. }), "{error}");
}

#[tokio::test]
async fn a_ledger_is_read_to_its_end() {
    let row = |seq: u64| {
        json!({
            "seq": seq, "at": "2026-01-01T00:00:00Z", "kind": "grant", "amount": 0.000001, "lot": null, "source": null,
            "job": null, "attempt": null, "output": null, "action": null, "member": null, "reason": null, "actor": null,
            "request": null, "available_after": 1, "held_after": 0, "hash": "00",
        })
    };
    let server = Server::start(move |request, _| {
        let second = request.path.contains("cursor=a%2Fb");
        Reply::Json(
            200,
            json!({"data": [row(1 + u64::from(second))], "next_cursor": (!second).then_some("a/b")}),
        )
    });
    let rows = client(&server)
        .ledger_to_end(&WorkspaceId::new("acme").unwrap(), LedgerQuery::default())
        .await
        .unwrap();
    assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(rows[0].amount.credits().micros(), 1);
}

#[tokio::test]
async fn an_upload_carries_its_digest() {
    let server = Server::start(|request, _| {
        let sha256 = Sha256::from_header(request.header("content-digest").unwrap()).unwrap().unwrap();
        let id = "asset_00000000000000000000000000000001";
        Reply::Json(
            201,
            json!({"id": id, "url": "/a", "sha256": sha256, "size": 3, "content_type": "image/png"}),
        )
    });
    let upload = Upload::new("abc".into(), "image/png");
    let asset = client(&server)
        .upload_asset(&WorkspaceId::new("acme").unwrap(), &upload, IdempotencyKey::Fresh)
        .await;
    assert_eq!(asset.unwrap().sha256, upload.sha256);
    assert_eq!(server.seen("POST")[0].body, b"abc");
}

fn log_frame(n: u64) -> String {
    let data =
        json!({"job": job_id(), "at": "2026-01-01T00:00:00Z", "level": "info", "message": n.to_string()});
    format!("id: 9-{n}\nevent: log\ndata: {data}\n\n")
}

#[tokio::test]
async fn a_broken_event_stream_resumes_behind_the_last_event() {
    let server = Server::start(|request, before| match (before, request.header("last-event-id")) {
        (0, None) => Reply::Events(format!(": hello\n\n{}", log_frame(1))),
        (1, Some("9-1")) => problem(503, "not_ready"),
        (2, Some("9-1")) => {
            Reply::Events(format!("{}id: 9-3\nevent: novel\ndata: x\n\nid: 9-4\nevent: lo", log_frame(2)))
        }
        (3, Some("9-3")) => Reply::Events(format!(
            "id: 9-4\nevent: done\ndata: {}\n\n",
            job(&job_id().to_string(), "succeeded")
        )),
        (n, id) => panic!("unexpected connection {n} from {id:?}"),
    });
    let mut feed = client(&server).events(job_id());
    let mut messages = Vec::new();
    while let Some(event) = feed.next().await {
        messages.push(match event.unwrap() {
            JobEvent::Log(log) => log.message,
            other => other.name().to_owned(),
        });
    }
    assert_eq!(messages, ["1", "2", "done"]);
    assert_eq!(server.seen("GET").len(), 4);
    assert!(feed.next().await.is_none());
}

#[tokio::test]
async fn a_refused_event_stream_ends_with_the_reason() {
    let server = Server::start(|_, _| problem(404, "not_found"));
    let mut feed = client(&server).events(job_id());
    assert_eq!(feed.next().await.unwrap().unwrap_err().code(), Some(Code::NotFound));
    assert!(feed.next().await.is_none());
}
