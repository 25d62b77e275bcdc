//! Files that no row names: uploads of lost attempts, what broke off half written, what a kill left behind.
//!
//! A file is looked at only once it is older than the grace, so that the row which is to name it has long been written
//! if it ever is; and it goes only when the row says that no lease and no output can refer to it any more.

use reeve_artifacts::{AssetKey, FileKind, FoundFile, OutputKey, Walk};
use reeve_jobs::{OutputState, Place as Where};
use reeve_journal::JobRecord;
use reeve_types::JobId;

use crate::figures::Removed;
use crate::{Upkeep, UpkeepError};

const MINUTE_MS: i64 = 60_000;
/// Rounds between two passes over many files.
const REST_ROUNDS: u32 = 600;
/// The same between two passes that one step was enough for.
const SHORT_REST_ROUNDS: u32 = 10;

/// How far a pass is.
#[derive(Default)]
pub(crate) struct Place {
    walk: Option<Walk>,
    steps: u32,
    rest: u32,
}

impl Upkeep {
    pub(crate) async fn sweep_files(&mut self) -> Result<(), UpkeepError> {
        if self.settings.files_grace_minutes == 0 {
            return Ok(());
        }
        if self.files.rest > 0 {
            self.files.rest -= 1;
            return Ok(());
        }
        let mut walk = self.files.walk.take().unwrap_or_else(|| self.artifacts.walk());
        let found = walk.next(self.settings.step_rows as usize).await?;
        if found.is_empty() {
            let rest = if self.files.steps > 1 { REST_ROUNDS } else { SHORT_REST_ROUNDS };
            self.files = Place { walk: None, steps: 0, rest };
            return Ok(());
        }
        self.files.steps += 1;
        self.sweep(&found).await?;
        self.files.walk = Some(walk);
        Ok(())
    }

    async fn sweep(&self, found: &[FoundFile]) -> Result<(), UpkeepError> {
        let grace_ms = i64::from(self.settings.files_grace_minutes) * MINUTE_MS;
        let old = self.wall.now().plus_ms(-grace_ms);
        // Files of one job come together: its row is read once.
        let mut last: Option<(JobId, Option<JobRecord>)> = None;
        for file in found.iter().filter(|file| file.modified_at <= old) {
            let is_named = match &file.kind {
                FileKind::Output(key) => {
                    let job = key.slot.lease.job;
                    if last.as_ref().is_none_or(|(known, _)| *known != job) {
                        last = Some((job, self.engine.reader().job(job).await?));
                    }
                    let record = last.as_ref().and_then(|(_, record)| record.as_ref());
                    record.is_some_and(|record| is_named(record, key))
                }
                FileKind::Asset(key, sha256) => self.is_noted(key, sha256).await?,
                FileKind::AssetNote(_) | FileKind::Foreign => true,
                FileKind::UnderWay => false,
            };
            if !is_named {
                tracing::info!(file = %file.path, "a file that no row names is removed");
                self.artifacts.remove_found(file).await?;
                self.figures.removed(Removed::Files, 1);
            }
        }
        Ok(())
    }

    /// Bytes of an asset are named by the note beside them, which is written last.
    async fn is_noted(&self, key: &AssetKey, sha256: &[u8; 32]) -> Result<bool, UpkeepError> {
        Ok(self.artifacts.asset(key).await?.is_some_and(|meta| meta.sha256 == *sha256))
    }
}

/// Whether a lease may still complete with these bytes, or an output has landed as them.
fn is_named(record: &JobRecord, key: &OutputKey) -> bool {
    let (attempt, state) = (key.slot.lease.attempt, &record.state);
    if !state.status.is_final() {
        // The live attempt, and any that began after the row was read; earlier ones never come back (J1).
        let first = if state.lease.is_some() { state.attempt } else { state.attempt.saturating_add(1) };
        return attempt >= first;
    }
    let landed = |place: &Where| match place {
        Where::Uploaded(upload) => upload.index == key.slot.index && upload.sha256.0 == key.sha256,
        Where::Elsewhere { .. } => false,
    };
    let is_output = state.outputs.iter().any(|settled| match &settled.output.state {
        OutputState::Landed { place, .. } => landed(place),
        OutputState::Filtered { .. } | OutputState::Failed { .. } => false,
    });
    !record.shed.outputs && state.closed_by == Some(attempt) && is_output
}
