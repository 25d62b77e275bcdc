//! Decide, apply, submit; answer and tell once durable.
//!
//! Guarantees: no reply and no effect before the commit; on an aborted or unknown outcome the actor
//! ends, everyone who waits gets a retryable answer, and the registry builds a new one from the store.

use std::collections::VecDeque;
use std::sync::Arc;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use reeve_faults::{self as faults, Point};
use reeve_journal::{ChangeSet, CommitOutcome, Loaded, StoredAnswer, Urgency};
use reeve_types::{Millis, WorkspaceId};
use reeve_workspace::{Claim, Command, Effect, Executed, Refusal, State, execute, may_claim};

use super::keys::{Keys, Known};
use super::message::{Ask, Done, Execute, Inspect, ReplyTo, Resync, Retire, Work};
use super::pending::{Drain, Pending, Then};
use crate::call::{Answer, Unavailable, WorkspaceView};
use crate::dispatcher::hints;
use crate::footprint::Footprint;
use crate::shared::{Counters, Shared};
use crate::trail::{self, Trail};

/// Commands that may wait behind a barrier before new work is refused.
const WAITING_MAX: usize = 4_096;
/// A command whose claims are taken is decided again; each round settles at least one claim.
const CLAIM_ROUNDS_MAX: usize = 32;

/// An actor without its state: its task, its mailbox, its place in the registry, and what the allocator adds. In bytes.
const ACTOR_BYTES: usize = size_of::<WorkspaceActor>() + 1_024;

/// A change that is applied only when it is durable, because a claim decides whether it happens.
struct Barrier {
    slot: Option<State>,
    executed_effects: Vec<Effect>,
    done: Done,
    work: Work,
    taken: Vec<(Claim, WorkspaceId)>,
    /// False when it was not decided on a copy: then it cannot be decided again.
    repeatable: bool,
}

pub(crate) struct WorkspaceActor {
    id: WorkspaceId,
    /// Counts builds; hints of older ones are dropped.
    epoch: u64,
    /// The one before it died: what it told the dispatcher may be wrong or missing.
    rebuilt: bool,
    shared: Arc<Shared>,
    slot: Option<State>,
    keys: Keys,
    pub(super) pending: VecDeque<Pending>,
    pub(super) draining: bool,
    /// Boxed: few have one, and its copy of a state would double the size of every actor.
    barrier: Option<Box<Barrier>>,
    waiting: VecDeque<Work>,
    doomed: bool,
    /// Set when it ends by agreement with the registry.
    retired: bool,
    /// What it takes, for the registry.
    footprint: Arc<Footprint>,
}

impl WorkspaceActor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        id: WorkspaceId,
        (epoch, rebuilt, footprint): (u64, bool, Arc<Footprint>),
        loaded: Option<Loaded>,
    ) -> Self {
        let (slot, keys) = match loaded {
            Some(loaded) => (Some(loaded.state), Keys::new(loaded.key_hashes, loaded.keys_complete)),
            None => (None, Keys::new(Vec::new(), true)),
        };
        let actor = Self {
            id,
            epoch,
            rebuilt,
            shared,
            slot,
            keys,
            pending: VecDeque::new(),
            draining: false,
            barrier: None,
            waiting: VecDeque::new(),
            doomed: false,
            retired: false,
            footprint,
        };
        actor.weigh();
        actor
    }

    /// Tells the registry what it takes in memory.
    pub(super) fn weigh(&self) {
        let state = self.slot.as_ref().map_or(0, State::weight);
        self.footprint.set(ACTOR_BYTES + state + self.keys.weight());
    }

    /// Everything decided is durable: gives back what only commands under way need.
    pub(super) fn rest(&mut self) {
        self.keys.rest();
        // An empty list keeps its places, and they would be a fifth of a resting actor.
        self.pending = VecDeque::new();
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
    }

    fn accept(&mut self, mut work: Work, ctx: &mut Context<Self>) {
        if self.doomed {
            // Not looked at: dropping the message sends it back, for the next actor.
            return drop(Execute(Some(work)));
        }
        if self.barrier.is_some() {
            if self.waiting.len() >= WAITING_MAX && is_new_work(&work.command) {
                return work.reply.send(Ask::Unavailable(Unavailable::OVERLOADED));
            }
            return self.waiting.push_back(work);
        }
        work.trail.begin(&self.id, &work.command);
        let Some(idempotency) = work.call.idempotency.clone() else {
            return self.decide(work, &[], ctx);
        };
        match self.keys.look_up(&idempotency.key) {
            Known::New => self.decide(work, &[], ctx),
            Known::Recent { fingerprint, answer } => {
                self.repeat(work.reply, fingerprint == idempotency.fingerprint, answer, ctx);
            }
            Known::Perhaps => self.look_up_key(work, ctx),
        }
    }

    /// Answers a repeated request, after everything before it is durable.
    fn repeat(&mut self, reply: ReplyTo, same: bool, answer: Answer, ctx: &mut Context<Self>) {
        let done = if same { Ok(Done { answer, reply: None }) } else { Err(Unavailable::KeyReused) };
        let trail = Trail::default();
        self.push(None, Then::Answer { effects: Vec::new(), done, reply, trail }, ctx);
    }

    /// Asks the store for an old key. Other commands go on meanwhile; the key is checked again after.
    fn look_up_key(&mut self, work: Work, ctx: &mut Context<Self>) {
        let reader = self.shared.reader.clone();
        let (workspace, idempotency) = (self.id.clone(), work.call.idempotency.clone());
        let read = async move {
            let key = idempotency.as_ref().map_or("", |idempotency| &*idempotency.key);
            reader.answer(&workspace, key).await
        };
        let then = read.into_actor(self).map(move |stored, actor, ctx| actor.key_read(work, stored, ctx));
        ctx.spawn(then);
    }

    fn key_read(
        &mut self,
        work: Work,
        stored: Result<Option<StoredAnswer>, reeve_journal::StoreError>,
        ctx: &mut Context<Self>,
    ) {
        let Some(idempotency) = work.call.idempotency.clone() else { return };
        if let Known::Recent { fingerprint, answer } = self.keys.look_up(&idempotency.key) {
            return self.repeat(work.reply, fingerprint == idempotency.fingerprint, answer, ctx);
        }
        match stored {
            Err(failure) => work.reply.send(Ask::Unavailable(failure.into())),
            Ok(None) if self.barrier.is_some() => self.waiting.push_back(work),
            Ok(None) if self.doomed => work.reply.send(Ask::Unavailable(Unavailable::NOT_COMMITTED)),
            Ok(None) => self.decide(work, &[], ctx),
            Ok(Some(stored)) => match serde_json::from_str(&stored.body) {
                Ok(answer) => {
                    self.repeat(work.reply, stored.fingerprint == idempotency.fingerprint, answer, ctx)
                }
                Err(error) => {
                    tracing::error!(workspace.id = %self.id, %error, "a remembered answer cannot be read");
                    work.reply.send(Ask::Unavailable(Unavailable::NOT_COMMITTED));
                }
            },
        }
    }

    fn decide(&mut self, mut work: Work, taken: &[(Claim, WorkspaceId)], ctx: &mut Context<Self>) {
        // Also what the journal does with it.
        let _entered = work.trail.origin().enter();
        trail::tell(&self.id, &work.command);
        let Ok(room) = self.shared.journal.reserve(urgency(&work.command)) else {
            return work.reply.send(Ask::Unavailable(Unavailable::OVERLOADED));
        };
        let shared = self.shared.clone();
        // One snapshot for the whole decision, whatever is published meanwhile.
        let (shelf, rules) = (shared.shelf(), shared.rules());
        let clock = shared.clock.now();
        let now = self.slot.as_ref().map_or(clock, |state| state.now(clock));
        let world = shared.world((&shelf, &rules), now, taken);
        // What may need a claim is decided on a copy: nothing shows before the claim is known to be ours.
        let on_copy = may_claim(self.slot.as_ref(), &work.command, &world);
        let mut copy = on_copy.then(|| self.slot.clone());
        let version_before = self.slot.as_ref().map_or(0, |state| state.version);
        let slot = copy.as_mut().unwrap_or(&mut self.slot);
        let executed = match execute(&self.id, slot, (&work.command, &work.call.meta), &world) {
            Ok(executed) => executed,
            Err(bug) => {
                tracing::error!(workspace.id = %self.id, bug, "a decision could not be applied; rebuilding");
                self.doom(ctx);
                return work.reply.send(Ask::Unavailable(Unavailable::NOT_COMMITTED));
            }
        };
        let view = || slot.as_ref().map(|state| view(&shared, state, now));
        let answer = Answer::of(&executed.reply, view);
        let Executed { reply, records, effects, claims, .. } = executed;
        let kept = |refusal: &Refusal| refusal.is_lasting() && work.command.keeps_refusals();
        let lasting = reply.as_ref().map_or_else(kept, |_| true);
        let remembered = work.call.idempotency.clone().filter(|_| lasting && slot.is_some());
        let records = records
            .or_else(|| remembered.as_ref().and(slot.as_mut()).map(|state| Box::new(state.bare_records())));
        work.trail.decided(if reply.is_ok() { "done" } else { "refused" });
        let done = Done { answer, reply: Some(reply_or_none(reply)) };
        let Some(mut records) = records else {
            let Work { reply, trail, .. } = work;
            return self.push(None, Then::Answer { effects, done: Ok(done), reply, trail }, ctx);
        };
        if let Some(idempotency) = remembered {
            match serde_json::to_string(&done.answer) {
                Ok(body) => {
                    let at = records.workspace.last_event_at;
                    records.answer = Some(reeve_workspace::Answer {
                        key: idempotency.key.clone(),
                        fingerprint: idempotency.fingerprint,
                        body: body.into(),
                        at,
                    });
                    let remembered = (done.answer.clone(), self.pending.len());
                    self.keys.remember(idempotency.key, idempotency.fingerprint, remembered);
                }
                Err(error) => {
                    tracing::error!(workspace.id = %self.id, %error, "an answer cannot be remembered")
                }
            }
        }
        for intro in &records.admitted {
            self.shared.intros.put_of(intro, &work.trail.origin());
        }
        let change = ChangeSet { workspace: self.id.clone(), expected: version_before, records };
        let outcome = self.shared.journal.submit(change, room);
        if claims.is_empty() {
            if let Some(slot) = copy {
                self.slot = slot;
            }
            let Work { reply, trail, .. } = work;
            return self.push(Some(outcome), Then::Answer { effects, done: Ok(done), reply, trail }, ctx);
        }
        // A claim that nobody foresaw is applied already: if it is taken, only a rebuild helps.
        let slot = copy.unwrap_or_else(|| self.slot.clone());
        let (taken, repeatable) = (taken.to_vec(), on_copy);
        let executed_effects = effects;
        self.barrier = Some(Box::new(Barrier { slot, executed_effects, done, work, taken, repeatable }));
        self.push(Some(outcome), Then::Barrier, ctx);
    }

    fn push(
        &mut self,
        outcome: Option<tokio::sync::oneshot::Receiver<CommitOutcome>>,
        then: Then,
        ctx: &mut Context<Self>,
    ) {
        if outcome.is_none() && self.pending.is_empty() {
            return self.resolved(then, CommitOutcome::Durable, ctx);
        }
        self.pending.push_back(Pending { outcome, then });
        if !self.draining {
            self.draining = true;
            ctx.spawn(Drain);
        }
    }

    /// One decided command has its outcome.
    pub(super) fn resolved(&mut self, then: Then, outcome: CommitOutcome, ctx: &mut Context<Self>) {
        if self.doomed {
            return refuse(then);
        }
        match (then, outcome) {
            (Then::Answer { effects, done, reply, trail }, CommitOutcome::Durable) => {
                let _entered = trail.origin().enter();
                faults::pass(Point::ActorBeforeEffects);
                self.perform(effects);
                faults::pass(Point::ActorBeforeAnswer);
                reply.send(done.map_or_else(Ask::Unavailable, Ask::Done));
            }
            (Then::Inspect(look), CommitOutcome::Durable) => look(self.slot.as_ref()),
            (Then::Barrier, CommitOutcome::Durable) => self.barrier_done(ctx),
            (Then::Barrier, CommitOutcome::ClaimTaken(taken)) => self.decide_again(taken, ctx),
            (mut then, outcome) => {
                let _entered = then.lost().enter();
                tracing::warn!(workspace.id = %self.id, ?outcome, "a change is not confirmed; rebuilding from the store");
                self.doom(ctx);
                refuse(then);
            }
        }
    }

    fn barrier_done(&mut self, ctx: &mut Context<Self>) {
        let Some(barrier) = self.barrier.take().map(|barrier| *barrier) else { return };
        self.slot = barrier.slot;
        self.perform(barrier.executed_effects);
        barrier.work.reply.send(Ask::Done(barrier.done));
        self.resume(ctx);
    }

    /// Nothing was written: decide again, knowing what is taken.
    fn decide_again(&mut self, news: Vec<(Claim, WorkspaceId)>, ctx: &mut Context<Self>) {
        let Some(barrier) = self.barrier.take() else { return };
        if !barrier.repeatable {
            tracing::error!(workspace.id = %self.id, ?news, "a claim was not foreseen; rebuilding");
            self.barrier = Some(barrier);
            return self.doom(ctx);
        }
        let Barrier { work, mut taken, .. } = *barrier;
        taken.extend(news);
        if let Some(idempotency) = &work.call.idempotency {
            // Remembered for a change that did not happen; the next answer may be one that is not kept.
            self.keys.forget(&idempotency.key);
        }
        if taken.len() > CLAIM_ROUNDS_MAX {
            tracing::error!(workspace.id = %self.id, "claims do not settle");
            work.reply.send(Ask::Unavailable(Unavailable::NOT_COMMITTED));
        } else {
            self.decide(work, &taken, ctx);
        }
        if self.barrier.is_none() {
            self.resume(ctx);
        }
    }

    fn resume(&mut self, ctx: &mut Context<Self>) {
        while self.barrier.is_none() {
            let Some(work) = self.waiting.pop_front() else { return };
            self.accept(work, ctx);
        }
    }

    fn perform(&self, effects: Vec<Effect>) {
        hints::perform(&self.shared, (&self.id, self.epoch), self.slot.as_ref(), effects);
    }

    /// The memory may be ahead of the store: forget it. The registry builds a new actor at once.
    fn doom(&mut self, ctx: &mut Context<Self>) {
        self.doomed = true;
        Counters::add(&self.shared.counters.rebuilds);
        // Before anyone hears of it: who asks again shall wait for the next actor, not find this one.
        self.shared.registry.died(&self.shared, &self.id, self.epoch);
        for pending in std::mem::take(&mut self.pending) {
            refuse(pending.then);
        }
        if let Some(barrier) = self.barrier.take() {
            barrier.work.reply.send(Ask::Unavailable(Unavailable::NOT_COMMITTED));
        }
        for work in std::mem::take(&mut self.waiting) {
            work.reply.send(Ask::Unavailable(Unavailable::NOT_COMMITTED));
        }
        ctx.stop();
    }
}

/// What waited for a change that is not confirmed.
fn refuse(then: Then) {
    if let Then::Answer { reply, .. } = then {
        reply.send(Ask::Unavailable(Unavailable::NOT_COMMITTED));
    }
}

fn reply_or_none(reply: Result<reeve_workspace::Reply, Refusal>) -> reeve_workspace::Reply {
    reply.unwrap_or(reeve_workspace::Reply::Done)
}

/// A workspace as answers show it: a state in which all that is due by `now` is folded.
pub(crate) fn view(shared: &Shared, state: &State, now: Millis) -> WorkspaceView {
    let rules = shared.rules();
    let tier = rules.tiers.iter().find(|tier| tier.name == state.profile.tier);
    WorkspaceView {
        id: state.id.clone(),
        profile: state.profile.clone(),
        available: state.available(now),
        held: state.held(),
        debt: state.debt,
        concurrency_max: state.profile.concurrency_max.or(tier.map(|tier| tier.running_max)).unwrap_or(1),
        as_of: now,
    }
}

/// What a stopping server no longer takes on, and a full one sheds first; what is already paid for, or was
/// begun, has reserved room.
pub(crate) fn is_new_work(command: &Command) -> bool {
    match command {
        Command::Create(_)
        | Command::Import(_)
        | Command::Submit(_)
        | Command::Lease(_)
        | Command::Purchase(_)
        | Command::Subscribe(_)
        | Command::StartTrial
        | Command::SetAddon(_)
        | Command::Refer(_)
        | Command::Adjust(_)
        | Command::LimitMember(_)
        | Command::Reconfigure(_)
        | Command::MoveCatalog(_) => true,
        Command::Upload(_)
        | Command::Complete(_)
        | Command::Fail(_)
        | Command::Lapse(_)
        | Command::Cancel(_)
        | Command::CancelMany(_)
        | Command::Close
        | Command::Erase
        | Command::FinishErase
        | Command::ConfirmPurchase { .. }
        | Command::FailPurchase { .. }
        | Command::RefundPurchase(_)
        | Command::WinDispute { .. }
        | Command::CancelSubscription
        | Command::ResumeSubscription
        | Command::RefundSubscription(_)
        | Command::Renew(_)
        | Command::Billing(_)
        | Command::CancelAddon { .. }
        | Command::Wake => false,
    }
}

fn urgency(command: &Command) -> Urgency {
    if is_new_work(command) { Urgency::Submit } else { Urgency::Finish }
}

impl Actor for WorkspaceActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // No bound here: `gate` counts what comes in, and what finishes work must never be refused for new work.
        ctx.set_mailbox_capacity(0);
        // After a retirement the dispatcher knows everything already, and a sync would void the very
        // reservation that this actor was built for.
        if self.rebuilt {
            hints::sync(&self.shared, (&self.id, self.epoch), self.slot.as_ref(), true);
        }
    }
}

impl Drop for WorkspaceActor {
    /// Also runs when a handler panicked: the registry learns of it and rebuilds at once.
    fn drop(&mut self) {
        self.footprint.set(0);
        if !self.retired {
            self.shared.registry.died(&self.shared, &self.id, self.epoch);
        }
    }
}

impl Handler<Execute> for WorkspaceActor {
    type Result = ();

    fn handle(&mut self, mut message: Execute, ctx: &mut Self::Context) {
        if let Some(work) = message.0.take() {
            self.accept(work, ctx);
        }
    }
}

impl Handler<Inspect> for WorkspaceActor {
    type Result = ();

    fn handle(&mut self, message: Inspect, ctx: &mut Self::Context) {
        self.push(None, Then::Inspect(message.0), ctx);
    }
}

impl Handler<Resync> for WorkspaceActor {
    type Result = ();

    fn handle(&mut self, _: Resync, _: &mut Self::Context) {
        // What is applied but not yet durable is told again by its own effects; the dispatcher takes
        // a repeated hint for what it is.
        hints::sync(&self.shared, (&self.id, self.epoch), self.slot.as_ref(), false);
    }
}

impl Handler<Retire> for WorkspaceActor {
    type Result = ();

    fn handle(&mut self, _: Retire, ctx: &mut Self::Context) {
        let idle =
            self.pending.is_empty() && self.barrier.is_none() && self.waiting.is_empty() && !self.doomed;
        if idle && self.shared.registry.retire(&self.id, self.epoch) {
            self.retired = true;
            ctx.stop();
        }
    }
}
