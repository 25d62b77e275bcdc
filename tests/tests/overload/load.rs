//! The crowd that submits without pause, and the workers beside it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use reqwest::Method;
use serde_json::json;

use super::wire::{Wire, bytes_of};
use crate::fixture::{Hand, Tenant, image, landed, lease_of, now_ms, pause_ms, spawn};

/// What a crowd heard.
#[derive(Debug, Default)]
pub struct Heard {
    pub statuses: BTreeMap<u16, u64>,
    /// 429 and 503 that do not say when to come back.
    pub without_retry_after: u64,
    /// Connections that broke.
    pub broken: u64,
    /// How long admitted submits took, in milliseconds.
    pub waits_ms: Vec<i64>,
    pub took_ms: i64,
}

impl Heard {
    pub fn of(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    pub fn per_second(&self, status: u16) -> u64 {
        self.of(status) * 1_000 / u64::try_from(self.took_ms.max(1)).unwrap()
    }

    /// How long that share of the admitted took at most, in milliseconds.
    pub fn wait_ms(&self, permille: usize) -> i64 {
        let last = self.waits_ms.len().saturating_sub(1);
        self.waits_ms.get(last * permille / 1_000).copied().unwrap_or(0)
    }

    /// Rate and waits, for people.
    pub fn figures(&self) -> String {
        let [p50, p99, max] = [500, 990, 1_000].map(|permille| self.wait_ms(permille));
        let rate = self.per_second(201);
        format!("{rate} admitted/s, p50 {p50} ms, p99 {p99} ms, longest {max} ms; {:?}", self.statuses)
    }

    fn add(&mut self, other: Self) {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.without_retry_after += other.without_retry_after;
        self.broken += other.broken;
        self.waits_ms.extend(other.waits_ms);
    }
}

/// Until when the crowd goes on.
#[derive(Clone, Copy)]
pub enum Until {
    /// So many submits over all connections.
    Count(u64),
    Ms(i64),
}

/// Submits on that many connections at once, each the next as soon as the last is answered; a refusal is no reason to
/// wait. Half of the connections are on the first workspace, the others spread.
pub async fn crowd(tenants: &[Tenant], connections: usize, until: Until) -> Heard {
    let start = now_ms();
    let left = Arc::new(AtomicU64::new(match until {
        Until::Count(count) => count,
        Until::Ms(_) => u64::MAX,
    }));
    let end = match until {
        Until::Count(_) => i64::MAX,
        Until::Ms(ms) => start + ms,
    };
    let one = |n: usize| {
        let tenant = if n.is_multiple_of(2) { &tenants[0] } else { &tenants[n % tenants.len()] };
        let body = tenant.api.request(Method::POST, &tenant.path("/jobs")).json(&image(1));
        spawn(submit_on(tenant.clone(), bytes_of(body), left.clone(), end))
    };
    let tasks: Vec<_> = (0..connections).map(one).collect();
    let mut heard = Heard::default();
    for task in tasks {
        heard.add(task.await.unwrap());
    }
    heard.took_ms = now_ms() - start;
    heard.waits_ms.sort_unstable();
    heard
}

async fn submit_on(tenant: Tenant, request: Vec<u8>, left: Arc<AtomicU64>, end: i64) -> Heard {
    let mut heard = Heard::default();
    let Ok(mut wire) = Wire::open(&tenant.api).await else {
        heard.broken += 1;
        return heard;
    };
    let take = |left: u64| left.checked_sub(1);
    while now_ms() < end && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
        let sent = now_ms();
        let Ok(reply) = wire.call(&request).await else {
            heard.broken += 1;
            return heard;
        };
        *heard.statuses.entry(reply.status).or_default() += 1;
        match reply.status {
            201 => heard.waits_ms.push(now_ms() - sent),
            429 | 503 if reply.retry_after.is_none() => heard.without_retry_after += 1,
            _ => {}
        }
    }
    heard
}

/// What workers did.
#[derive(Debug, Default)]
pub struct Worked {
    pub completed: u64,
    pub heartbeats: u64,
    /// Lease requests that were shed.
    pub shed: u64,
    /// The longest completion, in milliseconds.
    pub slowest_ms: i64,
}

/// Leases, heartbeats and completes until it is told to stop. Any refusal of a heartbeat or completion is a failure.
pub async fn work(hand: Hand, stop: Arc<AtomicBool>) -> Worked {
    let mut worked = Worked::default();
    while !stop.load(Ordering::Relaxed) {
        let answer = hand.api.post("/v1/worker/leases", hand.lease_body(8, 1)).await;
        if answer.status == 503 {
            assert!(answer.header("retry-after").is_some(), "{}", answer.text());
            worked.shed += 1;
            pause_ms(100).await;
            continue;
        }
        let answer = answer.ok(200);
        let leases: Vec<String> = answer["leases"].as_array().unwrap().iter().map(lease_of).collect();
        let listed: Vec<&str> = leases.iter().map(String::as_str).collect();
        for (n, lease) in listed.iter().enumerate() {
            // Before each, since a crowd of thousands makes every answer slow.
            assert_eq!(hand.heartbeat(&listed[n..]).await["lost"], json!([]));
            worked.heartbeats += 1;
            let sent = now_ms();
            hand.complete(lease, json!([landed(0)])).await.ok(200);
            worked.slowest_ms = worked.slowest_ms.max(now_ms() - sent);
            worked.completed += 1;
        }
    }
    worked
}

/// Holds leases by heartbeats alone until it is told to stop. How many heartbeats, and the slowest in milliseconds.
pub async fn keep(hand: &Hand, leases: &[String], every_ms: u64, stop: &AtomicBool) -> (u64, i64) {
    let listed: Vec<&str> = leases.iter().map(String::as_str).collect();
    let (mut count, mut slowest_ms) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let sent = now_ms();
        let heard = hand.heartbeat(&listed).await;
        slowest_ms = slowest_ms.max(now_ms() - sent);
        assert_eq!((&heard["lost"], &heard["cancel"]), (&json!([]), &json!([])));
        count += 1;
        pause_ms(every_ms).await;
    }
    (count, slowest_ms)
}
