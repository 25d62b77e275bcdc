//! The clock as operators see it, and moving a manual one: answered when all that is due by then is folded.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use reeve_types::{Millis, WorkspaceId};
use reeve_workspace::{Command, Refusal};

use super::Engine;
use crate::call::{Call, Unavailable};
use crate::clock::{ClockSource, ClockView};
use crate::dispatcher::ClockMoved;

/// How far one call may move the clock, in milliseconds: a hundred years.
const ADVANCE_MS_MAX: i64 = 36_600 * 86_400_000;
/// Workspaces read at a time.
const BATCH: u32 = 1_024;
/// Workspaces folded at once.
const PARALLEL: usize = 64;
/// How often one is tried whose owner cannot answer.
const TRIES_MAX: usize = 3;

impl Engine {
    /// The clock that deadlines and credits live on.
    pub fn clock(&self) -> ClockView {
        ClockView { now: self.now(), manual: self.shared.clock.is_manual() }
    }

    /// Moves a manual clock to `to` and folds everything that is due by then, in every workspace where it acts
    /// outward; what is silent is folded at the next touch, with the same rows (X15). Answers the new instant.
    ///
    /// # Errors
    /// [`Unavailable`]: the clock may have moved, and not all is folded; repeat it.
    pub async fn advance_clock(&self, to: Millis) -> Result<Result<Millis, Refusal>, Unavailable> {
        let ClockSource::Manual(clock) = &self.shared.clock else {
            let detail = "this server runs on the system's clock; start it with a manual one".to_owned();
            return Ok(Err(Refusal::NotAllowed { detail }));
        };
        let _one_at_a_time = self.shared.advancing.lock().await;
        let now = self.now();
        if to.since(now) > ADVANCE_MS_MAX {
            return Ok(Err(Refusal::invalid("/now", "the clock moves a hundred years at a time at most")));
        }
        if !clock.advance_to(to) {
            let detail = format!("`{to}` lies behind the clock, which shows {now}; it only moves forward");
            return Ok(Err(Refusal::invalid("/now", detail)));
        }
        self.fold_all_due(to).await?;
        if let Some(dispatcher) = self.shared.dispatcher.get() {
            // Jobs whose start or back-off has come are offered before the caller hears of it.
            dispatcher.send(ClockMoved).await.map_err(|_| Unavailable::STOPPING)?;
        }
        Ok(Ok(to))
    }

    /// Wakes every workspace that is due, until none is.
    async fn fold_all_due(&self, now: Millis) -> Result<(), Unavailable> {
        // Being due again after a wake would be a bug of ours; such a workspace must not hide the others.
        let mut stuck: BTreeSet<WorkspaceId> = BTreeSet::new();
        let mut woken: BTreeSet<WorkspaceId> = BTreeSet::new();
        loop {
            let more = u32::try_from(stuck.len()).unwrap_or(u32::MAX);
            let due = self.shared.reader.due(now, BATCH.saturating_add(more)).await?;
            let mut fresh: Vec<WorkspaceId> = Vec::new();
            for workspace in due {
                if !woken.insert(workspace.clone()) {
                    stuck.insert(workspace);
                } else {
                    fresh.push(workspace);
                }
            }
            if fresh.is_empty() {
                if !stuck.is_empty() {
                    tracing::error!(count = stuck.len(), "workspaces are still due after they were woken");
                }
                return Ok(());
            }
            let wakes = fresh.into_iter().map(|workspace| self.wake(workspace));
            let results: Vec<Result<(), Unavailable>> =
                futures_util::stream::iter(wakes).buffer_unordered(PARALLEL).collect().await;
            results.into_iter().collect::<Result<Vec<()>, Unavailable>>()?;
        }
    }

    async fn wake(&self, workspace: WorkspaceId) -> Result<(), Unavailable> {
        let mut result = Ok(());
        for _ in 0..TRIES_MAX {
            result = self.execute(&workspace, Command::Wake, Call::default()).await.map(drop);
            if result.is_ok() {
                break;
            }
        }
        result
    }
}
