//! L3, L4, J1, J2, J3, Q2: every job of a workspace against the ledger and the lots.

use std::collections::HashMap;

use reeve_credits::lot::Lot;
use reeve_jobs::Status;
use reeve_journal::{JobRecord, StoreError};
use reeve_types::{Credits, JobId, LotId, WorkspaceId};
use sea_orm::ConnectionTrait;

use super::credits::{JobSums, Replay};
use super::tally::{Promise, Tally};
use crate::read::jobs_after;

/// Jobs read at once.
const PAGE: u64 = 1_000;

/// What the jobs of a workspace add up to.
#[derive(Default)]
pub(super) struct Jobs {
    pub(super) count: u64,
    pub(super) running: u32,
    pub(super) queued: u64,
    holds: HashMap<LotId, i128>,
}

fn wide(amount: Credits) -> i128 {
    i128::from(amount.micros())
}

/// Checks every job, live and final.
pub(super) async fn check<C: ConnectionTrait>(
    db: &C,
    id: &WorkspaceId,
    replay: &mut Replay,
    tally: &mut Tally<'_>,
) -> Result<Jobs, StoreError> {
    let mut jobs = Jobs::default();
    for live in [true, false] {
        let mut after: Option<JobId> = None;
        loop {
            let records = jobs_after(db, id, (live, after), PAGE).await?;
            let Some(last) = records.last() else { break };
            after = Some(last.intro.id);
            tally.read(records.len());
            for record in &records {
                let sums = sums_of(record, replay);
                jobs.add(record);
                one(record, live, sums, tally);
            }
        }
    }
    for job in replay.jobs.keys() {
        tally.check(Promise::L3, false, || {
            format!("table `jobs` column `id` row `{job}`: has ledger rows and is missing")
        });
    }
    tally.check(Promise::L3, replay.closed.is_empty(), || {
        format!("workspace `{id}`: closed holds of the ledger and of its jobs differ")
    });
    Ok(jobs)
}

/// What the ledger says of a job: as kept, else as its own row claims, which is taken out of what closed.
fn sums_of(record: &JobRecord, replay: &mut Replay) -> JobSums {
    let (job, state) = (record.intro.id, &record.state);
    if let Some(sums) = replay.jobs.remove(&job) {
        return sums;
    }
    let (settled, released) = (wide(state.settled), wide(state.released));
    let claimed = JobSums { held: settled + released, settled, released };
    if replay.keeps_all() || claimed.held == 0 {
        return JobSums::default();
    }
    replay.closed.take(job, claimed);
    claimed
}

impl Jobs {
    fn add(&mut self, record: &JobRecord) {
        self.count += 1;
        self.running += u32::from(record.state.lease.is_some());
        self.queued += u64::from(record.state.status == Status::Queued);
        for part in record.state.hold.parts() {
            *self.holds.entry(part.lot).or_default() += wide(part.amount);
        }
    }

    /// L4, lot by lot.
    pub(super) fn against_lots(&mut self, id: &WorkspaceId, lots: &[Lot], tally: &mut Tally<'_>) {
        for lot in lots {
            let held = self.holds.remove(&lot.id).unwrap_or(0);
            tally.check(Promise::L4, held == wide(lot.terms.held), || {
                format!(
                    "table `lots` column `held` row `{id}/{}`: is {}, its jobs hold otherwise",
                    lot.id, lot.terms.held
                )
            });
        }
        for (lot, held) in self.holds.iter().filter(|(_, held)| **held != 0) {
            tally.check(Promise::L4, false, || {
                format!("jobs hold {held} millionths on lot `{id}/{lot}`, which is missing")
            });
        }
    }
}

fn one(record: &JobRecord, live: bool, sums: JobSums, tally: &mut Tally<'_>) {
    let (job, state) = (record.intro.id, &record.state);
    let place = |column: &str| format!("table `jobs` column `{column}` row `{job}`");
    let is_final = state.status.is_final();
    tally.check(Promise::J1, state.lease.as_ref().is_none_or(|lease| lease.attempt > 0), || {
        format!("{}: a lease without an attempt", place("attempt"))
    });
    tally.check(Promise::J2, is_final != live && is_final == state.finished_at.is_some(), || {
        format!("{}: does not fit status `{}`", place("finished_at"), state.status.as_str())
    });
    if is_final {
        closed_hold(record, sums, tally);
        success(record, tally);
    } else {
        let open = sums.held == wide(state.hold.total()) && sums.settled == 0 && sums.released == 0;
        tally.check(Promise::L3, open, || format!("{}: the ledger knows another hold", place("hold")));
    }
}

fn closed_hold(record: &JobRecord, sums: JobSums, tally: &mut Tally<'_>) {
    let (job, state) = (record.intro.id, &record.state);
    let place = |column: &str| format!("table `jobs` column `{column}` row `{job}`");
    tally.check(Promise::L3, state.hold.parts().is_empty(), || {
        format!("{}: a final job holds credits", place("hold"))
    });
    tally.check(Promise::L3, sums.settled + sums.released == sums.held, || {
        format!("{}: settled and released are not what was held", place("hold"))
    });
    tally.check(Promise::L3, sums.settled == wide(state.settled), || {
        format!("{}: is {}, the ledger says otherwise", place("settled"), state.settled)
    });
    tally.check(Promise::L3, sums.released == wide(state.released), || {
        format!("{}: is {}, the ledger says otherwise", place("released"), state.released)
    });
}

fn success(record: &JobRecord, tally: &mut Tally<'_>) {
    let (job, state) = (record.intro.id, &record.state);
    let landed = state.outputs.iter().filter(|output| output.output.has_landed()).count();
    let cost: i128 = state.outputs.iter().map(|output| wide(output.credits)).sum();
    let is_kept = if state.status == Status::Succeeded {
        landed > 0 && cost == wide(state.settled)
    } else {
        landed == 0 && state.settled.is_zero()
    };
    tally.check(Promise::J3, is_kept, || {
        let (status, settled) = (state.status.as_str(), state.settled);
        format!(
            "table `jobs` column `outputs` row `{job}`: {landed} landed, {settled} settled, status `{status}`"
        )
    });
}
