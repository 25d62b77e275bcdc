//! What the tables have of the workspaces that were written lately.
//!
//! Used by `hot` alone, and right because it is the only one that writes them: whom another connection wrote is
//! forgotten. It spares rows that would change nothing, and questions whose answer is known.

use reeve_types::WorkspaceId;
use rustc_hash::FxHashMap;

use crate::journal::ahead::Stand;
use crate::journal::encode::Rows;
use crate::journal::plan::{Group, Plan};
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
    pub(super) fn due_rows(&self, plan: &Plan<'_>) -> Rows {
        let mut rows = Rows::default();
        for group in &plan.groups {
            let wanted = DueTimes::of(group.row);
            if self.0.get(group.workspace).is_none_or(|(due, _)| *due != wanted) {
                row::workspace::write_due(&mut rows, group.workspace, wanted);
            }
        }
        rows
    }

    /// These are in the tables.
    pub(super) fn remember(&mut self, groups: &[Group<'_>]) {
        if self.0.len() >= COUNT_MAX {
            self.0.clear();
        }
        for group in groups {
            let stored = (DueTimes::of(group.row), (group.version, group.row.chain.seq));
            match self.0.get_mut(group.workspace) {
                Some(known) => *known = stored,
                None => drop(self.0.insert(group.workspace.clone(), stored)),
            }
        }
    }

    /// Another connection wrote these.
    pub(super) fn forget<'a>(&mut self, workspaces: impl Iterator<Item = &'a WorkspaceId>) {
        workspaces.for_each(|workspace| {
            self.0.remove(workspace);
        });
    }
}
