//! The commands, one file each: its options, and what it does.

pub mod balance;
pub mod cancel;
pub mod catalog;
pub mod demo;
pub mod jobs;
pub mod ledger;
pub mod serve;
pub mod submit;
pub mod verify;
pub mod worker;
