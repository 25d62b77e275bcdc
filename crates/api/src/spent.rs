//! What a workspace has settled since its period began: a sum over the ledger, remembered and carried on.
//!
//! The ledger is append-only, so a sum up to a row stays true; each look reads only the rows since the last one.

use std::sync::{Mutex, PoisonError};

use reeve_actors::Unavailable;
use reeve_journal::{LedgerFilter, Page, Reader};
use reeve_types::{Credits, Millis, WorkspaceId};
use reeve_workspace::Kind;
use rustc_hash::FxHashMap;

/// Rows per read.
const ROWS: u32 = 1_000;
/// Sums kept; beyond it all are forgotten and computed once more.
const KEPT_MAX: usize = 10_000;

#[derive(Clone, Copy)]
struct Sum {
    since: Millis,
    /// Rows up to this sequence are in the sum.
    upto: u64,
    settled: Credits,
}

/// Sums by workspace.
#[derive(Default)]
pub(crate) struct SpentCache {
    sums: Mutex<FxHashMap<WorkspaceId, Sum>>,
}

impl SpentCache {
    /// Credits settled at or after `since`.
    pub(crate) async fn settled(
        &self,
        reader: &dyn Reader,
        workspace: &WorkspaceId,
        since: Millis,
    ) -> Result<Credits, Unavailable> {
        let known = self.sums.lock().unwrap_or_else(PoisonError::into_inner).get(workspace).copied();
        let fresh = Sum { since, upto: 0, settled: Credits::ZERO };
        let mut sum = known.filter(|sum| sum.since == since).unwrap_or(fresh);
        let filter = LedgerFilter { kind: Some(Kind::Settle), from: Some(since), ..LedgerFilter::default() };
        loop {
            let page = Page { after: (sum.upto > 0).then(|| sum.upto.to_string()), limit: ROWS };
            let rows = reader.ledger(workspace, &filter, &page).await?;
            let added = Credits::checked_sum(rows.iter().map(|row| row.amount)).unwrap_or(Credits::ZERO);
            sum.settled = sum.settled.checked_add(added).unwrap_or(sum.settled);
            sum.upto = rows.last().map_or(sum.upto, |row| row.seq);
            if rows.len() < ROWS as usize {
                break;
            }
        }
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        if sums.len() >= KEPT_MAX && !sums.contains_key(workspace) {
            sums.clear();
        }
        sums.insert(workspace.clone(), sum);
        Ok(sum.settled)
    }
}
