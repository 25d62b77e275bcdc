//! Many submits at once against few credits: exactly as many are admitted as can be paid for.

use futures_util::stream::{FuturesUnordered, StreamExt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::fixture::{Server, Tenant, image, verify};

const SUBMITS: usize = 1_000;
const AFFORDABLE: usize = 100;
const PRICE: u64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_parallel_submits_against_credits_for_a_hundred_admit_exactly_a_hundred() {
    raise_open_files();
    let server = Server::start();
    let tenant = Tenant::with_credits(&server.admin(), "acme", AFFORDABLE as u64 * PRICE).await;
    let path = tenant.path("/jobs");
    let all: FuturesUnordered<_> = (0..SUBMITS)
        .map(|n| {
            let (api, path) = (tenant.api.clone(), path.clone());
            async move { api.post_as(&format!("submit-{n}"), &path, &image(1)).await }
        })
        .collect();
    let answers: Vec<_> = all.collect().await;

    let admitted = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(admitted, AFFORDABLE);
    for denied in answers.iter().filter(|answer| answer.status != 201) {
        denied.problem(402, "insufficient_credits");
    }
    let books = tenant.books().await;
    assert_eq!((books.available, books.held), (0, (AFFORDABLE as i64) * (PRICE as i64) * 1_000_000));
    assert_eq!(books.jobs.len(), AFFORDABLE);
    verify(&tenant.api).await;
}

/// A connection for each submit: more files than many systems allow a process at first.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
}
