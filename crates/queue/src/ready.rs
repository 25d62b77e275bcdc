//! The ready jobs of a lane in order: a short sorted list, or the tree of [`order`](crate::order) when they are many.
//!
//! With a million jobs in a hundred thousand lanes an operation costs what it misses in the cache. A
//! tree of ten jobs is a chain of misses, one for each slot on the path; the list has the keys side by
//! side and looks at no slot. It is a ring, so that a job that joins at the end or leaves at the start,
//! as most do, touches that end only.

use std::cmp::Reverse;
use std::collections::VecDeque;

use reeve_types::Millis;

use crate::arena::{Arena, NIL, Node};

/// Longest list; one more job makes it a tree.
const SHORT_MAX: usize = 32;
/// A tree that has become as short as this is a list again: far enough below to pay for the change.
const SHORT_AGAIN: u32 = 8;

/// A job's place in the order, with its slot and what a lane has to know of its head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    pub(crate) admitted_at: Millis,
    n: u32,
    priority: i32,
    pub(crate) at: u32,
    /// Declared cost in slot-milliseconds; 0 for none.
    pub(crate) declared_ms: u32,
}

const _: () = assert!(size_of::<Item>() == 24);

/// The ready jobs of one lane.
#[derive(Debug, Clone)]
pub(crate) enum Ready {
    Short(VecDeque<Item>),
    /// The root of a tree.
    Long(u32),
}

impl Default for Ready {
    fn default() -> Self {
        Self::new()
    }
}

impl Ready {
    /// No jobs.
    pub(crate) const fn new() -> Self {
        Self::Short(VecDeque::new())
    }

    /// True when there is no job.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Short(items) => items.is_empty(),
            Self::Long(root) => *root == NIL,
        }
    }

    /// Jobs in it.
    pub(crate) fn len(&self, jobs: &Arena) -> u32 {
        match self {
            Self::Short(items) => items.len() as u32,
            Self::Long(root) => jobs.order_len(*root),
        }
    }

    /// Adds a slot that is known to come last, without a look at the others. False, and nothing changed,
    /// when only [`insert`](Self::insert) can add it.
    pub(crate) fn append(&mut self, at: u32, jobs: &Arena) -> bool {
        match self {
            Self::Short(items) if (1..SHORT_MAX).contains(&items.len()) => {
                items.push_back(item(at, jobs));
                true
            }
            _ => false,
        }
    }

    /// Adds a slot, and says whether it comes first now. `head` is the first slot so far, or [`NIL`].
    pub(crate) fn insert(&mut self, at: u32, head: u32, jobs: &mut Arena) -> bool {
        let is_first = match self {
            Self::Short(items) if items.len() < SHORT_MAX => {
                let wanted = item(at, jobs);
                let place = place_of_new(items, &wanted, jobs);
                items.insert(place, wanted);
                return place == 0;
            }
            _ => head == NIL || jobs.is_before(at, head),
        };
        match self {
            Self::Short(items) => {
                let all = std::mem::take(items).into_iter().map(|item| item.at).chain([at]);
                let root = all.fold(NIL, |root, at| {
                    jobs.become_leaf(at);
                    jobs.order_insert(root, at)
                });
                *self = Self::Long(root);
            }
            Self::Long(root) => {
                jobs.become_leaf(at);
                *root = jobs.order_insert(*root, at);
            }
        }
        is_first
    }

    /// Asks for the memory of the first jobs ahead of its use.
    pub(crate) fn approach(&self) {
        if let Self::Short(items) = self {
            let second = items.get(1).or(items.front());
            second.into_iter().for_each(|item| crate::work::approach(&item.at));
        }
    }

    /// Takes out a slot that is in it.
    pub(crate) fn remove(&mut self, at: u32, jobs: &mut Arena) {
        match self {
            Self::Short(items) => {
                let place = place_of(items, at, jobs);
                items.remove(place);
                if items.is_empty() {
                    // A lane that has emptied may stay so for long.
                    *items = VecDeque::new();
                }
            }
            Self::Long(root) => {
                *root = jobs.order_remove(*root, at);
                if jobs.order_len(*root) <= SHORT_AGAIN {
                    let mut items: Vec<Item> =
                        jobs.order_all(*root).into_iter().map(|at| item(at, jobs)).collect();
                    items.sort_unstable_by(|a, b| {
                        if comes_before(a, b, jobs) {
                            std::cmp::Ordering::Less
                        } else {
                            std::cmp::Ordering::Greater
                        }
                    });
                    *self = Self::Short(items.into());
                }
            }
        }
    }

    /// The first job.
    pub(crate) fn first(&self, jobs: &Arena) -> Option<Item> {
        match self {
            Self::Short(items) => items.front().copied(),
            Self::Long(root) => {
                Some(jobs.order_first(*root)).filter(|at| *at != NIL).map(|at| item(at, jobs))
            }
        }
    }

    /// Ready jobs that start before the one in slot `at`, which need not be in the order itself.
    pub(crate) fn rank(&self, at: u32, jobs: &Arena) -> u64 {
        match self {
            Self::Short(items) => place_of(items, at, jobs) as u64,
            Self::Long(root) => jobs.order_rank(*root, at),
        }
    }

    /// Ready jobs that a new job of that priority would come after.
    pub(crate) fn rank_of_new(&self, priority: i32, jobs: &Arena) -> u64 {
        match self {
            Self::Short(items) => items.partition_point(|item| item.priority >= priority) as u64,
            Self::Long(root) => jobs.order_rank_of_new(*root, priority),
        }
    }

    /// Every slot, in no particular order.
    pub(crate) fn all(&self, jobs: &Arena) -> Vec<u32> {
        match self {
            Self::Short(items) => items.iter().map(|item| item.at).collect(),
            Self::Long(root) => jobs.order_all(*root),
        }
    }
}

fn item(at: u32, jobs: &Arena) -> Item {
    let node = jobs.get(at);
    let Node { admitted_at, n, priority, declared_ms, .. } = *node;
    Item { admitted_at, n, priority, at, declared_ms }
}

fn comes_before(a: &Item, b: &Item, jobs: &Arena) -> bool {
    crate::work::tick();
    let key = |item: &Item| (Reverse(item.priority), item.admitted_at, item.n);
    // Equal only where the caller failed to number them: then the slots have the ids that decide.
    key(a) < key(b) || (key(a) == key(b) && jobs.is_before(a.at, b.at))
}

/// Where a slot is in a list, or would be.
fn place_of(items: &VecDeque<Item>, at: u32, jobs: &Arena) -> usize {
    match items.front() {
        Some(first) if first.at == at => 0,
        _ => place_of_new(items, &item(at, jobs), jobs),
    }
}

/// Where a job that is not in the list belongs: at the end, mostly.
fn place_of_new(items: &VecDeque<Item>, wanted: &Item, jobs: &Arena) -> usize {
    match items.back() {
        Some(last) if comes_before(last, wanted, jobs) => items.len(),
        _ => items.partition_point(|item| comes_before(item, wanted, jobs)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::waiting;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn list_and_tree_agree_with_a_sorted_list(
            steps in prop::collection::vec((-2_i32..3, 0_i64..20, 0_u32..100, any::<prop::sample::Index>()), 1..260),
            growth in 40_u32..70,
        ) {
            let (mut arena, mut ready, mut model) = (Arena::default(), Ready::new(), Vec::new());
            for (id, (priority, admitted_at, dice, index)) in steps.iter().enumerate() {
                // Grows past the change of form, then shrinks back through it.
                let grows = *dice < if id < 130 { growth } else { 100 - growth };
                if grows || model.is_empty() {
                    let at = arena.insert(waiting(*priority, *admitted_at, id as u128));
                    let head = ready.first(&arena).map_or(NIL, |first| first.at);
                    let place = (Reverse(*priority), *admitted_at, id, at);
                    let is_appended = model.last().is_some_and(|last| *last < place) && ready.append(at, &arena);
                    let is_first = !is_appended && ready.insert(at, head, &mut arena);
                    model.push(place);
                    model.sort_unstable();
                    prop_assert_eq!(is_first, model[0].3 == at);
                } else {
                    let (_, _, _, at) = model.remove(index.index(model.len()));
                    ready.remove(at, &mut arena);
                    arena.release(at);
                }
                prop_assert_eq!(ready.len(&arena) as usize, model.len());
                prop_assert_eq!(ready.is_empty(), model.is_empty());
                prop_assert_eq!(ready.first(&arena).map(|first| first.at), model.first().map(|known| known.3));
                for (rank, (_, _, _, at)) in model.iter().enumerate() {
                    prop_assert_eq!(ready.rank(*at, &arena), rank as u64);
                }
                for priority in -3..4 {
                    let before = model.iter().filter(|known| known.0.0 >= priority).count();
                    prop_assert_eq!(ready.rank_of_new(priority, &arena), before as u64);
                }
            }
        }
    }
}
