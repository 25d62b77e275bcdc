//! Changes of the platform's own records: rare, so each is a statement of its own.

use reeve_journal::{AbortReason, CommitOutcome, PlatformChange};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _};

use super::writer::Writer;
use crate::entity::keys::{Column, Entity};
use crate::failure::{Failure, classify};
use crate::row;

impl Writer {
    /// Writes one change.
    pub(super) async fn platform(&mut self, change: PlatformChange) -> CommitOutcome {
        if let Some(why) = self.dead.clone() {
            return CommitOutcome::Aborted(AbortReason::Store(why));
        }
        let Err(error) = self.put(change).await else {
            return CommitOutcome::Durable;
        };
        match classify(&error) {
            Failure::Data(detail) => CommitOutcome::Aborted(AbortReason::Data(detail)),
            Failure::Disk(detail) => {
                self.die(format!("the disk failed in a commit: {detail}"));
                CommitOutcome::Unknown
            }
            // It may have been carried out; both changes may be sent again.
            Failure::Lost(_) => CommitOutcome::Unknown,
            Failure::Transient(detail) | Failure::Other(detail) => {
                CommitOutcome::Aborted(AbortReason::Store(detail))
            }
        }
    }

    async fn put(&self, change: PlatformChange) -> Result<(), DbErr> {
        match change {
            PlatformChange::PutKey(key) => {
                let columns =
                    [Column::Role, Column::Workspace, Column::Name, Column::Digest, Column::RevokedAt];
                let again = OnConflict::column(Column::Id).update_columns(columns).to_owned();
                Entity::insert(row::key::write(&key))
                    .on_conflict(again)
                    .exec_without_returning(&self.db)
                    .await?;
            }
            PlatformChange::RevokeKey { id, at } => {
                // The first revocation stands.
                let revoked = Expr::col(Column::RevokedAt).if_null(at.value());
                let update = Entity::update_many().col_expr(Column::RevokedAt, revoked);
                update.filter(Column::Id.eq(id.to_string())).exec(&self.db).await?;
            }
        }
        Ok(())
    }
}
