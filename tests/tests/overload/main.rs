//! Overload: the real binary under more than it can do, with readers that do not read, and without file descriptors.
//!
//! `wire` is a client of a few lines, so that thousands of connections cost the test little; `load` is the crowd and
//! the workers beside it. `REEVE_OVERLOAD_SECONDS`, `REEVE_OVERLOAD_CONNECTIONS` and `REEVE_OVERLOAD_NEW_WORK_MAX` make
//! the run larger; `--nocapture` shows its figures.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../it/fixture/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the other end-to-end tests, which use all of it")]
mod fixture;

mod files;
mod idle;
mod load;
mod process;
mod reads;
mod recovery;
mod shedding;
mod streams;
mod subscribers;
mod unread;
mod wire;
