//! What the keys do and what the figures mean.

use ratatui::text::Line;

use super::View;
use super::grid::clip;

const TEXT: [&str; 18] = [
    "Keys",
    "  q, Esc, Ctrl-C      quit",
    "  Tab, arrows         choose a pool",
    "  s                   sort the running jobs",
    "  p, Space            stop asking, and go on",
    "  ?                   this page",
    "",
    "Figures",
    "  busy                leases out of those that workers hold or wait for",
    "  oldest              how long the tier's oldest job has waited by now",
    "  p50, p99            waits of jobs that started lately",
    "  lag                 service that a tier is behind its floor; 0 is as promised",
    "  share               part of the pool's service since the server started",
    "  even                Jain's index of service per workspace in the last minute",
    "  finished            jobs per second that workers ended, over ten seconds",
    "  wants               leases that a worker waits for",
    "  seen                since a worker was last heard of",
    "  –                   not known",
];

/// The page.
pub fn lines(view: &View<'_>, width: usize) -> Vec<Line<'static>> {
    let style = |text: &str| {
        if text.starts_with(' ') { view.theme.plain() } else { view.theme.strong() }
    };
    TEXT.iter().map(|text| Line::styled(clip(text, width), style(text))).collect()
}
