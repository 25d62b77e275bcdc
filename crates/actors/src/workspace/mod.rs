//! The workspace actor: the only writer of one workspace's credits and jobs.

mod actor;
mod keys;
mod message;
mod pending;

pub(crate) use actor::{WorkspaceActor, is_new_work, view};
pub(crate) use message::{Ask, Done, Execute, Inspect, ReplyTo, Resync, Retire, Work};
