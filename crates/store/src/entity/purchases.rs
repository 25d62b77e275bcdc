//! Purchases, by id.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "purchases")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) workspace: String,
    pub(crate) payment: String,
    pub(crate) pack: Option<String>,
    pub(crate) credits: i64,
    pub(crate) source: String,
    pub(crate) status: String,
    pub(crate) lot: Option<String>,
    pub(crate) clawed_back: i64,
    pub(crate) unrecovered: i64,
    pub(crate) reversed: i64,
    pub(crate) restored: i64,
    pub(crate) created_at: i64,
    pub(crate) confirmed_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
