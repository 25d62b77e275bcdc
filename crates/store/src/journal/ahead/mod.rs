//! What is committed and not in the tables yet: under load a batch of SQLite is written ahead, as one row.
//!
//! A batch of many workspaces touches a page or two for each of them in every table and index. Written ahead it is one
//! text on pages side by side, and comes into the tables later, workspace by workspace: one that moved forty times
//! meanwhile moves once, and a job that was admitted, leased and closed is one row. What is ahead is as durable as
//! everything else. Whoever reads tables waits for the part that it asks for, but for what is found here instead, and a
//! server that died brings everything in when it starts ([`recover`]).
//!
//! Used by `hot`, which writes, and by `handle`, where readers wait. Guarantees of [`Ahead`]: a workspace comes into the
//! tables with all that is ahead of it or not at all, so that the tables always show it as some commit left it; the
//! oldest come first; what is ahead is bounded in number, bytes and age.
//!
//! | file | |
//! |---|---|
//! | `text` | the statements |
//! | `fit` | what may be ahead at all |
//! | `part` | what comes in next |
//! | `piece` | what is stored for a batch, of change sets as `encoded` writes them |
//! | `asked` | what the tables must confirm first |
//! | `seen` | what readers find here |
//! | `recover` | bringing in what a process left |

mod asked;
mod fit;
mod part;
mod piece;
pub(crate) mod recover;
mod seen;
pub(super) mod text;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use reeve_journal::key_hash;
use reeve_types::{JobId, WorkspaceId};
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::oneshot;

use super::work::{Entry, Work};

pub(super) use asked::{Asked, Stand};
pub(super) use fit::{fits, is_usual};
pub(in crate::journal) use part::{Behind, Part};
pub(super) use piece::body;
pub(super) use seen::JobAhead;

/// Change sets of one workspace: one that takes the whole load comes in before a transaction of it holds others up.
const COUNT_OF_ONE_MAX: usize = 256;

/// What somebody reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// What nothing is ever ahead of.
    Settled,
    Workspace(WorkspaceId),
    /// The answer of an idempotency key, by its hash.
    Answer(WorkspaceId, u64),
    All,
}

/// What is ahead of the tables, and who waits for it.
#[derive(Default)]
pub(crate) struct Ahead {
    pending: FxHashMap<WorkspaceId, Pending>,
    /// Workspaces from the one that is ahead longest.
    turns: BTreeMap<u64, WorkspaceId>,
    next_turn: u64,
    /// Jobs that something is ahead of.
    jobs: FxHashMap<JobId, AheadJob>,
    /// Idempotency keys whose answers are ahead.
    keys: FxHashSet<AheadKey>,
    /// Workspaces with as much ahead as one may have.
    full: Vec<WorkspaceId>,
    /// Rows of the table, by their numbers.
    rows: VecDeque<u64>,
    count: usize,
    bytes: usize,
    /// Jobs ahead that have a webhook of their own.
    webhooks: usize,
    waiting: Vec<Waiting>,
}

/// One workspace.
struct Pending {
    turn: u64,
    /// The row with its first change set.
    row: u64,
    since_ms: u64,
    /// After its last change set.
    version: u64,
    chain_seq: u64,
    works: Vec<Arc<Work>>,
}

struct AheadJob {
    workspace: WorkspaceId,
    live: bool,
}

/// A workspace and the hash of a key. Of two keys with one hash only one is ever ahead.
type AheadKey = (WorkspaceId, u64);

/// A reader.
struct Waiting {
    /// Everything up to this turn must be in.
    turn: u64,
    /// Only that of this workspace.
    of: Option<WorkspaceId>,
    reply: oneshot::Sender<()>,
}

impl Ahead {
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Somebody waits.
    pub(super) fn is_awaited(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Becomes ready once the tables have what `scope` reads; `None` when they have.
    pub(super) fn wait(&mut self, scope: &Scope) -> Option<oneshot::Receiver<()>> {
        let of = match scope {
            Scope::Settled => return None,
            Scope::Workspace(workspace) => Some(workspace.clone()),
            Scope::Answer(workspace, hash) => Some(self.keys.get(&(workspace.clone(), *hash))?.0.clone()),
            Scope::All => None,
        };
        let turn = match &of {
            Some(workspace) => self.pending.get(workspace)?.turn,
            None => *self.turns.last_key_value()?.0,
        };
        let (reply, ready) = oneshot::channel();
        self.waiting.push(Waiting { turn, of, reply });
        Some(ready)
    }

    /// The tables cannot be brought up to date: whoever waits hears so by the end of its channel.
    pub(super) fn disappoint(&mut self) {
        self.waiting.clear();
    }

    /// A part is in the tables.
    pub(super) fn done(&mut self, part: &Part) {
        for workspace in &part.workspaces {
            let Some(pending) = self.pending.remove(workspace) else { continue };
            self.turns.remove(&pending.turn);
            for work in &pending.works {
                self.count -= 1;
                self.bytes -= work.weight_bytes;
                let uploaded = work.uploads.iter().map(|(job, ..)| job);
                for job in work.jobs.iter().map(|(job, _)| job).chain(uploaded) {
                    self.jobs.remove(job);
                }
                if let Some(key) = key(work) {
                    self.keys.remove(&key);
                }
                self.webhooks -= webhooks(work);
            }
        }
        self.full.retain(|workspace| self.pending.contains_key(workspace));
        while self.rows.front().is_some_and(|row| *row < part.before) {
            self.rows.pop_front();
        }
        let first = self.turns.first_key_value().map(|(turn, _)| *turn);
        let (ready, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|waiting| match &waiting.of {
                Some(of) => self.pending.get(of).is_none_or(|pending| pending.turn > waiting.turn),
                None => first.is_none_or(|first| first > waiting.turn),
            });
        self.waiting = waiting;
        let ready: Vec<Waiting> = ready;
        for Waiting { reply, .. } in ready {
            // A reader that stopped waiting is no fault.
            let _ = reply.send(());
        }
    }

    /// A batch was written ahead, as the row of this number.
    pub(super) fn push(&mut self, entries: &[Entry], (now_ms, number): (u64, u64)) {
        self.rows.push_back(number);
        for entry in entries {
            let work = &entry.work;
            let workspace = &work.workspace;
            let turn = self.next_turn;
            let pending = self.pending.entry(workspace.clone()).or_insert_with(|| {
                self.next_turn += 1;
                self.turns.insert(turn, workspace.clone());
                Pending { turn, row: number, since_ms: now_ms, version: 0, chain_seq: 0, works: Vec::new() }
            });
            pending.version = work.version();
            pending.chain_seq = work.row.chain.seq;
            pending.works.push(work.clone());
            if pending.works.len() == COUNT_OF_ONE_MAX {
                self.full.push(workspace.clone());
            }
            self.count += 1;
            self.bytes += work.weight_bytes;
            self.webhooks += webhooks(work);
            self.keys.extend(key(work));
            for (job, state) in &work.jobs {
                let live = !state.status.is_final();
                match self.jobs.get_mut(job) {
                    Some(known) => known.live = live,
                    None => drop(self.jobs.insert(*job, AheadJob { workspace: workspace.clone(), live })),
                }
            }
            for (job, ..) in &work.uploads {
                // Only a job that lives takes one.
                let of_live = || AheadJob { workspace: workspace.clone(), live: true };
                self.jobs.entry(*job).or_insert_with(of_live);
            }
        }
    }
}

/// Jobs that a change set admits with a webhook of their own.
fn webhooks(work: &Work) -> usize {
    work.admitted.iter().filter(|intro| intro.webhook.is_some()).count()
}

/// The idempotency key whose answer a change set holds.
fn key(work: &Work) -> Option<AheadKey> {
    Some((work.workspace.clone(), key_hash(work.key.as_ref()?)))
}

#[cfg(test)]
mod tests;
