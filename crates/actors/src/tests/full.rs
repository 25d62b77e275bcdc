//! A full house sheds new work, and nothing that was begun.

use std::pin::Pin;

use futures_util::future::{join_all, poll_immediate};
use reeve_jobs::{FailReport, LapseCause};
use reeve_workspace::{Cancel, Command, Fail, Lapse};

use super::fixture::{House, house};
use crate::call::{Answer, Call, Unavailable};
use crate::engine::Finished;
use crate::task;

/// Commands of new work that one workspace may have under way, as shipped.
const OF_ONE_MAX: usize = 2_048;

impl House {
    async fn let_all_through_until(&self, is_done: impl Fn() -> bool) {
        for _ in 0..2_000 {
            while self.journal.withheld() > 0 {
                self.journal.let_one_through();
            }
            if is_done() {
                return;
            }
            task::sleep_ms(2).await;
        }
        panic!("not everything was answered");
    }
}

#[actix_rt::test]
async fn a_full_house_refuses_new_work_and_finishes_what_was_begun() {
    let house = house().await;
    let (id, other) = (house.open("acme").await, house.open("other").await);
    let jobs = [house.admitted(&id).await, house.admitted(&id).await, house.admitted(&id).await];
    let leases: Vec<_> = house.lease(2).await.iter().map(|granted| granted.lease).collect();
    assert_eq!(leases.len(), 2);
    house.journal.shut();
    let engine = &house.engine;
    // The first of those that wait for the disk; the answers of all others, refusals too, wait for it.
    let mut first = Box::pin(engine.execute(&id, Command::Cancel(Cancel { job: jobs[2] }), Call::default()));
    assert!(poll_immediate(&mut first).await.is_none());
    let mut crowd: Vec<Pin<Box<_>>> =
        (0..OF_ONE_MAX).map(|_| Box::pin(engine.execute(&id, house.submit(), Call::default()))).collect();
    for submit in &mut crowd {
        assert!(poll_immediate(submit).await.is_none(), "nothing is durable yet");
    }
    let refused = poll_immediate(Box::pin(engine.execute(&id, house.submit(), Call::default()))).await;
    assert_eq!(refused.unwrap().unwrap_err(), Unavailable::OVERLOADED);

    // Each of these would have to wait for the crowd; none is sent away.
    let report = FailReport { reason: "oom".into(), retryable: false, fate_unknown: false };
    let fail = engine.finish(leases[0], Command::Fail(Fail { lease: leases[0], report }));
    let lapse = Command::Lapse(Lapse { lease: leases[1], cause: LapseCause::Dropped });
    let lapse = engine.execute(&id, lapse, Call::default());
    let cancel = engine.execute(&id, Command::Cancel(Cancel { job: jobs[0] }), Call::default());
    let elsewhere = engine.execute(&other, house.submit(), Call::default());
    let beat = engine.heartbeat("w".parse().unwrap(), "s".into(), leases.clone()).await.unwrap();
    assert_eq!(beat.renewed.len(), 2, "a heartbeat waits for nothing");
    let answered = std::cell::Cell::new(false);
    let begun = async {
        let ended = futures_util::join!(fail, lapse, cancel, elsewhere, join_all(crowd), first);
        answered.set(true);
        ended
    };
    let (ended, ()) = futures_util::join!(begun, house.let_all_through_until(|| answered.get()));
    let (fail, lapse, cancel, elsewhere, crowd, first) = ended;
    assert!(matches!(fail.unwrap(), Finished::Answered(_)));
    assert!(!matches!(lapse.unwrap().answer, Answer::Refused(_)));
    assert!(cancel.is_ok() && first.is_ok(), "a cancel may come too late, and is heard");
    assert!(matches!(elsewhere.unwrap().answer, Answer::Admitted(_)), "one workspace leaves room to others");
    assert!(crowd.iter().all(Result::is_ok), "who was let in is answered");
    let figures = engine.figures();
    let get = |word| figures.iter().find(|(known, _)| *known == word).unwrap().1;
    assert_eq!((get("under_way"), get("shed")), (0, 1));
    let again = poll_immediate(Box::pin(engine.execute(&id, house.submit(), Call::default()))).await;
    assert!(again.is_none(), "there is room again");
}
