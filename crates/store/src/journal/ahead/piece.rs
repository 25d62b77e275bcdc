//! What is stored ahead of the tables for a batch, and how a process that comes later reads it.
//!
//! It is a JSON array of pieces, one for each change set as [`crate::journal::encoded`] writes it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::text::TABLES;

/// The text of a batch.
pub(crate) fn body<'p>(pieces: impl Iterator<Item = &'p str> + Clone) -> String {
    let bytes: usize = pieces.clone().map(|piece| piece.len() + 1).sum();
    let mut body = String::with_capacity(bytes + 2);
    for piece in pieces {
        body.push(if body.is_empty() { '[' } else { ',' });
        body.push_str(piece);
    }
    body.push(']');
    body
}

/// The rows of one statement.
type Table<'t> = Vec<&'t RawValue>;

/// A piece that was stored, perhaps by a program with fewer tables or more.
pub(super) struct Stored<'t> {
    pub(super) workspace: &'t str,
    /// The version it was decided on.
    pub(super) expected: u64,
    /// The rows of each statement.
    pub(super) tables: Vec<Table<'t>>,
}

impl<'de> Deserialize<'de> for Stored<'de> {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        text.deserialize_seq(StoredVisitor)
    }
}

struct StoredVisitor;

impl<'de> Visitor<'de> for StoredVisitor {
    type Value = Stored<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a workspace, its version, and rows of tables")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let workspace = parts.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let expected = parts.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
        let mut tables = Vec::with_capacity(TABLES);
        while let Some(table) = parts.next_element()? {
            tables.push(table);
        }
        Ok(Stored { workspace, expected, tables })
    }
}

/// The pieces of a batch.
pub(super) fn read(body: &str) -> Result<Vec<Stored<'_>>, serde_json::Error> {
    serde_json::from_str(body)
}
