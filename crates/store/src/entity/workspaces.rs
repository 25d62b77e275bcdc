//! Workspaces, by id.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "workspaces")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) version: i64,
    pub(crate) last_event_at: i64,
    pub(crate) next_due_at: Option<i64>,
    pub(crate) outward_at: Option<i64>,
    pub(crate) queued: i64,
    pub(crate) running: i64,
    pub(crate) available: i64,
    pub(crate) held: i64,
    pub(crate) debt: i64,
    pub(crate) admitted: i64,
    pub(crate) lots_made: i64,
    pub(crate) chain_seq: i64,
    pub(crate) chain_hash: Vec<u8>,
    pub(crate) paused: i64,
    pub(crate) concurrency_max: Option<i64>,
    pub(crate) tier: String,
    pub(crate) catalog: String,
    pub(crate) plan: String,
    pub(crate) tallies: String,
    pub(crate) profile: String,
    pub(crate) phase: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
