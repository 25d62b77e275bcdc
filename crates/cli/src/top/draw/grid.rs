//! A table that never shows half a figure: what does not fit is left out by columns, or cut with a sign that it was.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::theme::Theme;
use crate::top::text;

/// Columns this spare go before a text is cut for their sake.
const SPARE: u8 = 3;
/// Columns between two columns.
const GAP: usize = 2;
/// Narrowest column of figures: they grow and shrink without moving their neighbours.
const FIGURE_MIN: usize = 6;
/// Narrowest and widest bar.
const BAR_MIN: usize = 6;
const BAR_MAX: usize = 30;

/// One column.
#[derive(Clone, Debug)]
pub struct Column {
    head: String,
    right: bool,
    /// Narrowest that its texts may be cut to; `None`: never.
    clip: Option<usize>,
    /// Columns with the highest number go first when there is no room; 0 stays.
    spare: u8,
}

impl Column {
    /// A column of texts that are never cut.
    pub fn text(head: impl Into<String>) -> Self {
        Self { head: head.into(), right: false, clip: None, spare: 0 }
    }

    /// A column of figures.
    pub fn figure(head: impl Into<String>) -> Self {
        Self { right: true, ..Self::text(head) }
    }

    /// Its texts may be cut, down to so many columns.
    pub fn clip(self, width_min: usize) -> Self {
        Self { clip: Some(width_min), ..self }
    }

    /// It may be left out, before those with a lower number.
    pub fn spare(self, spare: u8) -> Self {
        Self { spare, ..self }
    }
}

/// What stands in a row.
#[derive(Clone, Debug)]
pub enum Cell {
    Text(String, Style),
    /// 0 to 1.
    Bar(f64, Style),
}

impl Cell {
    /// Text without what would move a terminal's cursor: some of it comes from workers.
    pub fn text(text: impl AsRef<str>, style: Style) -> Self {
        Self::Text(text.as_ref().chars().filter(|c| !c.is_control()).collect(), style)
    }

    fn width(&self) -> usize {
        match self {
            Self::Text(text, _) => width_of(text),
            Self::Bar(..) => BAR_MIN,
        }
    }
}

/// Terminal columns of a text.
pub fn width_of(text: &str) -> usize {
    Span::raw(text).width()
}

/// A text in at most `width` columns, with a sign when it was cut.
pub fn clip(text: &str, width: usize) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let mut head = text.to_owned();
    while width_of(&head) + 1 > width && head.pop().is_some() {}
    if width == 0 { head } else { format!("{head}…") }
}

/// Columns and rows.
#[derive(Clone, Debug)]
pub struct Grid {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    theme: Theme,
}

impl Grid {
    pub fn new(theme: Theme, columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new(), theme }
    }

    /// One more row, of a cell for each column.
    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The table in so many columns and at most so many lines, head included. `unseen` rows are known to exist but are
    /// not here; they and those that did not fit are counted in the last line.
    pub fn lines(&self, width: usize, lines_max: usize, unseen: Option<u64>) -> Vec<Line<'static>> {
        let widths = self.widths(width);
        let head = self.columns.iter().map(|column| Cell::text(&column.head, self.theme.strong()));
        let head: Vec<Cell> = head.collect();
        let mut lines = vec![self.line(&head, &widths)];
        let room = lines_max.saturating_sub(1);
        let all_fit = self.rows.len() <= room && unseen.is_none();
        let shown = if all_fit { room } else { room.saturating_sub(1) };
        lines.extend(self.rows.iter().take(shown).map(|cells| self.line(cells, &widths)));
        if !all_fit {
            let here = self.rows.len().saturating_sub(shown) as u64;
            let text = match unseen {
                Some(0) => "… and more".to_owned(),
                unseen => format!("… {} more", text::count(here + unseen.unwrap_or(0))),
            };
            lines.push(Line::styled(clip(&text, width), self.theme.faint()));
        }
        lines.truncate(lines_max);
        lines
    }

    fn line(&self, cells: &[Cell], widths: &[Option<usize>]) -> Line<'static> {
        let mut spans = Vec::new();
        for ((cell, column), width) in cells.iter().zip(&self.columns).zip(widths) {
            let Some(width) = *width else { continue };
            if !spans.is_empty() {
                spans.push(Span::raw(" ".repeat(GAP)));
            }
            match cell {
                Cell::Bar(part, style) => {
                    let (full, empty) = text::bar(*part, width);
                    spans.push(Span::styled(full, *style));
                    spans.push(Span::styled(empty, self.theme.faint()));
                }
                Cell::Text(text, style) => {
                    let text = clip(text, width);
                    let pad = " ".repeat(width - width_of(&text).min(width));
                    let padded = if column.right { format!("{pad}{text}") } else { format!("{text}{pad}") };
                    spans.push(Span::styled(padded, *style));
                }
            }
        }
        Line::from(spans)
    }

    /// The width of each column; `None` when it is left out.
    fn widths(&self, width: usize) -> Vec<Option<usize>> {
        let natural: Vec<usize> = (0..self.columns.len()).map(|n| self.natural(n)).collect();
        let mut widths: Vec<Option<usize>> = natural.iter().copied().map(Some).collect();
        while total(&widths) > width
            && let Some((_, n)) = self.most_spare(&widths).filter(|(spare, _)| *spare >= SPARE)
            && let Some(slot) = widths.get_mut(n)
        {
            *slot = None;
        }
        loop {
            let over = total(&widths).saturating_sub(width);
            if over == 0 || self.shrink(&mut widths, over) {
                break;
            }
            let Some((_, dropped)) = self.most_spare(&widths) else { break };
            // Those that were cut for its sake get their width back.
            for (n, slot) in widths.iter_mut().enumerate() {
                *slot = if n == dropped { None } else { slot.and(natural.get(n).copied()) };
            }
        }
        self.stretch(&mut widths, width);
        widths
    }

    fn natural(&self, n: usize) -> usize {
        let least = |column: &Column| if column.right { FIGURE_MIN } else { 0 };
        let head = self.columns.get(n).map_or(0, |column| width_of(&column.head).max(least(column)));
        self.rows.iter().filter_map(|row| row.get(n)).map(Cell::width).fold(head, usize::max)
    }

    /// Takes `over` from the columns that may be cut, widest first; false when that is not enough.
    fn shrink(&self, widths: &mut [Option<usize>], over: usize) -> bool {
        for _ in 0..over {
            let slots = widths.iter_mut().zip(&self.columns);
            let widest = slots
                .filter_map(|(slot, column)| slot.as_mut().zip(column.clip))
                .filter(|(slot, least)| **slot > *least)
                .max_by_key(|(slot, _)| **slot);
            match widest {
                Some((slot, _)) => *slot -= 1,
                None => return false,
            }
        }
        true
    }

    fn most_spare(&self, widths: &[Option<usize>]) -> Option<(u8, usize)> {
        let here = widths.iter().zip(&self.columns).enumerate().filter(|(_, (slot, _))| slot.is_some());
        here.map(|(n, (_, column))| (column.spare, n)).filter(|(spare, _)| *spare > 0).max()
    }

    /// Gives what is left over to the bars.
    fn stretch(&self, widths: &mut [Option<usize>], width: usize) {
        let mut left = width.saturating_sub(total(widths));
        let is_bar =
            |n: &usize| self.rows.first().is_some_and(|row| matches!(row.get(*n), Some(Cell::Bar(..))));
        let bars: Vec<usize> = (0..widths.len()).filter(is_bar).collect();
        while left > 0 {
            let mut given = false;
            for n in &bars {
                if let Some(Some(slot)) = widths.get_mut(*n)
                    && left > 0
                    && *slot < BAR_MAX
                {
                    *slot += 1;
                    left -= 1;
                    given = true;
                }
            }
            if !given {
                break;
            }
        }
    }
}

fn total(widths: &[Option<usize>]) -> usize {
    let shown = widths.iter().flatten().count();
    widths.iter().flatten().sum::<usize>() + GAP * shown.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEME: Theme = Theme { colour: false };

    fn grid(rows: usize) -> Grid {
        let columns = vec![
            Column::text("name").clip(6),
            Column::figure("size"),
            Column::text("done"),
            Column::text("remark").spare(1),
        ];
        let mut grid = Grid::new(THEME, columns);
        for n in 0..rows {
            let plain = THEME.plain();
            let name = Cell::text(format!("workspace-{n}"), plain);
            grid.row(vec![
                name,
                Cell::text("123456", plain),
                Cell::Bar(0.5, plain),
                Cell::text("a remark", plain),
            ]);
        }
        grid
    }

    fn text(lines: &[Line<'_>]) -> Vec<String> {
        lines.iter().map(|line| line.to_string().trim_end().to_owned()).collect()
    }

    #[test]
    fn where_there_is_room_all_is_shown_and_bars_grow() {
        let lines = text(&grid(1).lines(48, 5, None));
        assert_eq!(lines[0], "name           size  done               remark");
        assert_eq!(lines[1], "workspace-0  123456  ━━━━━━━━━────────  a remark");
    }

    #[test]
    fn texts_are_cut_first_then_columns_go_and_figures_stay_whole() {
        let lines = text(&grid(1).lines(34, 5, None));
        assert_eq!(lines[1], "workspa…  123456  ━━━───  a remark");
        let lines = text(&grid(1).lines(26, 5, None));
        assert!(!lines[0].contains("remark"), "{lines:?}");
        assert!(lines[1].contains("123456"), "{lines:?}");
    }

    #[test]
    fn no_line_is_wider_than_asked() {
        for width in 24..100 {
            for line in grid(3).lines(width, 3, None) {
                assert!(line.width() <= width, "{} in {width}: {line}", line.width());
            }
        }
    }

    #[test]
    fn rows_that_do_not_fit_are_counted() {
        assert_eq!(text(&grid(9).lines(60, 5, None)).last().unwrap(), "… 6 more");
        assert_eq!(text(&grid(3).lines(60, 4, None)).len(), 4);
        assert_eq!(text(&grid(3).lines(60, 9, Some(40))).last().unwrap(), "… 40 more");
        assert_eq!(text(&grid(3).lines(60, 9, Some(0))).last().unwrap(), "… and more");
        assert_eq!(text(&grid(9).lines(60, 1, None)).len(), 1);
    }

    #[test]
    fn texts_from_elsewhere_cannot_move_the_cursor() {
        assert!(matches!(Cell::text("a\x1b[2Jb\n", THEME.plain()), Cell::Text(text, _) if text == "a[2Jb"));
        assert_eq!(clip("日本語", 4), "日…");
        assert_eq!(clip("abc", 0), "");
    }
}
