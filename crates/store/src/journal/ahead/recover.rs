//! Brings into the tables what a process left ahead of them.
//!
//! Called when a SQLite file is opened, before anything else reads it and before steps of the schema, and for a copy that
//! was made beside a server: what is ahead was written for the tables as they are now, and its own statements are stored
//! beside it, so that a newer program needs to know nothing of them. Each batch is one transaction; a workspace that is
//! further already is passed over, since it came in before. Guarantee: afterwards nothing is ahead, or nothing was changed
//! by the batch that is named.

use futures_util::TryStreamExt as _;
use rustc_hash::{FxHashMap, FxHashSet};
use sea_orm::sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection};
use sea_orm::sqlx::{self, Arguments as _, AssertSqlSafe, Connection as _, Either, Executor as _};

use super::piece::{self, Stored};

/// Why a batch cannot be brought in, for people.
type Wrong = String;

/// Brings everything in; how many batches that were.
///
/// # Errors
/// What is wrong, for people: a batch does not fit the tables, or the file cannot be written.
pub(crate) async fn recover(options: &SqliteConnectOptions) -> Result<u64, Wrong> {
    let mut conn = SqliteConnection::connect_with(options).await.map_err(|error| in_words(&error))?;
    let batches = all(&mut conn).await;
    if let Err(error) = conn.close().await {
        tracing::debug!(%error, "the connection that recovered did not close cleanly");
    }
    batches
}

async fn all(conn: &mut SqliteConnection) -> Result<u64, Wrong> {
    let is_there = "SELECT count(*) FROM sqlite_schema WHERE name = 'ahead'";
    let is_there: i64 = sqlx::query_scalar(is_there).fetch_one(&mut *conn).await.map_err(|e| in_words(&e))?;
    if is_there == 0 {
        return Ok(0);
    }
    let mut batches = 0;
    loop {
        let next = "SELECT a.seq, t.text, a.body FROM ahead AS a LEFT JOIN ahead_texts AS t ON t.format = a.format \
                    ORDER BY a.seq LIMIT 1";
        let next: Option<(i64, Option<String>, String)> =
            sqlx::query_as(next).fetch_optional(&mut *conn).await.map_err(|e| in_words(&e))?;
        let Some((seq, text, body)) = next else { return Ok(batches) };
        let text = text.ok_or_else(|| format!("the statements of batch {seq} are missing"))?;
        if let Err(wrong) = batch(conn, seq, (&text, &body)).await {
            // What cannot be rolled back ends with the connection.
            let _ = conn.execute(sqlx::query("ROLLBACK")).await;
            return Err(format!(
                "what was committed last cannot be brought into its tables: batch {seq}: {wrong}"
            ));
        }
        batches += 1;
    }
}

/// One batch, from BEGIN to COMMIT.
async fn batch(conn: &mut SqliteConnection, seq: i64, (text, body): (&str, &str)) -> Result<(), Wrong> {
    let pieces = piece::read(body).map_err(|error| format!("it cannot be read: {error}"))?;
    conn.execute(sqlx::query("BEGIN IMMEDIATE")).await.map_err(|e| in_words(&e))?;
    let mut versions: FxHashMap<&str, u64> = FxHashMap::default();
    let mut chunk = Chunk::default();
    for piece in &pieces {
        let stored = match versions.get(piece.workspace) {
            Some(version) => *version,
            None => version_of(conn, piece.workspace).await?,
        };
        if stored > piece.expected {
            versions.insert(piece.workspace, stored);
            continue;
        }
        if stored != piece.expected {
            let (workspace, expected) = (piece.workspace, piece.expected);
            return Err(format!("workspace `{workspace}` is at version {stored}, not at {expected}"));
        }
        versions.insert(piece.workspace, piece.expected + 1);
        if chunk.has(piece.workspace) {
            std::mem::take(&mut chunk).write(conn, text).await?;
        }
        chunk.add(piece);
    }
    chunk.write(conn, text).await?;
    let done = sqlx::query("DELETE FROM ahead WHERE seq = ?").bind(seq);
    conn.execute(done).await.map_err(|e| in_words(&e))?;
    conn.execute(sqlx::query("COMMIT")).await.map_err(|e| in_words(&e))?;
    Ok(())
}

async fn version_of(conn: &mut SqliteConnection, workspace: &str) -> Result<u64, Wrong> {
    let sql = sqlx::query_scalar("SELECT version FROM workspaces WHERE id = ?").bind(workspace.to_owned());
    let version: Option<i64> = sql.fetch_optional(&mut *conn).await.map_err(|e| in_words(&e))?;
    Ok(version.and_then(|version| u64::try_from(version).ok()).unwrap_or(0))
}

/// Pieces of different workspaces, whose rows go in together: a statement may meet a row once.
#[derive(Default)]
struct Chunk<'t> {
    workspaces: FxHashSet<&'t str>,
    /// As JSON, by statement.
    tables: Vec<String>,
    rows: u64,
}

impl<'t> Chunk<'t> {
    fn has(&self, workspace: &str) -> bool {
        self.workspaces.contains(workspace)
    }

    fn add(&mut self, piece: &Stored<'t>) {
        self.workspaces.insert(piece.workspace);
        // Pieces of one batch have the same statements.
        self.tables.resize(self.tables.len().max(piece.tables.len()), String::new());
        for (table, rows) in self.tables.iter_mut().zip(&piece.tables) {
            for row in rows {
                table.push(if table.is_empty() { '[' } else { ',' });
                table.push_str(row.get());
                self.rows += 1;
            }
        }
    }

    async fn write(self, conn: &mut SqliteConnection, text: &str) -> Result<(), Wrong> {
        if self.workspaces.is_empty() {
            return Ok(());
        }
        let mut arguments = SqliteArguments::default();
        for mut table in self.tables {
            table.push_str(if table.is_empty() { "[]" } else { "]" });
            arguments.add(table).map_err(|error| error.to_string())?;
        }
        let mut answers = conn.fetch_many(sqlx::query_with(AssertSqlSafe(text.to_owned()), arguments));
        let mut rows = 0;
        while let Some(answer) = answers.try_next().await.map_err(|e| in_words(&e))? {
            if let Either::Left(result) = answer {
                rows += result.rows_affected();
            }
        }
        if rows == self.rows {
            Ok(())
        } else {
            Err(format!("{rows} of {} rows found their place", self.rows))
        }
    }
}

fn in_words(error: &sqlx::Error) -> Wrong {
    error.to_string()
}
