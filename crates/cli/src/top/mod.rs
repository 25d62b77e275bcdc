//! `reeve top`: a live view of a server's pools, tiers, jobs and workers, over the public API.
//!
//! Four steps, apart from each other: [`look`] asks the server, [`model`] folds the answers (pure), [`draw`] makes a
//! frame of the model (pure), and [`screen`] owns the terminal, the keys and the pauses. `commands::top` is the only
//! caller.

pub mod draw;
pub mod look;
pub mod model;
pub mod screen;
pub mod ui;

mod feed;
#[cfg(test)]
mod fixture;
mod rate;
mod text;
