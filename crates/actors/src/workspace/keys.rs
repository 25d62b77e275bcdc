//! The idempotency keys that an actor remembers.
//!
//! Those whose commands are under way with their answers; all others as hashes only, since the store has the
//! answers of what is durable. While the hashes are complete, a key that is not among them is certainly new,
//! and no read of the store is needed to admit it.

use std::collections::VecDeque;
use std::sync::Arc;

use reeve_journal::{KEY_HASHES_MAX, key_hash};
use rustc_hash::FxHashSet;

use crate::call::Answer;

/// Answers remembered whole while commands are under way, beyond those of these commands.
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

/// A key with its answer.
struct Recent {
    hash: u64,
    key: Arc<str>,
    fingerprint: [u8; 16],
    answer: Answer,
}

pub(super) struct Keys {
    /// In order of decision. A list without an index: only a key that is used twice is looked for in it.
    recent: VecDeque<Recent>,
    hashes: FxHashSet<u64>,
    complete: bool,
}

impl Keys {
    pub(super) fn new(hashes: Vec<u64>, complete: bool) -> Self {
        Self { recent: VecDeque::new(), hashes: hashes.into_iter().collect(), complete }
    }

    pub(super) fn look_up(&self, key: &str) -> Known {
        let hash = key_hash(key);
        if self.complete && !self.hashes.contains(&hash) {
            return Known::New;
        }
        match self.recent.iter().rev().find(|recent| recent.hash == hash && *recent.key == *key) {
            Some(recent) => Known::Recent { fingerprint: recent.fingerprint, answer: recent.answer.clone() },
            None => Known::Perhaps,
        }
    }

    /// The command of this key is decided anew. Its hash stays, so that the store is asked if it ends unkept.
    pub(super) fn forget(&mut self, key: &str) {
        self.recent.retain(|recent| *recent.key != *key);
    }

    /// A command with this key was decided, with `under_way` others before it that are not durable yet. If its
    /// commit fails the whole actor goes, and this with it.
    pub(super) fn remember(
        &mut self,
        key: Arc<str>,
        fingerprint: [u8; 16],
        (answer, under_way): (Answer, usize),
    ) {
        if self.hashes.len() >= KEY_HASHES_MAX as usize {
            // Bounded memory: from here on an unknown key has to be looked up.
            self.complete = false;
            self.hashes = FxHashSet::default();
        }
        let hash = key_hash(&key);
        self.hashes.insert(hash);
        // Never one whose command is under way: the store would call it unknown, and it would be decided twice.
        if self.recent.len() >= RECENT_MAX.max(under_way + 1) {
            self.recent.pop_front();
        }
        self.recent.push_back(Recent { hash, key, fingerprint, answer });
    }

    /// Everything is durable: the store answers from now on. Most workspaces wait most of the time, and an answer
    /// takes more memory than the job that it is about.
    pub(super) fn rest(&mut self) {
        self.recent = VecDeque::new();
    }

    /// What it takes in memory at rest, in bytes.
    pub(super) fn weight(&self) -> usize {
        // A hash, its control byte, and a table that is half empty when it has just grown.
        self.hashes.capacity() * (size_of::<u64>() + 1) * 8 / 7
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remember(keys: &mut Keys, key: String, under_way: usize) {
        keys.remember(key.into(), [0; 16], (Answer::Done, under_way));
    }

    #[test]
    fn an_evicted_answer_is_perhaps_known_never_new() {
        let mut keys = Keys::new(Vec::new(), true);
        for n in 0..=RECENT_MAX {
            remember(&mut keys, format!("k{n}"), 0);
        }
        assert!(matches!(keys.look_up("k0"), Known::Perhaps));
        assert!(matches!(keys.look_up("k1"), Known::Recent { .. }));
        assert!(matches!(keys.look_up("unused"), Known::New));
    }

    #[test]
    fn an_answer_under_way_is_never_evicted() {
        let mut keys = Keys::new(Vec::new(), true);
        for n in 0..3 * RECENT_MAX {
            remember(&mut keys, format!("k{n}"), n);
        }
        assert!(matches!(keys.look_up("k0"), Known::Recent { .. }));
    }

    #[test]
    fn at_rest_answers_are_the_store_s() {
        let mut keys = Keys::new(Vec::new(), true);
        remember(&mut keys, "k".to_owned(), 0);
        keys.rest();
        assert!(matches!(keys.look_up("k"), Known::Perhaps));
        assert!(matches!(keys.look_up("unused"), Known::New));
    }

    #[test]
    fn a_forgotten_answer_is_perhaps_known_and_can_be_remembered_anew() {
        let mut keys = Keys::new(Vec::new(), true);
        remember(&mut keys, "k".to_owned(), 0);
        keys.forget("k");
        assert!(matches!(keys.look_up("k"), Known::Perhaps));
        remember(&mut keys, "k".to_owned(), 0);
        assert!(matches!(keys.look_up("k"), Known::Recent { .. }));
        assert_eq!(keys.recent.len(), 1);
    }

    #[test]
    fn without_all_hashes_no_key_is_called_new() {
        assert!(matches!(Keys::new(vec![], false).look_up("k"), Known::Perhaps));
        let mut keys = Keys::new(vec![], false);
        remember(&mut keys, "k".to_owned(), 0);
        assert!(matches!(keys.look_up("k"), Known::Recent { .. }));
    }
}
