//! The order of the ready jobs of a long lane: a treap over arena slots that knows subtree sizes.
//!
//! A plain heap cannot say a job's rank and a sorted vector cannot take a job into its middle, both of
//! which a lane of a hundred thousand jobs needs. The balance comes from a hash of the slot number, so
//! the shape is the same on every run and no caller can choose it.

use std::cmp::Reverse;

use reeve_types::{JobId, Millis};

use crate::arena::{Arena, NIL, Node};

type Place = (Reverse<i32>, Millis, u32, JobId);

/// Own priority, higher first; then sequence. The id only separates what the caller failed to.
fn place(node: &Node) -> Place {
    (Reverse(node.priority), node.admitted_at, node.n, node.job)
}

/// The heap weight of a slot: an avalanche of its number.
const fn weight(at: u32) -> u32 {
    let mut x = at.wrapping_add(0x9e37_79b9);
    x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
    x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}

impl Arena {
    /// True when the job in slot `a` starts before the one in slot `b`.
    pub(crate) fn is_before(&self, a: u32, b: u32) -> bool {
        place(self.get(a)) < place(self.get(b))
    }

    /// Jobs under a root.
    pub(crate) fn order_len(&self, root: u32) -> u32 {
        if root == NIL { 0 } else { self.get(root).size() }
    }

    /// Adds a slot and returns the new root.
    pub(crate) fn order_insert(&mut self, root: u32, at: u32) -> u32 {
        if root == NIL || weight(at) > weight(root) {
            let size = self.order_len(root) + 1;
            let parts = self.split(root, at);
            let node = self.get_mut(at);
            (node.left, node.right) = (parts.near, parts.far);
            node.set_size(size);
            return at;
        }
        let is_left = self.is_before(at, root);
        let child = self.child(root, is_left);
        let child = self.order_insert(child, at);
        self.set_child(root, is_left, child, 1);
        root
    }

    /// Takes out a slot that is under this root, and returns the new root.
    pub(crate) fn order_remove(&mut self, root: u32, at: u32) -> u32 {
        if root == at {
            let (left, right) = (self.get(root).left, self.get(root).right);
            return self.merge(left, right);
        }
        let is_left = self.is_before(at, root);
        let child = self.child(root, is_left);
        let child = self.order_remove(child, at);
        self.set_child(root, is_left, child, -1);
        root
    }

    /// The first slot, or [`NIL`].
    pub(crate) fn order_first(&self, root: u32) -> u32 {
        let mut at = root;
        while at != NIL && self.get(at).left != NIL {
            at = self.get(at).left;
        }
        at
    }

    /// Ready jobs that start before the one in slot `at`, which need not be in the order itself.
    pub(crate) fn order_rank(&self, root: u32, at: u32) -> u64 {
        let wanted = place(self.get(at));
        self.count_while(root, |node| place(node) < wanted)
    }

    /// Ready jobs that a new job of that priority would come after.
    pub(crate) fn order_rank_of_new(&self, root: u32, priority: i32) -> u64 {
        self.count_while(root, |node| node.priority >= priority)
    }

    /// Every slot under a root, in no particular order.
    pub(crate) fn order_all(&self, root: u32) -> Vec<u32> {
        let mut found = Vec::with_capacity(self.order_len(root) as usize);
        let mut open = vec![root];
        while let Some(at) = open.pop() {
            if at != NIL {
                found.push(at);
                open.extend([self.get(at).left, self.get(at).right]);
            }
        }
        found
    }

    /// Length of the prefix for which `is_in` holds.
    fn count_while(&self, root: u32, is_in: impl Fn(&Node) -> bool) -> u64 {
        let (mut at, mut count) = (root, 0);
        while at != NIL {
            let node = self.get(at);
            if is_in(node) {
                count += u64::from(self.order_len(node.left)) + 1;
                at = node.right;
            } else {
                at = node.left;
            }
        }
        count
    }

    fn child(&self, root: u32, is_left: bool) -> u32 {
        let node = self.get(root);
        if is_left { node.left } else { node.right }
    }

    /// Sizes go by differences: adding the children's up would visit the one that nothing happened to.
    fn set_child(&mut self, root: u32, is_left: bool, child: u32, grown: i32) {
        let node = self.get_mut(root);
        if is_left {
            node.left = child;
        } else {
            node.right = child;
        }
        node.set_size(node.size().wrapping_add_signed(grown));
    }

    /// What starts before slot `at`, and the rest.
    fn split(&mut self, root: u32, at: u32) -> Parts {
        if root == NIL {
            return Parts { near: NIL, far: NIL, near_len: 0, far_len: 0 };
        }
        let is_near = self.is_before(root, at);
        let child = self.child(root, !is_near);
        let mut parts = self.split(child, at);
        if is_near {
            self.set_child(root, false, parts.near, -(parts.far_len as i32));
            (parts.near, parts.near_len) = (root, self.get(root).size());
        } else {
            self.set_child(root, true, parts.far, -(parts.near_len as i32));
            (parts.far, parts.far_len) = (root, self.get(root).size());
        }
        parts
    }

    /// Both trees in one; all of `a` starts before all of `b`.
    fn merge(&mut self, a: u32, b: u32) -> u32 {
        if a == NIL || b == NIL {
            return if a == NIL { b } else { a };
        }
        let is_a = weight(a) > weight(b);
        let (root, other) = if is_a { (a, b) } else { (b, a) };
        let grown = self.get(other).size() as i32;
        let child = self.child(root, !is_a);
        let child = if is_a { self.merge(child, b) } else { self.merge(a, child) };
        self.set_child(root, !is_a, child, grown);
        root
    }
}

/// A tree cut in two.
struct Parts {
    near: u32,
    far: u32,
    near_len: u32,
    far_len: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::waiting;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_tree_agrees_with_a_sorted_list(
            jobs in prop::collection::vec((-2_i32..3, 0_i64..20, any::<bool>()), 1..60),
        ) {
            let (mut arena, mut root, mut model) = (Arena::default(), NIL, Vec::new());
            for (id, (priority, admitted_at, stays)) in jobs.iter().enumerate() {
                let at = arena.insert(waiting(*priority, *admitted_at, id as u128));
                root = arena.order_insert(root, at);
                model.push((place(arena.get(at)), at, *stays));
            }
            for (_, at, _) in model.iter().filter(|(_, _, stays)| !stays) {
                root = arena.order_remove(root, *at);
            }
            model.retain(|(_, _, stays)| *stays);
            model.sort();
            prop_assert_eq!(arena.order_len(root) as usize, model.len());
            prop_assert_eq!(arena.order_first(root), model.first().map_or(NIL, |(_, at, _)| *at));
            for (rank, (_, at, _)) in model.iter().enumerate() {
                prop_assert_eq!(arena.order_rank(root, *at), rank as u64);
            }
            for priority in -3..4 {
                let first_after = model.iter().filter(|(place, _, _)| place.0.0 >= priority).count();
                prop_assert_eq!(arena.order_rank_of_new(root, priority), first_after as u64);
            }
        }
    }

    #[test]
    fn a_long_lane_stays_shallow() {
        let (mut arena, mut root) = (Arena::default(), NIL);
        for id in 0..50_000 {
            let at = arena.insert(waiting(0, id, id as u128));
            root = arena.order_insert(root, at);
        }
        let mut deepest = 0;
        let mut open = vec![(root, 1)];
        while let Some((at, depth)) = open.pop() {
            if at != NIL {
                deepest = deepest.max(depth);
                open.extend([(arena.get(at).left, depth + 1), (arena.get(at).right, depth + 1)]);
            }
        }
        assert!(deepest < 64, "{deepest}");
    }
}
