//! Thousands of silent event streams, and readers that never read.

use reqwest::Method;

use super::load::{Until, crowd};
use super::process::{MemoryWatch, anonymous_kib, raise_open_files};
use super::wire::{Wire, bytes_of};
use crate::fixture::{Api, Server, Tenant, image, verify, within};

/// Silent streams, where the system allows that many files.
const SILENT: u64 = 2_000;
const READERS_THAT_HANG: usize = 50;
const JOBS: u64 = 3_000;
/// What one silent stream may take, in KiB.
const SILENT_KIB_MAX: u64 = 64;
/// What the readers that hang and the jobs may take together, in KiB.
const GROWTH_KIB_MAX: u64 = 128 << 10;

fn stream(tenant: &Tenant) -> Vec<u8> {
    bytes_of(tenant.api.request(Method::GET, &tenant.path("/events")))
}

async fn listen(mut wire: Wire, request: &[u8]) -> Wire {
    wire.send(request).await.unwrap();
    let head = within("the head of a stream", 30, wire.head()).await.unwrap();
    assert_eq!(head.status, 200);
    wire
}

/// Reads until a line has this text; a stream that was cut for being slow is opened again, as a client does.
async fn read_until(api: &Api, mut wire: Wire, request: &[u8], text: &str) -> u64 {
    let mut lines = 0;
    loop {
        match wire.line().await {
            Ok(line) if line.contains(text) => return lines,
            Ok(_) => lines += 1,
            Err(_) => wire = listen(Wire::open(api).await.unwrap(), request).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_streams_and_readers_that_hang_cost_little_and_hold_nobody_up() {
    let silent_count = (raise_open_files() / 4).min(SILENT);
    let server = Server::with(&[("REEVE__SERVER__KEEP_ALIVE_SECONDS", "3")]);
    let api = server.admin();
    let (quiet, busy) = (Tenant::large(&api, "quiet").await, Tenant::large(&api, "busy").await);
    busy.give(1_000_000).await;
    let resting_kib = anonymous_kib(server.pid());
    let mut silent = Vec::new();
    for _ in 0..silent_count {
        silent.push(listen(Wire::open(&api).await.unwrap(), &stream(&quiet)).await);
    }
    let silent_kib = anonymous_kib(server.pid()).saturating_sub(resting_kib);

    let mut hanging = Vec::new();
    for _ in 0..READERS_THAT_HANG {
        hanging.push(listen(Wire::narrow(&api).await.unwrap(), &stream(&busy)).await);
    }
    let reader = listen(Wire::open(&api).await.unwrap(), &stream(&busy)).await;
    let memory = MemoryWatch::on(server.pid());
    let before_kib = anonymous_kib(server.pid());
    let request = stream(&busy);
    let (lines, marker) = {
        let (sender, marker) = tokio::sync::oneshot::channel::<String>();
        let (api, request) = (api.clone(), request.clone());
        let reading = crate::fixture::spawn(async move {
            // What comes while the jobs are submitted is read as it comes; then the marker is looked for.
            let mut wire = reader;
            let mut lines = 0_u64;
            let mut marker = marker;
            let text = loop {
                tokio::select! {
                    text = &mut marker => break text.unwrap(),
                    line = wire.line() => match line {
                        Ok(_) => lines += 1,
                        Err(_) => wire = listen(Wire::open(&api).await.unwrap(), &request).await,
                    }
                }
            };
            lines + read_until(&api, wire, &request, &text).await
        });
        let heard = crowd(std::slice::from_ref(&busy), 8, Until::Count(JOBS)).await;
        assert_eq!((heard.of(201), heard.broken), (JOBS, 0), "{:?}", heard.statuses);
        let job = busy.admitted(image(1)).await;
        sender.send(job.clone()).unwrap();
        busy.cancel(&job).await.ok(200);
        (within("the last job on a stream that is read", 60, reading).await.unwrap(), job)
    };
    let peak_kib = memory.peak_kib().await;
    println!(
        "{silent_count} silent streams: {silent_kib} KiB; {READERS_THAT_HANG} readers hang over {JOBS} jobs: \
         {before_kib} KiB before, {peak_kib} at most; one that reads saw {lines} lines before `{marker}`"
    );
    assert!(silent_kib < silent_count * SILENT_KIB_MAX, "{silent_kib} KiB");
    assert!(peak_kib < before_kib + GROWTH_KIB_MAX, "{peak_kib} KiB after {before_kib}");
    assert!(lines > JOBS, "a stream that is read flows on: {lines}");
    for wire in silent.iter_mut().step_by(400) {
        let comment = async { while wire.line().await.unwrap() != ": keep-alive" {} };
        within("a sign of life of a silent stream", 30, comment).await;
    }
    drop((silent, hanging));
    busy.admitted(image(1)).await;
    verify(&api).await;
}
