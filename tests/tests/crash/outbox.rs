//! The outbox, read from its table: what was told is what happened, once.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};

use super::checker::list;
use super::world::{BUYER, WORKSPACES, World};
use crate::fixture::{Api, Books, Tenant};

/// Kinds that tell of a job's end.
const ENDS: [&str; 4] = ["job.succeeded", "job.failed", "job.cancelled", "job.expired"];

/// Everything in it that does not fit jobs and ledgers. The server must be at rest.
pub async fn check(world: &World, api: &Api) -> Vec<String> {
    let db = Database::connect(world.place.database_url()).await.unwrap();
    let told = told(&db).await;
    let granted = granted(&db).await;
    db.close().await.unwrap();
    let mut found = Vec::new();
    for id in WORKSPACES.iter().chain([&BUYER]) {
        let tenant = Tenant { api: api.clone(), id: (*id).to_owned() };
        for view in list(&tenant, "/jobs").await {
            let (job, status) = (view["id"].as_str().unwrap(), view["status"].as_str().unwrap());
            let count = |kind: &str| told.get(&(job.to_owned(), kind.to_owned())).copied().unwrap_or(0);
            for kind in ENDS {
                let expected = i64::from(kind.strip_prefix("job.") == Some(status));
                if count(kind) != expected {
                    found.push(format!(
                        "outbox: `{kind}` of the {status} job `{job}` is told {} times",
                        count(kind)
                    ));
                }
            }
            if count("job.started") != view["attempt"].as_i64().unwrap() {
                found.push(format!(
                    "outbox: job `{job}` started {} times, told {}",
                    view["attempt"],
                    count("job.started")
                ));
            }
        }
        let grants = Books::audit(&tenant).await.0.rows.iter().filter(|row| row["kind"] == "grant").count();
        let told = granted.get(*id).copied().unwrap_or(0);
        if i64::try_from(grants).unwrap() != told {
            found.push(format!("outbox: `{id}` has {grants} grants, {told} are told"));
        }
    }
    found
}

/// Rows by job and kind.
async fn told(db: &DatabaseConnection) -> BTreeMap<(String, String), i64> {
    let sql =
        "SELECT job AS a, kind AS b, count(*) AS n FROM outbox WHERE job IS NOT NULL GROUP BY job, kind";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    let row = |row: &sea_orm::QueryResult| {
        let key = (row.try_get("", "a").unwrap(), row.try_get("", "b").unwrap());
        (key, row.try_get("", "n").unwrap())
    };
    rows.iter().map(row).collect()
}

/// Grants told, by workspace.
async fn granted(db: &DatabaseConnection) -> BTreeMap<String, i64> {
    let sql =
        "SELECT workspace AS a, count(*) AS n FROM outbox WHERE kind = 'credits.granted' GROUP BY workspace";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| (row.try_get("", "a").unwrap(), row.try_get("", "n").unwrap())).collect()
}
