//! What an error of the database means for a transaction: sorted once, here.
//!
//! Used by the journal. The question is never what went wrong but what may be done: try again unseen,
//! split the batch, find out whether it committed, or give up.

use sea_orm::sqlx::Error as SqlxError;
use sea_orm::{DbErr, RuntimeErr};

/// The meaning of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The data itself was refused: one change set is guilty.
    Data(String),
    /// The same transaction may succeed next time.
    Transient(String),
    /// The connection is gone: whether a COMMIT under way succeeded must be found out.
    Lost(String),
    /// The disk failed: after a COMMIT nobody may trust what is cached.
    Disk(String),
    /// Anything else: certainly not committed, not worth an immediate retry.
    Other(String),
}

impl Failure {
    /// The database's own words.
    pub(crate) fn detail(&self) -> &str {
        match self {
            Self::Data(text)
            | Self::Transient(text)
            | Self::Lost(text)
            | Self::Disk(text)
            | Self::Other(text) => text,
        }
    }
}

/// Sorts an error.
pub(crate) fn classify(error: &DbErr) -> Failure {
    let text = error.to_string();
    match error {
        DbErr::Exec(cause) | DbErr::Query(cause) | DbErr::Conn(cause) => match cause {
            RuntimeErr::SqlxError(cause) => of_sqlx(cause, text),
            RuntimeErr::Internal(_) => Failure::Lost(text),
        },
        DbErr::ConnectionAcquire(_) => Failure::Lost(text),
        _ => Failure::Other(text),
    }
}

/// Sorts an error of the connection of usual batches.
pub(crate) fn classify_sqlite(error: &rusqlite::Error) -> Failure {
    let text = error.to_string();
    match error.sqlite_error() {
        Some(cause) => of_sqlite(cause.extended_code, text),
        None => Failure::Other(text),
    }
}

fn of_sqlx(error: &SqlxError, text: String) -> Failure {
    match error {
        SqlxError::Database(cause) => {
            let code = cause.code().unwrap_or_default().into_owned();
            match code.parse::<i32>() {
                // SQLite's codes are plain numbers; SQLSTATE always has five characters.
                Ok(number) if code.len() < 5 => of_sqlite(number, text),
                _ => of_sqlstate(&code, text),
            }
        }
        SqlxError::Io(_)
        | SqlxError::Tls(_)
        | SqlxError::Protocol(_)
        | SqlxError::PoolTimedOut
        | SqlxError::PoolClosed
        | SqlxError::WorkerCrashed
        | SqlxError::BeginFailed => Failure::Lost(text),
        SqlxError::InvalidArgument(_) | SqlxError::Encode(_) => Failure::Data(text),
        _ => Failure::Other(text),
    }
}

/// Result codes of SQLite; the low byte is the primary one.
fn of_sqlite(code: i32, text: String) -> Failure {
    match code & 0xff {
        // BUSY, LOCKED.
        5 | 6 => Failure::Transient(text),
        // ERROR (malformed JSON, wrong values), TOOBIG, CONSTRAINT, MISMATCH, RANGE.
        1 | 18 | 19 | 20 | 25 => Failure::Data(text),
        // IOERR.
        10 => Failure::Disk(text),
        _ => Failure::Other(text),
    }
}

/// SQLSTATE of PostgreSQL.
fn of_sqlstate(code: &str, text: String) -> Failure {
    match (code.get(..2).unwrap_or_default(), code) {
        // Serialisation failure, deadlock, lock not available.
        ("40", _) | (_, "55P03") => Failure::Transient(text),
        // Connection exceptions; the server stops, crashes or starts.
        ("08", _) | (_, "57P01" | "57P02" | "57P03" | "57P05") => Failure::Lost(text),
        // Bad data, broken constraints, limits of a row.
        ("22" | "23" | "42" | "54", _) => Failure::Data(text),
        _ => Failure::Other(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases_are_sorted() {
        let text = String::new;
        assert_eq!(of_sqlite(517, text()), Failure::Transient(text()));
        assert_eq!(of_sqlite(275, text()), Failure::Data(text()));
        assert_eq!(of_sqlite(1034, text()), Failure::Disk(text()));
        assert_eq!(of_sqlite(13, text()), Failure::Other(text()));
        assert_eq!(of_sqlstate("40P01", text()), Failure::Transient(text()));
        assert_eq!(of_sqlstate("57P01", text()), Failure::Lost(text()));
        assert_eq!(of_sqlstate("23514", text()), Failure::Data(text()));
        assert_eq!(of_sqlstate("53100", text()), Failure::Other(text()));
    }
}
