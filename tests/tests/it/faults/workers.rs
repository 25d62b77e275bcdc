//! Workers that vanish, hang, come too late, or finish what is finished.

use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use super::{IMAGE, SHORT_LEASES, check_end, slow};
use crate::fixture::{Api, Hand, Server, Tenant, eventually, image, landed, lease_of, outcome, verify};

/// Races of each kind: enough that both sides win some of them.
const RACES: u32 = 12;

/// The sessions of the one worker there is, by their leases; as soon as they hold so many together.
async fn sessions_with(api: &Api, leases: usize) -> Vec<Value> {
    eventually(&format!("{leases} leases held"), 30, || async {
        let workers = api.get("/v1/workers").await.ok(200);
        let list = workers.get("data").unwrap_or(&workers).as_array().unwrap().clone();
        let sessions = list.first()?["sessions"].as_array().unwrap().clone();
        let held: usize = sessions.iter().map(|session| session["leases"].as_array().unwrap().len()).sum();
        assert_eq!(list.len(), 1, "one name is one worker: {list:#?}");
        (held == leases).then_some(sessions)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_of_one_name_both_work_and_when_one_is_killed_the_other_ends_its_jobs_once() {
    let server = Server::with(&SHORT_LEASES);
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let before = tenant.balance().await;
    let first = server.worker(2);
    let mut killed = Vec::new();
    for _ in 0..2 {
        killed.push(tenant.admitted(slow(120_000)).await);
    }
    for job in &killed {
        server.job_is(job, "running", 30).await;
    }
    let second = server.worker(2);
    let mut kept = Vec::new();
    for _ in 0..2 {
        kept.push(tenant.admitted(slow(2_500)).await);
    }
    let sessions = sessions_with(&server.admin(), 4).await;
    assert_eq!(sessions.len(), 2, "each process is a session of its own: {sessions:#?}");
    assert!(sessions.iter().all(|session| session["leases"].as_array().unwrap().len() == 2), "{sessions:#?}");

    first.kill9();
    // Both first: books are read from a workspace at rest.
    for job in &kept {
        tenant.finished(job, 60).await;
    }
    for job in &kept {
        check_end(&tenant, job, ("succeeded", 1, 1)).await;
    }
    // The jobs of the dead process run on the other one now, which would need two minutes for them.
    for job in &killed {
        eventually("the second attempt", 30, || async {
            let view = tenant.job(job).await;
            (view["status"] == "running" && view["attempt"] == 2).then_some(())
        })
        .await;
    }
    assert_eq!(tenant.balance().await, (before.0 - 4 * IMAGE, 2 * IMAGE));
    // Its own session is the only one that can end them; told to stop, it hands them back unpaid.
    tenant.cancel(&killed[0]).await.ok(200);
    tenant.finished(&killed[0], 60).await;
    check_end(&tenant, &killed[0], ("cancelled", 2, 0)).await;
    drop(second);
    let hand = Hand::new(&server.worker_api(), "third");
    let lease = hand.one().await;
    hand.complete(&lease, json!([landed(0)])).await.ok(200);
    check_end(&tenant, &killed[1], ("succeeded", 3, 1)).await;
    assert_eq!(tenant.balance().await, (before.0 - 3 * IMAGE, 0));
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_of_one_worker_name_keep_their_leases_apart() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let (one, two) = (Hand::new(&server.worker_api(), "twin"), Hand::new(&server.worker_api(), "twin"));
    let (job_one, job_two) = (tenant.admitted(image(1)).await, tenant.admitted(image(1)).await);
    let (lease_one, lease_two) = (one.one().await, two.one().await);
    assert_eq!(one.heartbeat(&[&lease_one]).await["renewed"], json!([lease_one]));
    assert_eq!(two.heartbeat(&[&lease_two]).await["renewed"], json!([lease_two]));

    // Listing the other's lease renews nothing, and not listing it takes nothing away.
    let heard = two.heartbeat(&[&lease_one, &lease_two]).await;
    assert_eq!((&heard["lost"], &heard["renewed"]), (&json!([lease_one]), &json!([lease_two])));
    assert_eq!(one.heartbeat(&[&lease_one]).await["renewed"], json!([lease_one]));
    // What a session hands back is its own alone.
    assert_eq!(two.heartbeat(&[]).await["lost"], json!([]));
    let again = one.one().await;
    two.complete(&lease_two, json!([landed(0)])).await.problem(409, "stale_lease");
    for (job, lease, attempt) in [(&job_one, &lease_one, 1), (&job_two, &again, 2)] {
        one.complete(lease, json!([landed(0)])).await.ok(200);
        check_end(&tenant, job, ("succeeded", attempt, 1)).await;
    }
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_heartbeats_but_never_progresses_is_ended_by_the_run_deadline() {
    let server = Server::with(&SHORT_LEASES);
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let before = tenant.balance().await;
    let hand = Hand::new(&server.worker_api(), "stuck");
    let mut body = image(1);
    // Longer than a lease lives without heartbeats: they count, and only the deadline ends this.
    body["run_timeout_seconds"] = json!(3);
    let job = tenant.admitted(body).await;
    let granted = hand.lease(1, 30).await;
    let lease = lease_of(&granted[0]);
    let renewals = AtomicU32::new(0);
    let heard = eventually("the run deadline", 30, || async {
        let heard = hand.heartbeat(&[&lease]).await;
        if heard["renewed"] == json!([&lease]) {
            renewals.fetch_add(1, Ordering::Relaxed);
        }
        (heard["lost"] != json!([])).then_some(heard)
    })
    .await;
    assert!(renewals.into_inner() > 10, "heartbeats were heard until then");
    assert_eq!(heard["lost"], json!([lease]));
    let view = tenant.finished(&job, 30).await;
    assert_eq!(
        (&view["status"], &view["error"]["code"]),
        (&json!("failed"), &json!("run_timeout")),
        "{view:#}"
    );
    let deadline = granted[0]["run_deadline_at"].as_str().unwrap();
    assert!(view["finished_at"].as_str().unwrap() >= deadline, "not before {deadline}: {view:#}");

    hand.complete(&lease, json!([landed(0)])).await;
    check_end(&tenant, &job, ("failed", 1, 0)).await;
    assert_eq!(tenant.balance().await, before, "whatever it reports afterwards");
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_process_drops_what_ran_too_long_and_does_the_next_job() {
    let server = Server::with(&SHORT_LEASES);
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let _worker = server.worker(1);
    let mut body = slow(600_000);
    body["run_timeout_seconds"] = json!(1);
    let (stuck, next) = (tenant.admitted(body).await, tenant.admitted(slow(0)).await);
    assert_eq!(tenant.finished(&stuck, 30).await["error"]["code"], "run_timeout");
    tenant.finished(&next, 30).await;
    check_end(&tenant, &stuck, ("failed", 1, 0)).await;
    check_end(&tenant, &next, ("succeeded", 1, 1)).await;
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_completion_after_the_lease_was_lost_settles_nothing_waiting_running_or_done() {
    let server = Server::with(&SHORT_LEASES);
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let job = tenant.admitted(image(1)).await;
    let late = Hand::new(&server.worker_api(), "late");
    let lost = late.one().await;
    late.heartbeat(&[&lost]).await;
    late.put(&lost, 0, b"of the late one").await.ok(201);
    // Nobody else asks for work: the job waits, with its hold.
    server.job_is(&job, "queued", 30).await;
    let books = tenant.books().await;
    assert_eq!(books.held, IMAGE);
    let stale = async |status: &str| {
        for outputs in [json!([outcome(0, "landed")]), json!([landed(0)]), json!([outcome(0, "failed")])] {
            late.complete(&lost, outputs).await.problem(409, "stale_lease");
        }
        assert_eq!(tenant.job(&job).await["status"], status);
    };
    stale("queued").await;
    let next = Hand::new(&server.worker_api(), "next");
    let lease = next.one().await;
    stale("running").await;
    assert_eq!(tenant.books().await, books, "neither waiting nor running it was settled");

    // Uploads belong to an attempt: the late one's bytes are not there to be called landed.
    next.complete(&lease, json!([outcome(0, "landed")])).await.problem(422, "invalid_request");
    next.put(&lease, 0, b"of the next one").await.ok(201);
    next.complete(&lease, json!([outcome(0, "landed")])).await.ok(200);
    let books = check_end(&tenant, &job, ("succeeded", 2, 1)).await;
    stale("succeeded").await;
    assert_eq!(tenant.books().await, books);
    let bytes = tenant.api.get(&format!("/v1/jobs/{job}/outputs/0")).await.body;
    assert_eq!(&bytes[..], b"of the next one");
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_lost_for_good_is_as_stale_as_any() {
    // The loss ends these jobs. That is no report of the worker's, so there is no first answer to repeat to it: it
    // must not take a 200 for "delivered".
    let server = Server::with(&[&SHORT_LEASES[..], &[("REEVE__RETRY__POISON_LAPSES_MAX", "1")]].concat());
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "late");
    let mut hurried = image(1);
    hurried["run_timeout_seconds"] = json!(1);
    for (body, code) in [(image(1), "poison"), (hurried, "run_timeout")] {
        let job = tenant.admitted(body).await;
        let lease = hand.one().await;
        hand.heartbeat(&[&lease]).await;
        let view = tenant.finished(&job, 30).await;
        assert_eq!((&view["status"], &view["error"]["code"]), (&json!("failed"), &json!(code)), "{view:#}");
        assert_eq!(hand.heartbeat(&[&lease]).await["lost"], json!([lease]));
        hand.progress(&lease, 0.5).await.problem(409, "stale_lease");
        hand.put(&lease, 0, b"too late").await.problem(409, "stale_lease");
        hand.complete(&lease, json!([landed(0)])).await.problem(409, "stale_lease");
        hand.fail(&lease, "too late", true).await.problem(409, "stale_lease");
        check_end(&tenant, &job, ("failed", 1, 0)).await;
    }
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_workers_that_complete_the_same_job_at_once_one_wins_and_it_is_charged_once() {
    let server = Server::with(&[("REEVE__RETRY__BACKOFF_MS", "1")]);
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let (one, two) = (Hand::new(&server.worker_api(), "one"), Hand::new(&server.worker_api(), "two"));
    let (both, first_only) = (json!([landed(0), landed(1)]), json!([landed(0), outcome(1, "failed")]));
    for _ in 0..RACES {
        // One has lost the lease that two got afterwards.
        let job = tenant.admitted(image(2)).await;
        let old = one.one().await;
        one.heartbeat(&[&old]).await;
        one.heartbeat(&[]).await;
        let live = two.one().await;
        let (a, b) = tokio::join!(one.complete(&old, both.clone()), two.complete(&live, first_only.clone()));
        a.problem(409, "stale_lease");
        assert_eq!(b.ok(200)["id"], job.as_str());
        check_end(&tenant, &job, ("succeeded", 2, 1)).await;
    }
    let mut wins = [0, 0];
    for _ in 0..RACES {
        // Both report the same live lease, with different stories: a worker that was started twice from one state.
        let job = tenant.admitted(image(2)).await;
        let lease = one.one().await;
        let (a, b) =
            tokio::join!(one.complete(&lease, both.clone()), two.complete(&lease, first_only.clone()));
        let settled = tenant.job(&job).await["credits"]["settled"].clone();
        for answer in [a, b] {
            assert_eq!(answer.ok(200)["credits"]["settled"], settled, "both hear how it ended");
        }
        let images = if settled == 16 { 2 } else { 1 };
        wins[images - 1] += 1;
        check_end(&tenant, &job, ("succeeded", 1, images as i64)).await;
    }
    println!("the smaller story won {} times, the larger one {} times", wins[0], wins[1]);
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_after_the_end_changes_nothing_however_the_job_ended() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    for end in ["succeeded", "failed", "cancelled"] {
        let job = tenant.admitted(image(1)).await;
        let lease = hand.one().await;
        hand.progress(&lease, 0.4).await.ok(200);
        match end {
            "succeeded" => hand.complete(&lease, json!([landed(0)])).await.ok(200),
            "failed" => hand.fail(&lease, "no", false).await.ok(200),
            _ => {
                tenant.cancel(&job).await.ok(200);
                hand.fail(&lease, "cancelled", false).await.ok(200)
            }
        };
        let (view, books) = (tenant.job(&job).await, tenant.books().await);
        assert_eq!(view["status"], end, "{view:#}");
        let frames = frames_of(&tenant, &job).await;

        hand.progress(&lease, 0.9).await.problem(409, "stale_lease");
        hand.put(&lease, 0, b"too late").await.problem(409, "stale_lease");
        assert_eq!(hand.heartbeat(&[&lease]).await["lost"], json!([lease]));
        assert_eq!(tenant.job(&job).await, view);
        assert_eq!(frames_of(&tenant, &job).await, frames, "nobody hears of it either");
        assert_eq!(tenant.books().await, books);
    }
    verify(&tenant.api).await;
}

/// All that the stream of a final job says; it ends by itself.
async fn frames_of(tenant: &Tenant, job: &str) -> String {
    let request = tenant.api.request(Method::GET, &format!("/v1/jobs/{job}/events"));
    let answer = tenant.api.send(request).await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(text.contains("event: done"), "{text}");
    text
}
