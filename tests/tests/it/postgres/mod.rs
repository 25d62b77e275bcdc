//! What only PostgreSQL can do to a server: spare processes, sessions that vanish, a database that comes and goes.
//!
//! Each test has a throwaway PostgreSQL of its own, since it breaks it. Without installed binaries they say so and are
//! skipped; `REEVE_TEST_REQUIRE_POSTGRES=1` forbids that. The other end-to-end tests run on PostgreSQL through
//! `it_on_postgres`.

mod faults;
mod line;
mod load;
mod network;
mod standby;

use reeve_testkit::postgres::Cluster;

use crate::fixture::{DATABASE_URL, Server};

/// Leases that are short enough for a test and long enough for a busy machine.
const SETTINGS: [(&str, &str); 4] = [
    ("REEVE__LEASES__LEASE_MS", "8000"),
    ("REEVE__LEASES__HEARTBEAT_MS", "1000"),
    ("REEVE__LEASES__LEASE_ACK_MS", "4000"),
    ("REEVE__RETRY__BACKOFF_MS", "100"),
];

/// The name of the database in which all of this happens: the first that is made.
const DATABASE: &str = "t0";

/// A PostgreSQL with one empty database, and its URL.
fn cluster() -> Option<(Cluster, String)> {
    let cluster = Cluster::start(&["fsync=on"])?;
    let url = cluster.new_database();
    Some((cluster, url))
}

/// The settings of a server on a database.
fn on(url: &str) -> Vec<(&str, &str)> {
    SETTINGS.into_iter().chain([(DATABASE_URL, url)]).collect()
}

/// `reeve verify` on the database of servers that do not run.
fn check_offline(server: &Server) {
    let verified = server.verify_folder();
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
}
