//! Ledger rows, by workspace and sequence.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) workspace: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) kind: String,
    pub(crate) amount: i64,
    pub(crate) available_after: i64,
    pub(crate) held_after: i64,
    pub(crate) lot: String,
    pub(crate) source: String,
    pub(crate) job: Option<String>,
    pub(crate) attempt: Option<i64>,
    pub(crate) output: Option<i64>,
    pub(crate) action: Option<String>,
    pub(crate) member: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) request: Option<String>,
    pub(crate) hash: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
