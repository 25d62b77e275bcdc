//! A server that runs: whether it serves, which version it is, and when a worker was last heard of.

use reeve_client::{Client, ClientError, ClientSettings, RetryPolicy};
use reeve_protocol::{At, Code, ListQuery, WorkerView};

use super::Finding;
use crate::args::Remote;
use crate::remote;

const SERVER: &str = "server";
const WORKER: &str = "worker";
/// Longest time to connect, and then to answer, in milliseconds.
const ANSWER_MS_MAX: u64 = 2_000;
/// Workers of one look: a page of the API.
const WORKERS_MAX: u32 = 500;
const MINUTE_MS: i64 = 60_000;
/// What the client wants where the path needs no key.
const NO_KEY: &str = "none";

/// Asks a server, if there is one to ask.
pub(super) async fn check(target: Option<&Remote>, worker_minutes: u32) -> Vec<Finding> {
    let Some(target) = target else {
        return vec![Finding::unasked(SERVER, "none runs here; --url asks one that runs elsewhere")];
    };
    let health = match open_client(target) {
        Ok(client) => client.readyz().await,
        Err(failure) => return vec![Finding::wrong(SERVER, failure, "correct --url or --ca")],
    };
    let version = match health {
        Ok(health) => health.version,
        Err(error) => return vec![not_ready(target, &error)],
    };
    vec![same_version(target, &version), workers(target, worker_minutes).await]
}

/// True when a server of ours answers, ready or not.
pub(super) async fn is_alive(target: &Remote) -> bool {
    match open_client(target) {
        Ok(client) => client.healthz().await.is_ok(),
        Err(_) => false,
    }
}

fn settings() -> ClientSettings {
    ClientSettings {
        retry: RetryPolicy::NEVER,
        connect_ms_max: ANSWER_MS_MAX,
        answer_ms_max: ANSWER_MS_MAX,
        ..ClientSettings::default()
    }
}

/// A client for paths that are open: no key is sent where none is needed.
fn open_client(target: &Remote) -> Result<Client, String> {
    let target = Remote { key: Some(NO_KEY.to_owned()), ..target.clone() };
    remote::client_with(&target, settings()).map_err(|failure| failure.to_string())
}

fn not_ready(target: &Remote, error: &ClientError) -> Finding {
    match error.code() {
        Some(Code::NotReady) => {
            let found = format!("`{}` is not ready: {error}", target.url);
            Finding::failed(SERVER, found, "wait for it; `reeve health` tells when it serves")
        }
        _ => Finding::failed(
            SERVER,
            format!("`{}`: {error}", target.url),
            "start it, or correct --url or --ca",
        ),
    }
}

fn same_version(target: &Remote, version: &str) -> Finding {
    let ours = env!("CARGO_PKG_VERSION");
    let found = format!("`{}` serves, version {version}", target.url);
    if version == ours {
        return Finding::good(SERVER, found);
    }
    Finding::warning(
        SERVER,
        format!("{found}; this program is {ours}"),
        "see docs/versioning.md for what fits",
    )
}

async fn workers(target: &Remote, minutes: u32) -> Finding {
    if target.key.is_none() {
        return Finding::unasked(WORKER, "an admin key (--key or REEVE_KEY) lets the workers be seen");
    }
    let client = match remote::client_with(target, settings()) {
        Ok(client) => client,
        Err(failure) => return Finding::wrong(WORKER, failure.to_string(), "correct --key or --ca"),
    };
    let list = ListQuery { limit: Some(WORKERS_MAX), cursor: None };
    let answers = tokio::try_join!(client.clock(), client.workers(&list));
    match answers {
        // By the server's own clock: this machine's may differ, and a test server's stands still.
        Ok((clock, page)) => seen(&page.data, clock.now, minutes),
        Err(error) => {
            Finding::wrong(WORKER, format!("cannot be seen: {error}"), "give an admin key with --key")
        }
    }
}

fn seen(workers: &[WorkerView], now: At, minutes: u32) -> Finding {
    let age_ms = |at: At| now.millis().since(at.millis());
    let last = |worker: &WorkerView| worker.sessions.iter().map(|session| age_ms(session.last_seen_at)).min();
    let ages: Vec<i64> = workers.iter().filter_map(last).collect();
    let fresh = ages.iter().filter(|age| **age <= i64::from(minutes) * MINUTE_MS).count();
    let start = "start one: `reeve worker`, `reeve serve --with-worker`, or one of your own";
    match (fresh, ages.iter().min()) {
        (0, None) => Finding::warning(WORKER, "none was seen since the server started: jobs wait", start),
        (0, Some(age)) => {
            let found = format!("the last one was seen {} minutes ago: jobs wait", age / MINUTE_MS);
            Finding::warning(WORKER, found, start)
        }
        (1, _) => Finding::good(WORKER, format!("one was seen in the last {minutes} minutes")),
        (fresh, _) => Finding::good(WORKER, format!("{fresh} were seen in the last {minutes} minutes")),
    }
}

#[cfg(test)]
mod tests {
    use reeve_protocol::{SessionView, WorkerState};
    use reeve_types::{Millis, WorkerName};

    use super::super::State;
    use super::*;

    fn worker(seen_ms: i64) -> WorkerView {
        let session = SessionView {
            session: "s".to_owned(),
            pools: Vec::new(),
            wanted: 0,
            leases: Vec::new(),
            last_seen_at: At(Millis::from_millis(seen_ms)),
        };
        let worker = WorkerName::new("gpu-1").unwrap();
        WorkerView { worker, state: WorkerState::Active, sessions: vec![session] }
    }

    #[test]
    fn a_worker_counts_when_it_was_heard_of_lately() {
        let now = At(Millis::from_millis(100 * MINUTE_MS));
        let fresh = seen(&[worker(0), worker(99 * MINUTE_MS)], now, 10);
        assert!(fresh.state == State::Good && fresh.found.starts_with("one was seen"), "{fresh:?}");
        let old = seen(&[worker(30 * MINUTE_MS)], now, 10);
        assert!(old.state == State::Warning && old.found.contains("70 minutes ago"), "{old:?}");
        assert_eq!(seen(&[], now, 10).state, State::Warning);
    }
}
