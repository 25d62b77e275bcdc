//! Jobs, by id; `live` is 1 until they are final.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) workspace: String,
    pub(crate) live: i64,
    pub(crate) status: String,
    pub(crate) pool: String,
    pub(crate) action: String,
    pub(crate) work_ms: Option<i64>,
    pub(crate) priority: i64,
    pub(crate) admitted_at: i64,
    pub(crate) admitted_n: i64,
    pub(crate) not_before: Option<i64>,
    pub(crate) attempt: i64,
    pub(crate) attempts_lost: i64,
    pub(crate) lapses: i64,
    pub(crate) attempts_max: i64,
    pub(crate) outputs_count: i64,
    pub(crate) queue_deadline_at: i64,
    pub(crate) run_timeout_ms: i64,
    pub(crate) created_at: i64,
    pub(crate) started_at: Option<i64>,
    pub(crate) lease_granted_at: Option<i64>,
    pub(crate) lease_run_deadline_at: Option<i64>,
    pub(crate) lease_unknown_until: Option<i64>,
    pub(crate) lease_worker: Option<String>,
    pub(crate) lease_session: Option<String>,
    pub(crate) settled: i64,
    pub(crate) released: i64,
    pub(crate) finished_at: Option<i64>,
    pub(crate) closed_by: Option<i64>,
    pub(crate) tier: String,
    pub(crate) member: Option<String>,
    pub(crate) error_code: Option<String>,
    pub(crate) error_message: Option<String>,
    pub(crate) hold: String,
    pub(crate) quote: String,
    pub(crate) outputs: Option<String>,
    pub(crate) params: String,
    pub(crate) metadata: Option<String>,
    pub(crate) webhook: Option<String>,
    pub(crate) shed: i64,
    pub(crate) retry_of: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
