//! What a person sees while it runs: bars on a terminal, plain lines elsewhere.
//!
//! Draws on stderr; the results go to stdout afterwards.

use std::collections::BTreeMap;
use std::path::Path;

use console::{Term, style};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use reeve_protocol::{JobStatus, JobView, OutputStatus, Problem};
use reeve_types::JobId;

use super::cast::Member;
use super::script::Scene;
use crate::output::clip;

/// Lines for running jobs: as many as the workers have slots.
const LANES: usize = 4;
/// Redraws a second.
const HERTZ: u8 = 12;
/// From here on there is room for the plans.
const COLUMNS_WIDE: usize = 90;
/// Columns where nobody says how many there are.
const COLUMNS: usize = 100;

/// Says where everything is.
pub fn headline(url: &str, folder: &Path) {
    eprintln!(
        "{}",
        style("Reeve: five platforms, five ways to count credits, one server").bold().for_stderr()
    );
    eprintln!("  server  {url}");
    eprintln!("  folder  {}\n", folder.display());
}

/// The lines on the screen.
pub struct View {
    screen: MultiProgress,
    /// Bars, or lines of text only.
    live: bool,
    columns: usize,
    rows: BTreeMap<&'static str, Row>,
    lanes: Vec<Lane>,
    jobs: BTreeMap<JobId, Shown>,
    /// Held, since a bar that nobody holds leaves the screen.
    _blank: [ProgressBar; 2],
}

/// A workspace's line.
struct Row {
    bar: ProgressBar,
    queued: u32,
    running: u32,
    over: u32,
}

/// A running job's line; nobody's when idle.
struct Lane {
    bar: ProgressBar,
    job: Option<JobId>,
}

struct Shown {
    workspace: &'static str,
    action: &'static str,
    about: String,
    running: bool,
}

impl View {
    /// Empty lines for these workspaces.
    pub fn new(cast: &[Member]) -> Self {
        let term = Term::stderr();
        let live = term.features().is_attended();
        let columns = term.size_checked().map_or(COLUMNS, |(_, columns)| usize::from(columns));
        let target = if live { ProgressDrawTarget::term(term, HERTZ) } else { ProgressDrawTarget::hidden() };
        let screen = MultiProgress::with_draw_target(target);
        let above = blank(&screen);
        let row = |member: &Member| {
            let bar = screen.add(ProgressBar::new(0));
            bar.set_style(
                plain("  {prefix} {wide_bar:.green/238} {pos:>2}/{len:<2} {msg:21}").progress_chars("━━─"),
            );
            bar.set_prefix(prefix(member, columns));
            (member.id, Row { bar, queued: 0, running: 0, over: 0 })
        };
        let rows = cast.iter().map(row).collect();
        let between = blank(&screen);
        let lane = |_| {
            let bar = screen.add(ProgressBar::new(1_000));
            bar.set_style(plain("  {prefix:.dim}"));
            bar.set_prefix("·");
            Lane { bar, job: None }
        };
        let lanes = (0..LANES).map(lane).collect();
        Self { screen, live, columns, rows, lanes, jobs: BTreeMap::new(), _blank: [above, between] }
    }

    /// A job was admitted.
    pub fn submitted(&mut self, scene: &Scene, job: &JobView) {
        let shown = Shown {
            workspace: scene.workspace,
            action: scene.action,
            about: scene.about().to_owned(),
            running: false,
        };
        self.jobs.insert(job.id, shown);
        if let Some(row) = self.rows.get_mut(scene.workspace) {
            row.bar.inc_length(1);
            row.queued += 1;
            row.tell();
        }
    }

    /// A job was refused.
    pub fn denied(&mut self, scene: &Scene, problem: &Problem) {
        let price = problem.required.map_or_else(String::new, |credits| format!("{credits} cr"));
        let what =
            line(scene, "denied", &price, &format!("{} ({})", problem.title.to_lowercase(), problem.status));
        self.say(style("⊘").yellow().for_stderr().to_string(), &what);
    }

    /// A job moved, but is not over.
    pub fn status(&mut self, id: JobId, status: JobStatus, attempt: u32) {
        match status {
            JobStatus::Running => self.start(id, attempt),
            JobStatus::Queued => self.wait(id),
            _ => {}
        }
    }

    /// A job came further.
    pub fn progress(&mut self, id: JobId, fraction: f64, stage: Option<&str>) {
        self.start(id, 1);
        let Some(shown) = self.jobs.get(&id) else { return };
        let Some(lane) = self.lanes.iter().find(|lane| lane.job == Some(id)) else { return };
        lane.bar.set_position((fraction * 1_000.0) as u64);
        lane.bar.set_message(match stage {
            Some(stage) => format!("{} · {stage}", shown.about),
            None => shown.about.clone(),
        });
    }

    /// A job is over.
    pub fn over(&mut self, scene: &Scene, job: &JobView) {
        let was_running = self.jobs.remove(&job.id).is_some_and(|shown| shown.running);
        self.free(job.id);
        if let Some(row) = self.rows.get_mut(scene.workspace) {
            let left = if was_running { &mut row.running } else { &mut row.queued };
            *left = left.saturating_sub(1);
            row.over += 1;
            row.tell();
        }
        let (sign, note) = verdict(job);
        let cost = format!("{} cr", job.credits.settled);
        self.say(sign, &line(scene, &note, &cost, scene.about()));
    }

    /// Takes the lines off the screen; what was said stays.
    pub fn close(&mut self) {
        drop(self.screen.clear());
    }

    fn start(&mut self, id: JobId, attempt: u32) {
        let Some(shown) = self.jobs.get_mut(&id).filter(|shown| !shown.running) else { return };
        shown.running = true;
        if let Some(row) = self.rows.get_mut(shown.workspace) {
            (row.queued, row.running) = (row.queued.saturating_sub(1), row.running + 1);
            row.tell();
        }
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.job.is_none()) else { return };
        lane.job = Some(id);
        let again = if attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
        lane.bar.set_style(
            plain("  {bar:16.cyan/238} {percent:>3} %  {prefix:32} {wide_msg:.dim}").progress_chars("━━─"),
        );
        lane.bar.set_prefix(format!("{} {}{again}", shown.workspace, shown.action));
        lane.bar.set_message(shown.about.clone());
        lane.bar.set_position(0);
    }

    /// Back in the queue, such as after its worker vanished.
    fn wait(&mut self, id: JobId) {
        let Some(shown) = self.jobs.get_mut(&id).filter(|shown| shown.running) else { return };
        shown.running = false;
        let (workspace, what) = (shown.workspace, format!("{} {}", shown.action, shown.about));
        if let Some(row) = self.rows.get_mut(workspace) {
            (row.queued, row.running) = (row.queued + 1, row.running.saturating_sub(1));
            row.tell();
        }
        self.free(id);
        self.say(
            style("↻").yellow().for_stderr().to_string(),
            &format!("{workspace:<11}its worker vanished, back in the queue: {what}"),
        );
    }

    fn free(&mut self, id: JobId) {
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.job == Some(id)) else { return };
        lane.job = None;
        lane.bar.set_style(plain("  {prefix:.dim}"));
        lane.bar.set_prefix("·");
    }

    /// A line that stays.
    fn say(&self, sign: String, what: &str) {
        let text = format!("  {sign} {}", clip(what, self.columns.saturating_sub(5)));
        if self.live {
            // An error means that the terminal is gone; then nobody reads on anyway.
            drop(self.screen.println(text));
        } else {
            eprintln!("{text}");
        }
    }
}

impl Row {
    fn tell(&self) {
        self.bar.set_position(u64::from(self.over));
        self.bar.set_message(match (self.running, self.queued) {
            (0, 0) => String::new(),
            (0, queued) => format!("{queued} queued"),
            (running, 0) => format!("{running} running"),
            (running, queued) => format!("{running} running, {queued} queued"),
        });
    }
}

/// Who it is; the plan only where there is room for it beside a bar.
fn prefix(member: &Member, columns: usize) -> String {
    if columns < COLUMNS_WIDE {
        return format!("{:<11}{:<8}", member.id, member.tier);
    }
    let plan = format!("{} {}", member.catalog, member.plan);
    format!("{:<11}{plan:<21}{:<8}", member.id, member.tier)
}

/// An empty line between the lines that move.
fn blank(screen: &MultiProgress) -> ProgressBar {
    let line = screen.add(ProgressBar::new(0));
    line.set_style(plain("{msg}"));
    // A line of nothing at all is not drawn.
    line.set_message(" ");
    line.tick();
    line
}

fn line(scene: &Scene, note: &str, cost: &str, about: &str) -> String {
    format!("{:<11}{:<18}{note:<16}{cost:>7}  {about}", scene.workspace, scene.action)
}

/// The sign and the words for how a job ended.
fn verdict(job: &JobView) -> (String, String) {
    let landed = job.outputs.iter().filter(|output| output.status == OutputStatus::Landed).count();
    let all = job.outputs.len();
    match job.status {
        JobStatus::Succeeded if landed == all => {
            let note = if all == 1 { "1 output".to_owned() } else { format!("{all} outputs") };
            (style("✓").green().for_stderr().to_string(), note)
        }
        JobStatus::Succeeded => {
            (style("✓").yellow().for_stderr().to_string(), format!("{landed} of {all} outputs"))
        }
        JobStatus::Failed if job.error.as_ref().is_some_and(|error| error.code == "content_filtered") => {
            (style("✗").red().for_stderr().to_string(), "filtered".to_owned())
        }
        JobStatus::Failed => (style("✗").red().for_stderr().to_string(), "failed".to_owned()),
        status => (style("⊘").yellow().for_stderr().to_string(), status.as_str().to_owned()),
    }
}

/// The template is ours; the library's own style is what is left if it were wrong.
fn plain(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
