//! What a workspace actor can be sent.

use std::sync::Arc;

use actix::{Addr, Message};
use reeve_types::JobId;
use reeve_workspace::{Command, Reply};
use tokio::sync::oneshot;

use crate::call::{Answer, Call, Unavailable};
use crate::dispatcher::{DispatcherActor, LeaseDecided};
use crate::gate::Pass;
use crate::trail::Trail;
use reeve_queue::Ticket;

/// The durable end of a command.
#[derive(Debug)]
pub(crate) struct Done {
    pub answer: Answer,
    /// `None` when the answer is remembered from an earlier request.
    pub reply: Option<Reply>,
}

/// What a caller hears.
pub(crate) enum Ask {
    /// Durable.
    Done(Done),
    /// Not now.
    Unavailable(Unavailable),
    /// The actor ended before it looked at the command: nothing happened, send it to the next one.
    Returned(Box<Work>),
}

/// Where the answer goes.
pub(crate) enum ReplyTo {
    Caller {
        reply: oneshot::Sender<Ask>,
        /// Of new work: under way until it is answered.
        pass: Option<Pass>,
    },
    /// A lease decided for the dispatcher's second phase.
    Dispatcher { addr: Arc<Addr<DispatcherActor>>, ticket: Ticket, request: u64, job: JobId },
    /// Nobody waits.
    Nobody,
}

impl ReplyTo {
    pub(crate) fn send(self, ask: Ask) {
        match self {
            // A caller that stopped waiting does not undo what is durable.
            Self::Caller { reply, pass } => {
                // First, so that whoever hears the answer finds the room free.
                drop(pass);
                drop(reply.send(ask));
            }
            Self::Dispatcher { addr, ticket, request, job } => {
                // Unbounded on purpose: an answer per reservation, and reservations are bounded by slots.
                addr.do_send(LeaseDecided { ticket, request, job, ask });
            }
            Self::Nobody => {}
        }
    }
}

/// A command with its way back.
pub(crate) struct Work {
    pub command: Command,
    pub call: Call,
    pub reply: ReplyTo,
    pub trail: Trail,
}

/// Executes a command.
///
/// Dropped unhandled (the actor ended with it in the mailbox), it goes back to its sender: such a
/// command had no effect, so nobody should hear "unknown".
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Execute(pub Option<Work>);

impl Drop for Execute {
    fn drop(&mut self) {
        let Some(work) = self.0.take() else { return };
        let Work { command, call, reply, trail } = work;
        match reply {
            ReplyTo::Caller { reply, pass } => {
                drop(pass);
                let work = Work { command, call, reply: ReplyTo::Nobody, trail };
                drop(reply.send(Ask::Returned(Box::new(work))));
            }
            other => other.send(Ask::Unavailable(Unavailable::NOT_COMMITTED)),
        }
    }
}

/// Looks at the state once everything it has seen is durable.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Inspect(pub LookAt);

/// What is done with a state; `None` when the workspace does not exist.
pub(crate) type LookAt = Box<dyn FnOnce(Option<&reeve_workspace::State>) + Send>;

/// Tells the dispatcher everything anew.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Resync;

/// Ends the actor if it is idle.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Retire;
