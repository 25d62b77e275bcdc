//! One stored row, read cell by cell; every surprise names table, column and id.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use reeve_journal::StoreError;
use reeve_types::{Credits, Millis};
use sea_orm::{QueryResult, TryGetable};
use serde::de::DeserializeOwned;

use super::packed::PackedRow;

/// A row under reading.
pub(crate) struct Cells<'r> {
    source: Source<'r>,
    table: &'static str,
    id: String,
}

/// Where the cells come from.
#[derive(Clone, Copy)]
enum Source<'r> {
    Found(&'r QueryResult),
    Packed(&'r PackedRow<'r>),
}

impl<'r> Cells<'r> {
    /// A row that is known by the text in `key`.
    pub(crate) fn by_text(
        row: &'r QueryResult,
        table: &'static str,
        key: &'static str,
    ) -> Result<Self, StoreError> {
        let mut cells = Self { source: Source::Found(row), table, id: "?".to_owned() };
        cells.id = cells.text(key)?;
        Ok(cells)
    }

    /// A row that is known by `id`, whatever it holds.
    pub(crate) fn named(row: &'r QueryResult, table: &'static str, id: String) -> Self {
        Self { source: Source::Found(row), table, id }
    }

    /// A packed row. It has no name: who meets a bad cell in it reads the row again, cell by cell.
    pub(crate) fn packed(row: &'r PackedRow<'r>, table: &'static str) -> Self {
        Self { source: Source::Packed(row), table, id: String::new() }
    }

    /// How the row is known.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The report of a bad cell.
    pub(crate) fn damaged(&self, column: &'static str, detail: impl Display) -> StoreError {
        StoreError::Damaged { table: self.table, column, id: self.id.clone(), detail: detail.to_string() }
    }

    fn get<T: TryGetable>(&self, row: &QueryResult, column: &'static str) -> Result<T, StoreError> {
        row.try_get("", column).map_err(|error| self.damaged(column, error))
    }

    fn str(&self, column: &'static str) -> Result<Cow<'r, str>, StoreError> {
        match self.source {
            Source::Found(row) => self.get(row, column).map(Cow::Owned),
            Source::Packed(row) => {
                row.text(column).map(Cow::Borrowed).map_err(|unfit| self.damaged(column, unfit))
            }
        }
    }

    fn opt_str(&self, column: &'static str) -> Result<Option<Cow<'r, str>>, StoreError> {
        match self.source {
            Source::Found(row) => Ok(self.get::<Option<String>>(row, column)?.map(Cow::Owned)),
            Source::Packed(row) => {
                let text = row.opt_text(column).map_err(|unfit| self.damaged(column, unfit))?;
                Ok(text.map(Cow::Borrowed))
            }
        }
    }

    fn number(&self, column: &'static str) -> Result<i64, StoreError> {
        match self.source {
            Source::Found(row) => self.get(row, column),
            Source::Packed(row) => row.int(column).map_err(|unfit| self.damaged(column, unfit)),
        }
    }

    fn opt_number(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        match self.source {
            Source::Found(row) => self.get(row, column),
            Source::Packed(row) => row.opt_int(column).map_err(|unfit| self.damaged(column, unfit)),
        }
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.str(column).map(Cow::into_owned)
    }

    pub(crate) fn opt_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        Ok(self.opt_str(column)?.map(Cow::into_owned))
    }

    /// One value for all rows with the same text.
    pub(crate) fn known<T: Clone>(
        &self,
        column: &'static str,
        known: &mut HashMap<String, T>,
        make: impl FnOnce(&str) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let text = self.str(column)?;
        if let Some(value) = known.get(&*text) {
            return Ok(value.clone());
        }
        let value = make(&text)?;
        known.insert(text.into_owned(), value.clone());
        Ok(value)
    }

    pub(crate) fn shared(&self, column: &'static str) -> Result<Arc<str>, StoreError> {
        self.str(column).map(Into::into)
    }

    pub(crate) fn opt_shared(&self, column: &'static str) -> Result<Option<Arc<str>>, StoreError> {
        Ok(self.opt_str(column)?.map(Into::into))
    }

    /// A whole number that fits `T`.
    pub(crate) fn int<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        let value = self.number(column)?;
        T::try_from(value).map_err(|_| self.damaged(column, format!("`{value}` is out of range")))
    }

    pub(crate) fn opt_int<T: TryFrom<i64>>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        let value = self.opt_number(column)?;
        let fit = |value| {
            T::try_from(value).map_err(|_| self.damaged(column, format!("`{value}` is out of range")))
        };
        value.map(fit).transpose()
    }

    pub(crate) fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        match self.int::<i64>(column)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.damaged(column, format!("`{other}` is neither 0 nor 1"))),
        }
    }

    pub(crate) fn credits(&self, column: &'static str) -> Result<Credits, StoreError> {
        self.int(column).map(Credits::from_micros)
    }

    pub(crate) fn millis(&self, column: &'static str) -> Result<Millis, StoreError> {
        self.int(column).map(Millis::from_millis)
    }

    pub(crate) fn opt_millis(&self, column: &'static str) -> Result<Option<Millis>, StoreError> {
        Ok(self.opt_int(column)?.map(Millis::from_millis))
    }

    /// An id or a name.
    pub(crate) fn parse<T: FromStr<Err: Display>>(&self, column: &'static str) -> Result<T, StoreError> {
        self.parse_text(column, &self.str(column)?)
    }

    pub(crate) fn opt_parse<T: FromStr<Err: Display>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        self.opt_str(column)?.map(|text| self.parse_text(column, &text)).transpose()
    }

    fn parse_text<T: FromStr<Err: Display>>(
        &self,
        column: &'static str,
        text: &str,
    ) -> Result<T, StoreError> {
        text.parse().map_err(|error| self.damaged(column, format!("`{}`: {error}", clip(text))))
    }

    /// One of a few words.
    pub(crate) fn word<T>(&self, column: &'static str, of: fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let text = self.str(column)?;
        of(&text).ok_or_else(|| self.damaged(column, format!("`{}` is not a known word", clip(&text))))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        self.json_text(column, &self.str(column)?)
    }

    /// A value from JSON text that was read from `column` before.
    pub(crate) fn json_text<T: DeserializeOwned>(
        &self,
        column: &'static str,
        text: &str,
    ) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| self.damaged(column, error))
    }

    /// Exactly `N` bytes.
    pub(crate) fn bytes<const N: usize>(&self, column: &'static str) -> Result<[u8; N], StoreError> {
        let bytes = match self.source {
            Source::Found(row) => self.get::<Vec<u8>>(row, column)?,
            Source::Packed(row) => row.bytes(column).map_err(|unfit| self.damaged(column, unfit))?,
        };
        let len = bytes.len();
        bytes.try_into().map_err(|_| self.damaged(column, format!("{len} bytes instead of {N}")))
    }
}

/// Enough of a text for a message.
fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}
