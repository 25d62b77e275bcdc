//! A contest: the least of many keys, each of which keeps its seat while it changes.
//!
//! Only the first lane is ever asked for, so a sorted order would be more than anybody reads. A heap
//! finds the first too, but moves other keys about whenever one changes, and has to be told where each
//! one went: with a hundred thousand lanes nearly every step of that is a miss in the cache. Here a key
//! that changes is compared with the three beside it, and mostly that is all, since it is not the least
//! of them before or after.

use std::cmp::Ordering;

use reeve_types::Millis;

use crate::arena::NIL;

/// Levels that are too large to be in the cache, with as many lanes as this is made for.
const LEVELS_FAR: usize = 3;
/// Keys of a family: the tags of four fill a cache line.
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

/// What stands in an empty seat: it comes after every lane.
const NOBODY: Key =
    Key { tag: u128::MAX, admitted_at: Millis::from_millis(i64::MAX), workspace: NIL, lane: NIL };

impl Key {
    const fn rest(&self) -> Rest {
        (self.admitted_at, self.workspace, self.lane)
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        crate::work::tick();
        self.tag.cmp(&other.tag).then_with(|| self.rest().cmp(&other.rest()))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Keys that are compared with each other; the least of them stands one level up.
///
/// The tags lie together, apart from what decides between equal ones and is hardly ever looked at.
#[derive(Clone)]
#[repr(align(128))]
struct Family {
    tags: [u128; WIDTH],
    rests: [Rest; WIDTH],
}

/// When the head was admitted, workspace, lane.
type Rest = (Millis, u32, u32);

const _: () = assert!(size_of::<Family>() == 128);

impl Family {
    const EMPTY: Self = {
        let Key { tag, admitted_at, workspace, lane } = NOBODY;
        Self { tags: [tag; WIDTH], rests: [(admitted_at, workspace, lane); WIDTH] }
    };

    fn get(&self, place: usize) -> Key {
        let (admitted_at, workspace, lane) = self.rests[place];
        Key { tag: self.tags[place], admitted_at, workspace, lane }
    }

    fn set(&mut self, place: usize, key: &Key) {
        self.tags[place] = key.tag;
        self.rests[place] = key.rest();
    }

    /// The place of the least key. Places are chosen, not keys moved, and nothing but a tie branches:
    /// so the processor fetches the families of the levels above while it waits for this one.
    fn least(&self) -> usize {
        let near = if self.is_before(1, 0) { 1 } else { 0 };
        let far = if self.is_before(3, 2) { 3 } else { 2 };
        if self.is_before(far, near) { far } else { near }
    }

    fn is_before(&self, a: usize, b: usize) -> bool {
        crate::work::tick();
        if self.tags[a] == self.tags[b] {
            return self.rests[a] < self.rests[b];
        }
        self.tags[a] < self.tags[b]
    }
}

/// Keys by seat, and the least of them.
#[derive(Clone)]
pub(crate) struct Contest {
    /// The seats, then the least of each family of the level below, up to a single family.
    levels: Vec<Vec<Family>>,
    first: Key,
}

impl Default for Contest {
    fn default() -> Self {
        Self { levels: Vec::new(), first: NOBODY }
    }
}

impl Contest {
    /// The least key.
    pub(crate) fn first(&self) -> Option<&Key> {
        (self.first.lane != NIL).then_some(&self.first)
    }

    /// Seats, taken or not.
    pub(crate) fn seats(&self) -> usize {
        self.levels.first().map_or(0, |level| level.len() * WIDTH)
    }

    /// The key in a seat.
    pub(crate) fn get(&self, seat: u32) -> Key {
        crate::work::tick();
        self.levels[0][seat as usize / WIDTH].get(seat as usize % WIDTH)
    }

    /// Asks for the memory of a seat, and of the level above it, ahead of its use.
    pub(crate) fn approach(&self, seat: u32) {
        let mut at = seat as usize;
        for level in self.levels.iter().take(LEVELS_FAR) {
            at /= WIDTH;
            if let Some(family) = level.get(at) {
                crate::work::approach(&family.tags[0]);
                crate::work::approach(&family.rests[0].1);
            }
        }
    }

    /// Empties a seat.
    pub(crate) fn clear(&mut self, seat: u32) {
        self.set(seat, NOBODY);
    }

    /// Puts a key into a seat, in place of the one that is there.
    pub(crate) fn set(&mut self, seat: u32, key: Key) {
        let (mut at, mut key) = (seat as usize, key);
        for level in &mut self.levels {
            let (family, place) = (&mut level[at / WIDTH], at % WIDTH);
            let old = family.get(place);
            family.set(place, &key);
            let least = family.least();
            if least != place {
                key = family.get(least);
                if key < old {
                    // Neither the one that went nor the one that came is known above.
                    return;
                }
            }
            at /= WIDTH;
        }
        self.first = key;
    }

    /// Adds a family of empty seats.
    pub(crate) fn grow(&mut self) {
        let mut level = 0;
        let mut families = self.levels.first().map_or(0, Vec::len) + 1;
        loop {
            if level == self.levels.len() {
                let mut top = Family::EMPTY;
                top.set(0, &self.first);
                self.levels.push(vec![top]);
            }
            self.levels[level].resize(families, Family::EMPTY);
            if families == 1 {
                return;
            }
            families = families.div_ceil(WIDTH);
            level += 1;
        }
    }

    /// All keys in order: which seat each one has depends on the past and means nothing.
    pub(crate) fn sorted(&self) -> Vec<Key> {
        let seats = self.levels.first().into_iter().flatten();
        let seats = seats.flat_map(|family| (0..WIDTH).map(|place| family.get(place)));
        let mut keys: Vec<Key> = seats.filter(|key| key.lane != NIL).collect();
        keys.sort_unstable();
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn the_first_is_the_least_of_a_map(
            steps in prop::collection::vec((0_u32..90, 0_u128..40, any::<bool>()), 1..300),
        ) {
            let (mut contest, mut model) = (Contest::default(), BTreeMap::new());
            for (seat, tag, is_removal) in steps {
                while contest.seats() <= seat as usize {
                    contest.grow();
                }
                if is_removal {
                    contest.clear(seat);
                    model.remove(&seat);
                } else {
                    let key = Key { tag, admitted_at: Millis::from_millis(0), workspace: seat, lane: seat };
                    contest.set(seat, key);
                    model.insert(seat, key);
                    prop_assert_eq!(contest.get(seat), key);
                }
                prop_assert_eq!(contest.first(), model.values().min());
            }
            let mut sorted: Vec<Key> = model.into_values().collect();
            sorted.sort_unstable();
            prop_assert_eq!(contest.sorted(), sorted);
        }
    }

    #[test]
    fn a_key_that_is_not_the_least_of_its_family_is_changed_in_a_few_steps() {
        let mut contest = Contest::default();
        for seat in 0..10_000 {
            if contest.seats() <= seat as usize {
                contest.grow();
            }
            let tag = u128::from(seat);
            contest.set(seat, Key { tag, admitted_at: Millis::from_millis(0), workspace: seat, lane: seat });
        }
        let before = crate::work::steps();
        let key = contest.get(5_003);
        contest.set(5_003, Key { tag: 20_000, ..key });
        assert!(crate::work::steps() - before <= 8);
    }
}
