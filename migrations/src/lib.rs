//! The schema, one file a step, for SQLite and PostgreSQL from one source.
//!
//! Run by `reeve-store` when it opens a database. A step that was released never changes: a correction
//! is a further step. Columns stand with the small ones first, so that a scan of slim columns does not
//! read the large texts behind them.

mod m20260101_000001_workspaces;
mod m20260101_000002_lots;
mod m20260101_000003_jobs;
mod m20260101_000004_uploads;
mod m20260101_000005_ledger;
mod m20260101_000006_outbox;
mod m20260101_000007_claims;
mod m20260101_000008_answers;
mod m20260101_000009_purchases;
mod m20260101_000010_keys;
mod m20260101_000011_lanes;
mod m20260101_000012_members;
mod m20260101_000013_catalogs;
mod m20260101_000014_promotions;
mod m20260301_000015_dense;
mod m20260401_000016_webhooks;
mod m20260401_000017_key_bounds;
mod m20260401_000018_ends;
mod m20260501_000019_ahead;
mod schema;
mod steps;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;
pub use steps::{STEPS, Step};

/// Every step, in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20260101_000001_workspaces::Migration),
            Box::new(m20260101_000002_lots::Migration),
            Box::new(m20260101_000003_jobs::Migration),
            Box::new(m20260101_000004_uploads::Migration),
            Box::new(m20260101_000005_ledger::Migration),
            Box::new(m20260101_000006_outbox::Migration),
            Box::new(m20260101_000007_claims::Migration),
            Box::new(m20260101_000008_answers::Migration),
            Box::new(m20260101_000009_purchases::Migration),
            Box::new(m20260101_000010_keys::Migration),
            Box::new(m20260101_000011_lanes::Migration),
            Box::new(m20260101_000012_members::Migration),
            Box::new(m20260101_000013_catalogs::Migration),
            Box::new(m20260101_000014_promotions::Migration),
            Box::new(m20260301_000015_dense::Migration),
            Box::new(m20260401_000016_webhooks::Migration),
            Box::new(m20260401_000017_key_bounds::Migration),
            Box::new(m20260401_000018_ends::Migration),
            Box::new(m20260501_000019_ahead::Migration),
        ]
    }
}

/// Names of all steps that this build knows: a database with others was written by a newer one.
pub fn step_names() -> Vec<String> {
    Migrator::migrations().iter().map(|step| step.name().to_owned()).collect()
}
