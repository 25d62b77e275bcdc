//! One workspace in one snapshot: its row, lots, ledger and jobs, each against the others.

use reeve_journal::StoreError;
use reeve_types::WorkspaceId;
use reeve_workspace::{WorkspaceRow, invariants};
use sea_orm::ConnectionTrait;

use super::credits::Keep;
use super::tally::{Promise, Tally};
use super::{credits, jobs};
use crate::read::{Lots, figures, load, lots_of};

/// Checks all that belongs to it: in little memory, and once more when something is broken, to name it.
pub(super) async fn check<C: ConnectionTrait>(
    db: &C,
    id: &WorkspaceId,
    tally: &mut Tally<'_>,
) -> Result<(), StoreError> {
    let mut first = tally.another();
    match check_keeping(db, (id, Keep::Open), &mut first).await {
        Ok(()) if first.is_ok() => {
            tally.add(&first);
            Ok(())
        }
        Err(unavailable @ StoreError::Unavailable(_)) => Err(unavailable),
        _ => check_keeping(db, (id, Keep::All), tally).await,
    }
}

async fn check_keeping<C: ConnectionTrait>(
    db: &C,
    (id, keep): (&WorkspaceId, Keep),
    tally: &mut Tally<'_>,
) -> Result<(), StoreError> {
    let Some(loaded) = load(db, id).await? else {
        return Ok(());
    };
    let state = loaded.state;
    tally.check(Promise::Rows, true, String::new);
    let lots = lots_of(db, id, Lots::All).await?;
    let mut replay = credits::replay(db, (id, &state, keep), tally).await?;
    credits::lots(id, &lots, &replay, tally);
    let mut jobs = jobs::check(db, id, &mut replay, tally).await?;
    jobs.against_lots(id, &lots, tally);
    tally.check(Promise::L5, lots.len() as u64 == state.lots_made, || {
        format!(
            "table `workspaces` column `lots_made` row `{id}`: is {}, there are {}",
            state.lots_made,
            lots.len()
        )
    });
    tally.check(Promise::Q2, jobs.count == state.admitted, || {
        format!(
            "table `workspaces` column `admitted` row `{id}`: is {}, there are {}",
            state.admitted, jobs.count
        )
    });
    own_row(db, id, &WorkspaceRow::of(&state, (false, false)), (&jobs, tally)).await?;
    let kept = invariants::check(&state);
    tally.check(Promise::S1, kept.is_ok(), || {
        let detail = kept.err().map(|violation| violation.to_string()).unwrap_or_default();
        format!("workspace `{id}`: {detail}")
    });
    Ok(())
}

/// The figures of the workspace's own row against the state rebuilt from the others.
async fn own_row<C: ConnectionTrait>(
    db: &C,
    id: &WorkspaceId,
    rebuilt: &WorkspaceRow,
    (jobs, tally): (&jobs::Jobs, &mut Tally<'_>),
) -> Result<(), StoreError> {
    let Some((record, next_due_at)) = figures(db, id).await? else {
        return Ok(());
    };
    let place = |column: &str| format!("table `workspaces` column `{column}` row `{id}`");
    let counts = (record.running, record.queued) == (jobs.running, jobs.queued);
    tally.check(Promise::Q2, counts, || {
        let (running, queued) = (record.running, record.queued);
        format!(
            "{}: says {running} run and {queued} wait, it is {} and {}",
            place("running"),
            jobs.running,
            jobs.queued
        )
    });
    tally.check(Promise::L2, !record.available.is_negative() || record.debt.is_positive(), || {
        format!("{}: is {} without debt", place("available"), record.available)
    });
    tally.check(Promise::L5, record.available == rebuilt.available, || {
        format!("{}: is {}, its lots say {}", place("available"), record.available, rebuilt.available)
    });
    tally.check(Promise::L4, record.held == rebuilt.held, || {
        format!("{}: is {}, its lots say {}", place("held"), record.held, rebuilt.held)
    });
    tally.check(Promise::S1, next_due_at == rebuilt.next_due_at, || {
        format!("{}: is {next_due_at:?}, its jobs say {:?}", place("next_due_at"), rebuilt.next_due_at)
    });
    Ok(())
}
