//! Which change sets of a rolled-back batch used a claim or a key that is taken.
//!
//! Read outside the transaction: inside it, our own rows could not be told from those of others.
//! Nothing comes between, since there is one writer.

use std::collections::{HashMap, HashSet};

use reeve_journal::{AbortReason, CommitOutcome, StoreError};
use reeve_types::WorkspaceId;
use reeve_workspace::Claim;
use sea_orm::{ConnectionTrait as _, DatabaseConnection};

use super::encode::Rows;
use super::statements::Statements;
use super::transaction::with_rows;
use super::work::Entry;
use crate::row;
use crate::row::cells::Cells;

/// The facts of a batch that are taken.
pub(super) struct Taken {
    claims: HashMap<Claim, WorkspaceId>,
    keys: HashSet<(String, String)>,
}

impl Taken {
    /// Looks the facts of `entries` up.
    pub(super) async fn find(
        db: &DatabaseConnection,
        sql: &Statements,
        entries: &[Entry],
    ) -> Result<Self, StoreError> {
        let (mut claims, mut answers) = (Rows::default(), Rows::default());
        for entry in entries {
            let work = &entry.work;
            work.claims.iter().for_each(|claim| row::claim::write(&mut claims, &work.workspace, claim));
            answers.append(work.encoded.answers());
        }
        let unavailable = |error: sea_orm::DbErr| StoreError::Unavailable(error.to_string());
        let backend = db.get_database_backend();
        let mut taken = Self { claims: HashMap::new(), keys: HashSet::new() };
        for found in
            db.query_all_raw(with_rows(backend, &sql.claims_taken, &claims)).await.map_err(unavailable)?
        {
            let (claim, by) = row::claim::read(&Cells::by_text(&found, "claims", "key")?)?;
            taken.claims.insert(claim, by);
        }
        for found in
            db.query_all_raw(with_rows(backend, &sql.answers_taken, &answers)).await.map_err(unavailable)?
        {
            let cells = Cells::by_text(&found, "answers", "key")?;
            taken.keys.insert((cells.text("workspace")?, cells.text("key")?));
        }
        Ok(taken)
    }

    /// What is wrong with a change set, if it is an offender.
    fn judge(&self, entry: &Entry) -> Option<CommitOutcome> {
        let work = &entry.work;
        // What it gives up in the same step is free for it.
        let frees = |claim, by| by == &work.workspace && work.unclaims.contains(claim);
        let taken = work.claims.iter().filter_map(|claim| self.claims.get(claim).map(|by| (claim, by)));
        let claims: Vec<_> = taken
            .filter(|(claim, by)| !frees(*claim, *by))
            .map(|(claim, by)| (claim.clone(), by.clone()))
            .collect();
        if !claims.is_empty() {
            return Some(CommitOutcome::ClaimTaken(claims));
        }
        let key = (work.workspace.to_string(), work.key.as_ref()?.to_string());
        self.keys.contains(&key).then_some(CommitOutcome::Aborted(AbortReason::KeyTaken))
    }

    /// Parts the offenders, and what builds on them, from the rest.
    pub(super) fn part(&self, entries: Vec<Entry>) -> (Vec<Entry>, Vec<(Entry, CommitOutcome)>) {
        let mut stopped: HashSet<WorkspaceId> = HashSet::new();
        let (mut good, mut bad) = (Vec::with_capacity(entries.len()), Vec::new());
        for entry in entries {
            if stopped.contains(entry.workspace()) {
                bad.push((entry, CommitOutcome::Aborted(AbortReason::Version)));
            } else if let Some(outcome) = self.judge(&entry) {
                stopped.insert(entry.workspace().clone());
                bad.push((entry, outcome));
            } else {
                good.push(entry);
            }
        }
        (good, bad)
    }
}
