//! The network between the server and its database fails: it cuts in the middle of commits, delays, says nothing for a
//! while, forgets connections. What was acknowledged stays, what is in doubt is found out, callers hear 503, and nobody
//! has to start anything again.
//!
//! `REEVE_NETWORK_SILENT_SECONDS=45` makes the silence longer than the writer waits for an answer.

use std::sync::atomic::Ordering;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;

use super::line::{Line, Mood};
use super::load::Load;
use super::{DATABASE, check_offline, cluster, on};
use crate::fixture::{Api, Server, Tenant, eventually, image, now_ms, pause_ms, verify};

/// Times that every connection is cut.
const CUTS: u32 = 10;
/// How long the network says nothing, unless the environment asks for more.
const SILENT_SECONDS: u64 = 4;
/// How long a read waits for the database here, in milliseconds.
const ANSWER_MS_MAX: u64 = 1_500;
/// Until a read that is not answered is refused: that, and as long for a connection that is opened in vain.
const REFUSED_MS_MAX: i64 = 10_000;

/// A request that the database is asked for.
async fn read(api: &Api) -> crate::fixture::Answer {
    api.send(api.request(Method::GET, "/v1/workspaces/workspace-0/ledger?limit=1")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_cuts_in_the_middle_of_commits_leaves_nothing_in_doubt() {
    let Some((_cluster, url)) = cluster() else { return };
    let (line, over) = Line::to(&url).await;
    let mut server = Server::with(&on(&over));
    let running = Load::start(&[&server]).await;
    let mut random = StdRng::seed_from_u64(11);
    for n in 0..CUTS {
        line.is(if n % 3 == 2 { Mood::Late(10) } else { Mood::Open });
        pause_ms(random.random_range(50..250)).await;
        // The database hears and does, and its answers are lost: those of whatever is under way, or that of a COMMIT.
        line.is(if n % 2 == 0 { Mood::LostCommits } else { Mood::Deaf });
        pause_ms(random.random_range(20..200)).await;
        line.cut();
        line.is(Mood::Open);
    }
    running.goes_on(100, 30).await;
    assert_eq!(running.load().unanswered.load(Ordering::Relaxed), 0, "callers see nothing but 503");
    let log = server.whole_log();
    let in_doubt = log.matches("the connection was lost in a commit").count();
    let put_off = running.load().put_off.load(Ordering::Relaxed);
    println!("{CUTS} cuts, {in_doubt} commits in doubt, {put_off} answers 503");
    assert!(in_doubt > 0, "no cut met a commit: this tested little");
    assert!(!log.contains("stays unknown"), "{}", server.log());
    server.admin().get("/readyz").await.ok(200);
    running.end(&server).await;
    assert_eq!(server.terminate(30).await.code(), Some(0), "{}", server.log());
    check_offline(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_says_nothing_for_a_while_costs_time_and_nothing_else() {
    let Some((_cluster, url)) = cluster() else { return };
    let (line, over) = Line::to(&url).await;
    let answer = ANSWER_MS_MAX.to_string();
    let mut settings = on(&over);
    settings.push(("REEVE__DATABASE__ANSWER_MS_MAX", &answer));
    let server = Server::with(&settings);
    let running = Load::start(&[&server]).await;
    running.goes_on(50, 30).await;
    let given = std::env::var("REEVE_NETWORK_SILENT_SECONDS").ok().map(|text| text.parse::<u64>().unwrap());
    let (begun, silent_ms) = (now_ms(), given.unwrap_or(SILENT_SECONDS) * 1_000);
    line.is(Mood::Silent);
    let refused = read(&server.admin()).await;
    refused.problem(503, "overloaded");
    assert!(refused.header("retry-after").is_some());
    let refused_ms = now_ms() - begun;
    assert!(refused_ms < REFUSED_MS_MAX, "{refused_ms} ms until a read was refused");
    server.admin().get("/healthz").await.ok(200);
    pause_ms(silent_ms.saturating_sub(refused_ms.unsigned_abs())).await;
    line.is(Mood::Open);
    let heard = now_ms();
    running.goes_on(50, 30).await;
    println!(
        "silent for {silent_ms} ms, a read refused after {refused_ms} ms, at work {} ms after it",
        now_ms() - heard
    );
    eventually("reads again", 10, || async { (read(&server.admin()).await.status == 200).then_some(()) })
        .await;
    server.admin().get("/readyz").await.ok(200);
    assert_eq!(running.load().unanswered.load(Ordering::Relaxed), 0, "callers see nothing but 503");
    running.end(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_the_network_forgot_are_replaced() {
    let Some((cluster, url)) = cluster() else { return };
    let (line, over) = Line::to(&url).await;
    let answer = ANSWER_MS_MAX.to_string();
    let mut settings = on(&over);
    settings.push(("REEVE__DATABASE__ANSWER_MS_MAX", &answer));
    let server = Server::with(&settings);
    let tenant = Tenant::large(&server.admin(), "workspace-0").await;
    tenant.admitted(image(1)).await;
    let holder = || cluster.sql(DATABASE, "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted");
    let before = holder();
    line.forget();
    // All of the readers at once, so that none of them is left to take the place of the others.
    let reads = (0..8).map(|_| read(&tenant.api));
    for answer in futures_util::future::join_all(reads).await {
        assert!([200, 503].contains(&answer.status), "{}", answer.text());
    }
    eventually("reads again", 15, || async {
        let answers = futures_util::future::join_all((0..8).map(|_| read(&tenant.api))).await;
        answers.iter().all(|answer| answer.status == 200).then_some(())
    })
    .await;
    // The writer has nothing to do, looks whether its session is there, and takes another one.
    eventually("another session with the lock", 30, || async {
        let now = tokio::task::block_in_place(holder);
        (!now.is_empty() && now != before).then_some(())
    })
    .await;
    eventually("an admission", 30, || async { (tenant.submit(image(1)).await.status == 201).then_some(()) })
        .await;
    verify(&server.admin()).await;
}
