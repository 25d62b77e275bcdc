//! The lines at the top and at the bottom: where, when, how it stands, and which keys there are.

use ratatui::text::{Line, Span};
use reeve_protocol::At;

use super::View;
use super::grid::{clip, width_of};
use crate::top::model::Link;
use crate::top::text;

/// Where and when, with the state of the view at the right.
pub fn head(view: &View<'_>, width: usize) -> Line<'static> {
    let (state, style) = state(view);
    let time = view.model.look().map_or_else(String::new, |look| clock(look.at));
    let right = format!("{time}  {state}");
    let name = "reeve top  ";
    let room = width.saturating_sub(width_of(name) + width_of(&right) + 2);
    let url = clip(view.url.trim_end_matches('/'), room);
    let gap = width.saturating_sub(width_of(name) + width_of(&url) + width_of(&right));
    Line::from(vec![
        Span::styled(name, view.theme.strong()),
        Span::raw(url),
        Span::raw(" ".repeat(gap)),
        Span::raw(format!("{time}  ")),
        Span::styled(state, style),
    ])
}

fn state(view: &View<'_>) -> (String, ratatui::style::Style) {
    match view.model.link() {
        Link::Down { since_ms, .. } => {
            let seconds = view.now_ms.saturating_sub(*since_ms) as f64 / 1_000.0;
            (format!("NO ANSWER for {}", text::span(seconds)), view.theme.bad())
        }
        _ if view.ui.paused => ("PAUSED".to_owned(), view.theme.warn()),
        Link::Opening => ("connecting".to_owned(), view.theme.warn()),
        Link::Up => {
            let every = |ms| format!("every {}", text::span(ms as f64 / 1_000.0));
            (view.interval_ms.map_or_else(String::new, every), view.theme.good())
        }
    }
}

/// The time of day of the look, which tells how old the figures are when the server is gone.
fn clock(at: At) -> String {
    let time: String = at.to_string().chars().skip(11).take(8).collect();
    format!("{time} UTC")
}

/// The sums over all pools; why there is no answer, when there is none.
pub fn sums(view: &View<'_>, width: usize) -> Line<'static> {
    if let Link::Down { reason, .. } = view.model.link() {
        let words = format!("trying again: {reason}");
        return Line::styled(clip(&words, width), view.theme.bad());
    }
    if view.model.look().is_none() {
        return Line::default();
    }
    let pools = view.pools();
    let tiers = || pools.iter().flat_map(|pool| &pool.tiers);
    let queued: u64 = tiers().map(|tier| tier.depth).sum();
    let running: u64 = tiers().map(|tier| tier.running).sum();
    let workers = view.model.look().map_or(0, |look| look.workers.len() as u64);
    let more = if view.model.look().is_some_and(|look| look.workers_more) { "+" } else { "" };
    let parts = [
        ("queued", text::count(queued)),
        ("running", text::count(running)),
        ("workers", format!("{}{more}", text::count(workers))),
        ("finished", finished(view)),
    ];
    let mut spans = Vec::new();
    for (name, figure) in parts {
        spans.push(Span::styled(format!("{name} "), view.theme.faint()));
        spans.push(Span::styled(figure, view.theme.strong()));
        spans.push(Span::raw("   "));
    }
    Line::from(spans)
}

fn finished(view: &View<'_>) -> String {
    let per_second = view.model.finished_per_second();
    per_second.map_or_else(|| format!("{}/s", text::NONE), |told| format!("{told:.1}/s"))
}

/// The keys.
pub fn foot(view: &View<'_>, width: usize) -> Line<'static> {
    let pause = if view.ui.paused { "go on" } else { "pause" };
    let sort = format!("sort: {}", view.ui.sort.as_str());
    let keys = [("q", "quit"), ("?", "help"), ("tab", "pool"), ("p", pause), ("s", sort.as_str())];
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    for (key, what) in keys {
        let wide = width_of(key) + width_of(what) + 4;
        if used + wide > width {
            break;
        }
        used += wide;
        spans.push(Span::styled(key, view.theme.strong()));
        spans.push(Span::styled(format!(" {what}   "), view.theme.faint()));
    }
    Line::from(spans)
}
