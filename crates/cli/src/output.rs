//! Writing data to stdout: tables for people, JSON for programs.

use std::io::{ErrorKind, Write as _, stdout};

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle};
use reeve_protocol::At;
use serde::Serialize;

use crate::exit::Failure;

/// A line below the head and nothing else.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─'));
/// Blanks left and right of each cell.
const PADDING: (u16, u16) = (0, 2);

/// Prints text. A reader that went away, such as `head`, is no failure.
///
/// # Errors
/// Stdout cannot be written to.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = stdout().lock();
    let written =
        out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::environment("cannot write to stdout", error))
        }
        _ => Ok(()),
    }
}

/// Prints a value as JSON.
///
/// # Errors
/// Stdout cannot be written to.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(value).map_err(|e| Failure::environment("cannot write JSON", e))?;
    print(&text)
}

/// A table with these heads. A head that starts with `>` has its column to the right, for numbers; one that starts
/// with `|` is never broken into lines, for ids.
pub fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(heads.iter().map(|head| Cell::new(head.trim_start_matches(['>', '|']))));
    for (n, head) in heads.iter().enumerate() {
        let Some(column) = table.column_mut(n) else { continue };
        column.set_padding(PADDING);
        if head.starts_with('>') {
            column.set_cell_alignment(CellAlignment::Right);
        }
        if head.starts_with(['>', '|']) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table
}

/// Columns of the terminal that stdout is; `None` when it is none.
pub fn columns() -> Option<usize> {
    console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns))
}

/// An instant as tables show it: to the second, in UTC.
pub fn instant(at: At) -> String {
    at.to_string().chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// Prints a table, or says that there is nothing.
///
/// # Errors
/// Stdout cannot be written to.
pub fn print_table(table: &Table, nothing: &str) -> Result<(), Failure> {
    if table.is_empty() {
        eprintln!("{nothing}");
        return Ok(());
    }
    print(&table.trim_fmt())
}

/// A text cut to so many characters, with a sign that it was.
pub fn clip(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let head: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    format!("{}…", head.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_shown_to_the_second() {
        assert_eq!(instant(At(reeve_types::Millis::from_millis(1_700_000_000_123))), "2023-11-14 22:13:20");
    }

    #[test]
    fn long_texts_are_cut_by_characters() {
        assert_eq!(clip("short", 5), "short");
        assert_eq!(clip("ääääää", 4), "äää…");
        assert_eq!(clip("a b c", 3), "a…");
    }
}
