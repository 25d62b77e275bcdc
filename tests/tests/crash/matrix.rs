//! SIGKILL at every named point, on both databases.

use std::sync::Arc;

use reeve_faults::Point;
use reeve_testkit::postgres::Cluster;

use super::deliveries::Deliveries;
use super::load::{complete_open, drain, until_it_strikes};
use super::process::{Place, was_killed};
use super::world::World;

/// Longest time until everything that happened was heard, at the end.
const HEARD_SECONDS_MAX: u64 = 60;

/// Passings of a point before it kills: enough that work of every kind is under way.
const fn passings(point: Point) -> (u64, u64) {
    match point {
        Point::OutputStaged => (1, 3),
        Point::OutputBeforeBytes | Point::OutputLanded | Point::OutputNoted => (4, 8),
        // Each of these is a transaction for many deliveries, of which there are some twenty a second.
        Point::WebhookBeforeClaim | Point::WebhookAfterClaim | Point::WebhookNoted => (8, 16),
        _ => (25, 40),
    }
}

/// Whether a server on this database passes a point under this load.
fn is_passed(point: Point, database: &str) -> bool {
    match point {
        // What the upkeep passes is `leftovers`' to try, since nothing of this run is old enough for it; the end of a
        // read is that of `readers`.
        Point::UpkeepRowsShed | Point::ReaderBeforeRollback => false,
        // PostgreSQL syncs by itself.
        point => database == "sqlite" || point.name() != "journal.before_sync",
    }
}

/// One place after the other: the server is killed there, opened again and compared with what clients know.
async fn matrix(place: Place, database: &str) {
    let world = Arc::new(World::new(place).await);
    let life = world.place.start("");
    let mut deliveries = Deliveries::listen(&world.place, &life.admin()).await;
    life.stop().await;
    for point in Point::ALL.iter().filter(|point| is_passed(**point, database)) {
        let (from, more) = passings(*point);
        let n = from + world.draw(*point as u32, more);
        let before = world.counts();
        deliveries.next_life();
        let mut life = world.place.start(&format!("die:{}:{n}", point.name()));
        complete_open(&world, &life.worker_api()).await;
        let status = until_it_strikes(&world, &mut life).await;
        assert!(was_killed(status), "{status:?} at {}:\n{}", point.name(), world.place.log());
        let struck = world.counts();
        deliveries.next_life();
        let life = world.place.start("");
        let found = world.check(&life).await;
        let (acknowledged, open) =
            (struck.acknowledged - before.acknowledged, struck.open - before.open.min(struck.open));
        println!(
            "| {database} | `{}` | {n}. passing | {acknowledged} acknowledged | {open} open | {} |",
            point.name(),
            if found.is_empty() { "holds" } else { "BROKEN" }
        );
        assert!(
            found.is_empty(),
            "killed at {}, passing {n}: {found:#?}\n{}",
            point.name(),
            world.place.log()
        );
        life.kill();
    }
    deliveries.next_life();
    let life = world.place.start("");
    complete_open(&world, &life.worker_api()).await;
    drain(&life).await;
    let mut found = world.check(&life).await;
    found.extend(deliveries.check(&world.place, HEARD_SECONDS_MAX).await);
    assert!(found.is_empty(), "at the end: {found:#?}\n{}", world.place.log());
    let counts = world.counts();
    println!("{database}: {} changes acknowledged, {} left open", counts.acknowledged, counts.open);
    assert!(counts.acknowledged > 500, "{counts:?}: this tested little");
    life.stop().await;
    if database == "sqlite" {
        let recoveries = world.place.recoveries();
        println!("{database}: {recoveries} starts found something ahead of the tables");
        assert!(recoveries >= 5, "{recoveries}: this tested little of what is written ahead");
    }
    let verified = world.place.verify();
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_point_on_sqlite_nothing_acknowledged_is_lost_or_done_twice() {
    matrix(Place::sqlite(), "sqlite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_point_on_postgres_nothing_acknowledged_is_lost_or_done_twice() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    matrix(Place::postgres(cluster.new_database()), "postgres").await;
}
