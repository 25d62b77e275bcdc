//! How far a check is: rows read, out of those that the workspaces' own figures promise.

use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};

use super::Progress;

/// Told of every page that was read.
pub(super) type Told<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// The counts so far.
pub(super) struct Meter<'a> {
    told: Told<'a>,
    workspaces: u64,
    workspaces_done: AtomicU64,
    rows: u64,
    rows_done: AtomicU64,
}

impl<'a> Meter<'a> {
    /// For a whole store. What damaged figures do not say is 0: it is only shown, and the check finds the damage.
    pub(super) async fn of(db: &DatabaseConnection, told: Told<'a>) -> Self {
        let sql = "SELECT count(*) AS n, CAST(sum(chain_seq) + sum(admitted) AS BIGINT) AS m FROM workspaces";
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await;
        let row = row.ok().flatten();
        let figure = |name: &str| {
            let found: Option<i64> = row.as_ref().and_then(|row| row.try_get("", name).ok());
            found.and_then(|found| u64::try_from(found).ok()).unwrap_or(0)
        };
        Self {
            told,
            workspaces: figure("n"),
            workspaces_done: AtomicU64::new(0),
            rows: figure("m"),
            rows_done: AtomicU64::new(0),
        }
    }

    /// So many rows of ledger or jobs were read.
    pub(super) fn rows(&self, count: usize) {
        self.rows_done.fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
        self.tell();
    }

    /// One more workspace is through.
    pub(super) fn workspace(&self) {
        self.workspaces_done.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }

    /// A broken workspace is read twice, and others grow meanwhile: what is told is never beyond the end.
    fn tell(&self) {
        (self.told)(Progress {
            workspaces_done: self.workspaces_done.load(Ordering::Relaxed),
            workspaces: self.workspaces,
            rows_done: self.rows_done.load(Ordering::Relaxed).min(self.rows),
            rows: self.rows,
        });
    }
}
