//! Changes of the platform's own records: rare, so each is a statement of its own.

use std::time::Duration;

use reeve_journal::{AbortReason, CatalogRow, CommitOutcome, KeyRow, PlatformChange};
use reeve_types::{KeyId, Millis};
use reeve_workspace::Promotion;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ColumnTrait as _, Condition, DatabaseTransaction, DbErr, EntityTrait as _, QueryFilter as _};

use super::lane::Resolved;
use super::transaction::Stop;
use super::webhooks;
use super::writer::{RETRY_MS, TRIES_MAX, Writer};
use crate::entity::{catalogs, keys, promotions};
use crate::failure::{Failure, classify};
use crate::open::Fatal;
use crate::{row, task};

/// How one try ended.
enum Put {
    Done(CommitOutcome),
    Stopped(Stop),
    /// The COMMIT was sent and no answer came.
    Uncertain,
}

impl Writer {
    /// Writes one change, in a transaction that is fenced and numbered as those of batches are.
    pub(super) async fn platform(&mut self, change: PlatformChange) -> CommitOutcome {
        for n in 1..=TRIES_MAX {
            if let Err(why) = self.be_in_reach().await {
                return CommitOutcome::Aborted(AbortReason::Store(why));
            }
            let (lost, unknown) = match self.try_platform(&change).await {
                Put::Done(outcome) => return outcome,
                Put::Stopped(Stop::Failed(Failure::Transient(_))) if n < TRIES_MAX => {
                    task::pause(Duration::from_millis(RETRY_MS << n)).await;
                    continue;
                }
                Put::Stopped(Stop::Fenced) if self.connect.is_some() => ("it was replaced".to_owned(), false),
                Put::Stopped(Stop::Failed(Failure::Lost(detail))) => (detail, false),
                Put::Stopped(stop) => return self.platform_failed(stop),
                Put::Uncertain => (String::new(), true),
            };
            match self.resolve().await {
                Resolved::Committed => return CommitOutcome::Durable,
                Resolved::NotCommitted => {}
                Resolved::Impossible(_) if unknown => return CommitOutcome::Unknown,
                Resolved::Impossible(_) => return CommitOutcome::Aborted(AbortReason::Store(lost)),
            }
        }
        CommitOutcome::Aborted(AbortReason::Store("the connection breaks again and again".to_owned()))
    }

    fn platform_failed(&mut self, stop: Stop) -> CommitOutcome {
        match stop {
            Stop::Failed(Failure::Data(detail)) => CommitOutcome::Aborted(AbortReason::Data(detail)),
            Stop::Failed(Failure::Disk(detail)) => {
                self.die(Fatal::Disk { detail });
                CommitOutcome::Unknown
            }
            Stop::Failed(failure) => CommitOutcome::Aborted(AbortReason::Store(failure.detail().to_owned())),
            Stop::Fenced | Stop::AllLost | Stop::Conflict => {
                let fatal = Fatal::TakenOver { by: String::new() };
                let why = fatal.to_string();
                self.die(fatal);
                CommitOutcome::Aborted(AbortReason::Store(why))
            }
        }
    }

    async fn try_platform(&mut self, change: &PlatformChange) -> Put {
        let txn = match self.begin().await {
            Ok(txn) => txn,
            Err(failure) => return Put::Stopped(Stop::Failed(failure)),
        };
        let written = self.answered(self.write_platform(&txn, change)).await;
        match written.unwrap_or_else(|failure| Err(Stop::Failed(failure))) {
            Ok(CommitOutcome::Durable) => {}
            other => {
                self.roll_back(txn).await;
                return other.map_or_else(Put::Stopped, Put::Done);
            }
        }
        let committed = self.answered(txn.commit()).await;
        let committed = committed.and_then(|done| done.map_err(|error| classify(&error)));
        self.spoilt |= committed.is_err();
        match committed {
            Ok(()) => {
                self.lane.seq += 1;
                Put::Done(CommitOutcome::Durable)
            }
            Err(Failure::Lost(_)) if self.connect.is_some() => Put::Uncertain,
            // The thread that owns the file is gone in the middle of a commit: as bad as a failed disk.
            Err(Failure::Lost(detail)) => Put::Stopped(Stop::Failed(Failure::Disk(detail))),
            Err(failure) => Put::Stopped(Stop::Failed(failure)),
        }
    }

    async fn write_platform(
        &self,
        txn: &DatabaseTransaction,
        change: &PlatformChange,
    ) -> Result<CommitOutcome, Stop> {
        self.writing(txn).fence(self.lane).await?;
        match change {
            PlatformChange::PutKey(key) => put_key(txn, key).await?,
            PlatformChange::RevokeKey { id, at } => revoke_key(txn, *id, *at).await?,
            PlatformChange::TouchKeys { keys, at } => touch_keys(txn, keys, *at).await?,
            PlatformChange::PublishCatalog(row) => return Ok(publish(txn, row).await?),
            PlatformChange::PutPromotion(promotion) => put_promotion(txn, promotion).await?,
            PlatformChange::Tidy(tidy) => self.writing(txn).tidy(tidy).await?,
            PlatformChange::Webhook(change) => {
                return Ok(webhooks::write(txn, self.backend, change).await?);
            }
        }
        Ok(CommitOutcome::Durable)
    }
}

async fn put_key(db: &DatabaseTransaction, key: &KeyRow) -> Result<(), DbErr> {
    use keys::Column::{Burst, Digest, ExpiresAt, Id, Name, RatePerSecond, RevokedAt, Role, Workspace};
    let columns = [Role, Workspace, Name, Digest, RevokedAt, ExpiresAt, RatePerSecond, Burst];
    let again = OnConflict::column(Id).update_columns(columns).to_owned();
    let insert = keys::Entity::insert(row::key::write(key)).on_conflict(again);
    insert.exec_without_returning(db).await?;
    Ok(())
}

/// The first revocation stands.
async fn revoke_key(db: &DatabaseTransaction, id: KeyId, at: Millis) -> Result<(), DbErr> {
    let revoked = Expr::col(keys::Column::RevokedAt).if_null(at.value());
    let update = keys::Entity::update_many().col_expr(keys::Column::RevokedAt, revoked);
    update.filter(keys::Column::Id.eq(id.to_string())).exec(db).await?;
    Ok(())
}

/// One statement for all of them, so that a batch costs the writer what a single key does.
async fn touch_keys(db: &DatabaseTransaction, used: &[KeyId], at: Millis) -> Result<(), DbErr> {
    use keys::Column::{Id, LastUsedAt};
    let older = Condition::any().add(LastUsedAt.is_null()).add(LastUsedAt.lt(at.value()));
    let update = keys::Entity::update_many().col_expr(LastUsedAt, Expr::value(at.value()));
    update.filter(Id.is_in(used.iter().map(ToString::to_string))).filter(older).exec(db).await?;
    Ok(())
}

/// A version is inserted once. Nothing comes between the look and the insert: there is one writer.
async fn publish(db: &DatabaseTransaction, row: &CatalogRow) -> Result<CommitOutcome, DbErr> {
    let key = (row.name.to_string(), i64::from(row.version));
    let stored = catalogs::Entity::find_by_id(key).one(db).await?;
    match stored {
        Some(stored) if stored.text == row.text => {}
        Some(_) => return Ok(CommitOutcome::Aborted(AbortReason::Exists)),
        None => {
            let insert = catalogs::Entity::insert(row::catalog::write(row));
            insert.exec_without_returning(db).await?;
        }
    }
    Ok(CommitOutcome::Durable)
}

async fn put_promotion(db: &DatabaseTransaction, promotion: &Promotion) -> Result<(), DbErr> {
    use promotions::Column::{Body, Catalog, Id};
    let again = OnConflict::column(Id).update_columns([Catalog, Body]).to_owned();
    let insert = promotions::Entity::insert(row::promotion::write(promotion)?).on_conflict(again);
    insert.exec_without_returning(db).await?;
    Ok(())
}
