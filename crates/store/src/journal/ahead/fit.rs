//! Which change sets may be written ahead: those that the tables cannot refuse later.
//!
//! Pure. Once a change set is ahead its caller has heard that it is durable, so that whatever the tables would say of it
//! must be known before. What they hold each row against by itself is asked here, in the words of their constraints;
//! what needs other rows is asked in the transaction that writes it ahead. Everything else takes the general way.

use reeve_credits::lot::{Lot, Terms};
use reeve_jobs::Status;
use reeve_journal::ChangeSet;
use reeve_types::{Credits, JobId};
use reeve_workspace::{JobState, Records, WorkspaceRow};

/// Whether every table would take what is usual: an admission, a lease or a close in order.
pub(in crate::journal) fn fits(change: &ChangeSet, admits: impl Fn(JobId) -> bool) -> bool {
    let records = &*change.records;
    is_sound(&records.workspace)
        && records.lots.iter().all(is_whole)
        && records.jobs.iter().all(|(_, state)| is_job(state))
        && records.jobs.iter().filter(|(id, _)| admits(*id)).count() == records.admitted.len()
        && is_chained(records)
}

/// Nothing is created but jobs, nothing is claimed, and no profile changes.
pub(in crate::journal) fn is_usual(change: &ChangeSet) -> bool {
    let records = &change.records;
    change.expected > 0
        && records.workspace.profile.is_none()
        && records.purchases.is_empty()
        && records.members.is_empty()
        && records.claims.is_empty()
        && records.unclaims.is_empty()
}

fn is_sound(row: &WorkspaceRow) -> bool {
    row.held >= Credits::ZERO && row.debt >= Credits::ZERO
}

/// L1, and no term below zero.
fn is_whole(lot: &Lot) -> bool {
    let Terms { available, held, consumed, expired, forfeited, clawed_back } = lot.terms;
    let terms = [available, held, consumed, expired, forfeited, clawed_back];
    let sum: i128 = terms.iter().map(|term| i128::from(term.micros())).sum();
    sum == i128::from(lot.granted.micros()) && terms.iter().all(|term| *term >= Credits::ZERO)
}

/// J1: exactly what runs has a lease.
fn is_job(state: &JobState) -> bool {
    let runs = matches!(state.status, Status::Running | Status::Cancelling);
    runs == state.lease.is_some() && state.settled >= Credits::ZERO && state.released >= Credits::ZERO
}

/// L5: the rows of the ledger are those before its end, without a gap.
fn is_chained(records: &Records) -> bool {
    let rows = &records.ledger;
    let Some(before) = records.workspace.chain.seq.checked_sub(rows.len() as u64) else { return false };
    rows.iter().zip(before..).all(|(row, last)| row.seq == last + 1 && row.amount >= Credits::ZERO)
}
