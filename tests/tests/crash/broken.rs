//! The checker checked: programs that break one promise each, which it must notice.

use std::sync::Arc;

use reeve_faults::Law;

use super::deliveries::Deliveries;
use super::load::{Crowd, complete_open, until_it_ends};
use super::process::Place;
use super::world::World;
use crate::fixture::{Tenant, image};

/// Lives in which a broken promise must show: whether the moment for it comes is a matter of timing.
const LIVES_MAX: u32 = 6;
/// How long clients work in one of them.
const SECONDS: u64 = 3;

/// One way to break the program, and how it shows.
struct Case {
    law: Law,
    /// Further faults, without which the promise would not matter.
    faults: String,
    crowd: Crowd,
    /// A word of what the checker must find.
    finding: &'static str,
}

/// What the checker finds after lives of a program with this fault, each opened again by one without, and in which life.
async fn found(case: &Case) -> (Vec<String>, u32) {
    let world = Arc::new(World::new(Place::sqlite()).await);
    for life_number in 1..=LIVES_MAX {
        let mut life = world.place.start(&format!("break:{},{}", case.law.name(), case.faults));
        complete_open(&world, &life.worker_api()).await;
        until_it_ends(&world, &mut life, case.crowd, SECONDS).await;
        life.kill();
        let life = world.place.start("");
        let found = world.check(&life).await;
        if !found.is_empty() {
            return (found, life_number);
        }
    }
    (Vec::new(), LIVES_MAX)
}

async fn is_caught(case: Case) {
    let (found, life) = found(&case).await;
    let law = case.law.name();
    println!("`{law}` broken: {} findings in life {life}, such as {:?}", found.len(), found.first());
    assert!(
        found.iter().any(|finding| finding.contains(case.finding)),
        "`{law}` was broken and nothing with `{}` was found: {found:#?}",
        case.finding
    );
}

fn case(law: Law, faults: &str, finding: &'static str) -> Case {
    Case { law, faults: faults.to_owned(), crowd: Crowd::USUAL, finding }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_before_its_commit_is_caught() {
    is_caught(case(Law::ReplyAfterCommit, "die:journal.before_commit:40", "lost: ")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_ignores_versions_is_caught() {
    // Batches that fail leave change sets behind them that were decided on what never happened.
    let errors: Vec<String> =
        (8..80).step_by(3).map(|n| format!("error:journal.after_inserts:{n}")).collect();
    let case =
        Case { law: Law::VersionGuard, faults: errors.join(","), crowd: Crowd::HOT, finding: "a gap before" };
    is_caught(case).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_output_settled_twice_is_caught() {
    is_caught(case(Law::SettleOnce, "", "settled twice")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_are_not_remembered_are_caught() {
    is_caught(case(Law::RememberKeys, "die:journal.after_commit:40", "twice: ")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_without_the_end_of_its_job_is_caught() {
    is_caught(case(Law::WholeCommit, "", "half: ")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_output_whose_bytes_were_never_written_is_caught() {
    is_caught(case(Law::BytesBeforeRow, "", "lost: output")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_nobody_is_told_of_is_caught() {
    is_caught(case(Law::OutboxWithChange, "", "outbox: ")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_no_webhook_tells_of_is_caught() {
    let place = Place::sqlite();
    let life = place.start(&format!("break:{}", Law::DeliveriesWithCursor.name()));
    let deliveries = Deliveries::listen(&place, &life.admin()).await;
    let tenant = Tenant::large(&life.admin(), "acme").await;
    let job = tenant.admitted(image(1)).await;
    tenant.cancel(&job).await.ok(200);
    let found = deliveries.check(&place, SECONDS).await;
    assert!(found.iter().any(|finding| finding.contains("is never heard")), "{found:#?}");
}
