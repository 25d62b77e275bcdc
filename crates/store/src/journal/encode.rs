//! Rows of a batch as one JSON text, so that each statement has one parameter and a constant text.
//!
//! Used by `row` to write and by `plan` to gather. Written by hand rather than through a value tree: a
//! batch is some hundred kilobytes, and integers beyond 2^53 must stay exact.

use std::cell::RefCell;
use std::fmt::Write as _;

use reeve_types::Hex;

thread_local! {
    /// JSON that becomes a text of a row: it is made in one piece and escaped in one.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}
/// Room that is kept for the next one.
const SCRATCH_BYTES_MAX: usize = 64 << 10;

/// An array of arrays under construction; the text lacks the last bracket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    text: String,
    count: u64,
    bad: Option<&'static str>,
}

/// Rows as text, without the brackets around all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready<'t> {
    pub(crate) text: &'t str,
    pub(crate) count: u64,
    pub(crate) bad: Option<&'static str>,
}

/// One row under construction; [`Row::done`] ends it.
pub(crate) struct Row<'a> {
    rows: &'a mut Rows,
    cells: usize,
}

impl Rows {
    /// Starts a row with so many first cells of another, which are this text.
    pub(crate) fn row_from(&mut self, (first, cells): (&str, usize)) -> Row<'_> {
        self.part();
        self.text.push_str(first);
        Row { rows: self, cells }
    }

    /// Room for so many bytes, so that a text need not move while it grows.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), ..Self::default() }
    }

    /// Starts a row.
    pub(crate) fn row(&mut self) -> Row<'_> {
        self.part();
        self.text.push('[');
        Row { rows: self, cells: 0 }
    }

    /// Rows that were encoded elsewhere.
    pub(crate) fn append(&mut self, other: Ready<'_>) {
        if other.count == 0 {
            return;
        }
        self.part();
        self.text.push_str(other.text);
        self.count += other.count;
        self.bad = self.bad.or(other.bad);
    }

    /// Text beside arrays of rows. Where an array comes behind it, its first row begins one byte further.
    pub(crate) fn raw(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Ends the array, so that another may come behind it.
    pub(crate) fn end(&mut self) {
        self.text.push_str(self.closing());
        self.count = 0;
    }

    /// All that was written, whatever it is.
    pub(crate) fn written(&self) -> &str {
        &self.text
    }

    fn part(&mut self) {
        self.text.push(if self.count > 0 { ',' } else { '[' });
    }

    /// Rows so far.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Their size as they are sent.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// True when no statement is needed.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What cannot be stored, if anything: a fault of the data.
    pub(crate) fn bad(&self) -> Option<&'static str> {
        self.bad
    }

    /// The parameter.
    pub(crate) fn json(&self) -> String {
        let mut text = String::with_capacity(self.text.len() + 2);
        text.push_str(&self.text);
        text.push_str(self.closing());
        text
    }

    /// The parameter, with no rows left here.
    pub(crate) fn take_json(&mut self) -> String {
        let mut rows = std::mem::take(self);
        rows.text.push_str(rows.closing());
        rows.text
    }

    /// What the array lacks: without rows, all of it.
    fn closing(&self) -> &'static str {
        if self.is_empty() { "[]" } else { "]" }
    }

    /// Without its rows, and with the room that they had.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        (self.count, self.bad) = (0, None);
    }

    /// Gives room back beyond so many bytes.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        self.text.shrink_to(bytes);
    }

    fn string(&mut self, value: &str) {
        self.text.push('"');
        let mut plain = 0;
        for (at, byte) in value.bytes().enumerate() {
            if byte >= 0x20 && byte != b'"' && byte != b'\\' {
                continue;
            }
            // The bytes looked for are ASCII, so both sides are whole characters.
            self.text.push_str(value.get(plain..at).unwrap_or_default());
            plain = at + 1;
            match byte {
                b'"' => self.text.push_str("\\\""),
                b'\\' => self.text.push_str("\\\\"),
                b'\n' => self.text.push_str("\\n"),
                // PostgreSQL has no NUL in texts; SQLite would cut the text there.
                0 => self.bad = Some("a text has a NUL character"),
                other => {
                    let _ = write!(self.text, "\\u{other:04x}");
                }
            }
        }
        self.text.push_str(value.get(plain..).unwrap_or_default());
        self.text.push('"');
    }
}

impl Row<'_> {
    fn comma(&mut self) {
        if self.cells > 0 {
            self.rows.text.push(',');
        }
        self.cells += 1;
    }

    /// How long the text is up to here.
    pub(crate) fn len(&self) -> usize {
        self.rows.text.len()
    }

    /// A text.
    pub(crate) fn text(mut self, value: &str) -> Self {
        self.comma();
        self.rows.string(value);
        self
    }

    /// A text or null.
    pub(crate) fn opt_text(self, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(value),
            None => self.null(),
        }
    }

    /// Anything that prints as an id does: without characters that JSON escapes.
    pub(crate) fn id(mut self, value: impl std::fmt::Display) -> Self {
        self.comma();
        let _ = write!(self.rows.text, "\"{value}\"");
        self
    }

    /// Such an id or null.
    pub(crate) fn opt_id(self, value: Option<impl std::fmt::Display>) -> Self {
        match value {
            Some(value) => self.id(value),
            None => self.null(),
        }
    }

    /// A whole number.
    pub(crate) fn int(mut self, value: impl Into<i128>) -> Self {
        self.comma();
        let value = value.into();
        match i64::try_from(value) {
            // Numbers are a quarter of all cells, and their formatting was a tenth of the encoding.
            Ok(value) => self.rows.text.push_str(itoa::Buffer::new().format(value)),
            Err(_) => drop(write!(self.rows.text, "{value}")),
        }
        self
    }

    /// A whole number or null.
    pub(crate) fn opt_int(self, value: Option<impl Into<i128>>) -> Self {
        match value {
            Some(value) => self.int(value),
            None => self.null(),
        }
    }

    /// Bytes, as hexadecimal: the statement turns them back.
    pub(crate) fn bytes(self, value: &[u8]) -> Self {
        self.id(Hex(value))
    }

    /// A value as JSON inside a text.
    pub(crate) fn json(mut self, value: &impl serde::Serialize) -> Self {
        self.comma();
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.clear();
            let made = serde_json::to_writer(&mut *scratch, value).is_ok();
            match std::str::from_utf8(scratch) {
                Ok(text) if made => self.rows.string(text),
                _ => {
                    self.rows.bad = Some("a value cannot be written as JSON");
                    self.rows.text.push_str("null");
                }
            }
            scratch.shrink_to(SCRATCH_BYTES_MAX);
        });
        self
    }

    /// Null.
    pub(crate) fn null(mut self) -> Self {
        self.comma();
        self.rows.text.push_str("null");
        self
    }

    /// Ends the row; `columns` is how many cells it must have.
    pub(crate) fn done(self, columns: usize) {
        debug_assert_eq!(self.cells, columns, "a row does not fit its columns");
        self.rows.text.push(']');
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

    fn ready(rows: &Rows) -> Ready<'_> {
        Ready { text: rows.text.get(1..).unwrap_or_default(), count: rows.count, bad: rows.bad }
    }

    #[test]
    fn rows_encoded_apart_are_rows_of_one_array() {
        let (mut rows, mut other) = (Rows::default(), Rows::default());
        rows.append(ready(&other));
        other.row().int(1).done(1);
        other.row().int(2).done(1);
        rows.append(ready(&other));
        rows.row().int(3).done(1);
        rows.append(ready(&other));
        assert_eq!((rows.json().as_str(), rows.count()), ("[[1],[2],[3],[1],[2]]", 5));
    }

    #[test]
    fn a_nul_character_is_refused() {
        let mut rows = Rows::default();
        rows.row().text("a\0b").done(1);
        assert!(rows.bad().is_some());
    }
}
