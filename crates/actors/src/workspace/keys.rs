//! The idempotency keys that an actor remembers.
//!
//! Recent ones with their answers; older ones as hashes only. While the hashes are complete, a key that
//! is not among them is certainly new, and no read of the store is needed to admit it.

use std::collections::VecDeque;
use std::sync::Arc;

use reeve_journal::{KEY_HASHES_MAX, key_hash};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::call::Answer;

/// Answers remembered whole.
const RECENT_MAX: usize = 256;

/// What is known of a key.
pub(super) enum Known {
    /// Never used.
    New,
    /// Used by the command still under way or just finished: its answer.
    Recent { fingerprint: [u8; 16], answer: Answer },
    /// Perhaps used: the store knows.
    Perhaps,
}

pub(super) struct Keys {
    recent: FxHashMap<Arc<str>, ([u8; 16], Answer)>,
    order: VecDeque<Arc<str>>,
    hashes: FxHashSet<u64>,
    complete: bool,
}

impl Keys {
    pub(super) fn new(hashes: Vec<u64>, complete: bool) -> Self {
        let hashes = hashes.into_iter().collect();
        Self { recent: FxHashMap::default(), order: VecDeque::new(), hashes, complete }
    }

    pub(super) fn look_up(&self, key: &str) -> Known {
        if let Some((fingerprint, answer)) = self.recent.get(key) {
            return Known::Recent { fingerprint: *fingerprint, answer: answer.clone() };
        }
        if self.complete && !self.hashes.contains(&key_hash(key)) { Known::New } else { Known::Perhaps }
    }

    /// The command of this key is decided anew. Its hash stays, so that the store is asked if it ends unkept.
    pub(super) fn forget(&mut self, key: &str) {
        self.recent.remove(key);
        self.order.retain(|other| **other != *key);
    }

    /// A command with this key was decided. If its commit fails the whole actor goes, and this with it.
    pub(super) fn remember(&mut self, key: Arc<str>, fingerprint: [u8; 16], answer: Answer) {
        if self.hashes.len() >= KEY_HASHES_MAX as usize {
            // Bounded memory: from here on an unknown key has to be looked up.
            self.complete = false;
            self.hashes.clear();
        }
        self.hashes.insert(key_hash(&key));
        if self.order.len() == RECENT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.recent.remove(&oldest);
        }
        self.order.push_back(key.clone());
        self.recent.insert(key, (fingerprint, answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_evicted_answer_is_perhaps_known_never_new() {
        let mut keys = Keys::new(Vec::new(), true);
        for n in 0..=RECENT_MAX {
            keys.remember(format!("k{n}").into(), [0; 16], Answer::Done);
        }
        assert!(matches!(keys.look_up("k0"), Known::Perhaps));
        assert!(matches!(keys.look_up("k1"), Known::Recent { .. }));
        assert!(matches!(keys.look_up("unused"), Known::New));
    }

    #[test]
    fn a_forgotten_answer_is_perhaps_known_and_can_be_remembered_anew() {
        let mut keys = Keys::new(Vec::new(), true);
        keys.remember("k".into(), [0; 16], Answer::Done);
        keys.forget("k");
        assert!(matches!(keys.look_up("k"), Known::Perhaps));
        keys.remember("k".into(), [0; 16], Answer::Done);
        assert!(matches!(keys.look_up("k"), Known::Recent { .. }));
        assert_eq!(keys.order.len(), 1);
    }

    #[test]
    fn without_all_hashes_no_key_is_called_new() {
        assert!(matches!(Keys::new(vec![], false).look_up("k"), Known::Perhaps));
    }
}
