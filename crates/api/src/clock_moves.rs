//! Moves of a manual clock under an idempotency key. No workspace owns the clock, so no commit can remember them.
//!
//! In memory only: the clock belongs to test servers, and a retry over a restart asks for an instant.

use std::collections::VecDeque;

use reeve_actors::Idempotency;
use reeve_protocol::{ClockView, Code};

use crate::error::ApiError;

/// Moves that are remembered.
const KEPT_MAX: usize = 1_000;

/// The latest moves, oldest first.
#[derive(Debug, Default)]
pub(crate) struct ClockMoves(VecDeque<(Idempotency, ClockView)>);

impl ClockMoves {
    /// The answer to the first request with this key.
    ///
    /// # Errors
    /// The key was used with another body.
    pub(crate) fn find(&self, wanted: &Idempotency) -> Result<Option<ClockView>, ApiError> {
        let Some((known, view)) = self.0.iter().find(|(known, _)| known.key == wanted.key) else {
            return Ok(None);
        };
        if known.fingerprint == wanted.fingerprint {
            return Ok(Some(*view));
        }
        Err(ApiError::new(Code::IdempotencyMismatch, "this idempotency key was used for another request"))
    }

    /// Remembers an answer, and forgets the oldest beyond the bound.
    pub(crate) fn remember(&mut self, idempotency: Idempotency, view: ClockView) {
        if self.0.len() >= KEPT_MAX {
            self.0.pop_front();
        }
        self.0.push_back((idempotency, view));
    }
}

#[cfg(test)]
mod tests {
    use reeve_protocol::ClockMode;

    use super::*;

    #[test]
    fn a_move_is_found_by_its_key_and_only_with_its_body() {
        let key = |key: &str, print| Idempotency { key: key.into(), fingerprint: [print; 16] };
        let view = ClockView { now: Default::default(), mode: ClockMode::Manual };
        let mut moves = ClockMoves::default();
        moves.remember(key("a", 1), view);
        assert_eq!(moves.find(&key("a", 1)).unwrap(), Some(view));
        assert_eq!(moves.find(&key("b", 1)).unwrap(), None);
        assert!(moves.find(&key("a", 2)).is_err());
        for n in 0..KEPT_MAX {
            moves.remember(key(&format!("k{n}"), 0), view);
        }
        assert_eq!(moves.find(&key("a", 1)).unwrap(), None);
    }
}
