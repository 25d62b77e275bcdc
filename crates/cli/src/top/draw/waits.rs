//! Waits over time: one sparkline of the whole pool, or one for each tier where there is room.

use ratatui::text::{Line, Span};
use reeve_protocol::PoolReport;

use super::View;
use super::grid::{clip, width_of};
use crate::top::model::Waits;
use crate::top::text;

/// Columns of the figures at the right: `now 12m05  most 12m05`.
const FIGURES: usize = 24;
/// Highest sparkline, in lines: higher ones show no more.
const ROWS_MAX: usize = 4;

/// The oldest job's wait at each look, in at most so many lines.
pub fn lines(view: &View<'_>, pool: &PoolReport, width: usize, lines_max: usize) -> Vec<Line<'static>> {
    if lines_max < pool.tiers.len() + 1 || pool.tiers.is_empty() {
        let waits = view.model.waits_of_pool(&pool.pool);
        return one(
            view,
            &format!("oldest in {}", pool.pool),
            &waits,
            Shape { width, rows: lines_max.min(2) },
        );
    }
    let head = format!("wait of the oldest job in {}", pool.pool);
    let mut lines = vec![Line::styled(clip(&head, width), view.theme.strong())];
    let rows = ((lines_max - 1) / pool.tiers.len()).min(ROWS_MAX);
    let longest = pool.tiers.iter().map(|tier| width_of(tier.tier.as_str())).max().unwrap_or(0);
    for tier in &pool.tiers {
        let none = Waits::new();
        let waits = view.model.waits(&pool.pool, &tier.tier).unwrap_or(&none);
        let label = format!("{:longest$}", tier.tier.as_str());
        lines.extend(one(view, &label, waits, Shape { width, rows }));
    }
    lines
}

#[derive(Clone, Copy)]
struct Shape {
    width: usize,
    rows: usize,
}

fn one(view: &View<'_>, label: &str, waits: &Waits, shape: Shape) -> Vec<Line<'static>> {
    let room = shape.width.saturating_sub(width_of(label) + FIGURES + 2);
    let most = waits.iter().rev().take(room).copied().fold(0.0, f64::max);
    let now = waits.back().copied();
    let figures =
        format!("now {:<6}  most {:<6}", text::span_or_none(now), text::span_or_none(now.map(|_| most)));
    let rows = text::spark(waits.iter(), room, shape.rows);
    let last = rows.len().saturating_sub(1);
    let line = |(n, row): (usize, String)| {
        // Label and figures stand on the base line.
        let (label, figures) =
            if n == last { (label.to_owned(), figures.clone()) } else { Default::default() };
        let pad = width_of(label.as_str());
        let before = " ".repeat(width_of_label(shape, room).saturating_sub(pad));
        Line::from(vec![
            Span::styled(label, view.theme.strong()),
            Span::raw(before),
            Span::styled(row, view.theme.accent()),
            Span::raw("  "),
            Span::styled(figures, view.theme.faint()),
        ])
    };
    rows.into_iter().enumerate().map(line).collect()
}

/// Columns left of the sparkline.
const fn width_of_label(shape: Shape, room: usize) -> usize {
    shape.width.saturating_sub(room + FIGURES + 1)
}
