//! The eligible lanes of a tier in one order: a heap of keys, each lane's place in it kept beside.
//!
//! Only the first lane is ever asked for, so a sorted tree would keep an order that nobody reads. A key
//! that moves (a debt was booked) is mostly a leaf and stays one: one cache line, where taking it out of
//! a tree and putting it back touched a path twice.

use std::cmp::Ordering;
use std::fmt;

use reeve_types::Millis;

use crate::arena::NIL;

/// Children of a key: four fill two cache lines, and halve the depth of a binary heap.
const WIDTH: usize = 4;

/// An eligible lane in one of the two orders.
///
/// Equal tags are ordered by the age of the head job, then by workspace: nothing that jobs of other
/// workspaces could shift, or P6 would only hold up to ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) tag: u128,
    pub(crate) admitted_at: Millis,
    pub(crate) workspace: u32,
    pub(crate) lane: u32,
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        crate::work::tick();
        let rest = |key: &Self| (key.admitted_at, key.workspace, key.lane);
        self.tag.cmp(&other.tag).then_with(|| rest(self).cmp(&rest(other)))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Where each lane stands in one of the two orders, by its number.
///
/// A lane is in the sets of one tier and one pool, so one list serves them all. What it says of a lane
/// that is in none means nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spots(Vec<u32>);

impl Spots {
    fn set(&mut self, lane: u32, spot: usize) {
        let lane = lane as usize;
        if lane >= self.0.len() {
            self.0.resize(lane + 1, NIL);
        }
        self.0[lane] = spot as u32;
    }
}

/// Eligible lanes, the least key first.
#[derive(Clone, Default)]
pub(crate) struct Eligible(Vec<Key>);

/// In order: how the heap lies depends on its past and means nothing.
impl fmt::Debug for Eligible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut keys = self.0.clone();
        keys.sort_unstable();
        f.debug_list().entries(keys).finish()
    }
}

impl Eligible {
    /// The lane whose turn it is.
    pub(crate) fn first(&self) -> Option<&Key> {
        self.0.first()
    }

    /// Lanes in it.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// True when no lane is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a lane that is not in it.
    pub(crate) fn insert(&mut self, key: Key, spots: &mut Spots) {
        self.0.push(key);
        self.rise(self.0.len() - 1, spots);
    }

    /// Takes a lane out; nothing when it is not in it.
    pub(crate) fn remove(&mut self, lane: u32, spots: &mut Spots) {
        let Some(spot) = self.spot(lane, spots) else { return };
        self.0.swap_remove(spot);
        if spot < self.0.len() {
            self.settle(spot, spots);
        }
    }

    /// Gives a lane another key; nothing when it is not in it.
    pub(crate) fn rekey(&mut self, key: Key, spots: &mut Spots) {
        if let Some(spot) = self.spot(key.lane, spots) {
            self.0[spot] = key;
            self.settle(spot, spots);
        }
    }

    fn spot(&self, lane: u32, spots: &Spots) -> Option<usize> {
        let spot = *spots.0.get(lane as usize)? as usize;
        self.0.get(spot).is_some_and(|key| key.lane == lane).then_some(spot)
    }

    /// Moves the key at a spot to where it belongs.
    fn settle(&mut self, spot: usize, spots: &mut Spots) {
        if self.rise(spot, spots) == spot {
            self.sink(spot, spots);
        }
    }

    fn rise(&mut self, mut spot: usize, spots: &mut Spots) -> usize {
        let key = self.0[spot];
        while spot > 0 {
            let above = (spot - 1) / WIDTH;
            if self.0[above] < key {
                break;
            }
            self.put(spot, self.0[above], spots);
            spot = above;
        }
        self.put(spot, key, spots);
        spot
    }

    fn sink(&mut self, mut spot: usize, spots: &mut Spots) {
        let key = self.0[spot];
        loop {
            let below = spot * WIDTH + 1;
            let end = (below + WIDTH).min(self.0.len());
            let Some(least) = (below..end).min_by_key(|at| self.0[*at]) else { break };
            if key < self.0[least] {
                break;
            }
            self.put(spot, self.0[least], spots);
            spot = least;
        }
        self.put(spot, key, spots);
    }

    fn put(&mut self, spot: usize, key: Key, spots: &mut Spots) {
        self.0[spot] = key;
        spots.set(key.lane, spot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn the_first_lane_is_the_least_of_a_sorted_map(
            steps in prop::collection::vec((0_u32..24, 0_u128..40, any::<bool>()), 1..200),
        ) {
            let (mut heap, mut spots, mut model) = (Eligible::default(), Spots::default(), BTreeMap::new());
            for (lane, tag, is_removal) in steps {
                let key = Key { tag, admitted_at: Millis::from_millis(0), workspace: lane, lane };
                if is_removal {
                    heap.remove(lane, &mut spots);
                    model.remove(&lane);
                } else if model.insert(lane, key).is_some() {
                    heap.rekey(key, &mut spots);
                } else {
                    heap.insert(key, &mut spots);
                }
                prop_assert_eq!(heap.len(), model.len());
                prop_assert_eq!(heap.is_empty(), model.is_empty());
                prop_assert_eq!(heap.first(), model.values().min());
            }
        }
    }

    #[test]
    fn a_spot_left_from_other_sets_takes_nobody_else_out() {
        let key = |lane| Key { tag: 1, admitted_at: Millis::from_millis(0), workspace: lane, lane };
        let (mut old, mut new, mut spots) = (Eligible::default(), Eligible::default(), Spots::default());
        old.insert(key(0), &mut spots);
        new.insert(key(1), &mut spots);
        new.remove(0, &mut spots);
        assert_eq!(new.first(), Some(&key(1)));
    }
}
