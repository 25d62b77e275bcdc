//! Ten times the load: what is refused, what is not, and what is left of it afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::load::{Heard, Until, crowd, keep, work};
use super::process::{MemoryWatch, anonymous_kib, raise_open_files};
use super::recovery::{Pace, recovered};
use crate::fixture::{Hand, Server, Tenant, image, landed, lease_of, spawn, verify, within};

/// Looks at the pace before the load, and at most so many after it.
const LOOKS: u32 = 2;
const LOOKS_AFTER_MAX: u64 = 10;
/// Share of the pace of before that must be there again, in percent: less than all of it, since other programs take
/// part of the machine.
const PACE_PERCENT_MIN: u64 = 50;
/// What a server may take over what it had before, in KiB, apart from what each admitted job takes.
const GROWTH_KIB_MAX: u64 = 160 << 10;
/// What an admitted job may take in memory, in bytes: in its workspace, in the queue, and its parameters in a cache.
const JOB_BYTES_MAX: u64 = 4_096;
const LEASE_MS: u64 = 10_000;
const HEARTBEAT_MS: u64 = 2_000;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

async fn rich(server: &Server, id: &str) -> Tenant {
    let tenant = Tenant::large(&server.admin(), id).await;
    tenant.give(100_000_000).await;
    tenant
}

/// Only what the design allows, and never without a word on when to come back.
#[track_caller]
fn check(heard: &Heard) {
    let odd: Vec<_> =
        heard.statuses.keys().filter(|status| ![201, 402, 409, 429, 503].contains(status)).collect();
    assert!(odd.is_empty(), "{odd:?} in {:?}", heard.statuses);
    assert_eq!((heard.without_retry_after, heard.broken), (0, 0), "{:?}", heard.statuses);
}

fn lapses(server: &Server) -> usize {
    let log = std::fs::read_to_string(server.folder().join("log")).unwrap();
    log.matches("lease lapses").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_times_the_load_sheds_submits_and_finishes_what_was_begun() {
    raise_open_files();
    let seconds = number("REEVE_OVERLOAD_SECONDS", 8);
    let connections = usize::try_from(number("REEVE_OVERLOAD_CONNECTIONS", 1_000)).unwrap();
    let new_work_max = number("REEVE_OVERLOAD_NEW_WORK_MAX", 64);
    let server = Server::with(&[
        ("REEVE__ENGINE__NEW_WORK_MAX", &new_work_max.to_string()),
        ("REEVE__LEASES__LEASE_MS", &LEASE_MS.to_string()),
        ("REEVE__LEASES__LEASE_ACK_MS", &LEASE_MS.to_string()),
        ("REEVE__LEASES__HEARTBEAT_MS", &HEARTBEAT_MS.to_string()),
    ]);
    let kept = Tenant::large(&server.admin(), "kept").await;
    for _ in 0..8 {
        kept.admitted(image(1)).await;
    }
    let keeper = Arc::new(Hand::new(&server.worker_api(), "keeper"));
    let mut leases = Vec::new();
    while leases.len() < 8 {
        leases.extend(keeper.lease(8, 5).await.iter().map(lease_of));
    }
    let mut tenants = Vec::new();
    for n in 0..9 {
        tenants.push(rich(&server, &format!("tenant-{n}")).await);
    }

    // Workspaces of their own: a backlog that the crowd has filled is refused, and that is quick, so that a look at the
    // pace among those would find the machine busy with refusals.
    let mut calm = Vec::new();
    for n in 0..9 {
        calm.push(rich(&server, &format!("calm-{n}")).await);
    }
    let before = Pace::best(server.pid(), &calm, LOOKS).await;
    check(&before.heard);
    let (stop, resting_kib) = (Arc::new(AtomicBool::new(false)), anonymous_kib(server.pid()));
    let memory = MemoryWatch::on(server.pid());
    let hands: Vec<_> = (0..4)
        .map(|n| spawn(work(Hand::new(&server.worker_api(), &format!("hand-{n}")), stop.clone())))
        .collect();
    // These leases are to live on until the end of the last look.
    let stop_beats = Arc::new(AtomicBool::new(false));
    let beats = {
        let (keeper, leases, stop) = (keeper.clone(), leases.clone(), stop_beats.clone());
        spawn(async move { keep(&keeper, &leases, HEARTBEAT_MS, &stop).await })
    };
    let during = crowd(&tenants, connections, Until::Ms(i64::try_from(seconds * 1_000).unwrap())).await;
    stop.store(true, Ordering::Relaxed);
    let lone = within("a lone submit after the load", 5, tenants[1].submit(image(1))).await;
    lone.ok(201);
    let (mut completed, mut leases_shed, mut slowest_ms) = (0, 0, 0);
    for hand in hands {
        let worked = hand.await.unwrap();
        completed += worked.completed;
        leases_shed += worked.shed;
        slowest_ms = slowest_ms.max(worked.slowest_ms);
    }
    let peak_kib = memory.peak_kib().await;
    let looks_max = usize::try_from(number("REEVE_OVERLOAD_LOOKS_AFTER", LOOKS_AFTER_MAX)).unwrap();
    let percent = if looks_max as u64 > LOOKS_AFTER_MAX { u64::MAX } else { PACE_PERCENT_MIN };
    let after = recovered(server.pid(), &calm, (&before, percent, looks_max)).await;
    after.iter().for_each(|pace| check(&pace.heard));
    stop_beats.store(true, Ordering::Relaxed);
    let (beats, slowest_beat_ms) = beats.await.unwrap();
    println!(
        "before: {}\nduring, {connections} connections, {seconds} s: {}\nafter, second by second: {:#?}\n\
         completions {completed}, slowest {slowest_ms} ms; heartbeats {beats}, slowest {slowest_beat_ms} ms; \
         lease requests shed {leases_shed}; lapses {}\nmemory KiB: {resting_kib} before, {peak_kib} at most",
        before.figures(),
        during.figures(),
        after
            .iter()
            .map(|pace| format!("{} %: {}", pace.percent_of(&before), pace.figures()))
            .collect::<Vec<_>>(),
        lapses(&server),
    );

    check(&during);
    assert!(during.of(503) > 0, "nothing was shed: {:?}", during.statuses);
    assert!(during.of(201) > 0 && completed > 0, "work stood still: {:?}", during.statuses);
    assert!(during.wait_ms(990) < 10_000, "who is let in waits for {} ms", during.wait_ms(990));
    assert_eq!(lapses(&server), 0);
    let jobs_kib = during.of(201) * JOB_BYTES_MAX / 1_024;
    assert!(peak_kib < resting_kib + GROWTH_KIB_MAX + jobs_kib, "{peak_kib} KiB after {resting_kib}");
    let best = after.iter().map(|pace| pace.percent_of(&before)).max().unwrap_or(0);
    assert!(best >= PACE_PERCENT_MIN, "{best} % of the pace of before within {LOOKS_AFTER_MAX} s");
    for lease in &leases {
        let view = keeper.complete(lease, json!([landed(0)])).await.ok(200);
        assert_eq!(view["attempt"], 1, "{view}");
    }
    verify(&server.admin()).await;
}
