//! Addresses and bodies of endpoints as an attacker would write them: whatever comes, nothing panics, a refusal is the
//! caller's fault, and no address that is kept for a special purpose is ever taken, in whichever way it is written.
//!
//! `REEVE_FUZZ_CASES` makes the run longer, `REEVE_FUZZ_SEED` another one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bent;
mod special;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reeve_journal::MemoryJournal;
use reeve_testkit::fuzz::runner;
use reeve_types::{Clock, Millis};
use reeve_webhooks::{Parts, Settings, Webhooks, Work};

struct Still;

impl Clock for Still {
    fn now(&self) -> Millis {
        Millis::from_millis(1_772_000_000_000)
    }
}

/// Deliveries at work on an empty store. Nothing is ever sent: there is nothing to tell.
struct Desk {
    runtime: tokio::runtime::Runtime,
    webhooks: Webhooks,
    _work: Work,
}

impl Desk {
    fn open(settings: Settings) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let journal = MemoryJournal::new();
        let drawn = AtomicU64::new(1);
        let parts = Parts {
            journal: journal.clone(),
            store: journal,
            clock: Arc::new(Still),
            wall: Arc::new(Still),
            entropy: Arc::new(move || u128::from(drawn.fetch_add(1, Ordering::Relaxed))),
            settings,
        };
        let entered = runtime.enter();
        let (webhooks, work) = Webhooks::start(parts);
        drop(entered);
        Self { runtime, webhooks, _work: work }
    }

    fn takes(&self, url: &str) -> bool {
        match self.webhooks.check_url("/url", url) {
            Ok(()) => true,
            Err(problem) => {
                assert!(problem.status == 422 && !problem.detail.is_empty(), "{problem:?}");
                false
            }
        }
    }
}
