//! What never changes of jobs: how long it is in memory, and what happens where there is no room.

use std::collections::BTreeSet;

use reeve_actors::{EngineSettings, Finished};
use reeve_journal::MemoryJournal;
use reeve_workspace::{Cancel, Command};

use super::house::{house, house_over, settings};

#[actix_rt::test]
async fn a_job_leaves_memory_when_it_is_final() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    let (done, cancelled) = (house.submit(&id).await, house.submit(&id).await);
    let leases = house.lease(1, 5_000).await;
    assert_eq!(leases[0].lease.job, done);
    let is_known = |job| house.engine.intro(job).is_some();
    assert!(is_known(done) && is_known(cancelled));
    assert!(matches!(house.complete(leases[0].lease).await, Finished::Answered(_)));
    assert!(!is_known(done) && is_known(cancelled));
    house.run(&id, Command::Cancel(Cancel { job: cancelled })).await.unwrap();
    assert!(!is_known(cancelled));
    // Whoever looks at it later must not bring it back.
    assert!(house.engine.job(done).await.unwrap().unwrap().state.status.is_final());
    assert!(!is_known(done));
}

#[actix_rt::test]
async fn jobs_that_memory_has_no_room_for_are_leased_with_what_their_rows_say() {
    let no_room = EngineSettings { intro_cache_bytes_max: 1, ..settings() };
    let house = house_over(MemoryJournal::new(), no_room).await;
    let (acme, other) = (house.open("acme", "creator").await, house.open("other", "creator").await);
    let mut jobs = BTreeSet::new();
    for id in [&acme, &other, &acme] {
        jobs.insert(house.submit(id).await);
    }
    assert!(jobs.iter().all(|job| house.engine.intro(*job).is_none()));
    let leases = house.lease(3, 5_000).await;
    assert_eq!(leases.iter().map(|granted| granted.intro.id).collect::<BTreeSet<_>>(), jobs);
    assert!(leases.iter().all(|granted| granted.intro.id == granted.lease.job));
    let tiers = house.engine.queue_stats().await.pools.into_iter().flat_map(|pool| pool.tiers);
    let waits: Vec<_> = tiers.filter_map(|tier| tier.waits).map(|waits| waits.count).collect();
    assert_eq!(waits, [3], "how long they waited is known all the same");
    for granted in leases {
        assert!(matches!(house.complete(granted.lease).await, Finished::Answered(_)));
    }
    house.assert_sound(&acme).await;
}
