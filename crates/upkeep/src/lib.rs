//! The upkeep of a store: what happens to jobs, answers, files and workspaces at the end of their lives.
//!
//! One task, started by the composition root, in small steps off the hot path: it waits while the journal has much to
//! do, and each step is bounded. Whatever it does can be done again, so it may be killed anywhere; it finds by itself
//! what was left.
//!
//! | part | does |
//! |---|---|
//! | `ends` | cancels what waits in closed workspaces; erases those that were asked to be erased |
//! | `ages` | takes content and outputs of old jobs; figures, prices and digests stay as a receipt |
//! | `answers` | forgets remembered answers after their time |
//! | `files` | removes files that no row names |
//!
//! The row says that bytes are gone before they go; a file that a live lease or a landed output names is never touched.

mod ages;
mod answers;
mod ends;
mod figures;
mod files;
mod slim;
mod task;

use std::pin::Pin;
use std::sync::Arc;

use reeve_actors::{Engine, Unavailable};
use reeve_artifacts::{ArtifactError, Artifacts};
use reeve_journal::StoreError;
use reeve_types::{Clock, WorkspaceId};

pub use figures::{Figures, PartView};
pub use task::Running;

use figures::Part;

/// Change sets that may wait in the journal while the upkeep goes on.
const DEPTH_MAX: usize = 64;
/// Pause between two looks whether the journal is calm again, in milliseconds.
const BUSY_PAUSE_MS: u64 = 100;

/// What is kept for how long; shipped values stand in `config/default.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Days after which a closed job loses parameters, metadata and texts; 0 = never.
    pub jobs_days: u32,
    /// Days after which it loses the bytes of its outputs; 0 = never.
    pub outputs_days: u32,
    /// Hours for which answers are remembered.
    pub answers_hours: u32,
    /// Minutes for which a file may be there without a row that names it; 0 = files are never swept.
    pub files_grace_minutes: u32,
    /// Rows and files that one step looks at.
    pub step_rows: u32,
    /// Pause between two rounds, in milliseconds.
    pub tick_ms: u64,
}

/// Makes others forget an erased workspace; says why that could not be done.
pub type Forget = Arc<dyn Fn(WorkspaceId) -> Forgotten + Send + Sync>;

/// What [`Forget`] answers.
pub type Forgotten = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Why a step could not be done now; the next round tries again.
#[derive(Debug, thiserror::Error)]
enum UpkeepError {
    #[error(transparent)]
    Engine(#[from] Unavailable),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Files(#[from] ArtifactError),
    #[error("an erased workspace is not forgotten everywhere: {0}")]
    Others(String),
}

/// The upkeep and how far it is. All of it is found again after a restart.
pub struct Upkeep {
    engine: Engine,
    artifacts: Artifacts,
    settings: Settings,
    /// Who else keeps something of workspaces.
    others: Option<Forget>,
    /// The machine's own clock, by which files are dated.
    wall: Arc<dyn Clock>,
    figures: Figures,
    ends: ends::Place,
    ages: ages::Place,
    answers: answers::Place,
    files: files::Place,
}

impl Upkeep {
    /// An upkeep that has seen nothing yet.
    pub fn new(engine: Engine, artifacts: Artifacts, settings: Settings, wall: Arc<dyn Clock>) -> Self {
        let figures = Figures::new(wall.clone());
        Self {
            engine,
            artifacts,
            settings,
            others: None,
            wall,
            figures,
            ends: ends::Place::default(),
            ages: ages::Place::default(),
            answers: answers::Place::default(),
            files: files::Place::default(),
        }
    }

    /// What it has done, for monitoring.
    pub fn figures(&self) -> Figures {
        self.figures.clone()
    }

    /// Makes others forget, too, what is erased.
    #[must_use]
    pub fn with_others(self, others: Forget) -> Self {
        Self { others: Some(others), ..self }
    }

    /// Works until the engine stops. Must be called within a tokio runtime.
    pub fn start(self) -> Running {
        task::spawn(self.run())
    }

    async fn run(mut self) {
        while !self.engine.stopping() {
            task::sleep_ms(self.settings.tick_ms).await;
            if self.is_calm() {
                self.round().await;
            }
        }
    }

    /// A bounded part of everything.
    async fn round(&mut self) {
        let ended = self.end_workspaces().await;
        self.told(Part::Workspaces, ended);
        let aged = self.age_jobs().await;
        self.told(Part::Jobs, aged);
        let forgotten = self.forget_answers().await;
        self.told(Part::Answers, forgotten);
        let swept = self.sweep_files().await;
        self.told(Part::Files, swept);
    }

    fn told(&self, part: Part, result: Result<(), UpkeepError>) {
        self.figures.round(part, result.is_ok());
        if let Err(error) = result {
            tracing::warn!(%error, part = part.as_str(), "the upkeep has to wait");
        }
    }

    /// Whether there is room beside live commands.
    fn is_calm(&self) -> bool {
        let health = self.engine.journal_health();
        self.engine.is_ready() && health.can_commit && health.depth <= DEPTH_MAX
    }

    /// Waits until there is room, or the engine stops.
    async fn calm(&self) {
        while !self.engine.stopping() && !self.is_calm() {
            task::sleep_ms(BUSY_PAUSE_MS).await;
        }
    }
}
