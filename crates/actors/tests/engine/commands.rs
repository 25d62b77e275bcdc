//! Commands, commits that fail, leases, retirement: what callers hear, and what is true afterwards.

use reeve_actors::{Answer, Call, EngineSettings, Executed, Finished, Idempotency, Unavailable};
use reeve_jobs::{FailReport, LeaseSettings, Status};
use reeve_journal::{Fault, MemoryJournal};
use reeve_types::{Credits, LeaseId};
use reeve_workspace::{Cancel, Command, Fail, Refusal};

use super::house::{ask, buy, cr, house, house_over, key, settings, until_held};

#[actix_rt::test]
async fn a_thousand_parallel_submits_get_exactly_what_the_credits_pay_for() {
    let house = house().await;
    let id = house.open("acme", "creator").await; // 100 credits, 2 each
    let submits = (0..1_000).map(|_| house.run(&id, house.job()));
    let results = futures_util::future::join_all(submits).await;
    let admitted =
        results.iter().filter(|r| matches!(r.as_ref().unwrap().answer, Answer::Admitted(_))).count();
    let denied = |r: &Result<Executed, Unavailable>| {
        matches!(r.as_ref().unwrap().answer, Answer::Refused(Refusal::InsufficientCredits { .. }))
    };
    assert_eq!((admitted, results.iter().filter(|r| denied(r)).count()), (50, 950));
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn nobody_hears_of_a_change_before_it_is_durable() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    house.journal.hold_outcomes();
    let mut submit = Box::pin(house.run(&id, house.job()));
    until_held(&house, 1, &mut submit).await;
    let mut read = Box::pin(house.engine.balance(&id));
    for _ in 0..200 {
        assert!(futures_util::poll!(&mut submit).is_pending(), "answered before the commit");
        assert!(futures_util::poll!(&mut read).is_pending(), "a read escaped before the commit");
        tokio::task::yield_now().await;
    }
    house.journal.release_outcomes();
    assert!(matches!(submit.await.unwrap().answer, Answer::Admitted(_)));
    assert_eq!(read.await.unwrap().unwrap().view.held, cr(2));
}

#[actix_rt::test]
async fn an_aborted_commit_is_a_retryable_answer_and_the_actor_is_rebuilt() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    house.journal.plan([Fault::Abort]);
    let failed = house.engine.execute(&id, house.job(), key("k1")).await;
    assert_eq!(failed.unwrap_err(), Unavailable::NOT_COMMITTED);
    house.assert_sound(&id).await;
    let again = house.engine.execute(&id, house.job(), key("k1")).await.unwrap();
    assert!(matches!(again.answer, Answer::Admitted(_)) && !again.replayed);
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn an_unknown_outcome_that_was_written_is_answered_to_the_retry() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    house.journal.plan([Fault::UnknownWritten]);
    assert!(house.engine.execute(&id, house.job(), key("k1")).await.is_err());
    let again = house.engine.execute(&id, house.job(), key("k1")).await.unwrap();
    assert!(again.replayed, "the first try had been committed");
    assert_eq!(house.engine.balance(&id).await.unwrap().unwrap().view.held, cr(2), "and it is held once");
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn an_unknown_outcome_that_was_lost_runs_again_once() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    house.journal.plan([Fault::UnknownLost]);
    assert!(house.engine.execute(&id, house.job(), key("k1")).await.is_err());
    let again = house.engine.execute(&id, house.job(), key("k1")).await.unwrap();
    assert!(!again.replayed);
    assert_eq!(house.engine.balance(&id).await.unwrap().unwrap().view.held, cr(2));
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn everything_decided_on_an_aborted_change_is_refused_with_it() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    house.journal.hold_outcomes();
    house.journal.plan([Fault::Abort]);
    let all = futures_util::future::join_all((0..20).map(|_| house.run(&id, house.job())));
    let mut all = Box::pin(all);
    until_held(&house, 20, &mut all).await;
    house.journal.release_outcomes();
    assert!(all.await.iter().all(Result::is_err), "the later ones built on what never became true");
    house.assert_sound(&id).await;
    assert_eq!(house.engine.balance(&id).await.unwrap().unwrap().view.held, Credits::ZERO);
}

#[actix_rt::test]
async fn after_a_panic_before_the_effects_the_job_is_still_dispatched_without_traffic() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    house.journal.hold_outcomes();
    let mut submit = Box::pin(house.run(&id, house.job()));
    until_held(&house, 1, &mut submit).await;
    // The change is written, its effects are not performed, and now the handler of another command dies.
    house.journal.plan([Fault::Panic]);
    assert!(house.run(&id, house.job()).await.is_err());
    assert!(submit.await.is_err(), "the caller cannot be told what was lost with the actor");
    house.journal.release_outcomes();
    let granted = house.lease(1, 10_000).await;
    assert_eq!(granted.len(), 1, "the rebuilt actor told the dispatcher by itself");
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn overload_is_refused_before_anything_changes() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    house.journal.plan([Fault::Overloaded]);
    assert_eq!(house.run(&id, house.job()).await.unwrap_err(), Unavailable::OVERLOADED);
    house.submit(&id).await;
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn a_waiting_worker_gets_a_job_when_it_is_submitted() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    let (granted, job) = futures_util::future::join(house.lease(8, 10_000), house.submit(&id)).await;
    assert_eq!(granted.iter().map(|granted| granted.lease.job).collect::<Vec<_>>(), [job]);
    let Finished::Answered(done) = house.complete(granted[0].lease).await else { panic!("stale") };
    assert!(!done.replayed);
    assert_eq!(house.engine.balance(&id).await.unwrap().unwrap().view.available, cr(98));
    let Finished::Answered(again) = house.complete(granted[0].lease).await else { panic!("stale") };
    assert!(again.replayed, "X9: the closing lease gets its first answer");
    let other = LeaseId { attempt: 2, ..granted[0].lease };
    assert!(matches!(house.complete(other).await, Finished::Stale));
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn the_running_cap_holds_over_all_requests() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    for _ in 0..10 {
        house.submit(&id).await;
    }
    let first = house.lease(10, 200).await;
    assert_eq!(first.len(), 4, "the tier's cap");
    assert_eq!(house.lease(10, 100).await.len(), 0);
    house.complete(first[0].lease).await;
    assert_eq!(house.lease(10, 10_000).await.len(), 1);
}

#[actix_rt::test]
async fn a_lease_nobody_acknowledges_comes_back_as_the_next_attempt() {
    let leases = LeaseSettings { lease_ms: 40, heartbeat_ms: 10, lease_ack_ms: 20 };
    let house = house_over(MemoryJournal::new(), EngineSettings { leases, ..settings() }).await;
    let id = house.open("acme", "creator").await;
    house.submit(&id).await;
    let lost = house.lease(1, 10_000).await;
    let again = house.lease(1, 10_000).await;
    assert_eq!((lost[0].lease.attempt, again[0].lease.attempt), (1, 2));
    assert!(matches!(house.complete(lost[0].lease).await, Finished::Stale));
    assert!(matches!(house.complete(again[0].lease).await, Finished::Answered(_)));
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn a_job_says_what_it_waits_for() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    let job = house.submit(&id).await;
    let waiting_for = async || house.engine.queue_place(job).await.map(|place| place.waiting_for);
    assert_eq!(waiting_for().await, Some("worker"));
    let lease = house.lease(1, 10_000).await[0].lease;
    assert_eq!(waiting_for().await, None, "it runs");
    let report = FailReport { reason: "oom".into(), retryable: true, fate_unknown: false };
    house.engine.finish(lease, Command::Fail(Fail { lease, report })).await.unwrap();
    assert_eq!(waiting_for().await, Some("retry_backoff"));
    let restarted = house_over(house.journal.clone(), settings()).await;
    let place = restarted.engine.queue_place(job).await.unwrap();
    assert_eq!(place.waiting_for, "retry_backoff", "also when it was read from its row");
}

#[actix_rt::test]
async fn a_cancelled_running_job_ends_cancelled_whatever_arrives() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    let job = house.submit(&id).await;
    let lease = house.lease(1, 10_000).await[0].lease;
    house.run(&id, Command::Cancel(Cancel { job })).await.unwrap();
    let heard = house.engine.heartbeat("w".parse().unwrap(), "s".into(), vec![lease]).await.unwrap();
    assert_eq!((heard.renewed, heard.cancel), (vec![lease], vec![lease]));
    house.complete(lease).await;
    let record = house.engine.job(job).await.unwrap().unwrap();
    assert_eq!((record.state.status, record.state.settled), (Status::Cancelled, Credits::ZERO));
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn after_a_restart_queued_jobs_wait_again_and_leases_go_on() {
    let first = house().await;
    let id = first.open("acme", "creator").await;
    let (running, waiting) = (first.submit(&id).await, first.submit(&id).await);
    let lease = first.lease(1, 10_000).await[0].lease;
    assert_eq!(lease.job, running);
    first.engine.stop();
    let second = house_over(first.journal.clone(), settings()).await;
    assert!(second.engine.lease_is_live(lease));
    assert!(matches!(second.complete(lease).await, Finished::Answered(_)));
    assert_eq!(second.lease(4, 10_000).await[0].lease.job, waiting);
    second.assert_sound(&id).await;
}

#[actix_rt::test]
async fn a_request_whose_worker_hung_up_gives_its_lease_back() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    {
        let mut hung_up = Box::pin(house.lease(1, 60_000));
        assert!(futures_util::poll!(&mut hung_up).is_pending());
        house.submit(&id).await;
    }
    let granted = house.lease(1, 10_000).await;
    assert_eq!(granted.len(), 1);
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn leases_that_could_not_be_passed_on_go_back_and_those_that_were_stay() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    let job = house.submit(&id).await;
    let offer = house.engine.offer(ask("w", 1, 10_000)).await.unwrap();
    assert_eq!(offer.leases()[0].lease.job, job);
    drop(offer);
    let offer = house.engine.offer(ask("w", 1, 10_000)).await.unwrap();
    assert_eq!(offer.taken()[0].lease.job, job);
    assert!(house.lease(1, 100).await.is_empty(), "it is nobody else's now");
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn kv_08_a_payment_makes_one_lot_in_the_whole_store() {
    let house = house().await;
    let (a, b) = (house.open("a", "creator").await, house.open("b", "creator").await);
    let paid = |n| Command::Purchase(Box::new(buy(n, "p")));
    let (first, second) = futures_util::future::join(house.run(&a, paid(1)), house.run(&b, paid(2))).await;
    let answers = [first.unwrap().answer, second.unwrap().answer];
    let bought = answers.iter().filter(|answer| matches!(answer, Answer::Purchase(_))).count();
    let used = answers
        .iter()
        .filter(|answer| matches!(answer, Answer::Refused(Refusal::PaymentUsed { .. })))
        .count();
    assert_eq!((bought, used), (1, 1));
    house.assert_sound(&a).await;
    house.assert_sound(&b).await;
}

#[actix_rt::test]
async fn commands_behind_a_claim_wait_for_its_outcome() {
    let house = house().await;
    let id = house.open("acme", "free").await; // 20 credits
    let bought = buy(1, "p");
    house.journal.hold_outcomes();
    let mut purchase = Box::pin(house.run(&id, Command::Purchase(Box::new(bought))));
    until_held(&house, 1, &mut purchase).await;
    let mut submits = Box::pin(futures_util::future::join_all((0..30).map(|_| house.run(&id, house.job()))));
    for _ in 0..200 {
        assert!(futures_util::poll!(&mut submits).is_pending(), "a command overtook the claim");
        tokio::task::yield_now().await;
    }
    house.journal.release_outcomes();
    assert!(matches!(purchase.await.unwrap().answer, Answer::Purchase(_)));
    let admitted =
        submits.await.iter().filter(|r| matches!(r.as_ref().unwrap().answer, Answer::Admitted(_))).count();
    assert_eq!(admitted, 30, "20 + 50 credits pay for 30 jobs of 2");
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn a_repeat_in_flight_gets_the_first_answer_and_another_body_is_refused() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    let (first, second) = futures_util::future::join(
        house.engine.execute(&id, house.job(), key("k")),
        house.engine.execute(&id, house.job(), key("k")),
    )
    .await;
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.answer, second.answer);
    assert!(!first.replayed && second.replayed);
    let other =
        Call { idempotency: Some(Idempotency { key: "k".into(), fingerprint: [2; 16] }), ..Call::default() };
    assert_eq!(house.engine.execute(&id, house.job(), other).await.unwrap_err(), Unavailable::KeyReused);
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn bug_17_a_denied_key_stays_denied_after_a_top_up() {
    let house = house().await;
    let id = house.open("acme", "free").await;
    for _ in 0..10 {
        house.submit(&id).await;
    }
    let denied = house.engine.execute(&id, house.job(), key("k")).await.unwrap();
    assert!(matches!(denied.answer, Answer::Refused(Refusal::InsufficientCredits { .. })));
    house.run(&id, Command::Purchase(Box::new(buy(1, "p")))).await.unwrap();
    let again = house.engine.execute(&id, house.job(), key("k")).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.answer, denied.answer);
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn idle_actors_retire_and_come_back_with_everything() {
    let house = house_over(MemoryJournal::new(), EngineSettings { actors_max: 2, ..settings() }).await;
    let mut ids = Vec::new();
    for n in 0..12 {
        ids.push(house.open(&format!("w{n}"), "creator").await);
    }
    for _ in 0..3 {
        for id in &ids {
            house.submit(id).await;
        }
    }
    for id in &ids {
        assert_eq!(house.engine.balance(id).await.unwrap().unwrap().view.held, cr(6));
        house.assert_sound(id).await;
    }
}

#[actix_rt::test]
async fn idle_actors_retire_when_they_take_too_many_bytes() {
    let house =
        house_over(MemoryJournal::new(), EngineSettings { actors_bytes_max: 20_000, ..settings() }).await;
    let figure = |name| house.engine.figures().into_iter().find(|(known, _)| *known == name).unwrap().1;
    let mut ids = Vec::new();
    for n in 0..12 {
        let id = house.open(&format!("w{n}"), "creator").await;
        house.submit(&id).await;
        ids.push(id);
    }
    while figure("actor_bytes") > 20_000 {
        tokio::task::yield_now().await;
    }
    assert!((1..12).contains(&figure("actors")), "those that fit stay: {}", figure("actors"));
    for id in &ids {
        assert_eq!(house.engine.balance(id).await.unwrap().unwrap().view.held, cr(2));
        house.assert_sound(id).await;
    }
}

#[actix_rt::test]
async fn jobs_of_retired_workspaces_are_each_leased_once() {
    let house = house_over(MemoryJournal::new(), EngineSettings { actors_max: 0, ..settings() }).await;
    let mut waiting = std::collections::BTreeSet::new();
    for n in 0..6 {
        let id = house.open(&format!("w{n}"), "creator").await;
        waiting.insert(house.submit(&id).await);
    }
    let actors = || house.engine.figures().into_iter().find(|(name, _)| *name == "actors").unwrap().1;
    while actors() > 0 {
        tokio::task::yield_now().await;
    }
    while !waiting.is_empty() {
        let granted = house.lease(6, 5_000).await;
        assert!(!granted.is_empty(), "{} jobs wait and nobody hears of them", waiting.len());
        for granted in granted {
            assert!(waiting.remove(&granted.lease.job), "leased twice");
            assert!(matches!(house.complete(granted.lease).await, Finished::Answered(_)));
        }
    }
}

#[actix_rt::test]
async fn a_waiting_job_expires_without_traffic() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    let job = house.submit(&id).await;
    let mut events = house.engine.subscribe_job(job, None).events;
    house.clock.advance_ms(86_400_000);
    loop {
        let event = events.recv().await.unwrap();
        if matches!(event.kind, reeve_actors::HubKind::Status { status: Status::Expired, .. }) {
            break;
        }
    }
    assert_eq!(house.engine.balance(&id).await.unwrap().unwrap().view.held, Credits::ZERO);
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn a_clock_that_steps_back_does_not_undo_what_happened() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    house.submit(&id).await;
    house.clock.advance_ms(-3_600_000);
    let job = house.submit(&id).await;
    let record = house.engine.job(job).await.unwrap().unwrap();
    assert!(
        record.intro.created_at >= house.engine.balance(&id).await.unwrap().unwrap().view.profile.created_at
    );
    house.assert_sound(&id).await;
}
