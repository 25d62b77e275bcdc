//! End to end: the real binary, driven by HTTP, killed and started again, its books compared with what clients saw.
//!
//! One file per subject. `fixture` starts servers and workers as processes of their own, in folders of their own;
//! nothing here touches the code of the server. The binary is built once, by the cargo that runs the tests.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod fixture;

mod access;
mod auth;
mod bad_input;
mod bench;
mod care_of_data;
mod catalog_life;
mod command_line;
mod contract;
mod documents;
mod event_streams;
mod faults;
mod figures;
mod idempotency;
mod kill_rounds;
mod leases;
mod life_of_data;
mod lifetimes;
mod main_job;
mod metrics_page;
mod observed;
mod operating;
mod parallel_submits;
mod payments;
mod people;
mod postgres;
mod reloading;
mod retries;
mod stopping;
mod streams;
mod stripe;
mod top;
mod webhooks;
