//! The client and the worker loop against a small server on a loopback port.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod calls;
mod server;
mod worker_loop;
