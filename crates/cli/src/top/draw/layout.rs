//! Where each part goes: below each other, or in two columns where the terminal is wide.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use reeve_protocol::PoolReport;

use super::{View, bars, clip, help, jobs, pools, put, tiers, waits, workers};
use crate::top::model::Link;

/// Below this a frame would show too little to be of use.
const WIDTH_MIN: u16 = 50;
const HEIGHT_MIN: u16 = 14;
/// From here on there are two columns.
const WIDTH_TWO: u16 = 140;
/// From here on the parts have a line between them.
const HEIGHT_AIRY: u16 = 32;
/// Lines that pools and tiers take at most: the rest is for what changes.
const POOLS_MAX: usize = 7;
const TIERS_MAX: usize = 9;
/// Lines of a page's lists at most.
const PAGE_ROWS_MAX: usize = 100;

/// Draws a frame over all of an area.
pub fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let (width, height) = (area.width, area.height);
    if width < WIDTH_MIN || height < HEIGHT_MIN {
        let words = format!(
            "reeve top needs {WIDTH_MIN} columns and {HEIGHT_MIN} lines; here are {width} and {height}"
        );
        let words: Vec<Line<'_>> = words.split("; ").map(Line::raw).collect();
        return put(&words, area, buffer);
    }
    let columns = usize::from(width);
    put(&[bars::head(view, columns), bars::sums(view, columns)], area, buffer);
    let foot = Rect { y: area.bottom() - 1, height: 1, ..area };
    put(&[bars::foot(view, columns)], foot, buffer);
    let inner = Rect { y: area.y + 2, height: height - 3, ..area };
    let gap = u16::from(height >= HEIGHT_AIRY);
    let inner = Rect { y: inner.y + gap, height: inner.height - 2 * gap, ..inner };
    if view.ui.help {
        return put(&help::lines(view, columns), inner, buffer);
    }
    if width >= WIDTH_TWO {
        two(view, inner, buffer)
    } else {
        stacked(view, inner, buffer)
    }
    if matches!(view.model.link(), Link::Down { .. }) {
        // Old figures look old.
        buffer.set_style(inner, view.theme.faint());
    }
}

/// Parts below each other.
struct Stack<'a> {
    area: Rect,
    gap: u16,
    buffer: &'a mut Buffer,
}

impl Stack<'_> {
    fn width(&self) -> usize {
        usize::from(self.area.width)
    }

    fn rows(&self) -> usize {
        usize::from(self.area.height)
    }

    fn put(&mut self, lines: &[Line<'_>]) {
        put(lines, self.area, self.buffer);
        let used =
            u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(self.gap).min(self.area.height);
        self.area = Rect { y: self.area.y + used, height: self.area.height - used, ..self.area };
    }
}

fn stacked(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let airy = area.height + 3 >= HEIGHT_AIRY;
    let mut stack = Stack { area, gap: u16::from(airy), buffer };
    let Some(pool) = heads(view, &mut stack) else { return };
    let rows = if airy { pool.tiers.len() + 1 } else { 1 };
    stack.put(&waits::lines(view, pool, stack.width(), rows));
    lists(view, pool, &mut stack);
}

fn two(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let half = (area.width - 3) / 2;
    let left = Rect { width: half, ..area };
    let right = Rect { x: area.x + half + 3, width: area.width - half - 3, ..area };
    let mut stack = Stack { area: left, gap: 1, buffer };
    let Some(pool) = heads(view, &mut stack) else { return };
    stack.put(&waits::lines(view, pool, stack.width(), stack.rows()));
    lists(view, pool, &mut Stack { area: right, gap: 1, buffer });
}

/// Pools and tiers; `None` when there is no pool to go on with.
fn heads<'a>(view: &'a View<'_>, stack: &mut Stack<'_>) -> Option<&'a PoolReport> {
    let Some(pool) = view.pool() else {
        let words = if view.model.look().is_some() { "no pool is known yet" } else { "" };
        stack.put(&[Line::styled(words, view.theme.faint())]);
        return None;
    };
    // The lists below keep at least six lines, whatever there is above.
    let most = |rows: usize, max: usize| max.min(rows.saturating_sub(6)).max(3);
    stack.put(&pools::lines(view, stack.width(), most(stack.rows() / 2, POOLS_MAX)));
    stack.put(&tiers::lines(view, pool, stack.width(), most(stack.rows(), TIERS_MAX)));
    Some(pool)
}

/// Jobs and workers share what is left; two thirds for the jobs when both are long.
fn lists(view: &View<'_>, pool: &PoolReport, stack: &mut Stack<'_>) {
    let (width, rows) = (stack.width(), stack.rows());
    let crew = workers::lines(view, pool, width, rows).len() + usize::from(stack.gap);
    let crew = crew.min(rows / 3).max(3);
    let lines = jobs::lines(view, pool, width, rows.saturating_sub(crew));
    stack.put(&lines);
    stack.put(&workers::lines(view, pool, width, stack.rows()));
}

/// All parts for every pool below each other, as text without colour, for files and scripts.
pub fn page(view: &View<'_>, width: usize) -> String {
    let mut lines = vec![bars::head(view, width), bars::sums(view, width), Line::default()];
    lines.extend(pools::lines(view, width, PAGE_ROWS_MAX));
    for pool in view.pools() {
        for part in [tiers::lines, jobs::lines, workers::lines] {
            lines.push(Line::default());
            lines.extend(part(view, pool, width, PAGE_ROWS_MAX));
        }
    }
    let text = |line: &Line<'_>| clip(&line.to_string(), width).trim_end().to_owned();
    lines.iter().map(text).collect::<Vec<_>>().join("\n")
}

/// A frame over all of a buffer without style, for tests of what is where.
#[cfg(test)]
pub fn plain(view: &View<'_>, width: u16, height: u16) -> Vec<String> {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(view, frame.area(), frame.buffer_mut())).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y: u16| {
        let cells = (0..width).filter_map(|x| buffer.cell((x, y))).map(|cell| cell.symbol());
        cells.collect::<String>().trim_end().to_owned()
    };
    (0..height).map(row).collect()
}
