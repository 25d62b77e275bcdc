//! The one session that may write: whoever has the advisory lock.
//!
//! Used by opening and by the writer when its session broke. Guarantees: a session handed out has the lock and bears
//! the mark that `journal::lane` asks for.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, Statement};

use super::{Use, connect};
use crate::journal::Reached;
use crate::task;

/// The lock of this program within a database: "reeve" in ASCII.
const LOCK_KEY: i64 = 0x72_6565_7665;
/// Looks at whether an ended session of our own let go of the lock.
const ENDED_LOOKS_MAX: u32 = 40;
/// Pause between two of them.
const ENDED_PAUSE: Duration = Duration::from_millis(50);

/// Which session of the server.
#[derive(Clone)]
struct Backend {
    pid: i64,
    /// With the process id, which the system gives out again, it tells sessions apart.
    started: String,
}

/// Sessions of one process, one after the other.
pub(super) struct Sessions {
    url: String,
    last: Mutex<Option<Backend>>,
}

impl Sessions {
    pub(super) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), last: Mutex::new(None) }
    }

    /// A new session with the lock, or who has it.
    pub(super) async fn open(&self) -> Result<Reached, DbErr> {
        let db = connect(&self.url, Use::Write).await?;
        if self.take(&db).await? {
            return Ok(Reached::Session(db));
        }
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(last) = last {
            // The server may not have missed our session of before yet, when the network is to blame.
            for _ in 0..ENDED_LOOKS_MAX {
                if !end(&db, &last).await? {
                    break;
                }
                task::pause(ENDED_PAUSE).await;
            }
            if self.take(&db).await? {
                return Ok(Reached::Session(db));
            }
        }
        let by = holder(&db).await.unwrap_or_default();
        db.close().await?;
        Ok(Reached::Held(by))
    }

    /// Tries to get the lock; marks the session when it got it.
    async fn take(&self, db: &DatabaseConnection) -> Result<bool, DbErr> {
        // One statement, so that the mark is on the session that has the lock and on no other.
        let sql = "SELECT CASE WHEN pg_try_advisory_lock($1) \
                   THEN set_config('reeve.lane', 'held', false) = 'held' ELSE false END AS taken, \
                   pg_backend_pid()::bigint AS pid, (SELECT backend_start::text FROM pg_stat_activity \
                   WHERE pid = pg_backend_pid()) AS started";
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [LOCK_KEY.into()]);
        let Some(row) = db.query_one_raw(statement).await? else { return Ok(false) };
        if !row.try_get::<bool>("", "taken")? {
            return Ok(false);
        }
        let backend = Backend { pid: row.try_get("", "pid")?, started: row.try_get("", "started")? };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(backend);
        Ok(true)
    }
}

/// Ends a session of our own; false when it is gone.
async fn end(db: &DatabaseConnection, backend: &Backend) -> Result<bool, DbErr> {
    let sql = "SELECT pg_terminate_backend(pid) AS told FROM pg_stat_activity \
               WHERE pid = $1 AND backend_start::text = $2";
    let values = [backend.pid.into(), backend.started.as_str().into()];
    Ok(db.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?.is_some())
}

/// Who holds the lock, for people; `None` when it cannot be seen.
pub(crate) async fn holder(db: &DatabaseConnection) -> Option<String> {
    let sql = "SELECT a.pid::bigint AS pid, coalesce(host(a.client_addr), 'a local socket') AS host, \
               coalesce(a.application_name, '') AS name \
               FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
               WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database() \
               AND ((l.classid::bigint << 32) | l.objid::bigint) = $1";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [LOCK_KEY.into()]);
    let row = db.query_one_raw(statement).await.ok().flatten()?;
    let (pid, host): (i64, String) = (row.try_get("", "pid").ok()?, row.try_get("", "host").ok()?);
    let name: String = row.try_get("", "name").ok()?;
    Some(format!(" by `{name}` (backend {pid}, from {host})"))
}
