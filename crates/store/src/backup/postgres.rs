//! PostgreSQL: its own `pg_dump`, of a snapshot in which the heads of the ledgers are read too.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, Statement};

use super::{BackupError, HeadSink, tell};
use crate::open::cannot_open;
use crate::postgres::open_to_read;
use crate::read::{end, snapshot};
use crate::settings::hide_password;
use crate::task;

const DUMP: &str = "pg_dump";
const RESTORE: &str = "pg_restore";
/// Where these programs read a password that nobody else on the machine shall see.
const PASSWORD: &str = "PGPASSWORD";

pub(super) async fn copy(url: &str, to: &Path, on_head: HeadSink<'_>) -> Result<Vec<String>, BackupError> {
    let database = hide_password(url);
    let failed = |error: DbErr| BackupError::from(cannot_open(&database, &error));
    let db = open_to_read(url, 1).await?;
    let snapshot = snapshot(&db)
        .await
        .map_err(|error| BackupError::Failed { database: database.clone(), detail: error.to_string() })?;
    let select = "SELECT pg_export_snapshot() AS id";
    let row = snapshot.query_one_raw(Statement::from_string(DbBackend::Postgres, select)).await;
    let id: Option<String> = row.map_err(failed)?.and_then(|row| row.try_get("", "id").ok());
    let steps = tell(&snapshot, on_head).await.map_err(failed)?;
    let mut args: Vec<OsString> =
        ["--format=custom", "--no-owner", "--no-privileges", "--no-password"].map(OsString::from).to_vec();
    args.extend(id.map(|id| format!("--snapshot={id}").into()));
    args.extend(["--file".into(), to.as_os_str().to_owned()]);
    let by_hand = format!("{DUMP} --format=custom --no-owner --file=reeve.dump {database}");
    let dumped = run(DUMP, (args, url), by_hand).await;
    // Until here: the other session reads this one's snapshot.
    end(snapshot).await;
    dumped.map(|()| steps)
}

pub(super) async fn put_back(url: &str, archive: &Path) -> Result<(), BackupError> {
    let database = hide_password(url);
    let failed = |error: DbErr| BackupError::from(cannot_open(&database, &error));
    let db = open_to_read(url, 1).await?;
    let select = "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                  WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname = ANY (current_schemas(false)) LIMIT 1";
    let found = db.query_one_raw(Statement::from_string(DbBackend::Postgres, select)).await;
    if found.map_err(failed)?.is_some() {
        return Err(BackupError::NotEmpty { database });
    }
    let mut args: Vec<OsString> =
        ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", "--no-password"]
            .map(OsString::from)
            .to_vec();
    args.push(archive.as_os_str().to_owned());
    let by_hand =
        format!("{RESTORE} --single-transaction --no-owner --dbname={database} {}", archive.display());
    run(RESTORE, (args, url), by_hand).await
}

/// Runs one of the two programs to its end.
async fn run(
    program: &'static str,
    (mut args, url): (Vec<OsString>, &str),
    by_hand: String,
) -> Result<(), BackupError> {
    let (url, password) = split_password(url);
    args.push(format!("--dbname={url}").into());
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.envs(password.map(|password| (PASSWORD, password)));
    let ended = task::blocking(move || command.output()).await;
    let failed = |detail: String| BackupError::ProgramFailed { program, detail };
    let output = match ended.map_err(|error| failed(error.to_string()))? {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(BackupError::NoProgram { program, by_hand });
        }
        other => other.map_err(|error| failed(error.to_string()))?,
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(if said.trim().is_empty() { output.status.to_string() } else { said.trim().to_owned() }))
}

/// A URL without its password, and the password: arguments of a process can be read by everybody on the machine.
fn split_password(url: &str) -> (String, Option<String>) {
    let split = url.split_once("://").and_then(|(scheme, rest)| {
        let (user, host) = rest.split_once('@')?;
        let (name, password) = user.split_once(':')?;
        Some((format!("{scheme}://{name}@{host}"), decoded(password)))
    });
    split.map_or_else(|| (url.to_owned(), None), |(url, password)| (url, Some(password)))
}

/// A part of a URL with its `%40` and the like as the bytes that they stand for.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('%') {
        bytes.extend(plain.as_bytes());
        match after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(b'%');
                rest = after;
            }
        }
    }
    bytes.extend(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_no_argument_of_a_process() {
        let (url, password) = split_password("postgres://anna:p%40ss%2f1@host:5433/reeve?sslmode=require");
        assert_eq!(url, "postgres://anna@host:5433/reeve?sslmode=require");
        assert_eq!(password.as_deref(), Some("p@ss/1"));
        for plain in ["postgres://anna@host/reeve", "postgres://host/reeve"] {
            assert_eq!(split_password(plain), (plain.to_owned(), None));
        }
        assert_eq!(decoded("50%zz%4"), "50%zz%4");
    }
}
