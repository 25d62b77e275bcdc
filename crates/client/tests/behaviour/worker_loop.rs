//! The worker against a server that grants one lease.

use std::sync::{Arc, Mutex};

use crate::server::{Reply, Request, Server, job, problem};
use reeve_client::worker::{
    Assignment, Control, Landed, Outcome, PerformError, Performer, Worker, WorkerReport, WorkerSettings,
};
use reeve_client::{Client, ClientSettings, RetryPolicy};
use reeve_protocol::Sha256;
use reeve_types::{JobId, LeaseId, Millis, PoolName, WorkerName};
use serde_json::{Value, json};
use tokio::sync::Notify;

type Perform = dyn Fn(&Assignment, u32, &Control) -> Result<Outcome, PerformError> + Send + Sync;

struct Doing(Box<Perform>);

impl Performer for Doing {
    fn perform(&self, job: &Assignment, index: u32, control: &Control) -> Result<Outcome, PerformError> {
        (self.0)(job, index, control)
    }
}

fn doing(
    perform: impl Fn(&Assignment, u32, &Control) -> Result<Outcome, PerformError> + Send + Sync + 'static,
) -> Arc<dyn Performer> {
    Arc::new(Doing(Box::new(perform)))
}

fn lease_id() -> LeaseId {
    LeaseId { job: JobId::from_parts(Millis::from_millis(5), 7), attempt: 1 }
}

fn path(end: &str) -> String {
    format!("/v1/worker/leases/{}/{end}", lease_id())
}

fn granted(outputs: u32) -> Value {
    json!({"leases": [{
        "lease": lease_id(), "job": lease_id().job, "workspace": "acme", "attempt": 1, "action": "image.edit",
        "params": {"prompt": "p"}, "outputs": outputs, "pool": "image", "expires_at": "2026-01-01T00:00:30Z",
        "heartbeat_seconds": 0.02, "run_deadline_at": null,
        "inputs": [{"param": "input", "url": "/v1/assets/x?sig=y"}],
    }]})
}

/// What a server of one lease says unless a test says otherwise.
fn usual(request: &Request, before: usize, outputs: u32) -> Reply {
    let line = request.line();
    if line == "POST /v1/worker/leases" {
        return Reply::Json(200, if before == 0 { granted(outputs) } else { json!({"leases": []}) });
    }
    if line == "POST /v1/worker/heartbeat" {
        let renewed = &request.json()["leases"];
        return Reply::Json(200, json!({"renewed": renewed, "cancel": [], "lost": [], "drain": false}));
    }
    if line.starts_with("GET /v1/assets/x") {
        return Reply::Bytes(b"the input".to_vec());
    }
    if line.ends_with("/progress") {
        return Reply::Json(200, json!({"cancel": false, "expires_at": "2026-01-01T00:00:30Z"}));
    }
    if request.method == "PUT" {
        let sha256 = Sha256::from_header(request.header("content-digest").unwrap()).unwrap();
        return Reply::Json(
            201,
            json!({"index": 0, "size": request.body.len(), "sha256": sha256, "url": "/o"}),
        );
    }
    Reply::Json(200, job(&lease_id().job.to_string(), "succeeded"))
}

/// Runs a worker until `end` is notified.
async fn work(server: &Server, performer: Arc<dyn Performer>, end: &Notify) -> WorkerReport {
    let retry = RetryPolicy { deadline_ms: 20_000, first_ms: 1, pause_ms_max: 2 };
    let client =
        Client::with_settings(&server.url, "k", ClientSettings { retry, ..ClientSettings::default() })
            .unwrap();
    let pools = vec![PoolName::new("image").unwrap()];
    let settings = WorkerSettings {
        finish_ms: 0,
        progress_pause_ms: 1,
        unknown_pool_pause_ms: 1,
        ..WorkerSettings::new(WorkerName::new("w").unwrap(), pools, 2)
    };
    Worker::new(client, settings, performer).run(end.notified()).await.unwrap()
}

/// A server that notifies when a request with this line was answered `times` times.
fn server_until(
    end: &Arc<Notify>,
    line: String,
    times: usize,
    reply: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
) -> Server {
    let end = Arc::clone(end);
    Server::start(move |request, before| {
        if request.line() == line && before + 1 == times {
            end.notify_one();
        }
        reply(request, before)
    })
}

fn landed(text: &str) -> Result<Outcome, PerformError> {
    Ok(Outcome::Landed(Landed::new(text.to_owned(), "image/png")))
}

/// Spins until told to stop, as a renderer does between bands.
fn until_stopped(control: &Control) -> Result<Outcome, PerformError> {
    while !control.cancelled() {
        control.progress(0.5, "draw", "");
        std::thread::yield_now();
    }
    Err(PerformError::Stopped)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_delivered_over_a_bad_line() {
    let end = Arc::new(Notify::new());
    let complete = format!("POST {}", path("complete"));
    let server =
        server_until(&end, complete.clone(), 3, move |request, before| match (request.line(), before) {
            (line, 0) if line.ends_with("/outputs/0") => problem(503, "overloaded"),
            (line, 0) if line == complete => Reply::Break,
            (line, 1) if line == complete => problem(429, "rate_limited"),
            (line, 0) if line.ends_with("/outputs/3") => problem(413, "payload_too_large"),
            _ => usual(request, before, 4),
        });
    let performer = doing(|job, index, _| match index {
        0 => landed(std::str::from_utf8(&job.input("input").unwrap().bytes).unwrap()),
        1 => Ok(Outcome::Filtered { reason: "unsafe".into() }),
        2 => Ok(Outcome::Failed { reason: "ran dry".into() }),
        _ => landed("too large"),
    });
    // The lines above end the worker while its last answer is under way: it finishes all the same.
    let report = work(&server, performer, &end).await;
    assert_eq!(report, WorkerReport { completed: 1, ..WorkerReport::default() });
    let uploads = server.seen(&format!("PUT {}", path("outputs/0")));
    assert_eq!(uploads.len(), 2);
    assert_eq!(uploads[1].body, b"the input");
    assert_eq!(server.seen("GET /v1/assets/x")[0].header("authorization"), None);
    let body = server.seen(&format!("POST {}", path("complete")))[2].json();
    let outcomes: Vec<_> =
        body["outputs"].as_array().unwrap().iter().map(|o| (&o["index"], &o["outcome"])).collect();
    assert_eq!(json!(outcomes), json!([[0, "landed"], [1, "filtered"], [2, "failed"], [3, "failed"]]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_job_stops_and_is_acknowledged() {
    let end = Arc::new(Notify::new());
    let server = server_until(&end, format!("POST {}", path("fail")), 1, |request, before| {
        if request.line().ends_with("/progress") {
            return Reply::Json(200, json!({"cancel": true, "expires_at": "2026-01-01T00:00:30Z"}));
        }
        usual(request, before, 1)
    });
    let report = work(&server, doing(|_, _, control| until_stopped(control)), &end).await;
    assert_eq!(report.cancelled, 1);
    let fail = server.seen(&format!("POST {}", path("fail")))[0].json();
    assert_eq!(fail, json!({"reason": "cancelled", "retryable": false}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_lease_is_dropped_without_a_word() {
    let end = Arc::new(Notify::new());
    let stopped = Arc::clone(&end);
    let server = Server::start(|request, before| {
        if request.line() == "POST /v1/worker/heartbeat" {
            let lost = &request.json()["leases"];
            return Reply::Json(200, json!({"renewed": [], "cancel": [], "lost": lost, "drain": false}));
        }
        usual(request, before, 1)
    });
    let performer = doing(move |_, _, control| {
        let result = until_stopped(control);
        stopped.notify_one();
        result
    });
    let report = work(&server, performer, &end).await;
    assert_eq!(report.lost, 1);
    assert!(server.seen(&format!("POST {}", path("fail"))).is_empty());
    assert_eq!(server.seen("POST /v1/worker/heartbeat")[0].json()["leases"], json!([lease_id()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_lease_at_the_end_is_no_error() {
    let end = Arc::new(Notify::new());
    let complete = format!("POST {}", path("complete"));
    let server = server_until(&end, complete.clone(), 1, move |request, before| {
        if request.line() == complete { problem(409, "stale_lease") } else { usual(request, before, 1) }
    });
    let report = work(&server, doing(|_, _, _| landed("x")), &end).await;
    assert_eq!(report, WorkerReport { lost: 1, ..WorkerReport::default() });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_leaves_the_lease_without_a_word() {
    let end = Arc::new(Notify::new());
    let crashed = Arc::clone(&end);
    let server = Server::start(|request, before| usual(request, before, 1));
    let performer = doing(move |_, _, _| {
        crashed.notify_one();
        Err(PerformError::Crash)
    });
    let report = work(&server, performer, &end).await;
    assert_eq!(report, WorkerReport { abandoned: 1, ..WorkerReport::default() });
    assert!(server.seen(&format!("POST {}", path("fail"))).is_empty());
    assert!(server.seen(&format!("POST {}", path("complete"))).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_a_retryable_failure_and_frees_the_slot() {
    let end = Arc::new(Notify::new());
    let server =
        server_until(&end, format!("POST {}", path("fail")), 1, |request, before| usual(request, before, 1));
    let report = work(&server, doing(|_, _, _| panic!("as the test wants")), &end).await;
    assert_eq!(report.failed, 1);
    assert_eq!(server.seen(&format!("POST {}", path("fail")))[0].json()["retryable"], json!(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_hands_unfinished_work_back() {
    let end = Arc::new(Notify::new());
    let started = Arc::clone(&end);
    let server = Server::start(|request, before| usual(request, before, 1));
    let performer = doing(move |_, _, control| {
        started.notify_one();
        until_stopped(control)
    });
    let report = work(&server, performer, &end).await;
    assert_eq!(report, WorkerReport { handed_back: 1, ..WorkerReport::default() });
    let fail = server.seen(&format!("POST {}", path("fail")))[0].json();
    assert_eq!(fail, json!({"reason": "worker shutting down", "retryable": true}));
    let farewell =
        server.seen("POST /v1/worker/heartbeat").iter().any(|beat| beat.json()["leases"] == json!([]));
    assert!(farewell, "what is not listed goes back at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_during_the_work_changes_nothing() {
    let end = Arc::new(Notify::new());
    let beats = Arc::new(Notify::new());
    let (heard, down) = (Arc::clone(&beats), Arc::new(Mutex::new(0_u32)));
    let server = server_until(&end, format!("POST {}", path("complete")), 1, move |request, before| {
        if request.line() == "POST /v1/worker/heartbeat" {
            let mut down = down.lock().unwrap();
            *down += 1;
            if *down == 3 {
                heard.notify_one();
            }
            return Reply::Break;
        }
        usual(request, before, 1)
    });
    let runtime = tokio::runtime::Handle::current();
    let performer = doing(move |_, _, control| {
        // Rendering goes on while three heartbeats in a row find no server.
        runtime.block_on(beats.notified());
        assert!(!control.cancelled());
        landed("x")
    });
    let report = work(&server, performer, &end).await;
    assert_eq!(report.completed, 1);
}

#[tokio::test]
async fn a_wrong_key_is_told_at_once() {
    let server = Server::start(|_, _| problem(401, "unauthorized"));
    let client = Client::new(&server.url, "wrong").unwrap();
    let settings =
        WorkerSettings::new(WorkerName::new("w").unwrap(), vec![PoolName::new("image").unwrap()], 1);
    let worker = Worker::new(client, settings, doing(|_, _, _| landed("x")));
    let error = worker.run(std::future::pending()).await.unwrap_err();
    assert!(error.to_string().contains("unauthorized"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_the_server_does_not_know_yet_is_asked_for_again() {
    let end = Arc::new(Notify::new());
    let server = server_until(&end, format!("POST {}", path("complete")), 1, |request, before| {
        let is_early = before < 3;
        if request.line() == "POST /v1/worker/leases" && is_early {
            let problem = json!({
                "type": "t", "title": "t", "status": 422, "detail": "no catalog names `image`",
                "code": "invalid_request", "unknown_pools": ["image"], "known_pools": ["video"],
            });
            return Reply::Json(422, problem);
        }
        usual(request, before.saturating_sub(3), 1)
    });
    let report = work(&server, doing(|_, _, _| landed("x")), &end).await;
    assert_eq!(report.completed, 1);
}
