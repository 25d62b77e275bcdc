//! One submitted job as a collector sees it, and what becomes of requests when there is no collector.

use reqwest::Method;
use serde_json::Value;

use super::Collector;
use super::collector::Seen;
use crate::fixture::{Hand, Server, Tenant, image, pause_ms, spawn, within};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
const PROMPT: &str = "cerulean-harbour-in-fog";
/// Spans are sent this often, in milliseconds: the exporter's own setting.
const DELAY: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "100");

fn traced(url: &str) -> [(&str, &str); 2] {
    [("REEVE__TELEMETRY__OTLP_URL", url), DELAY]
}

fn job() -> Value {
    let mut job = image(1);
    job["params"]["prompt"] = PROMPT.into();
    job
}

/// Submits as a caller that is traced itself.
async fn submitted(tenant: &Tenant, sampled: &str) -> String {
    let request = tenant.api.request(Method::POST, &tenant.path("/jobs"));
    let request = request
        .header("traceparent", format!("00-{TRACE}-{CALLER}-{sampled}"))
        .header("X-Request-Id", "order-17");
    let answer = tenant.api.send(request.json(&job())).await;
    answer.ok(201)["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_job_is_one_trace_from_its_submit_to_what_its_worker_did() {
    let collector = Collector::start().await;
    let mut server = Server::with(&traced(&collector.url));
    let admin = server.admin();
    let tenant = Tenant::large(&admin, "acme").await;
    let job = submitted(&tenant, "01").await;
    let worker = server.worker(1);
    tenant.finished(&job, 60).await;
    worker.terminate(30).await;

    let in_trace = |name: &'static str| move |span: &Seen| span.trace == TRACE && span.name == name;
    let submit = collector.sees("the submit", in_trace("POST /v1/workspaces/{ws}/jobs")).await;
    assert_eq!(submit.parent, CALLER, "{submit:?}");
    assert_eq!(submit.note("request.id"), "order-17");
    assert_eq!(submit.note("http.route"), "/v1/workspaces/{ws}/jobs");
    assert_eq!(
        (submit.note("http.request.method"), submit.note("http.response.status_code")),
        ("POST", "201")
    );
    let of = |command: &'static str| {
        move |span: &Seen| in_trace("workspace.command")(span) && span.note("command") == command
    };
    let command = collector.sees("its command", of("submit")).await;
    assert_eq!((&command.parent, command.note("workspace.id")), (&submit.span, "acme"));
    assert_eq!((command.note("job.id"), command.note("outcome")), (job.as_str(), "done"));
    let batch = collector.sees("its batch", |span| span.parent == command.span).await;
    assert_eq!((batch.trace.as_str(), batch.name.as_str()), (TRACE, "journal.batch"));
    assert!(batch.note("journal.batch.rows").parse::<u64>().unwrap() >= 3, "{batch:?}");
    assert!(command.start_ns <= batch.end_ns && batch.end_ns <= command.end_ns, "{command:?} {batch:?}");

    let lease = collector.sees("the lease", in_trace("job.lease")).await;
    assert_eq!((&lease.parent, lease.note("job.id")), (&command.span, job.as_str()));
    assert_eq!((lease.note("worker.name"), lease.note("pool")), ("sketch-1", "image"));
    // The worker names the lease as the cause of what it sends.
    let complete = "POST /v1/worker/leases/{lease}/complete";
    for name in ["PUT /v1/worker/leases/{lease}/outputs/{n}", complete] {
        let sent = collector.sees(name, in_trace(name)).await;
        assert_eq!(sent.parent, lease.span, "{sent:?}");
    }
    let completion = collector.sees("the completion", of("complete")).await;
    let complete = collector.sees("its request", in_trace(complete)).await;
    assert_eq!((&completion.parent, completion.note("job.id")), (&complete.span, job.as_str()));

    server.terminate(30).await;
    assert!(
        collector.heads().iter().all(|head| head.starts_with("POST /v1/traces ")),
        "{:?}",
        collector.heads()
    );
    let sent = String::from_utf8_lossy(&collector.bytes()).into_owned();
    assert!(sent.contains("order-17") && !sent.contains(PROMPT), "a prompt was sent to the collector");
    assert!(!sent.contains("/healthz") && !sent.contains("key-of-the-tests"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_for_a_trace_that_is_not_kept_or_while_the_setting_is_off() {
    let collector = Collector::start().await;
    // Without a sample of its own, a request is traced only when its caller says so.
    let [url, delay] = traced(&collector.url);
    let mut server = Server::with(&[url, delay, ("REEVE__TELEMETRY__SAMPLE_PERMILLE", "0")]);
    let admin = server.admin();
    let tenant = Tenant::large(&admin, "acme").await;
    tenant.admitted(job()).await;
    submitted(&tenant, "00").await;
    // What ends a process sends what was kept back.
    server.terminate(30).await;
    assert_eq!(collector.spans().iter().map(|span| &span.name).collect::<Vec<_>>(), Vec::<&String>::new());

    // The exporter's own variable turns nothing on.
    let mut server = Server::with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()), delay]);
    let tenant = Tenant::large(&server.admin(), "acme").await;
    submitted(&tenant, "01").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let lease = hand.lease(1, 20).await.remove(0);
    assert_eq!(lease["traceparent"], format!("00-{TRACE}-{CALLER}-01"), "passed on all the same: {lease}");
    server.terminate(30).await;
    assert_eq!(collector.heads(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_or_silent_costs_no_request_and_one_line_of_the_log() {
    // Takes connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("http://{}", silent.local_addr().unwrap());
    drop(spawn(async move {
        let mut kept = Vec::new();
        while let Ok(connection) = silent.accept().await {
            kept.push(connection);
        }
    }));
    // Nobody listens there.
    for (url, is_away) in [("http://127.0.0.1:9", true), (silent_url.as_str(), false)] {
        let mut server = Server::with(&traced(url));
        let tenant = Tenant::large(&server.admin(), "acme").await;
        within("submits", 20, async {
            for _ in 0..20 {
                tenant.admitted(job()).await;
                pause_ms(if is_away { 50 } else { 1 }).await;
            }
        })
        .await;
        let ended = server.terminate(12).await;
        assert!(ended.success(), "{}", server.log());
        let log = server.whole_log();
        let lines = log.lines().filter(|line| line.contains("traces do not reach the collector")).count();
        assert!(lines == 1 || (!is_away && lines == 0), "{lines} lines:\n{log}");
        assert!(!log.contains(PROMPT));
    }
}
