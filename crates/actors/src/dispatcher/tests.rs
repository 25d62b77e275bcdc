//! Reservations that outlive what they were made of.

use std::sync::mpsc;

use reeve_journal::Fault;

use super::Tamper;
use crate::call::{Call, Unavailable};
use crate::tests::fixture::{house, name_beside_the_dispatcher};

/// Far below the time in which an unacknowledged lease lapses.
const SOON_MS: u64 = 8_000;

#[actix_rt::test]
async fn a_lease_that_a_rebuilt_owner_grants_to_a_void_reservation_comes_back_at_once() {
    let house = house().await;
    let id = house.open(&name_beside_the_dispatcher()).await;
    let job = house.admitted(&id).await;
    // The owner dies, and its successor is kept from being built.
    house.journal.hold_flushes();
    house.memory.plan([Fault::Abort]);
    let died = house.engine.execute(&id, house.submit(), Call::default()).await;
    assert_eq!(died.unwrap_err(), Unavailable::NOT_COMMITTED);
    let mut asked = Box::pin(house.lease_within(1, SOON_MS));
    // The queue has reserved the job, and the order waits for the successor.
    while house.engine.look(|dispatcher| dispatcher.in_flight_len()).await != Some(1) {
        assert!(futures_util::poll!(&mut asked).is_pending());
    }
    // The successor's first word is a `Sync` without the lease, which voids the reservation; the dispatcher does not
    // hear it before the lease is granted.
    let (go_on, stopped) = mpsc::channel::<()>();
    let dispatcher = house.engine.shared().dispatcher.get().unwrap();
    dispatcher.do_send(Tamper(Box::new(move |_| stopped.recv().unwrap())));
    house.journal.let_flushes_through();
    while house.engine.reader().leased().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    go_on.send(()).unwrap();
    let leases = asked.await;
    assert_eq!(leases.iter().map(|granted| granted.lease.job).collect::<Vec<_>>(), [job]);
    assert!(house.engine.lease_is_live(leases[0].lease), "it is the one that holds");
}
