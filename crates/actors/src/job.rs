//! The job actor: one per running attempt that reports, disposable.
//!
//! It streams progress and puts the reports of one attempt in order: an upload that is still being
//! recorded comes before the completion that names it. It never settles; it asks the workspace to.

use std::collections::VecDeque;
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use reeve_telemetry::Origin;
use reeve_types::{LeaseId, WorkspaceId};
use reeve_workspace::Command;
use tokio::sync::oneshot;

use crate::call::{Progress, ProgressReport, Unavailable};
use crate::engine::{Engine, Executed};
use crate::hub::HubKind;
use crate::shared::Shared;

/// Longest stage or message kept, in characters.
const TEXT_MAX: usize = 200;
/// Uploads that may wait for one attempt; how it ends is always heard.
const WAITING_MAX: usize = 64;

pub(crate) struct JobActor {
    shared: Arc<Shared>,
    lease: LeaseId,
    workspace: WorkspaceId,
    progress: Progress,
    busy: bool,
    waiting: VecDeque<Settle>,
}

/// A worker's progress.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Report {
    pub lease: LeaseId,
    pub report: ProgressReport,
}

/// An upload, a completion or a failure, on its way to the workspace.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Settle {
    pub command: Command,
    pub reply: oneshot::Sender<Result<Executed, Unavailable>>,
    /// The worker's request.
    pub origin: Origin,
}

impl JobActor {
    pub(crate) fn new(shared: Arc<Shared>, lease: LeaseId, workspace: WorkspaceId) -> Self {
        Self {
            shared,
            lease,
            workspace,
            progress: Progress::default(),
            busy: false,
            waiting: VecDeque::new(),
        }
    }

    fn next(&mut self, ctx: &mut Context<Self>) {
        if self.busy {
            return;
        }
        let Some(Settle { command, reply, origin }) = self.waiting.pop_front() else { return };
        self.busy = true;
        let (engine, workspace) = (Engine::of(self.shared.clone()), self.workspace.clone());
        let run = async move { engine.execute(&workspace, command, crate::call::Call::default()).await };
        let run = origin.scope(run);
        let then = run.into_actor(self).map(|result, actor, ctx| {
            let _ = reply.send(result);
            actor.busy = false;
            actor.next(ctx);
        });
        ctx.spawn(then);
    }
}

impl Actor for JobActor {
    type Context = Context<Self>;
}

impl Handler<Report> for JobActor {
    type Result = ();

    fn handle(&mut self, message: Report, _: &mut Self::Context) {
        // After the end nothing changes anything any more.
        if message.lease != self.lease || !self.shared.leases.is_live(self.lease) {
            return;
        }
        let ProgressReport { fraction, stage, message } = message.report;
        if let Some(fraction) = fraction.filter(|fraction| fraction.is_finite()) {
            // It never goes back, whatever order reports arrive in.
            self.progress.fraction = self.progress.fraction.max(fraction.clamp(0.0, 1.0));
        }
        if let Some(stage) = stage {
            self.progress.stage = Some(clip(&stage));
        }
        if let Some(message) = message {
            self.progress.message = Some(clip(&message));
        }
        self.progress.at = self.shared.clock.now();
        self.shared.hub.put_progress(&self.workspace, self.lease.job, self.progress.clone());
        let kind = HubKind::Progress(self.progress.clone());
        self.shared.hub.publish(&self.workspace, Some(self.lease.job), kind, self.progress.at);
    }
}

impl Handler<Settle> for JobActor {
    type Result = ();

    fn handle(&mut self, message: Settle, ctx: &mut Self::Context) {
        if self.waiting.len() >= WAITING_MAX && matches!(message.command, Command::Upload(_)) {
            let _ = message.reply.send(Err(Unavailable::OVERLOADED));
            return;
        }
        self.waiting.push_back(message);
        self.next(ctx);
    }
}

fn clip(text: &str) -> Arc<str> {
    match text.char_indices().nth(TEXT_MAX) {
        None => text.into(),
        Some((end, _)) => text.get(..end).unwrap_or_default().into(),
    }
}
