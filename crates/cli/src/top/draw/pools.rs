//! The pools: open or paused, how busy, who waits.

use ratatui::text::Line;
use reeve_protocol::PoolReport;

use super::View;
use super::grid::{Cell, Column, Grid};
use crate::top::model::known;
use crate::top::text;

/// The pools, with a mark at the one that was chosen.
pub fn lines(view: &View<'_>, width: usize, lines_max: usize) -> Vec<Line<'static>> {
    let mut grid = Grid::new(
        view.theme,
        vec![
            Column::text("  pool").clip(8),
            Column::text("state"),
            Column::figure("busy"),
            Column::text("").spare(1),
            Column::figure("workers").spare(2),
            Column::figure("queued"),
            Column::figure("oldest").spare(3),
        ],
    );
    let chosen = view.pool().map(|pool| &pool.pool);
    // The chosen pool is never among those that do not fit.
    let index = view.pools().iter().position(|pool| Some(&pool.pool) == chosen).unwrap_or(0);
    let first = (index + 3).saturating_sub(lines_max.max(3));
    for pool in view.pools().iter().skip(first) {
        grid.row(row(view, pool, Some(&pool.pool) == chosen));
    }
    if view.pools().is_empty() {
        return vec![Line::styled("no pool is known", view.theme.faint())];
    }
    grid.lines(width, lines_max, (first > 0).then_some(first as u64))
}

fn row(view: &View<'_>, pool: &PoolReport, chosen: bool) -> Vec<Cell> {
    let theme = view.theme;
    let (mark, name) =
        if chosen && view.interval_ms.is_some() { ("▸", theme.strong()) } else { (" ", theme.plain()) };
    let queued = pool.tiers.iter().map(|tier| tier.depth).sum();
    let oldest = pool.tiers.iter().filter_map(|tier| known(tier.oldest_wait_seconds)).reduce(f64::max);
    let (state, style) = match (pool.paused, pool.workers) {
        (true, _) => ("paused", theme.warn()),
        (false, 0) => ("no worker", theme.warn()),
        (false, _) => ("open", theme.good()),
    };
    let busy = if pool.slots == 0 { 0.0 } else { f64::from(pool.busy) / f64::from(pool.slots) };
    vec![
        Cell::text(format!("{mark} {}", pool.pool), name),
        Cell::text(state, style),
        Cell::text(format!("{}/{}", pool.busy, pool.slots), theme.plain()),
        Cell::Bar(busy, theme.accent()),
        Cell::text(pool.workers.to_string(), theme.plain()),
        Cell::text(text::count(queued), theme.plain()),
        Cell::text(text::span_or_none(oldest), theme.plain()),
    ]
}
