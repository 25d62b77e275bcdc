//! L1, L2, L5: the ledger replayed, row by row, against lots and balances.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct JobSums {
    pub(super) held: i128,
    pub(super) settled: i128,
    pub(super) released: i128,
}

/// What the ledger adds up to. Wide sums: a tampered amount must not overflow the check itself.
pub(super) struct Replay {
    /// Which sums of jobs are kept one by one.
    keep: Keep,
    available: i128,
    held: i128,
    lots: HashMap<LotId, LotSums>,
    pub(super) jobs: HashMap<JobId, JobSums>,
    /// Of jobs whose hold is closed.
    pub(super) closed: Closed,
    /// Settles seen of jobs that are kept, to find one made twice.
    settles: HashMap<JobId, Vec<(Option<u32>, LotId)>>,
    /// Owed less repaid.
    debt: i128,
}

/// Which jobs a replay can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// Those with an open hold: memory for a workspace's backlog, not for its past.
    Open,
    /// All: only for a workspace in which something is broken.
    All,
}

/// Closed holds as one figure: the sums of a job are put in by the ledger and taken out by the job's row, in any
/// order, and nothing is left when they are the same jobs with the same sums.
///
/// Keyed by chance, so that no forged row can be made to fit.
#[derive(Default)]
pub(super) struct Closed {
    keys: [RandomState; 2],
    sums: [u64; 2],
}

impl Closed {
    fn figures(&self, job: JobId, sums: JobSums) -> [u64; 2] {
        [self.keys[0].hash_one((job, sums)), self.keys[1].hash_one((job, sums))]
    }

    fn put(&mut self, job: JobId, sums: JobSums) {
        let figures = self.figures(job, sums);
        self.sums = [self.sums[0].wrapping_add(figures[0]), self.sums[1].wrapping_add(figures[1])];
    }

    pub(super) fn take(&mut self, job: JobId, sums: JobSums) {
        let figures = self.figures(job, sums);
        self.sums = [self.sums[0].wrapping_sub(figures[0]), self.sums[1].wrapping_sub(figures[1])];
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sums == [0, 0]
    }
}

fn wide(amount: Credits) -> i128 {
    i128::from(amount.micros())
}

/// Replays the ledger of a workspace and compares its end with the workspace's own figures.
pub(super) async fn replay<C: ConnectionTrait>(
    db: &C,
    (id, state, keep): (&WorkspaceId, &State, Keep),
    tally: &mut Tally<'_>,
) -> Result<Replay, StoreError> {
    let mut replay = Replay::new(keep);
    let mut chain = genesis(id);
    let (mut broken, mut last_at) = (false, None);
    loop {
        let rows = ledger_after(db, id, chain.seq, PAGE).await?;
        if rows.is_empty() {
            break;
        }
        tally.read(rows.len());
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
    fn new(keep: Keep) -> Self {
        Self {
            keep,
            available: 0,
            held: 0,
            lots: HashMap::new(),
            jobs: HashMap::new(),
            closed: Closed::default(),
            settles: HashMap::new(),
            debt: 0,
        }
    }

    /// True when a job without sums has no ledger rows.
    pub(super) fn keeps_all(&self) -> bool {
        self.keep == Keep::All
    }

    fn apply(&mut self, id: &WorkspaceId, row: &Row, tally: &mut Tally<'_>) {
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

    fn count_for_job(&mut self, id: &WorkspaceId, row: &Row, tally: &mut Tally<'_>) {
        let Some(job) = row.job else { return };
        let sums = self.jobs.entry(job).or_default();
        let amount = wide(row.amount);
        match row.kind {
            Kind::Hold => sums.held += amount,
            Kind::Settle => {
                sums.settled += amount;
                let settles = self.settles.entry(job).or_default();
                let is_first = !settles.contains(&(row.output, row.lot));
                settles.push((row.output, row.lot));
                tally.check(Promise::L3, is_first, || {
                    format!("table `ledger` column `output` row `{id}/{}`: output settled twice", row.seq)
                });
            }
            Kind::Release => sums.released += amount,
            _ => {}
        }
        let sums = *sums;
        if self.keep == Keep::Open && sums.held > 0 && sums.held == sums.settled + sums.released {
            // A row of it that comes later starts sums that never close, and so is found.
            self.jobs.remove(&job);
            self.settles.remove(&job);
            self.closed.put(job, sums);
        }
    }

    fn compare(&self, id: &WorkspaceId, state: &State, chain: Chain, tally: &mut Tally<'_>) {
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
pub(super) fn lots(id: &WorkspaceId, lots: &[Lot], replay: &Replay, tally: &mut Tally<'_>) {
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
