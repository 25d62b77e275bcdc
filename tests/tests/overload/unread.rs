//! Clients that ask for much and read nothing: they are cut off, and what was kept for them is given back.

use reqwest::Method;

use super::load::{Until, crowd};
use super::process::{MemoryWatch, anonymous_kib, open_files, raise_open_files};
use super::wire::{Wire, bytes_of};
use crate::fixture::{Server, Tenant, image, now_ms, pause_ms, verify, within};

/// How long a client may take nothing, in seconds; shipped is more.
const UNREAD_SECONDS: u64 = 3;
/// Longest time until all of them are cut off: that bound, and the pauses after which the system looks.
const CUT_OFF_SECONDS_MAX: u64 = 30;
const CLIENTS: usize = 40;
/// Requests of each, sent without waiting for an answer: more than sockets take in.
const ASKED: usize = 200;
/// Rows of the ledger, each some 400 bytes of an answer.
const ROWS: u64 = 300;
/// What a client that does not read may take in the server, in KiB.
const CLIENT_KIB_MAX: u64 = 1_024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_reads_its_answers_is_cut_off_and_holds_nothing() {
    raise_open_files();
    let server = Server::with(&[("REEVE__SERVER__UNREAD_SECONDS_MAX", &UNREAD_SECONDS.to_string())]);
    let api = server.admin();
    let tenant = Tenant::large(&api, "acme").await;
    let heard = crowd(std::slice::from_ref(&tenant), 8, Until::Count(ROWS)).await;
    assert_eq!(heard.of(201), ROWS, "{:?}", heard.statuses);
    let ledger = bytes_of(tenant.api.request(Method::GET, &tenant.path("/ledger?limit=500")));
    let stream = bytes_of(tenant.api.request(Method::GET, &tenant.path("/events")));
    // The connections of that crowd are being closed.
    pause_ms(300).await;
    let (resting_kib, resting_files) = (anonymous_kib(server.pid()), open_files(server.pid()));

    // Some read a stream a little at a time, and are no concern of anybody.
    let mut slow = Wire::narrow(&api).await.unwrap();
    slow.send(&stream).await.unwrap();
    assert_eq!(slow.head().await.unwrap().status, 200);
    let memory = MemoryWatch::on(server.pid());
    let mut hanging = Vec::new();
    for n in 0..CLIENTS {
        let mut wire = Wire::narrow(&api).await.unwrap();
        let asked = if n % 4 == 0 { stream.clone() } else { ledger.repeat(ASKED) };
        wire.send(&asked).await.unwrap();
        hanging.push(wire);
    }
    pause_ms(500).await;
    let open = open_files(server.pid());
    assert!(open > resting_files + CLIENTS as u64 / 2, "{open} files are open, {resting_files} before");
    let begun = now_ms();
    within("the end of those that do not read", CUT_OFF_SECONDS_MAX, async {
        while open_files(server.pid()) > resting_files + 1 + CLIENTS as u64 / 4 {
            // Who does read goes on, and streams have something to tell.
            tenant.admitted(image(1)).await;
            slow.line().await.unwrap();
            pause_ms(50).await;
        }
    })
    .await;
    let took_ms = now_ms() - begun;
    let peak_kib = memory.peak_kib().await;
    println!(
        "{CLIENTS} clients that ask for {ASKED} answers and read none: cut off after {took_ms} ms; \
         {resting_kib} KiB before, {peak_kib} at most"
    );
    assert!(peak_kib < resting_kib + CLIENTS as u64 * CLIENT_KIB_MAX + (32 << 10), "{peak_kib} KiB");
    drop(hanging);
    verify(&api).await;
}
