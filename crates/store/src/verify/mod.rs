//! Checks the promises L1 to S1 over a live store, as `reeve verify` and the operator's API do.
//!
//! One short read transaction for each workspace, so the writer is never blocked and no snapshot grows
//! old. Everything is computed anew from ledger, lots and jobs; a broken row is named by table, column and
//! id. Nothing is repaired.

mod credits;
mod file;
mod jobs;
mod meter;
mod orphans;
mod tally;
mod workspace;

use std::sync::Arc;

use reeve_journal::{Page, StoreError};
use reeve_types::WorkspaceId;
use sea_orm::DatabaseConnection;

use crate::journal::{Handle, Scope};
use crate::open::Store;
use crate::read::{end, ids_after, snapshot};
use meter::Meter;
use tally::Tally;

/// Workspaces looked up at once.
const PAGE: u32 = 500;
/// Broken rows of one check that a report names; the others are counted.
pub const DETAILS_MAX: usize = 20;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub workspaces: u64,
    pub checks: Vec<Check>,
}

impl Report {
    /// True when nothing is broken.
    pub fn is_ok(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }
}

/// One promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Such as `L1`; `rows` says whether rows can be read at all.
    pub name: &'static str,
    /// The promise in a few words.
    pub about: &'static str,
    pub ok: bool,
    /// How many things were looked at.
    pub checked: u64,
    pub broken: u64,
    /// The first broken ones: table, column, id and what is wrong.
    pub detail: Vec<String>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub workspaces_done: u64,
    /// When it began; 0 when nobody knows.
    pub workspaces: u64,
    /// Rows of ledgers and jobs.
    pub rows_done: u64,
    /// As the workspaces say; 0 when nobody knows.
    pub rows: u64,
}

/// Checks a store; cheap to clone, so that it can be handed to whoever answers the operator.
#[derive(Clone)]
pub struct Verifier {
    db: DatabaseConnection,
    journal: Arc<Handle>,
}

impl Store {
    /// What checks this store.
    pub fn verifier(&self) -> Verifier {
        let (db, journal) = self.readers();
        Verifier { db: db.clone(), journal: journal.clone() }
    }
}

impl Verifier {
    /// Checks every workspace, then what lies between them.
    ///
    /// # Errors
    /// Only when the store cannot be read; damage is part of the report.
    pub async fn run(&self, on_progress: impl Fn(Progress) + Send + Sync) -> Result<Report, StoreError> {
        // Whatever was answered before is checked; later it is in order for each workspace at any rate.
        self.journal.caught_up(&Scope::All).await?;
        let meter = Meter::of(&self.db, &on_progress).await;
        let mut tally = Tally::new(&meter);
        let mut page = Page { after: None, limit: PAGE };
        let mut done = 0;
        loop {
            let ids = ids_after(&self.db, &page).await?;
            let Some(last) = ids.last() else { break };
            page.after = Some(last.clone());
            for id in &ids {
                self.one(id, &mut tally).await?;
                done += 1;
                meter.workspace();
            }
        }
        file::check(&self.db, &mut tally).await?;
        orphans::check(&self.db, &mut tally).await?;
        Ok(Report { workspaces: done, checks: tally.into_checks() })
    }

    async fn one(&self, id: &str, tally: &mut Tally<'_>) -> Result<(), StoreError> {
        let Ok(workspace) = WorkspaceId::new(id) else {
            tally
                .damaged(format!("table `workspaces` column `id` row `{id}` is damaged: not a workspace id"));
            return Ok(());
        };
        let snapshot = snapshot(&self.db).await?;
        let checked = workspace::check(&snapshot, &workspace, tally).await;
        end(snapshot).await;
        match checked {
            Err(damage @ StoreError::Damaged { .. }) => {
                tally.damaged(damage.to_string());
                Ok(())
            }
            other => other,
        }
    }
}
