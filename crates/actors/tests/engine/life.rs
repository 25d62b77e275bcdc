//! Many jobs at once and the end of a workspace, through the engine: bounded changes, repeats, interruptions.

use reeve_actors::{Answer, Call, CancelWhich};
use reeve_journal::{Fault, JobFilter, Page, Reader as _, Shed, ShedJob, Tidy};
use reeve_workspace::{Adjust, CancelledMany, Command, Phase, Refusal};

use super::house::{House, cr, house, key};

const ALL: CancelWhich = CancelWhich { queued: true, running: true, action: None };

/// A workspace with so many jobs that no one change can cancel them.
async fn crowded(house: &House, jobs: usize) -> reeve_types::WorkspaceId {
    let id = house.open("acme", "creator").await;
    let gift = Adjust { amount: cr(10_000), reason: "x".into(), expires_at: None, job: None, scope: None };
    house.run(&id, Command::Adjust(gift)).await.unwrap();
    for _ in 0..jobs {
        house.submit(&id).await;
    }
    id
}

fn counts(answer: &Answer) -> CancelledMany {
    let Answer::Cancelled(done) = answer else { panic!("{answer:?}") };
    *done
}

#[actix_rt::test]
async fn a_bulk_cancel_reaches_all_and_its_repeat_says_the_same() {
    let house = house().await;
    let id = crowded(&house, 901).await;
    assert_eq!(house.lease(1, 1_000).await.len(), 1);
    let first = house.engine.cancel_many(&id, &ALL, key("k")).await.unwrap();
    assert_eq!((counts(&first.answer).cancelled, counts(&first.answer).cancelling), (900, 1));
    let live = house.journal.load(&id).await.unwrap().unwrap().state;
    assert_eq!((live.jobs.len(), live.held()), (1, cr(2)));
    let late = house.submit(&id).await;
    let again = house.engine.cancel_many(&id, &ALL, key("k")).await.unwrap();
    assert!(again.replayed);
    assert_eq!(counts(&again.answer), counts(&first.answer));
    let live = house.journal.load(&id).await.unwrap().unwrap().state;
    assert!(live.jobs.contains_key(&late), "a repeat does not reach what came later");
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn an_interrupted_bulk_cancel_is_carried_out_by_its_repeat() {
    let house = house().await;
    let id = crowded(&house, 900).await;
    house.journal.plan([Fault::None, Fault::Abort]);
    house.engine.cancel_many(&id, &ALL, key("k")).await.unwrap_err();
    assert!(!house.journal.load(&id).await.unwrap().unwrap().state.jobs.is_empty());
    let again = house.engine.cancel_many(&id, &ALL, key("k")).await.unwrap();
    assert_eq!(counts(&again.answer).cancelled, 900);
    assert!(house.journal.load(&id).await.unwrap().unwrap().state.jobs.is_empty());
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn closing_cancels_what_waits_and_refuses_what_comes() {
    let house = house().await;
    let id = crowded(&house, 600).await;
    let leased = house.lease(1, 1_000).await;
    house.engine.close(&id, Call::default()).await.unwrap();
    let live = house.journal.load(&id).await.unwrap().unwrap().state;
    assert_eq!((live.jobs.len(), live.profile.phase()), (1, Phase::Closed));
    let refused = house.run(&id, house.job()).await.unwrap().answer;
    assert!(matches!(refused, Answer::Refused(Refusal::Closed { .. })), "{refused:?}");
    house.complete(leased[0].lease).await;
    house.assert_sound(&id).await;
    assert_eq!(house.lease(1, 1).await.len(), 0);
}

#[actix_rt::test]
async fn a_job_that_lost_its_content_is_not_read_from_memory() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    let job = house.submit(&id).await;
    let leased = house.lease(1, 1_000).await;
    house.complete(leased[0].lease).await;
    let outputs = house.engine.job(job).await.unwrap().unwrap().state.outputs;
    house.engine.tidy(Tidy::Shed(vec![ShedJob { id: job, shed: Shed::ALL, outputs }])).await.unwrap();
    assert!(house.engine.intro(job).is_none());
    let page = Page { after: None, limit: 9 };
    let found = house.journal.jobs(&JobFilter::default(), &page).await.unwrap().rows;
    assert_eq!((found.len(), found[0].shed), (1, Shed::ALL));
}
