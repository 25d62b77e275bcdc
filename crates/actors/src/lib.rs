//! The running process: an actor per workspace, a dispatcher, job actors, the registry and its tasks.
//!
//! actix stays inside this crate. Callers use [`Engine`]; it routes commands to their owner and answers
//! once a change is durable. The actors are thin: every decision is `workspace::execute` or the queue.
//!
//! | part | owns | never does |
//! |---|---|---|
//! | workspace actor | one workspace's state | reads or writes a database |
//! | dispatcher actor | the fair queue, waiting lease requests | decides about credits |
//! | lease ticker | when leases lapse, on a monotonic clock | closes a job |
//! | job actor | progress of one running job | settles |
//! | hub | subscribers and their recent events | waits for a reader |
//! | registry | which actor serves a workspace | holds business state |
//! | calendar | waking what is due | changes credits |

mod audit;
mod calendar;
mod call;
mod clock;
mod dispatcher;
mod ends;
mod engine;
mod entropy;
mod footprint;
mod gate;
mod hub;
mod intro_cache;
mod job;
mod leases;
mod recovery;
mod registry;
mod settings;
mod shared;
mod shelves;
mod task;
#[cfg(test)]
mod tests;
mod time;
mod trail;
mod workspace;

pub use call::{
    Answer, Balance, Call, Granted, Heard, Idempotency, LeaseRequest, LotsMoved, MemberView, Progress,
    ProgressHeard, ProgressReport, QueuePlace, Unavailable, WorkerMode, WorkspaceView,
};
pub use clock::{ClockSource, ClockView, ManualClock};
pub use dispatcher::{EtaErrors, FinishedJobs, Jain, PoolView, QueueView, TierView, Waits, WorkerSession};
pub use engine::{
    CancelWhich, Engine, Executed, Finished, Offer, Parts, PublishRefusal, QuotedNow, ReloadRefusal,
    StartError,
};
pub use entropy::Entropy;
pub use hub::{HubEvent, HubKind, Subscription};
pub use settings::{EngineSettings, TierSettings};
pub use shelves::{CatalogFile, ShelfError};
