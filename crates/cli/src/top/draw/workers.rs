//! The workers of the chosen pool: what they were told, what they hold, when they were heard of.

use ratatui::text::Line;
use reeve_protocol::{PoolReport, SessionView, WorkerState, WorkerView};
use reeve_types::PoolName;

use super::View;
use super::grid::{Cell, Column, Grid};
use super::{age_seconds, clip};
use crate::top::text;

/// A worker that was silent for longer is marked: an idle one is heard of once in a long poll of up to a minute.
const SILENT_SECONDS: f64 = 90.0;

/// The workers, by name.
pub fn lines(view: &View<'_>, pool: &PoolReport, width: usize, lines_max: usize) -> Vec<Line<'static>> {
    let Some(look) = view.model.look() else { return Vec::new() };
    let serves = |session: &SessionView| session.pools.contains(&pool.pool);
    let workers: Vec<&WorkerView> =
        look.workers.iter().filter(|worker| worker.sessions.iter().any(serves)).collect();
    if workers.is_empty() {
        let words = clip(&format!("nobody works for {}", pool.pool), width);
        return vec![Line::styled(words, view.theme.warn())];
    }
    let mut grid = Grid::new(
        view.theme,
        vec![
            Column::text(format!("worker of {}", pool.pool)).clip(12),
            Column::text("state"),
            Column::text("pools").clip(8).spare(2),
            Column::figure("leases"),
            Column::figure("wants").spare(1),
            Column::figure("seen"),
            Column::text("").spare(3),
        ],
    );
    for worker in workers {
        grid.row(row(view, worker));
    }
    grid.lines(width, lines_max, look.workers_more.then_some(0))
}

fn row(view: &View<'_>, worker: &WorkerView) -> Vec<Cell> {
    let theme = view.theme;
    let sessions = &worker.sessions;
    let leases: usize = sessions.iter().map(|session| session.leases.len()).sum();
    let wanted: u64 = sessions.iter().map(|session| u64::from(session.wanted)).sum();
    let seen = sessions.iter().map(|session| session.last_seen_at).max().map(|at| age_seconds(view, at));
    let silent = seen.is_some_and(|seconds| seconds > SILENT_SECONDS);
    let calm = if worker.state == WorkerState::Active { theme.good() } else { theme.warn() };
    let twice = if sessions.len() > 1 { format!("{} processes", sessions.len()) } else { String::new() };
    vec![
        Cell::text(worker.worker.as_str(), theme.plain()),
        Cell::text(state(worker), calm),
        Cell::text(pools(sessions), theme.plain()),
        Cell::text(leases.to_string(), theme.plain()),
        Cell::text(wanted.to_string(), theme.plain()),
        Cell::text(text::span_or_none(seen), if silent { theme.warn() } else { theme.plain() }),
        Cell::text(twice, theme.warn()),
    ]
}

/// The word of the API, so that a state that is new there needs no change here.
fn state(worker: &WorkerView) -> String {
    let word = serde_json::to_value(worker.state).ok();
    word.and_then(|word| word.as_str().map(ToOwned::to_owned)).unwrap_or_else(|| text::NONE.to_owned())
}

fn pools(sessions: &[SessionView]) -> String {
    let mut pools: Vec<&PoolName> = sessions.iter().flat_map(|session| &session.pools).collect();
    pools.sort();
    pools.dedup();
    pools.into_iter().map(PoolName::as_str).collect::<Vec<_>>().join(", ")
}
