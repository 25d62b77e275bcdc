//! Lots, by workspace and id.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lots")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) workspace: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) available: i64,
    pub(crate) held: i64,
    pub(crate) consumed: i64,
    pub(crate) expired: i64,
    pub(crate) forfeited: i64,
    pub(crate) clawed_back: i64,
    pub(crate) granted: i64,
    pub(crate) priority: i64,
    pub(crate) effective_at: i64,
    pub(crate) expires_at: Option<i64>,
    pub(crate) catalog_version: i64,
    pub(crate) class: String,
    pub(crate) source: String,
    pub(crate) scope: Option<String>,
    pub(crate) payment: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
