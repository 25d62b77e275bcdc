//! The crash matrix: the real binary, built with places to die, killed at each of them on both databases; disks that
//! are full or fail, files that are cut; and a checker that knows what clients were told.
//!
//! `reeve-faulty` is the program itself with `reeve-faults` switched on. `world` holds clients that write down every
//! request before they send it; `checker` compares what they know with a server that was opened again; `broken` shows
//! that the checker sees what it is for. Set `REEVE_TEST_SEED` to run a failure again.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../it/fixture/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the other end-to-end tests, which use all of it")]
mod fixture;
#[path = "../it/webhooks/receiver.rs"]
#[expect(dead_code, reason = "shared with the tests of webhooks, which use all of it")]
mod receiver;
#[path = "../overload/wire.rs"]
#[expect(dead_code, reason = "shared with the tests of overload, which use all of it")]
mod wire;

mod broken;
mod checker;
mod cuts;
mod deliveries;
mod disk;
mod files;
mod history;
mod leftovers;
mod load;
mod matrix;
mod outbox;
mod process;
mod readers;
mod world;
