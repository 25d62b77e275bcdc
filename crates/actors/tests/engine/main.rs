//! The engine over a store that can be told to fail.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod calendar;
mod catalogs;
mod commands;
mod credits;
mod house;
mod intros;
mod life;
