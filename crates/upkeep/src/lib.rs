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
mod files;
mod slim;
mod task;

use std::sync::Arc;

use reeve_actors::{Engine, Unavailable};
use reeve_artifacts::{ArtifactError, Artifacts};
use reeve_journal::StoreError;
use reeve_types::Clock;

pub use task::Running;

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

/// Why a step could not be done now; the next round tries again.
#[derive(Debug, thiserror::Error)]
enum UpkeepError {
    #[error(transparent)]
    Engine(#[from] Unavailable),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Files(#[from] ArtifactError),
}

/// The upkeep and how far it is. All of it is found again after a restart.
pub struct Upkeep {
    engine: Engine,
    artifacts: Artifacts,
    settings: Settings,
    /// The machine's own clock, by which files are dated.
    wall: Arc<dyn Clock>,
    ends: ends::Place,
    ages: ages::Place,
    answers: answers::Place,
    files: files::Place,
}

impl Upkeep {
    /// An upkeep that has seen nothing yet.
    pub fn new(engine: Engine, artifacts: Artifacts, settings: Settings, wall: Arc<dyn Clock>) -> Self {
        Self {
            engine,
            artifacts,
            settings,
            wall,
            ends: ends::Place::default(),
            ages: ages::Place::default(),
            answers: answers::Place::default(),
            files: files::Place::default(),
        }
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
        told("closed workspaces", self.end_workspaces().await);
        told("old jobs", self.age_jobs().await);
        told("old answers", self.forget_answers().await);
        told("files", self.sweep_files().await);
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

fn told(what: &str, result: Result<(), UpkeepError>) {
    if let Err(error) = result {
        tracing::warn!(%error, what, "the upkeep has to wait");
    }
}
