//! Tables for people, fitted to the terminal that they go to.
//!
//! Used by every command that prints a table. A terminal gets lines that it need not break: columns that are empty or
//! marked as dispensable go first, then texts are broken into lines, and where even that is too wide each row becomes a
//! block of its own. Ids and amounts are never cut, so that what is on the screen can be copied. A pipe or a file gets
//! everything, as wide as it is.

use std::ops::{Deref, DerefMut};

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, LineStyle, Row, Table,
    TableStyle,
};

/// A line below the head and nothing else.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─'));
/// Blanks right of each cell.
const GAP: u16 = 2;
/// A text column that would become narrower makes dispensable columns go.
const TEXT_EASY: u16 = 16;
/// Narrower ones cannot be read: then the rows become blocks.
const TEXT_MIN: u16 = 8;

/// A table that knows which of its columns matter least.
pub struct Grid {
    table: Table,
    titles: Vec<String>,
    /// How dispensable each column is; 0 is never left out.
    ranks: Vec<usize>,
}

/// What is printed, and what was left out of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Fitted {
    pub text: String,
    pub left_out: Vec<String>,
}

impl Deref for Grid {
    type Target = Table;
    fn deref(&self) -> &Table {
        &self.table
    }
}

impl DerefMut for Grid {
    fn deref_mut(&mut self) -> &mut Table {
        &mut self.table
    }
}

impl Grid {
    /// A table with these heads. One that starts with `>` has its column to the right, for numbers; one that starts
    /// with `|` is never broken into lines, for ids; each `?` at its end makes it more dispensable on a narrow terminal.
    pub fn new(heads: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
        if console::colors_enabled() {
            // Whether there are colours is decided in one place, and not once more by the table.
            table.enforce_styling();
        }
        let title = |head: &&str| head.trim_start_matches(['>', '|']).trim_end_matches('?').to_owned();
        let titles: Vec<String> = heads.iter().map(title).collect();
        table.set_header(titles.iter().map(|title| bold(Cell::new(title))));
        for (n, head) in heads.iter().enumerate() {
            let Some(column) = table.column_mut(n) else { continue };
            column.set_padding((0, GAP));
            if head.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
            if head.starts_with(['>', '|']) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        let rank = |head: &&str| head.chars().rev().take_while(|c| *c == '?').count();
        Self { table, titles, ranks: heads.iter().map(rank).collect() }
    }

    /// One more row; ticks and crosses in it get their colours.
    pub fn add_row(&mut self, row: impl Into<Row>) {
        let row: Row = row.into();
        let cells: Vec<Cell> = row.cell_iter().map(|cell| coloured(cell.clone())).collect();
        self.table.add_row(cells);
    }

    /// The table as it goes to a terminal of so many columns, or to no terminal.
    pub fn fitted(&self, columns: Option<usize>) -> Fitted {
        let mut table = self.table.clone();
        let mut left_out = Vec::new();
        let Some(columns) = columns.map(|columns| u16::try_from(columns).unwrap_or(u16::MAX)) else {
            table.force_no_tty();
            return Fitted { text: table.trim_fmt(), left_out };
        };
        while needed(&table, TEXT_EASY) > columns {
            let Some(n) = self.least(&table) else { break };
            if let Some(column) = table.column_mut(n) {
                column.set_constraint(ColumnConstraint::Hidden);
            }
            if !is_empty(&table, n) {
                left_out.extend(self.titles.get(n).cloned());
            }
        }
        if needed(&table, TEXT_MIN) > columns {
            return Fitted { text: self.blocks(), left_out: Vec::new() };
        }
        table.set_width(columns);
        Fitted { text: table.trim_fmt(), left_out }
    }

    /// The column to leave out next: an empty one, else the most dispensable, from the right.
    fn least(&self, table: &Table) -> Option<usize> {
        let shown = |n: &usize| table.column(*n).is_some_and(|column| !column.is_hidden());
        let all = || (0..self.titles.len()).rev().filter(shown);
        let empty = all().find(|n| is_empty(table, *n));
        let rank = |n: &usize| self.ranks.get(*n).copied().unwrap_or(0);
        // The first of equals is the rightmost, and `max_by_key` would take the last.
        empty.or_else(|| all().filter(|n| rank(n) > 0).min_by_key(|n| usize::MAX - rank(n)))
    }

    /// Each row as lines of a name and a value.
    fn blocks(&self) -> String {
        let wide = self.titles.iter().map(|title| title.chars().count()).max().unwrap_or(0);
        let block = |row: &Row| {
            let cells = self.titles.iter().zip(row.cell_iter().map(Cell::content));
            let shown = cells.enumerate().filter(|(n, (_, value))| {
                !value.is_empty() && self.table.column(*n).is_some_and(|column| !column.is_hidden())
            });
            shown.map(|(_, (title, value))| format!("{title:wide$}  {value}")).collect::<Vec<_>>().join("\n")
        };
        self.table.row_iter().map(block).collect::<Vec<_>>().join("\n\n")
    }
}

/// Columns of the terminal that the table needs when its texts are broken at so many characters.
fn needed(table: &Table, text: u16) -> u16 {
    let widths = table.column_max_content_widths();
    let of = |(column, width): (&comfy_table::Column, u16)| match column.constraint() {
        Some(ColumnConstraint::Hidden) => 0,
        Some(ColumnConstraint::ContentWidth) => width + GAP,
        _ => width.min(text) + GAP,
    };
    table.column_iter().zip(widths).map(of).fold(0, u16::saturating_add)
}

/// True when no row says anything in that column.
fn is_empty(table: &Table, n: usize) -> bool {
    table.row_iter().all(|row| row.cell_iter().nth(n).is_none_or(|cell| cell.content().trim().is_empty()))
}

fn bold(cell: Cell) -> Cell {
    if console::colors_enabled() { cell.add_attribute(Attribute::Bold) } else { cell }
}

fn coloured(cell: Cell) -> Cell {
    if !console::colors_enabled() {
        return cell;
    }
    match cell.content().as_str() {
        "✓" => cell.fg(Color::Green),
        "✗" => cell.fg(Color::Red),
        "!" => cell.fg(Color::Yellow),
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "job_019e1cf0e1b47d9da7c1f0a0b0c0d0e0";

    fn jobs() -> Grid {
        let mut grid = Grid::new(&["|job", "workspace?", "status", ">quoted?", "created (UTC)??", "note"]);
        for note in ["", "a note that is long enough to be broken into more than one line"] {
            grid.add_row([ID, "acme", "queued", "1.5", "2026-01-01 00:00:00", note]);
        }
        grid
    }

    fn widest(text: &str) -> usize {
        text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
    }

    #[test]
    fn a_pipe_gets_everything_as_wide_as_it_is() {
        let fitted = jobs().fitted(None);
        assert!(fitted.left_out.is_empty() && fitted.text.lines().count() == 4, "{}", fitted.text);
        assert!(fitted.text.contains("more than one line"), "{}", fitted.text);
    }

    #[test]
    fn a_terminal_gets_no_line_that_it_would_break_and_hears_what_is_missing() {
        for columns in [60, 80, 100, 120, 160, 240] {
            let fitted = jobs().fitted(Some(columns));
            assert!(widest(&fitted.text) <= columns, "{columns}:\n{}", fitted.text);
            assert!(fitted.text.contains(ID), "an id is never cut: {}", fitted.text);
        }
        assert_eq!(jobs().fitted(Some(80)).left_out, ["created (UTC)", "quoted"]);
        assert!(jobs().fitted(Some(240)).left_out.is_empty());
    }

    #[test]
    fn what_cannot_be_a_table_becomes_blocks() {
        let mut grid = Grid::new(&["|one", "|other"]);
        grid.add_row([ID, ID]);
        grid.add_row([ID, ""]);
        let fitted = grid.fitted(Some(60));
        assert_eq!(fitted.text, format!("one    {ID}\nother  {ID}\n\none    {ID}"));
    }

    #[test]
    fn an_empty_column_goes_before_one_that_says_something() {
        let mut grid = Grid::new(&["|job", "pack", "status?"]);
        grid.add_row([ID, "", "queued"]);
        let fitted = grid.fitted(Some(48));
        assert!(fitted.left_out.is_empty() && fitted.text.contains("queued"), "{}", fitted.text);
        assert!(!fitted.text.contains("pack"), "{}", fitted.text);
    }
}
