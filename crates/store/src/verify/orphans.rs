//! What lies between workspaces: rows without an owner, and claims (L6).
//!
//! That a claim exists once is a primary key; what is checked is that each belongs to a workspace, and
//! that each purchase has the claim of its payment.

use reeve_journal::StoreError;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};

use super::DETAILS_MAX;
use super::tally::{Promise, Tally};
use crate::read::unavailable;

/// A check in SQL: how many rows there are, and the ids of bad ones.
struct Query {
    promise: Promise,
    count: &'static str,
    bad: &'static str,
    what: &'static str,
}

const QUERIES: [Query; 7] = [
    Query {
        promise: Promise::L6,
        count: "SELECT count(*) AS n FROM claims",
        bad: "SELECT scope || ':' || key AS id FROM claims WHERE workspace NOT IN (SELECT id FROM workspaces)",
        what: "table `claims` column `workspace`: belongs to no workspace",
    },
    Query {
        promise: Promise::L6,
        count: "SELECT count(*) AS n FROM purchases",
        bad: "SELECT p.id AS id FROM purchases p LEFT JOIN claims c ON c.scope = 'payment' AND c.key = p.payment \
              WHERE c.workspace IS NULL OR c.workspace <> p.workspace",
        what: "table `purchases` column `payment`: its payment is not claimed by its workspace",
    },
    // KV-08: money that was taken and is no credits is what a customer calls about.
    Query {
        promise: Promise::L6,
        count: "SELECT 0 AS n",
        bad: "SELECT p.id AS id FROM purchases p LEFT JOIN lots l ON l.id = p.lot \
              WHERE p.status NOT IN ('pending', 'failed') AND (l.id IS NULL OR l.workspace <> p.workspace)",
        what: "table `purchases` column `lot`: it is paid and has no lot",
    },
    Query {
        promise: Promise::L5,
        count: "SELECT 0 AS n",
        bad: "SELECT DISTINCT workspace AS id FROM ledger WHERE workspace NOT IN (SELECT id FROM workspaces)",
        what: "table `ledger` column `workspace`: belongs to no workspace",
    },
    Query {
        promise: Promise::L1,
        count: "SELECT 0 AS n",
        bad: "SELECT id FROM lots WHERE workspace NOT IN (SELECT id FROM workspaces)",
        what: "table `lots` column `workspace`: belongs to no workspace",
    },
    Query {
        promise: Promise::S1,
        count: "SELECT 0 AS n",
        bad: "SELECT workspace || '/' || member AS id FROM members WHERE workspace NOT IN (SELECT id FROM workspaces)",
        what: "table `members` column `workspace`: belongs to no workspace",
    },
    Query {
        promise: Promise::J2,
        count: "SELECT 0 AS n",
        bad: "SELECT id FROM jobs WHERE workspace NOT IN (SELECT id FROM workspaces)",
        what: "table `jobs` column `workspace`: belongs to no workspace",
    },
];

/// Runs them all.
pub(super) async fn check(db: &DatabaseConnection, tally: &mut Tally<'_>) -> Result<(), StoreError> {
    let backend = db.get_database_backend();
    for Query { promise, count, bad, what } in QUERIES {
        let row = db.query_one_raw(Statement::from_string(backend, count)).await.map_err(unavailable)?;
        let count: i64 = row.and_then(|row| row.try_get::<i64>("", "n").ok()).unwrap_or(0);
        (0..count).for_each(|_| tally.check(promise, true, String::new));
        let limited = format!("{bad} LIMIT {DETAILS_MAX}");
        for row in db.query_all_raw(Statement::from_string(backend, limited)).await.map_err(unavailable)? {
            let id: String = row.try_get("", "id").unwrap_or_default();
            tally.check(promise, false, || format!("{what}: row `{id}`"));
        }
    }
    Ok(())
}
