//! L1, L2, L5: the ledger replayed, row by row, against lots and balances.

use std::collections::{HashMap, HashSet};

use reeve_credits::lot::Lot;
use reeve_journal::{LotSums, StoreError};
use reeve_types::{Credits, JobId, LotId, WorkspaceId};
use reeve_workspace::{Chain, Kind, Row, State, genesis, hash_row};
use sea_orm::ConnectionTrait;

use super::tally::{Promise, Tally};
use crate::read::ledger_after;

/// Ledger rows read at once.
const PAGE: u64 = 2_000;

/// What the ledger says of one job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct JobSums {
    pub(super) held: i128,
    pub(super) settled: i128,
    pub(super) released: i128,
}

/// What the ledger adds up to. Wide sums: a tampered amount must not overflow the check itself.
#[derive(Default)]
pub(super) struct Replay {
    available: i128,
    held: i128,
    lots: HashMap<LotId, LotSums>,
    pub(super) jobs: HashMap<JobId, JobSums>,
    /// Settles seen, to find one made twice.
    settles: HashSet<(JobId, Option<u32>, LotId)>,
    /// Owed less repaid.
    debt: i128,
}

fn wide(amount: Credits) -> i128 {
    i128::from(amount.micros())
}

/// Replays the ledger of a workspace and compares its end with the workspace's own figures.
pub(super) async fn replay<C: ConnectionTrait>(
    db: &C,
    id: &WorkspaceId,
    state: &State,
    tally: &mut Tally,
) -> Result<Replay, StoreError> {
    let mut replay = Replay::default();
    let mut chain = genesis(id);
    let (mut broken, mut last_at) = (false, None);
    loop {
        let rows = ledger_after(db, id, chain.seq, PAGE).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let follows = row.seq == chain.seq + 1 && hash_row(chain.hash, &row) == row.hash;
            // After the first break every hash differs; one report is enough.
            tally.check(Promise::L5, follows || broken, || {
                let seq = row.seq;
                format!("table `ledger` column `hash` row `{id}/{seq}` does not follow row {}", chain.seq)
            });
            broken |= !follows;
            // Reads of the past find an instant by halving.
            tally.check(Promise::L5, last_at.is_none_or(|last_at| last_at <= row.at), || {
                format!("table `ledger` column `at` row `{id}/{}`: is earlier than the row before", row.seq)
            });
            last_at = Some(row.at);
            replay.apply(id, &row, tally);
            chain = Chain { seq: row.seq, hash: row.hash };
        }
    }
    replay.compare(id, state, chain, tally);
    Ok(replay)
}

impl Replay {
    fn apply(&mut self, id: &WorkspaceId, row: &Row, tally: &mut Tally) {
        let amount = wide(row.amount);
        let (available, held) = row.kind.effect();
        self.available += i128::from(available) * amount;
        self.held += i128::from(held) * amount;
        self.debt += match row.kind {
            Kind::Owe => amount,
            Kind::Repay => -amount,
            _ => 0,
        };
        let figures = (wide(row.available_after), wide(row.held_after));
        let agrees = self.debt >= 0 && (self.available, self.held) == figures;
        tally.check(Promise::L5, agrees, || {
            let seq = row.seq;
            format!("table `ledger` column `available_after` row `{id}/{seq}`: the rows before add up to something else")
        });
        self.lots.entry(row.lot).or_default().add(row.kind, amount);
        self.count_for_job(id, row, tally);
    }

    fn count_for_job(&mut self, id: &WorkspaceId, row: &Row, tally: &mut Tally) {
        let Some(job) = row.job else { return };
        let sums = self.jobs.entry(job).or_default();
        let amount = wide(row.amount);
        match row.kind {
            Kind::Hold => sums.held += amount,
            Kind::Settle => {
                sums.settled += amount;
                let is_first = self.settles.insert((job, row.output, row.lot));
                tally.check(Promise::L3, is_first, || {
                    format!("table `ledger` column `output` row `{id}/{}`: output settled twice", row.seq)
                });
            }
            Kind::Release => sums.released += amount,
            _ => {}
        }
    }

    fn compare(&self, id: &WorkspaceId, state: &State, chain: Chain, tally: &mut Tally) {
        tally.check(Promise::L5, chain == state.chain, || {
            let (stored, found) = (state.chain.seq, chain.seq);
            format!(
                "table `workspaces` column `chain_seq` row `{id}`: is {stored}, the ledger ends at {found}"
            )
        });
        tally.check(Promise::L5, self.debt == wide(state.debt), || {
            format!(
                "table `workspaces` column `debt` row `{id}`: is {}, owed less repaid is {} millionths",
                state.debt, self.debt
            )
        });
    }
}

/// L1, L2 per lot, and L5 from the lots' side.
pub(super) fn lots(id: &WorkspaceId, lots: &[Lot], replay: &Replay, tally: &mut Tally) {
    for lot in lots {
        let place = |column: &str| format!("table `lots` column `{column}` row `{id}/{}`", lot.id);
        tally.check(Promise::L1, lot.is_conserved(), || format!("{}: {:?}", place("granted"), lot.terms));
        tally.check(Promise::L2, !lot.terms.available.is_negative(), || {
            format!("{}: is {}", place("available"), lot.terms.available)
        });
        let folded = replay.lots.get(&lot.id).copied().unwrap_or_default();
        tally.check(Promise::L5, folded == LotSums::of(lot), || {
            format!("{}: its ledger rows do not add up to {:?}", place("available"), lot.terms)
        });
    }
    let known: HashSet<LotId> = lots.iter().map(|lot| lot.id).collect();
    for lot in replay.lots.keys().filter(|lot| !known.contains(lot)) {
        tally.check(Promise::L5, false, || {
            format!("table `lots` column `id` row `{id}/{lot}`: has ledger rows and is missing")
        });
    }
}
