//! Fixtures for tests: a manual clock, seeded randomness, the shipped catalogs, random lives of a workspace.
//!
//! A dev-dependency only; nothing that ships depends on it.
#![expect(clippy::expect_used, reason = "a fixture that cannot be made fails its test")]

pub mod args;
pub mod compare;
pub mod fuzz;
pub mod laws;
pub mod life;
pub mod naive;
pub mod plain;
pub mod postgres;
pub mod reference;
pub mod script;
pub mod setting;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use reeve_credits::catalog::Catalog;
use reeve_types::{Clock, Millis};

/// A clock that moves when told to.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `ms`.
    pub const fn at(ms: i64) -> Self {
        Self(AtomicI64::new(ms))
    }

    /// Moves it; backward too, as real clocks do.
    pub fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Millis {
        Millis::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Random numbers that a seed repeats (SplitMix64).
#[derive(Debug)]
pub struct Seeded(AtomicU64);

impl Seeded {
    /// Numbers of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next 64 bits.
    pub fn next_u64(&self) -> u64 {
        let state =
            self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next 128 bits.
    pub fn next_u128(&self) -> u128 {
        u128::from(self.next_u64()) << 64 | u128::from(self.next_u64())
    }

    /// A number below `end`.
    pub fn below(&self, end: u64) -> u64 {
        self.next_u64() % end.max(1)
    }
}

/// The five shipped catalogs.
pub fn catalogs() -> Vec<Catalog> {
    let shipped = [
        ("kive.toml", include_str!("../../../config/catalogs/kive.toml")),
        ("kira.toml", include_str!("../../../config/catalogs/kira.toml")),
        ("kreatorflow.toml", include_str!("../../../config/catalogs/kreatorflow.toml")),
        ("ai-studios.toml", include_str!("../../../config/catalogs/ai-studios.toml")),
        ("kaiber.toml", include_str!("../../../config/catalogs/kaiber.toml")),
    ];
    shipped.map(|(file, text)| Catalog::parse(file, text).expect("a shipped catalog is sound")).into()
}
