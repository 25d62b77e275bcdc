//! A row that the database packed into a JSON array: no cell of it is copied out by itself.
//!
//! Used by `read`, where its text comes from, and read as every other row is, by [`super::cells::Cells`]. Nothing is
//! diagnosed here.

use std::borrow::Cow;
use std::fmt;

use sea_orm::DbBackend;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::columns::{Cast, Columns};

/// A cell is missing, or of another kind than its column.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not of the kind of its column")]
pub(crate) struct Unfit;

/// One cell, as JSON has it.
enum Cell<'t> {
    Null,
    Int(i64),
    Text(Cow<'t, str>),
}

/// The cells of one row, in the order of its columns.
pub(crate) struct PackedRow<'t> {
    columns: &'t Columns,
    cells: Vec<Cell<'t>>,
}

/// The call that packs these columns into one cell.
pub(crate) fn array(backend: DbBackend, columns: &Columns) -> String {
    let cell = |(name, cast): &(&str, Cast)| match (cast, backend) {
        (Cast::Text | Cast::Int, _) => (*name).to_owned(),
        (Cast::Bytes, DbBackend::Postgres) => format!("encode({name}, 'hex')"),
        (Cast::Bytes, _) => format!("hex({name})"),
    };
    let cells: Vec<String> = columns.iter().map(cell).collect();
    array_of(backend, &cells.join(", "))
}

/// The same for cells as they stand in SQL.
pub(crate) fn array_of(backend: DbBackend, cells: &str) -> String {
    let call = if backend == DbBackend::Postgres { "json_build_array" } else { "json_array" };
    format!("{call}({cells})")
}

/// The aggregate that packs what each row has into one text. PostgreSQL packs no rows into a null.
pub(crate) fn list_of(backend: DbBackend, what: &str) -> String {
    match backend {
        DbBackend::Postgres => format!("CAST(json_agg({what}) AS TEXT)"),
        _ => format!("json_group_array({what})"),
    }
}

/// The row of a packed one.
pub(crate) fn one<'t>(text: &'t str, columns: &'t Columns) -> Option<PackedRow<'t>> {
    row(serde_json::from_str(text).ok()?, columns)
}

/// The rows of an array of packed ones.
pub(crate) fn many<'t>(text: &'t str, columns: &'t Columns) -> Option<Vec<PackedRow<'t>>> {
    let rows: Vec<Vec<Cell<'t>>> = serde_json::from_str(text).ok()?;
    rows.into_iter().map(|cells| row(cells, columns)).collect()
}

fn row<'t>(cells: Vec<Cell<'t>>, columns: &'t Columns) -> Option<PackedRow<'t>> {
    (cells.len() == columns.len()).then_some(PackedRow { columns, cells })
}

impl PackedRow<'_> {
    fn cell(&self, column: &str) -> Result<&Cell<'_>, Unfit> {
        let at = self.columns.iter().position(|(name, _)| *name == column).ok_or(Unfit)?;
        self.cells.get(at).ok_or(Unfit)
    }

    pub(super) fn opt_text(&self, column: &str) -> Result<Option<&str>, Unfit> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            Cell::Int(_) => Err(Unfit),
        }
    }

    pub(super) fn text(&self, column: &str) -> Result<&str, Unfit> {
        self.opt_text(column)?.ok_or(Unfit)
    }

    pub(super) fn opt_int(&self, column: &str) -> Result<Option<i64>, Unfit> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Int(value) => Ok(Some(*value)),
            Cell::Text(_) => Err(Unfit),
        }
    }

    pub(super) fn int(&self, column: &str) -> Result<i64, Unfit> {
        self.opt_int(column)?.ok_or(Unfit)
    }

    pub(super) fn bytes(&self, column: &str) -> Result<Vec<u8>, Unfit> {
        hex::decode(self.text(column)?).map_err(|_| Unfit)
    }
}

impl<'de: 't, 't> Deserialize<'de> for Cell<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor).map(|cell: Cell<'de>| cell)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a whole number or null")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Cell::Null)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Cell::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        i64::try_from(value).map(Cell::Int).map_err(E::custom)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cell::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cell::Text(Cow::Owned(text.to_owned())))
    }
}
