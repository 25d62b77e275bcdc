//! Safe to repeat: every change under its key, callers that hang up, lines that lose, delay and double.

mod every_change;
mod flaky;
mod hang_ups;
mod proxy;
