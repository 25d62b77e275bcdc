//! The eligible lanes of a tier, in its two orders.
//!
//! A lane has one seat for both while it is eligible. Seats are given out again the last one first, so
//! that a lane that comes back takes one that was in use a moment ago and is still in the cache.

use std::fmt;

use crate::contest::{Contest, Key};

/// Emptied sets with more seats than this give their memory back.
const SEATS_KEPT: usize = 1_024;

/// Eligible lanes by finish tag and by start tag.
#[derive(Clone, Default)]
pub(crate) struct Eligible {
    by_finish: Contest,
    by_start: Contest,
    seats_free: Vec<u32>,
    len: usize,
}

/// In order: which seat a lane has means nothing.
impl fmt::Debug for Eligible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.by_finish.sorted()).entries(self.by_start.sorted()).finish()
    }
}

impl Eligible {
    /// The lane with the smallest tier tag with its head's charge.
    pub(crate) fn first_to_finish(&self) -> Option<&Key> {
        self.by_finish.first()
    }

    /// The lane with the smallest shared tag.
    pub(crate) fn first_to_start(&self) -> Option<&Key> {
        self.by_start.first()
    }

    /// Lanes in it.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// True when no lane is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a lane that is not in it, and returns its seat.
    pub(crate) fn insert(&mut self, finish: Key, start: Key) -> u32 {
        let seat = self.seats_free.pop().unwrap_or_else(|| self.grow());
        self.len += 1;
        self.rekey(seat, finish, start);
        seat
    }

    /// Adds seats, the first of which is returned and not free.
    fn grow(&mut self) -> u32 {
        let known = self.by_finish.seats() as u32;
        self.by_finish.grow();
        self.by_start.grow();
        self.seats_free.extend((known + 1..self.by_finish.seats() as u32).rev());
        known
    }

    /// Takes the lane in a seat out.
    pub(crate) fn remove(&mut self, seat: u32) {
        self.len -= 1;
        if self.len == 0 && self.by_finish.seats() > SEATS_KEPT {
            *self = Self::default();
            return;
        }
        self.by_finish.clear(seat);
        self.by_start.clear(seat);
        self.seats_free.push(seat);
    }

    /// Asks for the memory of a seat ahead of its use.
    pub(crate) fn approach(&self, seat: u32) {
        self.by_finish.approach(seat);
        self.by_start.approach(seat);
    }

    /// Gives the lane in a seat other keys.
    pub(crate) fn rekey(&mut self, seat: u32, finish: Key, start: Key) {
        self.by_finish.set(seat, finish);
        self.by_start.set(seat, start);
    }

    /// Gives the lane in a seat another finish tag.
    pub(crate) fn retag_finish(&mut self, seat: u32, tag: u128) {
        let key = Key { tag, ..self.by_finish.get(seat) };
        self.by_finish.set(seat, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reeve_types::Millis;
    use std::collections::BTreeMap;

    fn key(lane: u32, tag: u128) -> Key {
        Key { tag, admitted_at: Millis::from_millis(0), workspace: lane, lane }
    }

    proptest! {
        #[test]
        fn both_orders_agree_with_a_map(
            steps in prop::collection::vec((0_u32..24, 0_u128..40, 0_u128..40, any::<bool>()), 1..200),
        ) {
            let (mut eligible, mut model) = (Eligible::default(), BTreeMap::<u32, (u32, Key, Key)>::new());
            for (lane, finish, start, is_removal) in steps {
                let (finish, start) = (key(lane, finish), key(lane, start));
                match (model.get(&lane).copied(), is_removal) {
                    (Some((seat, ..)), true) => {
                        eligible.remove(seat);
                        model.remove(&lane);
                    }
                    (Some((seat, ..)), false) => {
                        eligible.rekey(seat, key(lane, 50), start);
                        eligible.retag_finish(seat, finish.tag);
                        model.insert(lane, (seat, finish, start));
                    }
                    (None, false) => {
                        model.insert(lane, (eligible.insert(finish, start), finish, start));
                    }
                    (None, true) => {}
                }
                prop_assert_eq!((eligible.len(), eligible.is_empty()), (model.len(), model.is_empty()));
                prop_assert_eq!(eligible.first_to_finish(), model.values().map(|known| &known.1).min());
                prop_assert_eq!(eligible.first_to_start(), model.values().map(|known| &known.2).min());
            }
        }
    }

    #[test]
    fn a_burst_gives_its_memory_back() {
        let mut eligible = Eligible::default();
        let seats: Vec<u32> = (0..5_000).map(|lane| eligible.insert(key(lane, 1), key(lane, 1))).collect();
        assert!(eligible.by_finish.seats() >= 5_000);
        seats.into_iter().for_each(|seat| eligible.remove(seat));
        assert_eq!((eligible.by_finish.seats(), eligible.first_to_start()), (0, None));
    }
}
