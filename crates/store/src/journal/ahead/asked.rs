//! What must be true of the tables for a batch to be written ahead of them.
//!
//! Pure. A batch that the tables would refuse later must not be acknowledged now. Most of it is known in memory, of
//! workspaces and jobs that something is ahead of or that were written lately; the rest is asked in the transaction
//! itself, so that nothing comes between.

use reeve_journal::key_hash;
use reeve_types::{JobId, WorkspaceId};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Ahead, AheadKey};
use crate::journal::encode::Rows;
use crate::journal::work::Entry;

/// Where a workspace stands: its version and the end of its chain.
pub(crate) type Stand = (u64, u64);

/// What the tables must confirm.
#[derive(Default)]
pub(crate) struct Asked {
    /// Workspaces with their versions and ends of chains.
    pub(crate) stands: Rows,
    /// Jobs that must live.
    pub(crate) live: Rows,
    /// Jobs that must not be there.
    pub(crate) new: Rows,
    /// Idempotency keys that must not be taken.
    pub(crate) keys: Rows,
}

impl Ahead {
    /// What remains to be asked of the tables for these, whose versions follow each other in each workspace; `None` when
    /// one of them fits what is known badly.
    pub(in crate::journal) fn ask(
        &self,
        entries: &[Entry],
        known: impl Fn(&WorkspaceId) -> Option<Stand>,
    ) -> Option<Asked> {
        let mut asked = Asked::default();
        let mut stands: FxHashMap<&WorkspaceId, Stand> = FxHashMap::default();
        let mut jobs: FxHashMap<JobId, bool> = FxHashMap::default();
        let mut keys: FxHashSet<AheadKey> = FxHashSet::default();
        for entry in entries {
            let (work, workspace) = (&entry.work, entry.workspace());
            let chain = work.row.chain.seq;
            let wanted = (work.expected, chain.checked_sub(work.encoded.ledger().count)?);
            let ahead = || self.pending.get(workspace).map(|pending| (pending.version, pending.chain_seq));
            let stand = stands.get(workspace).copied();
            match stand.or_else(ahead).or_else(|| known(workspace)) {
                Some(stand) if stand == wanted => {}
                Some(_) => return None,
                None => asked.stands.row().id(workspace).int(wanted.0).int(wanted.1).done(3),
            }
            stands.insert(workspace, (work.expected.checked_add(1)?, chain));
            for (job, state) in &work.jobs {
                let is_new = work.encoded.admits(*job);
                let live = jobs.get(job).copied().or_else(|| self.jobs.get(job).map(|known| known.live));
                match (live, is_new) {
                    (Some(true), false) => {}
                    (Some(_), _) => return None,
                    (None, false) => asked.live.row().id(job).done(1),
                    (None, true) => asked.new.row().id(job).done(1),
                }
                jobs.insert(*job, !state.status.is_final());
            }
            if let Some(text) = &work.key {
                let key = (workspace.clone(), key_hash(text));
                if self.keys.contains(&key) || !keys.insert(key) {
                    return None;
                }
                asked.keys.row().id(workspace).text(text).done(2);
            }
        }
        Some(asked)
    }
}
