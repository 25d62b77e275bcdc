//! Closed workspaces: what still waits in them is cancelled, and those that were asked to be erased are.

use reeve_actors::Call;
use reeve_faults::{self as faults, Point};
use reeve_journal::{EndingRow, JobFilter, JobRecord, Page, Shed, Tidy};
use reeve_types::WorkspaceId;
use reeve_workspace::{Command, Phase};

use crate::figures::Removed;
use crate::{Upkeep, UpkeepError, slim};

/// Workspaces that one round looks at.
const WORKSPACES_AT_ONCE: u32 = 100;
/// Answers that one change forgets.
const ANSWERS_AT_ONCE: u32 = 1_000;

/// The last workspace that was looked at.
#[derive(Default)]
pub(crate) struct Place(Option<String>);

impl Upkeep {
    pub(crate) async fn end_workspaces(&mut self) -> Result<(), UpkeepError> {
        let page = Page { after: self.ends.0.take(), limit: WORKSPACES_AT_ONCE };
        let rows = self.engine.reader().ending(&page).await?;
        if rows.len() >= WORKSPACES_AT_ONCE as usize {
            self.ends.0 = rows.last().map(|row| row.workspace.to_string());
        }
        for EndingRow { workspace, phase, queued } in &rows {
            match phase {
                // The close was cut off before all of them were cancelled.
                Phase::Closed if *queued > 0 => {
                    drop(self.engine.cancel_waiting(workspace, Call::default()).await?);
                }
                Phase::Erasing => self.erase(workspace).await?,
                Phase::Open | Phase::Closed | Phase::Erased => {}
            }
        }
        Ok(())
    }

    /// Takes everything that the workspace says of people, step by step; the last step says that it is done, so that a
    /// kill before it makes the next start do all of it again.
    async fn erase(&self, workspace: &WorkspaceId) -> Result<(), UpkeepError> {
        tracing::info!(workspace.id = %workspace, "a workspace is being erased");
        self.erase_jobs(workspace).await?;
        self.artifacts.remove_assets(workspace).await?;
        while self.engine.reader().has_answers_of(workspace).await? {
            self.calm().await;
            let workspace = workspace.clone();
            self.engine.tidy(Tidy::AnswersOf { workspace, count_max: ANSWERS_AT_ONCE }).await?;
        }
        // After the rows of the jobs, which named addresses: nothing more is put aside for those from here on.
        if let Some(forget) = &self.others {
            forget(workspace.clone()).await.map_err(UpkeepError::Others)?;
        }
        self.engine.execute(workspace, Command::FinishErase, Call::default()).await?;
        self.figures.removed(Removed::Workspaces, 1);
        tracing::info!(workspace.id = %workspace, "a workspace is erased");
        Ok(())
    }

    async fn erase_jobs(&self, workspace: &WorkspaceId) -> Result<(), UpkeepError> {
        let filter = JobFilter { workspace: Some(workspace.clone()), ..JobFilter::default() };
        let mut page = Page { after: None, limit: self.settings.step_rows };
        loop {
            self.calm().await;
            let rows = self.engine.reader().jobs(&filter, &page).await?.rows;
            let Some(last) = rows.last() else { return Ok(()) };
            page.after = Some(last.intro.id.to_string());
            let whole = |record: &&JobRecord| !record.shed.covers(Shed::ALL);
            let jobs: Vec<_> =
                rows.iter().filter(whole).map(|record| slim::shed(record, Shed::ALL)).collect();
            if !jobs.is_empty() {
                self.engine.tidy(Tidy::Shed(jobs)).await?;
                faults::pass(Point::UpkeepRowsShed);
            }
            // Also those whose rows said so before: a kill may have come between the row and its files.
            for record in &rows {
                self.artifacts.remove_job(record.intro.id).await?;
            }
        }
    }
}
