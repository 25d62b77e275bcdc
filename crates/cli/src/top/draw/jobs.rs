//! The running jobs of the chosen pool, with their progress.

use ratatui::text::Line;
use reeve_protocol::{JobView, PoolReport};

use super::View;
use super::grid::{Cell, Column, Grid};
use super::{age_seconds, clip};
use crate::top::text;
use crate::top::ui::Sort;

/// From here on a job is named by all of its id.
const COLUMNS_FOR_IDS: usize = 110;
/// The end of an id that is shown elsewhere: its head is the time, which neighbours share.
const ID_TAIL: usize = 8;

/// The jobs, in the order that was chosen.
pub fn lines(view: &View<'_>, pool: &PoolReport, width: usize, lines_max: usize) -> Vec<Line<'static>> {
    let Some(look) = view.model.look() else { return Vec::new() };
    let mut jobs: Vec<&JobView> = look.running.iter().filter(|job| job.pool == pool.pool).collect();
    if jobs.is_empty() {
        let words = clip(&format!("nothing runs in {}", pool.pool), width);
        return vec![Line::styled(words, view.theme.faint())];
    }
    sort(&mut jobs, view.ui.sort);
    // The short ids leave no room for more; the parts above name the pool too.
    let whole = width >= COLUMNS_FOR_IDS;
    let head = if whole { format!("running in {}", pool.pool) } else { "running".to_owned() };
    let mut grid = Grid::new(
        view.theme,
        vec![
            Column::text(head),
            Column::text("workspace").clip(8),
            Column::text("action").clip(8).spare(2),
            Column::text("tier"),
            Column::text("try").spare(3),
            Column::text("progress"),
            Column::figure(""),
            Column::text("stage").clip(6).spare(4),
            Column::figure("for"),
        ],
    );
    for job in jobs {
        grid.row(row(view, job, width));
    }
    // How many of the unfetched ones are in this pool is not known.
    grid.lines(width, lines_max, look.running_more.then_some(0))
}

fn sort(jobs: &mut [&JobView], sort: Sort) {
    // Ties keep their places from one frame to the next.
    jobs.sort_by(|a, b| a.started_at.cmp(&b.started_at).then(a.id.cmp(&b.id)));
    match sort {
        Sort::Longest => {}
        Sort::Progress => jobs.sort_by(|a, b| b.progress.fraction.total_cmp(&a.progress.fraction)),
        Sort::Workspace => jobs.sort_by(|a, b| a.workspace.cmp(&b.workspace)),
        Sort::Tier => jobs.sort_by(|a, b| a.tier.cmp(&b.tier)),
    }
}

fn row(view: &View<'_>, job: &JobView, width: usize) -> Vec<Cell> {
    let theme = view.theme;
    let attempt = format!("{}/{}", job.attempt, job.max_attempts);
    let again = if job.attempt > 1 { theme.warn() } else { theme.faint() };
    let running = job.started_at.map(|at| age_seconds(view, at));
    vec![
        Cell::text(name(job, width), theme.plain()),
        Cell::text(job.workspace.as_str(), theme.plain()),
        Cell::text(job.action.as_str(), theme.plain()),
        Cell::text(job.tier.as_str(), theme.plain()),
        Cell::text(attempt, again),
        Cell::Bar(job.progress.fraction, theme.accent()),
        Cell::text(text::percent(job.progress.fraction), theme.plain()),
        Cell::text(job.progress.stage.as_deref().unwrap_or(""), theme.faint()),
        Cell::text(text::span_or_none(running), theme.plain()),
    ]
}

fn name(job: &JobView, width: usize) -> String {
    let id = job.id.to_string();
    if width >= COLUMNS_FOR_IDS {
        return id;
    }
    let tail: String = id.chars().skip(id.chars().count().saturating_sub(ID_TAIL)).collect();
    format!("…{tail}")
}
