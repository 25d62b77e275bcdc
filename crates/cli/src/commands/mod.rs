//! The commands, one file each: its options, and what it does.

pub mod addon;
pub mod balance;
pub mod call;
pub mod cancel;
pub mod catalog;
pub mod catalog_check;
pub mod catalog_play;
pub mod catalog_remote;
pub mod catalog_replay;
pub mod clock;
pub mod demo;
pub mod import;
pub mod jobs;
pub mod ledger;
pub mod member;
pub mod plan;
pub mod promotion;
pub mod purchase;
pub mod serve;
pub mod simulate;
pub mod submit;
pub mod top;
pub mod usage;
pub mod verify;
pub mod worker;
pub mod workspace;
