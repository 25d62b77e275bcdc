//! One stored row, read cell by cell; every surprise names table, column and id.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use reeve_journal::StoreError;
use reeve_types::{Credits, Millis};
use sea_orm::{QueryResult, TryGetable};
use serde::de::DeserializeOwned;

/// A row under reading.
pub(crate) struct Cells<'r> {
    row: &'r QueryResult,
    table: &'static str,
    id: String,
}

impl<'r> Cells<'r> {
    /// A row that is known by the text in `key`.
    pub(crate) fn by_text(
        row: &'r QueryResult,
        table: &'static str,
        key: &'static str,
    ) -> Result<Self, StoreError> {
        let mut cells = Self { row, table, id: "?".to_owned() };
        cells.id = cells.get(key)?;
        Ok(cells)
    }

    /// A row that is known by `id`, whatever it holds.
    pub(crate) fn named(row: &'r QueryResult, table: &'static str, id: String) -> Self {
        Self { row, table, id }
    }

    /// How the row is known.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The report of a bad cell.
    pub(crate) fn damaged(&self, column: &'static str, detail: impl Display) -> StoreError {
        StoreError::Damaged { table: self.table, column, id: self.id.clone(), detail: detail.to_string() }
    }

    fn get<T: TryGetable>(&self, column: &'static str) -> Result<T, StoreError> {
        self.row.try_get("", column).map_err(|error| self.damaged(column, error))
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.get(column)
    }

    pub(crate) fn opt_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.get(column)
    }

    pub(crate) fn shared(&self, column: &'static str) -> Result<Arc<str>, StoreError> {
        self.text(column).map(Into::into)
    }

    pub(crate) fn opt_shared(&self, column: &'static str) -> Result<Option<Arc<str>>, StoreError> {
        Ok(self.opt_text(column)?.map(Into::into))
    }

    /// A whole number that fits `T`.
    pub(crate) fn int<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        let value: i64 = self.get(column)?;
        T::try_from(value).map_err(|_| self.damaged(column, format!("`{value}` is out of range")))
    }

    pub(crate) fn opt_int<T: TryFrom<i64>>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        let value: Option<i64> = self.get(column)?;
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
        self.parse_text(column, &self.text(column)?)
    }

    pub(crate) fn opt_parse<T: FromStr<Err: Display>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        self.opt_text(column)?.map(|text| self.parse_text(column, &text)).transpose()
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
        let text = self.text(column)?;
        of(&text).ok_or_else(|| self.damaged(column, format!("`{}` is not a known word", clip(&text))))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        self.json_text(column, &self.text(column)?)
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
        let bytes: Vec<u8> = self.get(column)?;
        let len = bytes.len();
        bytes.try_into().map_err(|_| self.damaged(column, format!("{len} bytes instead of {N}")))
    }
}

/// Enough of a text for a message.
fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}
