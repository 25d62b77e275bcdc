//! A workspace rebuilt: its row, its lots that can still move, its purchases and members, its live jobs with
//! their uploads (S1), cell by cell.
//!
//! The caller has waited for the change sets in flight; all statements here see one snapshot. A server reads most of
//! them by [`super::whole`], and comes here when that is not made for one; `verify` always does.

use std::collections::{BTreeMap, HashMap};

use reeve_credits::lot::Lot;
use reeve_jobs::Upload;
use reeve_journal::{JobRecord, KEY_HASHES_MAX, Loaded, StoreError, key_hash};
use reeve_types::{JobId, PurchaseId, WorkspaceId};
use reeve_workspace::{LiveJob, PurchaseRow, State};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _,
};

use super::db::{row, rows};
use super::jobs::liveness;
use crate::entity::{answers, jobs, lots, purchases, uploads, workspaces};
use crate::row;
use crate::row::cells::Cells;
use crate::row::job::{Depth, Interned};

/// Which lots.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lots {
    /// Spent ones too.
    All,
    /// Those that live in memory: that can move, or were paid for and can be revived by a won dispute.
    Kept,
}

/// The live state of a workspace within one snapshot.
pub(crate) async fn load<C: ConnectionTrait>(db: &C, id: &WorkspaceId) -> Result<Option<Loaded>, StoreError> {
    let select = workspaces::Entity::find_by_id(id.as_str()).into_query();
    let Some(found) = row(db, select).await? else {
        return Ok(None);
    };
    let state = row::workspace::read_state(&Cells::by_text(&found, "workspaces", "id")?)?;
    let state = State {
        // Rebuilding puts the spent ones aside.
        lots: lots_of(db, id, Lots::Kept).await?,
        purchases: purchases_of(db, id).await?,
        members: super::workspaces::members(db, id).await?.into_iter().collect(),
        jobs: live_jobs(db, id).await?,
        ..state
    };
    let (key_hashes, keys_complete) = key_hashes(db, id).await?;
    Ok(Some(Loaded { state: state.rebuilt(), key_hashes, keys_complete }))
}

/// Lots of a workspace in order of id.
pub(crate) async fn lots_of<C: ConnectionTrait>(
    db: &C,
    id: &WorkspaceId,
    which: Lots,
) -> Result<Vec<Lot>, StoreError> {
    let mut select =
        lots::Entity::find().filter(lots::Column::Workspace.eq(id.as_str())).order_by_asc(lots::Column::Id);
    if which == Lots::Kept {
        let movable = Condition::any().add(lots::Column::Available.ne(0)).add(lots::Column::Held.ne(0));
        select = select.filter(movable.add(lots::Column::Payment.is_not_null()));
    }
    let found = rows(db, select.into_query()).await?;
    found.iter().map(|row| row::lot::read(&Cells::by_text(row, "lots", "id")?)).collect()
}

async fn purchases_of<C: ConnectionTrait>(
    db: &C,
    id: &WorkspaceId,
) -> Result<BTreeMap<PurchaseId, PurchaseRow>, StoreError> {
    let mine = purchases::Entity::find().filter(purchases::Column::Workspace.eq(id.as_str()));
    let found = rows(db, mine.into_query()).await?;
    let read = |row| row::purchase::read(&Cells::by_text(row, "purchases", "id")?).map(|row| (row.id, row));
    found.iter().map(read).collect()
}

/// Live jobs read at once: a row as it comes from the database takes ten times what is kept of it.
pub(super) const JOBS_PAGE: u64 = 1_000;

pub(super) type Live = rustc_hash::FxHashMap<JobId, Box<LiveJob>>;

/// Uploads by job and attempt.
pub(super) type Uploads = HashMap<(JobId, u32), Vec<Upload>>;

async fn live_jobs<C: ConnectionTrait>(db: &C, id: &WorkspaceId) -> Result<Live, StoreError> {
    let mut interned = Interned::default();
    let mut records: Vec<JobRecord> = Vec::new();
    loop {
        let mut page = jobs::Entity::find()
            .filter(jobs::Column::Workspace.eq(id.as_str()))
            .filter(liveness(true))
            .order_by_asc(jobs::Column::Id)
            .limit(JOBS_PAGE);
        if let Some(last) = records.last() {
            page = page.filter(jobs::Column::Id.gt(last.intro.id.to_string()));
        }
        let found = rows(db, page.into_query()).await?;
        for row in &found {
            let cells = Cells::by_text(row, "jobs", "id")?;
            let record = row::job::read(&cells, &mut interned, Depth::Live)?;
            if record.state.status.is_final() {
                return Err(cells.damaged("live", "is 1 although the status is final"));
            }
            records.push(record);
        }
        if (found.len() as u64) < JOBS_PAGE {
            break;
        }
    }
    // Most workspaces that are built again have jobs that wait, and only a lease has uploads.
    let has_lease = records.iter().any(|record| record.state.lease.is_some());
    let uploads = if has_lease { uploads_of(db, id).await? } else { Uploads::new() };
    Ok(live_of(records, uploads))
}

/// Live jobs as memory has them.
pub(super) fn live_of(records: Vec<JobRecord>, mut uploads: Uploads) -> Live {
    let mut live = Live::default();
    for mut record in records {
        if let Some(lease) = &mut record.state.lease {
            lease.uploads = uploads.remove(&(record.intro.id, lease.attempt)).unwrap_or_default();
        }
        live.insert(record.intro.id, Box::new(LiveJob::from_rows(&record.intro, &record.state)));
    }
    live
}

/// Uploads of the running jobs of a workspace, by job and attempt, each in order of index.
async fn uploads_of<C: ConnectionTrait>(db: &C, id: &WorkspaceId) -> Result<Uploads, StoreError> {
    let running = jobs::Entity::find()
        .select_only()
        .column(jobs::Column::Id)
        .filter(jobs::Column::Workspace.eq(id.as_str()))
        .filter(liveness(true))
        .filter(jobs::Column::LeaseWorker.is_not_null())
        .into_query();
    let select = uploads::Entity::find()
        .filter(uploads::Column::Job.in_subquery(running))
        .order_by_asc(uploads::Column::Job)
        .order_by_asc(uploads::Column::Attempt)
        .order_by_asc(uploads::Column::Idx);
    let mut by_attempt = Uploads::new();
    for row in &rows(db, select.into_query()).await? {
        let cells = Cells::by_text(row, "uploads", "job")?;
        by_attempt
            .entry((cells.parse("job")?, cells.int("attempt")?))
            .or_default()
            .push(row::upload::read(&cells)?);
    }
    Ok(by_attempt)
}

/// Hashes of recorded idempotency keys, and whether these are all.
///
/// Beyond the bound any of them will do: an absent one is then looked up. To find the newest, every row
/// would have to be read, at the very moment when a busy workspace waits for its owner.
async fn key_hashes<C: ConnectionTrait>(db: &C, id: &WorkspaceId) -> Result<(Vec<u64>, bool), StoreError> {
    let select = answers::Entity::find()
        .select_only()
        .column(answers::Column::Key)
        .filter(answers::Column::Workspace.eq(id.as_str()))
        .limit(u64::from(KEY_HASHES_MAX) + 1);
    let found = rows(db, select.into_query()).await?;
    let complete = found.len() <= KEY_HASHES_MAX as usize;
    let keys = found.iter().take(KEY_HASHES_MAX as usize);
    let hashes = keys.map(|row| Ok(key_hash(Cells::by_text(row, "answers", "key")?.id())));
    Ok((hashes.collect::<Result<_, StoreError>>()?, complete))
}
