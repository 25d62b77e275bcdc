//! What a workspace is, in memory: its profile, its live lots, its live jobs.
//!
//! Only what can still change is here. A closed job and a spent lot leave memory with the change that
//! closes them; their rows stay in the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reeve_credits::hold::{Hold, Part};
use reeve_credits::lot::Lot;
use reeve_credits::price::Quote;
use reeve_jobs::{Job, Phase, Spec, Status};
use reeve_types::{Credits, JobId, LotId, MemberId, Millis, PurchaseId, WorkspaceId};
use rustc_hash::FxHashMap;

use crate::effect::QueueEntry;
use crate::ledger::Chain;
use crate::member::{Member, Tallies};
use crate::profile::Profile;
use crate::purchase::PurchaseRow;
use crate::record::{JobIntro, JobState, Records, WorkspaceRow};

/// A job that is not final, with the credits pinned for it.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveJob {
    /// Its life so far.
    pub job: Job,
    /// Price and terms as frozen at admission (X6).
    pub quote: Arc<Quote>,
    /// The credits that are pinned for it.
    pub hold: Hold,
}

impl LiveJob {
    /// A live job as its two rows tell it (S1); meaningless for a final one.
    pub fn from_rows(intro: &JobIntro, state: &JobState) -> Self {
        let spec = Spec {
            id: intro.id,
            action: intro.action.clone(),
            pool: intro.pool.clone(),
            member: intro.member.clone(),
            priority: intro.priority,
            sequence: intro.sequence,
            outputs: intro.outputs,
            work_ms: intro.work_ms,
            queue_deadline_at: intro.queue_deadline_at,
            run_timeout_ms: intro.run_timeout_ms,
            attempts_max: intro.attempts_max,
        };
        let phase = match (&state.lease, state.status) {
            (Some(lease), Status::Cancelling) => Phase::Cancelling(Box::new(lease.clone())),
            (Some(lease), _) => Phase::Running(Box::new(lease.clone())),
            (None, _) => Phase::Queued { not_before: state.not_before },
        };
        let job = Job {
            spec,
            attempt: state.attempt,
            attempts_lost: state.attempts_lost,
            lapses: state.lapses,
            started_at: state.started_at,
            phase,
        };
        Self { job, quote: intro.quote.clone(), hold: state.hold.clone() }
    }

    /// What the queue needs to know of it.
    pub fn queue_entry(&self) -> QueueEntry {
        let spec = &self.job.spec;
        let not_before = match self.job.phase {
            Phase::Queued { not_before } => not_before,
            _ => None,
        };
        QueueEntry {
            job: spec.id,
            pool: spec.pool.clone(),
            action: spec.action.clone(),
            work_ms: spec.work_ms,
            priority: spec.priority,
            sequence: spec.sequence,
            not_before,
            attempts_lost: self.job.attempts_lost,
        }
    }
}

/// A workspace. Built by its creation event or from the store; changed by `apply` alone.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Its id.
    pub id: WorkspaceId,
    /// Change sets applied so far.
    pub version: u64,
    /// What changes rarely.
    pub profile: Profile,
    /// Lots that are not spent, in order of id: the order of use is the catalog's affair.
    pub lots: Vec<Lot>,
    /// Spent lots that a payment bought: a refund looks at them, a won dispute revives them.
    pub paid_lots: BTreeMap<LotId, Lot>,
    /// What a clawback could not recover; later grants pay it first (X13).
    pub debt: Credits,
    /// All of its purchases.
    pub purchases: BTreeMap<PurchaseId, PurchaseRow>,
    /// Members with a limit.
    pub members: BTreeMap<MemberId, Member>,
    /// Small counts that change often.
    pub tallies: Tallies,
    /// Boxed: a table of whole jobs would keep their size free for each of its empty places.
    pub jobs: FxHashMap<JobId, Box<LiveJob>>,
    /// Jobs that take a running place.
    pub running: u32,
    /// Jobs admitted so far.
    pub admitted: u64,
    /// Lots made so far.
    pub lots_made: u64,
    /// The end of its ledger.
    pub chain: Chain,
    /// Time never runs backward for a workspace: `now = max(clock, this)`.
    pub last_event_at: Millis,
    /// When each live job must be looked at by itself.
    pub deadlines: BTreeSet<(Millis, JobId)>,
    /// The next notice or change that acts outward, apart from jobs; as of the last change.
    pub outward_at: Option<Millis>,
}

impl State {
    /// Credits that may be spent at `t`: usable lots less debt.
    pub fn available(&self, t: Millis) -> Credits {
        let usable = self.lots.iter().filter(|lot| lot.is_usable(t)).map(|lot| lot.terms.available);
        let sum = Credits::checked_sum(usable).unwrap_or(Credits::ZERO);
        sum.checked_sub(self.debt).unwrap_or(Credits::ZERO)
    }

    /// A lot that can still move, or a spent one that was paid for.
    pub fn lot(&self, id: LotId) -> Option<&Lot> {
        match self.lots.binary_search_by_key(&id, |lot| lot.id) {
            Ok(n) => self.lots.get(n),
            Err(_) => self.paid_lots.get(&id),
        }
    }

    /// Adds a lot at its place in the order of ids.
    pub(crate) fn put_lot(&mut self, lot: Lot) {
        let place = self.lots.binary_search_by_key(&lot.id, |other| other.id).unwrap_or_else(|place| place);
        self.lots.insert(place, lot);
    }

    /// Forgets spent lots; those that were paid for are kept aside, because a refund looks at them.
    pub(crate) fn retire_spent(&mut self) {
        if self.lots.iter().all(|lot| !lot.is_spent()) {
            return;
        }
        let (live, spent) = std::mem::take(&mut self.lots).into_iter().partition(|lot: &Lot| !lot.is_spent());
        self.lots = live;
        let paid = spent.into_iter().filter(|lot| lot.payment.is_some());
        self.paid_lots.extend(paid.map(|lot| (lot.id, lot)));
    }

    /// All open holds, also on lots that expired since.
    pub fn held(&self) -> Credits {
        Credits::checked_sum(self.lots.iter().map(|lot| lot.terms.held)).unwrap_or(Credits::ZERO)
    }

    /// Jobs that wait.
    pub fn queued(&self) -> u64 {
        (self.jobs.len() as u64).saturating_sub(u64::from(self.running))
    }

    /// When the calendar task must wake this workspace although nobody asks.
    pub fn next_due_at(&self) -> Option<Millis> {
        let job = self.deadlines.first().map(|(at, _)| *at);
        job.into_iter().chain(self.outward_at).min()
    }

    /// `now` for a command: the clock, but never before what already happened here.
    pub fn now(&self, clock: Millis) -> Millis {
        clock.max(self.last_event_at)
    }

    /// A workspace as loaded, with all that is derived computed anew.
    pub fn rebuilt(self) -> Self {
        let mut state = self;
        state.running = 0;
        state.deadlines.clear();
        for (id, live) in &state.jobs {
            state.running += u32::from(live.job.is_running());
            if let Some(at) = live.job.due_at() {
                state.deadlines.insert((at, *id));
            }
        }
        state.lots.sort_by_key(|lot| lot.id);
        state.retire_spent();
        state
    }

    /// A change that writes nothing but what the caller adds to it, such as a remembered refusal.
    pub fn bare_records(&mut self) -> Records {
        self.version += 1;
        Records {
            workspace: WorkspaceRow::of(self, (false, false)),
            lots: Vec::new(),
            admitted: Vec::new(),
            jobs: Vec::new(),
            uploads: Vec::new(),
            purchases: Vec::new(),
            members: Vec::new(),
            ledger: Vec::new(),
            outbox: Vec::new(),
            claims: Vec::new(),
            unclaims: Vec::new(),
            answer: None,
        }
    }

    /// About what it takes in memory beside its own size, in bytes; asking costs nothing, however many jobs it has.
    pub fn weight(&self) -> usize {
        /// A profile's texts and the roots of its maps.
        const TEXTS_BYTES: usize = 512;
        /// What a map's entry costs beside key and value.
        const NODE_BYTES: usize = 48;
        /// A hold of one part, a deadline, and what the allocator adds to each.
        const JOB_BYTES: usize = size_of::<LiveJob>() + size_of::<Part>() + size_of::<(Millis, JobId)>() + 80;
        let paid = self.paid_lots.len() * (size_of::<Lot>() + NODE_BYTES);
        let purchases = self.purchases.len() * (size_of::<PurchaseRow>() + NODE_BYTES);
        let members = self.members.len() * (size_of::<Member>() + NODE_BYTES);
        let table = self.jobs.capacity() * (size_of::<(JobId, Box<LiveJob>)>() + 1) * 8 / 7;
        let jobs = table + self.jobs.len() * JOB_BYTES;
        TEXTS_BYTES + self.lots.capacity() * size_of::<Lot>() + paid + purchases + members + jobs
    }

    /// A table of jobs keeps the places of a backlog that is gone; called when a job left it.
    pub(crate) fn shrink_jobs(&mut self) {
        /// Fewer places are not worth a move.
        const PLACES_KEPT: usize = 32;
        let len = self.jobs.len();
        if self.jobs.capacity() > PLACES_KEPT && len < self.jobs.capacity() / 4 {
            self.jobs.shrink_to(2 * len);
        }
    }

    /// Queued jobs that could be offered to workers, each with the instant before which it is not.
    pub fn queued_jobs(&self) -> impl Iterator<Item = (&LiveJob, Option<Millis>)> {
        self.jobs.values().map(|live| &**live).filter_map(|live| match live.job.phase {
            Phase::Queued { not_before } => Some((live, not_before)),
            _ => None,
        })
    }
}
