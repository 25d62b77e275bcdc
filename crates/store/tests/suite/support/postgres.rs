//! Stores on a throwaway PostgreSQL.

use reeve_store::{Store, StoreSettings};
use reeve_testkit::postgres::Cluster;

/// A cluster, unless none is installed.
pub fn start() -> Option<Cluster> {
    // Nothing here cuts the power of the machine.
    Cluster::start(&["fsync=off"])
}

/// A store in an empty database of its own.
pub async fn store(cluster: &Cluster) -> Store {
    Store::open(StoreSettings::postgres(cluster.new_database()), super::no_fatal()).await.unwrap()
}
