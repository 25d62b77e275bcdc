//! Changes of the platform's own records: rare, so each is a statement of its own.

use reeve_journal::{AbortReason, CatalogRow, CommitOutcome, KeyRow, PlatformChange};
use reeve_types::{KeyId, Millis};
use reeve_workspace::Promotion;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _};

use super::writer::Writer;
use crate::entity::{catalogs, keys, promotions};
use crate::failure::{Failure, classify};
use crate::row;

impl Writer {
    /// Writes one change.
    pub(super) async fn platform(&mut self, change: PlatformChange) -> CommitOutcome {
        if let Some(why) = self.dead.clone() {
            return CommitOutcome::Aborted(AbortReason::Store(why));
        }
        match self.put(change).await {
            Ok(outcome) => outcome,
            Err(error) => self.platform_failed(classify(&error)),
        }
    }

    fn platform_failed(&mut self, failure: Failure) -> CommitOutcome {
        match failure {
            Failure::Data(detail) => CommitOutcome::Aborted(AbortReason::Data(detail)),
            Failure::Disk(detail) => {
                self.die(format!("the disk failed in a commit: {detail}"));
                CommitOutcome::Unknown
            }
            // It may have been carried out; every change may be sent again.
            Failure::Lost(_) => CommitOutcome::Unknown,
            Failure::Transient(detail) | Failure::Other(detail) => {
                CommitOutcome::Aborted(AbortReason::Store(detail))
            }
        }
    }

    async fn put(&self, change: PlatformChange) -> Result<CommitOutcome, DbErr> {
        match change {
            PlatformChange::PutKey(key) => self.put_key(&key).await?,
            PlatformChange::RevokeKey { id, at } => self.revoke_key(id, at).await?,
            PlatformChange::PublishCatalog(row) => return self.publish(&row).await,
            PlatformChange::PutPromotion(promotion) => self.put_promotion(&promotion).await?,
        }
        Ok(CommitOutcome::Durable)
    }

    async fn put_key(&self, key: &KeyRow) -> Result<(), DbErr> {
        use keys::Column::{Digest, Id, Name, RevokedAt, Role, Workspace};
        let columns = [Role, Workspace, Name, Digest, RevokedAt];
        let again = OnConflict::column(Id).update_columns(columns).to_owned();
        let insert = keys::Entity::insert(row::key::write(key)).on_conflict(again);
        insert.exec_without_returning(&self.db).await?;
        Ok(())
    }

    /// The first revocation stands.
    async fn revoke_key(&self, id: KeyId, at: Millis) -> Result<(), DbErr> {
        let revoked = Expr::col(keys::Column::RevokedAt).if_null(at.value());
        let update = keys::Entity::update_many().col_expr(keys::Column::RevokedAt, revoked);
        update.filter(keys::Column::Id.eq(id.to_string())).exec(&self.db).await?;
        Ok(())
    }

    /// A version is inserted once. Nothing comes between the look and the insert: there is one writer.
    async fn publish(&self, row: &CatalogRow) -> Result<CommitOutcome, DbErr> {
        let key = (row.name.to_string(), i64::from(row.version));
        let stored = catalogs::Entity::find_by_id(key).one(&self.db).await?;
        match stored {
            Some(stored) if stored.text == row.text => {}
            Some(_) => return Ok(CommitOutcome::Aborted(AbortReason::Exists)),
            None => {
                let insert = catalogs::Entity::insert(row::catalog::write(row));
                insert.exec_without_returning(&self.db).await?;
            }
        }
        Ok(CommitOutcome::Durable)
    }

    async fn put_promotion(&self, promotion: &Promotion) -> Result<(), DbErr> {
        use promotions::Column::{Body, Catalog, Id};
        let again = OnConflict::column(Id).update_columns([Catalog, Body]).to_owned();
        let insert = promotions::Entity::insert(row::promotion::write(promotion)?).on_conflict(again);
        insert.exec_without_returning(&self.db).await?;
        Ok(())
    }
}
