//! Durable storage: the journal and the readers over SQLite and PostgreSQL.
//!
//! Called by the composition root only, which hands [`Store::journal`] and [`Store::reader`] to everyone
//! else as the ports of `reeve-journal`. Guarantees: a change set is on disk as a whole or not at all
//! before its outcome says so; a row that we could not have written is reported by table, column and id.
//! Nothing outside this crate sees SQL or sea-orm.

pub mod backup;
mod entity;
#[cfg(test)]
mod explain;
mod failure;
mod inspect;
mod journal;
mod open;
mod patience;
mod postgres;
mod read;
mod release;
mod row;
mod settings;
mod sqlite;
pub mod steps;
mod task;
pub mod verify;

pub use inspect::{ClockReading, Inspection, Schema, inspect};
#[doc(hidden)]
pub use journal::bare::Bare;
pub use open::{Fatal, FatalHook, OpenError, Store};
pub use settings::{Database, StoreSettings};
