//! Answers that wait for a commit, in the order in which they were decided.
//!
//! Polled from the front only: the journal answers a workspace's change sets in order, so thousands in
//! flight cost no more to watch than one.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix::ActorFuture;
use reeve_journal::CommitOutcome;
use reeve_telemetry::Origin;
use reeve_workspace::Effect;
use tokio::sync::oneshot;

use super::actor::WorkspaceActor;
use super::message::{Done, LookAt, ReplyTo};
use crate::call::Unavailable;
use crate::trail::Trail;

/// What happens when everything decided before is durable.
pub(super) enum Then {
    /// Perform the effects, then answer.
    Answer { effects: Vec<Effect>, done: Result<Done, Unavailable>, reply: ReplyTo, trail: Trail },
    /// The end of a barrier: the change is applied only now.
    Barrier,
    /// Look at the state.
    Inspect(LookAt),
}

impl Then {
    /// Its change is not confirmed; whom it was for.
    pub(super) fn lost(&mut self) -> Origin {
        match self {
            Self::Answer { trail, .. } => {
                trail.fail("not confirmed");
                trail.origin()
            }
            Self::Barrier | Self::Inspect(_) => Origin::none(),
        }
    }
}

/// A decided command.
pub(super) struct Pending {
    /// `None` for what writes nothing.
    pub outcome: Option<oneshot::Receiver<CommitOutcome>>,
    pub then: Then,
}

/// Drains the pending queue; one runs while it is not empty.
pub(super) struct Drain;

impl ActorFuture<WorkspaceActor> for Drain {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        actor: &mut WorkspaceActor,
        ctx: &mut actix::Context<WorkspaceActor>,
        task: &mut Context<'_>,
    ) -> Poll<()> {
        while let Some(front) = actor.pending.front_mut() {
            let outcome = match front.outcome.as_mut().map(|outcome| Pin::new(outcome).poll(task)) {
                None => CommitOutcome::Durable,
                Some(Poll::Pending) => {
                    actor.weigh();
                    return Poll::Pending;
                }
                Some(Poll::Ready(Ok(outcome))) => outcome,
                // The journal is gone with the answer: nobody knows.
                Some(Poll::Ready(Err(_))) => CommitOutcome::Unknown,
            };
            if let Some(pending) = actor.pending.pop_front() {
                actor.resolved(pending.then, outcome, ctx);
            }
        }
        actor.draining = false;
        actor.rest();
        actor.weigh();
        Poll::Ready(())
    }
}
