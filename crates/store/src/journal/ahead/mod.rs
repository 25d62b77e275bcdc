//! What is committed and not in the tables yet: under load a batch of SQLite is written ahead, as one row.
//!
//! A batch of many workspaces touches a page or two for each of them in every table and index. Written ahead it is one
//! text on pages side by side, and comes into the tables later, workspace by workspace: one that moved forty times
//! meanwhile moves once, and a job that was admitted, leased and closed is one row. What is ahead is as durable as
//! everything else. Whoever reads tables waits for the part that it asks for, and a server that died brings everything
//! in when it starts ([`recover`]).
//!
//! Used by `hot`, which writes, and by `handle`, where readers wait. Guarantees of [`Ahead`]: a workspace comes into the
//! tables with all that is ahead of it or not at all, so that the tables always show it as some commit left it; the
//! oldest come first; what is ahead is bounded in number, bytes and age.
//!
//! | file | |
//! |---|---|
//! | `text` | the statements |
//! | `fit` | what may be ahead at all |
//! | `piece` | a change set as it is stored |
//! | `asked` | what the tables must confirm first |
//! | `recover` | bringing in what a process left |

mod asked;
mod fit;
mod piece;
pub(crate) mod recover;
pub(super) mod text;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use reeve_types::{JobId, WorkspaceId};
use rustc_hash::FxHashMap;
use tokio::sync::oneshot;

use super::handle::{Entry, Work};

pub(super) use asked::{Asked, Stand};
pub(super) use fit::is_usual;
pub(super) use piece::{Piece, body};

/// Change sets ahead: after each batch beyond it, as many of the oldest come in.
const COUNT_MAX: usize = 6_144;
/// The same in bytes of change sets; their rows as text are about as much again.
const BYTES_MAX: usize = 24 << 20;
/// Change sets of one workspace: one that takes the whole load comes in before a transaction of it holds others up.
const COUNT_OF_ONE_MAX: usize = 256;
/// Longest that anything is ahead while others go on, in milliseconds.
const AGE_MS_MAX: u64 = 1_000;
/// Most change sets that come in with one transaction, but for those of a workspace that was asked for.
const PART_MAX: usize = 1_024;

/// What somebody reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// What nothing is ever ahead of.
    Settled,
    Workspace(WorkspaceId),
    Job(JobId),
    /// Which jobs have a webhook of their own.
    JobWebhooks,
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

/// A reader.
struct Waiting {
    /// Everything up to this turn must be in.
    turn: u64,
    /// Only that of this workspace.
    of: Option<WorkspaceId>,
    reply: oneshot::Sender<()>,
}

/// What shall come into the tables.
#[derive(Clone, Copy)]
pub(super) enum Behind<'w> {
    /// All that is ahead of these.
    Of(&'w [&'w WorkspaceId]),
    /// What readers wait for, and what is beyond a bound.
    Due,
    /// That, or else the oldest.
    Oldest,
}

/// Workspaces that come into the tables with one transaction.
#[derive(Default)]
pub(super) struct Part {
    workspaces: Vec<WorkspaceId>,
    pub(super) works: Vec<Arc<Work>>,
    /// Rows of the table that nobody needs after it: so many, all before this number.
    pub(super) rows: u64,
    pub(super) before: u64,
}

impl Ahead {
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// The part that is asked for; `None` when nothing of it is ahead.
    pub(super) fn behind(&self, what: Behind<'_>, now: (u64, u64)) -> Option<Part> {
        let part = match what {
            Behind::Of(workspaces) => {
                if !workspaces.iter().any(|workspace| self.pending.contains_key(*workspace)) {
                    return None;
                }
                self.part(workspaces.iter().copied(), now)
            }
            Behind::Due => self.part(std::iter::empty(), now),
            Behind::Oldest => {
                let due = self.part(std::iter::empty(), now);
                if due.works.is_empty() { self.oldest(now.1) } else { due }
            }
        };
        (!part.works.is_empty()).then_some(part)
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
            Scope::Job(job) => Some(self.jobs.get(job)?.workspace.clone()),
            Scope::JobWebhooks if self.webhooks == 0 => return None,
            Scope::JobWebhooks | Scope::All => None,
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

    /// What shall come in with the next transaction, which is the one of this number: all of these workspaces, what
    /// readers wait for, and what is beyond a bound.
    pub(super) fn part<'w>(
        &self,
        asked: impl Iterator<Item = &'w WorkspaceId>,
        (now_ms, number): (u64, u64),
    ) -> Part {
        let mut taken = Taken::default();
        asked.for_each(|workspace| taken.take(self, workspace));
        self.take_due(&mut taken, now_ms, (self.count, self.bytes));
        self.finish(taken, number)
    }

    /// What shall come in once these are ahead too: what is worked out while they are written. Good until something else
    /// is ahead or comes in.
    pub(super) fn coming(&self, entries: &[Entry], now_ms: u64) -> Option<Taken> {
        let bytes: usize = entries.iter().map(|entry| entry.work.weight_bytes).sum();
        let mut taken = Taken { waited: self.waiting.len(), ..Taken::default() };
        self.take_due(&mut taken, now_ms, (self.count + entries.len(), self.bytes + bytes));
        let is_taken = |entry: &&Entry| taken.workspaces.contains_key(&entry.change().workspace);
        let with: Vec<Arc<Work>> = entries.iter().filter(is_taken).map(|entry| entry.work.clone()).collect();
        taken.works.extend(with);
        (!taken.works.is_empty()).then_some(taken)
    }

    /// The part of what was worked out before; `None` if somebody began to wait since then.
    pub(super) fn come(&self, taken: Taken, number: u64) -> Option<Part> {
        (taken.waited == self.waiting.len()).then(|| self.finish(taken, number))
    }

    /// What readers wait for, and what is beyond a bound with so much ahead, in change sets and bytes.
    fn take_due(&self, taken: &mut Taken, now_ms: u64, (count, bytes): (usize, usize)) {
        let waited = self.waiting.iter().filter_map(|waiting| waiting.of.as_ref());
        waited.chain(&self.full).for_each(|workspace| taken.take(self, workspace));
        let upto =
            self.waiting.iter().filter(|waiting| waiting.of.is_none()).map(|waiting| waiting.turn).max();
        for (turn, workspace) in &self.turns {
            let is_old = |pending: &Pending| now_ms.saturating_sub(pending.since_ms) >= AGE_MS_MAX;
            let is_due = count - taken.works.len() > COUNT_MAX
                || bytes - taken.bytes > BYTES_MAX
                || upto.is_some_and(|upto| *turn <= upto)
                || self.pending.get(workspace).is_some_and(is_old);
            if !is_due || taken.works.len() >= PART_MAX {
                break;
            }
            taken.take(self, workspace);
        }
    }

    /// As [`Self::part`], for when there is time: the oldest, whatever the bounds say.
    fn oldest(&self, number: u64) -> Part {
        let mut taken = Taken::default();
        for workspace in self.turns.values() {
            if taken.works.len() >= PART_MAX / 2 {
                break;
            }
            taken.take(self, workspace);
        }
        self.finish(taken, number)
    }

    fn finish(&self, taken: Taken, number: u64) -> Part {
        let left = self.turns.values().find(|workspace| !taken.workspaces.contains_key(*workspace));
        let before = left.and_then(|workspace| self.pending.get(workspace)).map_or(number, |first| first.row);
        let rows = self.rows.iter().take_while(|row| **row < before).count() as u64;
        Part { workspaces: taken.workspaces.into_keys().collect(), works: taken.works, rows, before }
    }

    /// A part is in the tables.
    pub(super) fn done(&mut self, part: &Part) {
        for workspace in &part.workspaces {
            let Some(pending) = self.pending.remove(workspace) else { continue };
            self.turns.remove(&pending.turn);
            for work in &pending.works {
                self.count -= 1;
                self.bytes -= work.weight_bytes;
                for (job, _) in &work.change.records.jobs {
                    self.jobs.remove(job);
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
            let (workspace, records) = (&work.change.workspace, &work.change.records);
            let turn = self.next_turn;
            let pending = self.pending.entry(workspace.clone()).or_insert_with(|| {
                self.next_turn += 1;
                self.turns.insert(turn, workspace.clone());
                Pending { turn, row: number, since_ms: now_ms, version: 0, chain_seq: 0, works: Vec::new() }
            });
            pending.version = work.change.expected.saturating_add(1);
            pending.chain_seq = records.workspace.chain.seq;
            pending.works.push(work.clone());
            if pending.works.len() == COUNT_OF_ONE_MAX {
                self.full.push(workspace.clone());
            }
            self.count += 1;
            self.bytes += work.weight_bytes;
            self.webhooks += webhooks(work);
            for (job, state) in &records.jobs {
                let live = !state.status.is_final();
                match self.jobs.get_mut(job) {
                    Some(known) => known.live = live,
                    None => drop(self.jobs.insert(*job, AheadJob { workspace: workspace.clone(), live })),
                }
            }
        }
    }
}

/// A part under construction.
#[derive(Default)]
pub(super) struct Taken {
    workspaces: FxHashMap<WorkspaceId, ()>,
    pub(super) works: Vec<Arc<Work>>,
    bytes: usize,
    /// Readers that were thought of.
    waited: usize,
}

impl Taken {
    fn take(&mut self, ahead: &Ahead, workspace: &WorkspaceId) {
        let Some(pending) = ahead.pending.get(workspace) else { return };
        if self.workspaces.insert(workspace.clone(), ()).is_none() {
            self.works.extend(pending.works.iter().cloned());
            self.bytes += pending.works.iter().map(|work| work.weight_bytes).sum::<usize>();
        }
    }
}

/// Jobs that a change set admits with a webhook of their own.
fn webhooks(work: &Work) -> usize {
    work.change.records.admitted.iter().filter(|intro| intro.webhook.is_some()).count()
}

#[cfg(test)]
mod tests;
