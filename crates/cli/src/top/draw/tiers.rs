//! The tiers of the chosen pool: who waits, how long, and who gets what.

use ratatui::text::Line;
use reeve_protocol::{PoolReport, TierReport};

use super::View;
use super::grid::{Cell, Column, Grid};
use crate::top::model::known;
use crate::top::text;

/// The tiers in the server's order.
pub fn lines(view: &View<'_>, pool: &PoolReport, width: usize, lines_max: usize) -> Vec<Line<'static>> {
    let mut grid = Grid::new(
        view.theme,
        vec![
            Column::text(format!("tier of {}", pool.pool)).clip(8),
            Column::figure("queued"),
            Column::figure("running"),
            Column::figure("oldest"),
            Column::figure("p50").spare(2),
            Column::figure("p99"),
            Column::figure("lag"),
            Column::figure("even").spare(3),
            Column::figure("share"),
            Column::text("").spare(1),
        ],
    );
    for tier in &pool.tiers {
        grid.row(row(view, tier));
    }
    grid.lines(width, lines_max, None)
}

fn row(view: &View<'_>, tier: &TierReport) -> Vec<Cell> {
    let theme = view.theme;
    let share = known(tier.share);
    let even = known(tier.jain_permille.map(|permille| f64::from(permille) / 1_000.0));
    let lag = known(tier.floor_lag);
    let behind = if lag.is_some_and(|lag| lag > 0.0) { theme.warn() } else { theme.plain() };
    let wait = |seconds: Option<f64>| Cell::text(text::span_or_none(seconds), theme.plain());
    vec![
        Cell::text(tier.tier.as_str(), theme.plain()),
        Cell::text(text::count(tier.depth), theme.plain()),
        Cell::text(text::count(tier.running), theme.plain()),
        wait(known(tier.oldest_wait_seconds)),
        wait(known(tier.p50_wait_seconds)),
        wait(known(tier.p99_wait_seconds)),
        Cell::text(text::span_or_none(lag), behind),
        Cell::text(even.map_or_else(|| text::NONE.to_owned(), text::percent), theme.plain()),
        Cell::text(share.map_or_else(|| text::NONE.to_owned(), text::percent), theme.plain()),
        Cell::Bar(share.unwrap_or(0.0), theme.accent()),
    ]
}
