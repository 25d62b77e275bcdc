//! Rows of a batch: typed cells, bound one by one where that is quicker, or as one JSON text.
//!
//! Used by `row` to write and by `plan` to gather. As JSON each statement has one parameter and a constant text; that
//! is written by hand rather than through a value tree, since integers beyond 2^53 must stay exact. The usual batch of
//! SQLite (`hot`) binds the cells: to take a cell out of JSON costs SQLite more than to store it.

use std::fmt::Write as _;
use std::sync::Arc;

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
}

/// Rows under construction, all of one table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    cells: Vec<Cell>,
    count: usize,
    bytes: usize,
    bad: Option<&'static str>,
    /// Where ids are printed to, kept for its room.
    print: String,
}

/// One row under construction; [`Row::done`] ends it.
pub(crate) struct Row<'a> {
    rows: &'a mut Rows,
    cells: usize,
}

impl Rows {
    /// Starts a row.
    pub(crate) fn row(&mut self) -> Row<'_> {
        Row { rows: self, cells: 0 }
    }

    /// Rows that were encoded elsewhere.
    pub(crate) fn append(&mut self, other: &Self) {
        self.cells.extend_from_slice(&other.cells);
        self.count += other.count;
        self.bytes += other.bytes;
        self.bad = self.bad.or(other.bad);
    }

    /// Rows so far.
    pub(crate) fn count(&self) -> u64 {
        self.count as u64
    }

    /// The size of their values.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// True when no statement is needed.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What cannot be stored, if anything: a fault of the data.
    pub(crate) fn bad(&self) -> Option<&'static str> {
        self.bad
    }

    /// All cells, row after row.
    pub(crate) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// An array of arrays.
    pub(crate) fn json(&self) -> String {
        let mut text = String::with_capacity(self.bytes + self.cells.len() * 3 + 2);
        text.push('[');
        let columns = self.cells.len().checked_div(self.count).unwrap_or(1).max(1);
        for (n, row) in self.cells.chunks(columns).enumerate() {
            text.push_str(if n == 0 { "[" } else { ",[" });
            for (n, cell) in row.iter().enumerate() {
                if n > 0 {
                    text.push(',');
                }
                put(&mut text, cell);
            }
            text.push(']');
        }
        text.push(']');
        text
    }
}

fn put(json: &mut String, cell: &Cell) {
    match cell {
        Cell::Null => json.push_str("null"),
        Cell::Int(number) => {
            let _ = write!(json, "{number}");
        }
        Cell::Text(text) => put_text(json, text),
        // As hexadecimal: the statement turns them back.
        Cell::Bytes(bytes) => put_text(json, &hex::encode(bytes)),
    }
}

fn put_text(json: &mut String, value: &str) {
    json.push('"');
    let mut plain = 0;
    for (at, byte) in value.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        // The bytes looked for are ASCII, so both sides are whole characters.
        json.push_str(value.get(plain..at).unwrap_or_default());
        plain = at + 1;
        match byte {
            b'"' => json.push_str("\\\""),
            b'\\' => json.push_str("\\\\"),
            b'\n' => json.push_str("\\n"),
            other => {
                let _ = write!(json, "\\u{other:04x}");
            }
        }
    }
    json.push_str(value.get(plain..).unwrap_or_default());
    json.push('"');
}

impl Row<'_> {
    fn cell(mut self, cell: Cell, bytes: usize) -> Self {
        self.rows.cells.push(cell);
        self.rows.bytes += bytes;
        self.cells += 1;
        self
    }

    /// A text.
    pub(crate) fn text(self, value: &str) -> Self {
        // PostgreSQL has no NUL in texts; SQLite would cut the text there.
        if value.as_bytes().contains(&0) {
            self.rows.bad = Some("a text has a NUL character");
        }
        self.cell(Cell::Text(value.into()), value.len())
    }

    /// A text or null.
    pub(crate) fn opt_text(self, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(value),
            None => self.null(),
        }
    }

    /// Anything that prints as an id does: without a NUL.
    pub(crate) fn id(self, value: impl std::fmt::Display) -> Self {
        self.rows.print.clear();
        let _ = write!(self.rows.print, "{value}");
        let (text, bytes) = (self.rows.print.as_str().into(), self.rows.print.len());
        self.cell(Cell::Text(text), bytes)
    }

    /// Such an id or null.
    pub(crate) fn opt_id(self, value: Option<impl std::fmt::Display>) -> Self {
        match value {
            Some(value) => self.id(value),
            None => self.null(),
        }
    }

    /// A whole number.
    pub(crate) fn int(self, value: impl Into<i128>) -> Self {
        match i64::try_from(value.into()) {
            Ok(number) => self.cell(Cell::Int(number), 8),
            Err(_) => {
                self.rows.bad = Some("a number has more than 64 bits");
                self.null()
            }
        }
    }

    /// A whole number or null.
    pub(crate) fn opt_int(self, value: Option<impl Into<i128>>) -> Self {
        match value {
            Some(value) => self.int(value),
            None => self.null(),
        }
    }

    /// Bytes.
    pub(crate) fn bytes(self, value: &[u8]) -> Self {
        self.cell(Cell::Bytes(value.into()), value.len())
    }

    /// A value as JSON inside a text.
    pub(crate) fn json(self, value: &impl serde::Serialize) -> Self {
        match serde_json::to_string(value) {
            Ok(text) => self.text(&text),
            Err(_) => {
                self.rows.bad = Some("a value cannot be written as JSON");
                self.null()
            }
        }
    }

    /// Null.
    pub(crate) fn null(self) -> Self {
        self.cell(Cell::Null, 0)
    }

    /// Ends the row; `columns` is how many cells it must have.
    pub(crate) fn done(self, columns: usize) {
        debug_assert_eq!(self.cells, columns, "a row does not fit its columns");
        self.rows.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_back_as_json() {
        let mut rows = Rows::default();
        rows.row().text("a\"b\\c\n\u{1}ä").int(i64::MAX).null().bytes(&[0xab, 1]).done(4);
        rows.row().opt_text(None).int(-5_i64).opt_id(Some("x")).json(&["q\""]).done(4);
        let value: serde_json::Value = serde_json::from_str(&rows.json()).unwrap_or_default();
        let wanted =
            serde_json::json!([["a\"b\\c\n\u{1}ä", i64::MAX, null, "ab01"], [null, -5, "x", "[\"q\\\"\"]"]]);
        assert_eq!(value, wanted);
        assert_eq!(rows.bad(), None);
    }

    #[test]
    fn rows_encoded_apart_are_rows_of_one_array() {
        let (mut rows, mut other) = (Rows::default(), Rows::default());
        rows.append(&other);
        other.row().int(1).done(1);
        other.row().int(2).done(1);
        rows.append(&other);
        rows.row().int(3).done(1);
        rows.append(&other);
        assert_eq!((rows.json().as_str(), rows.count()), ("[[1],[2],[3],[1],[2]]", 5));
    }

    #[test]
    fn a_nul_character_is_refused() {
        let mut rows = Rows::default();
        rows.row().text("a\0b").done(1);
        assert!(rows.bad().is_some());
    }
}
