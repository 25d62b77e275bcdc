//! What the tables have of the workspaces that were written lately.
//!
//! Used by `hot` alone, and right because it is the only one that writes them: whom another connection wrote is
//! forgotten. It spares rows that would change nothing, and questions whose answer is known.

use reeve_types::WorkspaceId;
use rustc_hash::FxHashMap;

use crate::journal::ahead::Stand;
use crate::journal::encode::Rows;
use crate::journal::plan::{Moved, Plan};
use crate::row;
use crate::row::workspace::DueTimes;

/// Workspaces that are remembered; beyond it all are forgotten, and asked for or written once more each.
const COUNT_MAX: usize = 32_768;

/// By workspace: its due times, and where it stands.
#[derive(Default)]
pub(super) struct Known(FxHashMap<WorkspaceId, (DueTimes, Stand)>);

impl Known {
    /// Where the tables have it.
    pub(super) fn stand(&self, workspace: &WorkspaceId) -> Option<Stand> {
        self.0.get(workspace).map(|(_, stand)| *stand)
    }

    /// Due times that are not known to be stored: writing the others would touch the index for nothing.
    pub(super) fn due_rows(&self, plan: &Plan) -> Rows {
        let mut rows = Rows::default();
        for Moved { workspace, due, .. } in &plan.moved {
            if self.0.get(workspace).is_none_or(|(stored, _)| stored != due) {
                row::workspace::write_due(&mut rows, workspace, *due);
            }
        }
        rows
    }

    /// These are in the tables.
    pub(super) fn remember(&mut self, moved: Vec<Moved>) {
        if self.0.len() >= COUNT_MAX {
            self.0.clear();
        }
        self.0.extend(moved.into_iter().map(|Moved { workspace, stand, due }| (workspace, (due, stand))));
    }

    /// Another connection wrote these.
    pub(super) fn forget<'a>(&mut self, workspaces: impl Iterator<Item = &'a WorkspaceId>) {
        workspaces.for_each(|workspace| {
            self.0.remove(workspace);
        });
    }
}
