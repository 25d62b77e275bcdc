//! Members with a limit, by workspace and name.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "members")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) workspace: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) member: String,
    pub(crate) limit_amount: Option<i64>,
    pub(crate) limit_window: Option<String>,
    pub(crate) window_start: i64,
    pub(crate) settled: i64,
    pub(crate) seat_from: Option<i64>,
    pub(crate) seat_settled: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
