//! Drift that was made on purpose is found, told and healed; what is only on its way is no drift.

use reeve_queue::{Entry, PoolIndex, Sequence};

use super::*;
use crate::call::Call;
use crate::dispatcher::{DispatcherActor, Tamper};
use crate::tests::fixture::{House, START, house};

/// Turns of the runtime in which everything that can happen does.
const TURNS: usize = 64;

impl House {
    async fn tamper(&self, wrong: impl FnOnce(&mut DispatcherActor) + Send + 'static) {
        let dispatcher = self.engine.shared().dispatcher.get().unwrap();
        dispatcher.send(Tamper(Box::new(wrong))).await.unwrap();
    }

    /// (waiting, leased) as the queue has it.
    async fn queue(&self, id: &WorkspaceId) -> Counts {
        let id = id.clone();
        let (queued, running, _) = self.engine.look(move |d| d.counts(&id)).await.unwrap();
        (queued, running)
    }

    /// (workspaces found in the latest sweep, since start), after one more sweep.
    async fn audit(&self) -> (u64, u64) {
        audit(self.engine.shared(), 0).await;
        let figures = self.engine.figures();
        let get = |word| figures.iter().find(|(known, _)| *known == word).unwrap().1;
        (get("drift"), get("drifts"))
    }

    async fn heals(&self, id: &WorkspaceId, counts: Counts) {
        for _ in 0..1_000 {
            if self.queue(id).await == counts {
                return;
            }
            task::sleep_ms(5).await;
        }
        panic!("the queue has {:?} instead of {counts:?}", self.queue(id).await);
    }
}

#[actix_rt::test]
async fn a_queued_job_that_the_dispatcher_forgot_is_found_told_and_healed() {
    let house = house().await;
    let (id, other) = (house.open("acme").await, house.open("other").await);
    house.admitted(&other).await;
    let job = house.admitted(&id).await;
    assert_eq!(house.audit().await, (0, 0));
    house.tamper(move |dispatcher| assert!(dispatcher.queue.remove(job))).await;
    assert_eq!(house.queue(&id).await, (0, 0));
    assert_eq!(house.audit().await, (1, 1));
    house.heals(&id, (1, 0)).await;
    assert_eq!(house.audit().await, (0, 1), "the next sweep finds nothing; the total stays");
    assert_eq!(house.lease(1).await[0].lease.job, job);
}

#[actix_rt::test]
async fn a_phantom_job_is_found_told_and_healed() {
    let house = house().await;
    let id = house.open("acme").await;
    let job = house.admitted(&id).await;
    let (owner, ghost) = (id.clone(), house.engine.new_job_id());
    let haunt = move |dispatcher: &mut DispatcherActor| {
        let workspace = dispatcher.queue.workspace_key(&owner).unwrap();
        let entry = Entry {
            job: ghost,
            workspace,
            pool: PoolIndex(0),
            cost_ms: None,
            action: 0,
            priority: 9,
            sequence: Sequence { admitted_at: START, n: 0 },
            gate: None,
        };
        dispatcher.queue.enqueue(entry, START).unwrap();
    };
    house.tamper(haunt).await;
    assert_eq!(house.audit().await, (1, 1));
    house.heals(&id, (1, 0)).await;
    assert_eq!(house.audit().await, (0, 1));
    assert_eq!(house.lease(1).await[0].lease.job, job, "nobody was given the phantom");
}

#[actix_rt::test]
async fn a_wrong_count_of_running_jobs_is_found_told_and_healed() {
    let house = house().await;
    let id = house.open("acme").await;
    let job = house.admitted(&id).await;
    assert_eq!(house.lease(1).await[0].lease.job, job);
    assert_eq!(house.audit().await, (0, 0));
    house.tamper(move |dispatcher| assert!(dispatcher.queue.finish(job, 1))).await;
    assert_eq!(house.queue(&id).await, (0, 0));
    assert_eq!(house.audit().await, (1, 1));
    house.heals(&id, (0, 1)).await;
    assert_eq!(house.audit().await, (0, 1));
}

#[actix_rt::test]
async fn several_drifting_workspaces_are_each_counted() {
    let house = house().await;
    for name in ["a", "b", "c"] {
        let id = house.open(name).await;
        let job = house.admitted(&id).await;
        if name != "b" {
            house.tamper(move |dispatcher| assert!(dispatcher.queue.remove(job))).await;
        }
    }
    assert_eq!(house.audit().await, (2, 2));
}

/// Polls until nothing moves any more but what is kept back.
async fn settle<F: Future + Unpin>(house: &House, future: &mut F) {
    for _ in 0..TURNS {
        assert!(futures_util::poll!(&mut *future).is_pending(), "judged before the hints could come");
        house.engine.look(|_| ()).await.unwrap();
    }
}

#[actix_rt::test]
async fn a_change_that_is_decided_and_whose_hints_are_still_to_come_is_no_drift() {
    let house = house().await;
    let id = house.open("acme").await;
    house.journal.shut();
    let mut first = Box::pin(house.engine.execute(&id, house.submit(), Call::default()));
    while house.journal.withheld() < 1 {
        assert!(futures_util::poll!(&mut first).is_pending());
        tokio::task::yield_now().await;
    }
    // The owner is looked at behind the first job, and then decides a second one.
    let mut judged = Box::pin(is_adrift(&house.engine, &id));
    assert!(futures_util::poll!(&mut judged).is_pending());
    let mut second = Box::pin(house.engine.execute(&id, house.submit(), Call::default()));
    while house.journal.withheld() < 2 {
        assert!(futures_util::poll!(&mut second).is_pending());
        tokio::task::yield_now().await;
    }
    house.journal.let_one_through();
    first.await.unwrap();
    assert_eq!(house.queue(&id).await, (1, 0), "the owner has two");
    settle(&house, &mut judged).await;
    house.journal.let_one_through();
    second.await.unwrap();
    assert!(!judged.await);
}

#[actix_rt::test]
async fn a_lease_under_way_is_no_drift() {
    let house = house().await;
    let id = house.open("acme").await;
    house.admitted(&id).await;
    house.journal.shut();
    let mut leased = Box::pin(house.lease(1));
    while house.journal.withheld() < 1 {
        assert!(futures_util::poll!(&mut leased).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(house.queue(&id).await, (0, 1), "reserved");
    let mut judged = Box::pin(is_adrift(&house.engine, &id));
    settle(&house, &mut judged).await;
    house.journal.let_one_through();
    assert_eq!(leased.await.len(), 1);
    assert!(!judged.await);
}

#[actix_rt::test]
async fn what_is_marked_for_a_sync_is_not_reported() {
    let house = house().await;
    let id = house.open("acme").await;
    let job = house.admitted(&id).await;
    house.tamper(move |dispatcher| assert!(dispatcher.queue.remove(job))).await;
    house.engine.shared().mark_dirty(&id);
    assert!(!is_adrift(&house.engine, &id).await);
    house.heals(&id, (1, 0)).await;
}
