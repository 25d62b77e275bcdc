//! What never changes of jobs, many at once, packed by the database.
//!
//! For leases: a worker may ask for a hundred jobs of a queue that is longer than memory has room for. One statement reads
//! them all, and it need not wait for what is ahead of the tables: the row of a job that is there says it for good. Nothing
//! is diagnosed here: what does not parse is read again job by job, which names the damage.

use std::sync::{Arc, LazyLock};

use reeve_journal::StoreError;
use reeve_types::JobId;
use reeve_workspace::JobIntro;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

use super::db::unavailable;
use super::jobs;
use crate::row::cells::Cells;
use crate::row::job::{self, Depth, INTRO, Interned};
use crate::row::packed::{array, list_of, many};

/// Jobs in one statement: their parameters may be long.
const PAGE: usize = 128;

static SQLITE: LazyLock<String> = LazyLock::new(|| text(DbBackend::Sqlite));
static POSTGRES: LazyLock<String> = LazyLock::new(|| text(DbBackend::Postgres));

fn text(backend: DbBackend) -> String {
    let cells = array(backend, INTRO);
    if backend == DbBackend::Postgres {
        // Each by itself: PostgreSQL joins with a set, and reads all of a table that was small when it made its plan.
        return format!(
            "SELECT {} AS page FROM jsonb_array_elements_text($1::jsonb) AS asked (job) \
             CROSS JOIN LATERAL (SELECT {cells} AS cells FROM jobs WHERE id = asked.job LIMIT 1) AS found",
            list_of(backend, "found.cells")
        );
    }
    format!(
        "SELECT {} AS page FROM jobs WHERE id IN (SELECT value FROM json_each(?1))",
        list_of(backend, &cells)
    )
}

/// Those of these jobs that have a row.
pub(super) async fn of(db: &DatabaseConnection, jobs: &[JobId]) -> Result<Vec<Arc<JobIntro>>, StoreError> {
    let mut found = Vec::with_capacity(jobs.len());
    for page in jobs.chunks(PAGE) {
        match packed(db, page).await? {
            Some(intros) => found.extend(intros),
            None => found.extend(one_by_one(db, page).await?),
        }
    }
    Ok(found)
}

/// `None` when a row is not what it should be.
async fn packed(db: &DatabaseConnection, jobs: &[JobId]) -> Result<Option<Vec<Arc<JobIntro>>>, StoreError> {
    let backend = db.get_database_backend();
    let text = if backend == DbBackend::Postgres { &*POSTGRES } else { &*SQLITE };
    let ids: Vec<String> = jobs.iter().map(|job| format!("\"{job}\"")).collect();
    let ids = format!("[{}]", ids.join(","));
    let select = Statement::from_sql_and_values(backend, text, [ids.into()]);
    let Some(found) = db.query_one_raw(select).await.map_err(unavailable)? else { return Ok(None) };
    // PostgreSQL packs no rows into a null.
    let page: Option<String> = found.try_get("", "page").map_err(unavailable)?;
    Ok(page.map_or_else(|| Some(Vec::new()), |page| unpack(&page)))
}

fn unpack(page: &str) -> Option<Vec<Arc<JobIntro>>> {
    let mut interned = Interned::default();
    let mut read = |cells: &Cells<'_>| job::read_intro(cells, &mut interned, Depth::Full).ok().map(Arc::new);
    many(page, INTRO)?.iter().map(|row| read(&Cells::packed(row, "jobs"))).collect()
}

async fn one_by_one(db: &DatabaseConnection, jobs: &[JobId]) -> Result<Vec<Arc<JobIntro>>, StoreError> {
    let mut found = Vec::with_capacity(jobs.len());
    for job in jobs {
        found.extend(jobs::one(db, *job).await?.map(|record| record.intro));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use reeve_journal::Reader as _;
    use sea_orm::{Database, Value};

    use super::*;
    use crate::explain::plans;
    use crate::journal::desk::{Desk, lease};
    use crate::patience::Patience;
    use crate::read::StoreReader;
    use crate::{Store, StoreSettings};

    async fn opened(settings: StoreSettings) -> Store {
        Store::open(settings, Arc::new(|_| {})).await.unwrap()
    }

    #[tokio::test]
    async fn jobs_are_read_by_one_statement_and_damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut desk) = (folder.path().join("a.db"), Desk::new());
        let store = opened(StoreSettings::sqlite(&path)).await;
        let id = desk.open(&*store.journal(), "acme").await;
        let mut wanted = Vec::new();
        for n in 0..PAGE + 3 {
            let (job, command) = desk.submit();
            desk.run(&*store.journal(), &id, command).await;
            if n == 0 {
                desk.run(&*store.journal(), &id, lease(job)).await;
            }
            wanted.push(job);
        }
        let reader = store.reader();
        let mut found = reader.intros(&wanted).await.unwrap();
        found.sort_unstable_by_key(|intro| intro.id);
        let mut one_by_one = Vec::new();
        for job in &wanted {
            one_by_one.push(reader.job(*job).await.unwrap().unwrap().intro);
        }
        assert_eq!(found, one_by_one);
        store.close().await;

        let db = Database::connect(format!("sqlite://{}", path.display())).await.unwrap();
        let page = packed(&db, &wanted[..PAGE]).await.unwrap();
        assert_eq!(page.map(|page| page.len()), Some(PAGE));
        let damage = format!("UPDATE jobs SET params = '[' WHERE id = '{}'", wanted[1]);
        db.execute_unprepared(&damage).await.unwrap();
        assert_eq!(packed(&db, &wanted[..3]).await.unwrap(), None);
        let reader = StoreReader::new(db, None, Patience::endless());
        let error = reader.intros(&wanted[..3]).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Damaged { column: "params", id, .. } if *id == wanted[1].to_string()),
            "{error}"
        );
        assert_eq!(reader.intros(&wanted[2..3]).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn jobs_are_found_by_an_index() {
        for plan in plans((&SQLITE, &POSTGRES), &[Value::from(r#"["job_1","job_2"]"#)]).await {
            assert!(!plan.contains("SCAN jobs") && !plan.contains("Seq Scan on jobs"), "{plan}");
            assert!(plan.contains("jobs"), "{plan}");
        }
    }
}
