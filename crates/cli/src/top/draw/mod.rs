//! Draws a model: every part is lines of text of a given width, and the layout puts them side by side or below each
//! other. Reads the model and changes nothing.

mod bars;
mod grid;
mod help;
mod jobs;
mod layout;
mod pools;
mod theme;
mod tiers;
mod waits;
mod workers;

#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use reeve_protocol::PoolReport;

pub use layout::{draw, page};
pub use theme::Theme;

use grid::clip;

use super::model::Model;
use super::ui::Ui;

/// All that a frame is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub model: &'a Model,
    pub ui: &'a Ui,
    pub theme: Theme,
    /// Where the server is.
    pub url: &'a str,
    /// Pause between two looks; `None` for a page, which is no live view.
    pub interval_ms: Option<u64>,
    /// Of this machine's monotonic clock.
    pub now_ms: u64,
}

impl View<'_> {
    /// The server's pools.
    fn pools(&self) -> &[PoolReport] {
        self.model.look().map_or(&[], |look| &look.queue.pools)
    }

    /// The pool that was chosen; pools may come and go below the choice.
    fn pool(&self) -> Option<&PoolReport> {
        self.pools().get(self.ui.pool).or_else(|| self.pools().last())
    }
}

/// Puts lines into a rectangle, which cuts what is below it.
fn put(lines: &[Line<'_>], area: Rect, buffer: &mut Buffer) {
    for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
        buffer.set_line(area.left(), y, line, area.width);
    }
}

/// Seconds from an instant to the look; never negative.
fn age_seconds(view: &View<'_>, at: reeve_protocol::At) -> f64 {
    let now = view.model.look().map_or(at, |look| look.at);
    now.millis().since(at.millis()).max(0) as f64 / 1_000.0
}
