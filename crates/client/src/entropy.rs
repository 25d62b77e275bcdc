//! The one module that draws randomness: idempotency keys, session ids, jitter.

use uuid::Uuid;

/// A text that no other request or process will ever have.
#[expect(clippy::disallowed_methods, reason = "a client draws its own ids; this is where")]
pub(crate) fn unique() -> String {
    Uuid::now_v7().to_string()
}

/// 0 to 1,000, evenly.
pub(crate) fn jitter_permille() -> u32 {
    rand::random_range(0..=1_000)
}
