//! One slot for every job that is queued or running: one cache line, found by a 32-bit index.
//!
//! The two links of a slot serve the workspace's order while the job is ready, and a list of the
//! lane's gated or running jobs otherwise, so that no job is ever in two of them.

use reeve_types::{JobId, Millis};

use crate::{Entry, Gate, GateReason};

/// No slot.
pub(crate) const NIL: u32 = u32::MAX;

/// What a slot's job is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Free,
    Ready,
    Gated(GateReason),
    /// Taken, not confirmed.
    Reserved,
    Running,
}

/// A job. With a million of them every operation is cache misses, hence the alignment.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub(crate) struct Node {
    pub(crate) job: JobId,
    pub(crate) admitted_at: Millis,
    /// Ready: jobs of the subtree. Gated: when the gate opens. Reserved or running: the estimate that
    /// settling compares with. Read and written by the methods below.
    number: i64,
    pub(crate) n: u32,
    pub(crate) priority: i32,
    /// Declared cost in slot-milliseconds; 0 for none.
    pub(crate) declared_ms: u32,
    pub(crate) action: u32,
    pub(crate) lane: u32,
    pub(crate) left: u32,
    pub(crate) right: u32,
    pub(crate) state: State,
}

impl Node {
    /// A slot's content for an entry of that lane; it is in no structure yet.
    pub(crate) fn new(entry: &Entry, lane: u32) -> Self {
        Self {
            job: entry.job,
            admitted_at: entry.sequence.admitted_at,
            number: 0,
            n: entry.sequence.n,
            priority: entry.priority,
            declared_ms: entry.cost_ms.map_or(0, |cost_ms| cost_ms.max(1)),
            action: entry.action,
            lane,
            left: NIL,
            right: NIL,
            state: State::Free,
        }
    }

    /// The gate, while there is one.
    pub(crate) const fn gate(&self) -> Option<Gate> {
        match self.state {
            State::Gated(why) => Some(Gate { until: Millis::from_millis(self.number), why }),
            _ => None,
        }
    }

    /// Shuts a gate.
    pub(crate) const fn set_gated(&mut self, gate: Gate) {
        self.state = State::Gated(gate.why);
        self.number = gate.until.value();
    }

    /// Reserves or runs the job, at that estimate in slot-milliseconds.
    pub(crate) fn set_running(&mut self, state: State, cost_ms: u32) {
        self.state = state;
        self.number = i64::from(cost_ms);
    }

    /// The estimate of a job that is reserved or running.
    pub(crate) const fn cost_ms(&self) -> u32 {
        self.number as u32
    }

    /// Jobs of the subtree of a ready job.
    pub(crate) const fn size(&self) -> u32 {
        self.number as u32
    }

    /// Makes it the root of a subtree of that many jobs.
    pub(crate) fn set_size(&mut self, size: u32) {
        self.number = i64::from(size);
    }
}

const _: () = assert!(size_of::<Node>() == 64);

/// All slots, with a free list through `left`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arena {
    pub(crate) nodes: Vec<Node>,
    free: u32,
    free_len: usize,
}

impl Arena {
    /// Room for that many jobs without growing.
    pub(crate) fn reserve(&mut self, jobs: usize) {
        self.nodes.reserve(jobs.saturating_sub(self.free_len));
    }

    /// Puts a job into a slot.
    pub(crate) fn insert(&mut self, node: Node) -> u32 {
        if self.free_len == 0 {
            let at = self.nodes.len() as u32;
            self.nodes.push(node);
            return at;
        }
        let at = self.free;
        self.free = self.nodes[at as usize].left;
        self.free_len -= 1;
        self.nodes[at as usize] = node;
        at
    }

    /// Empties a slot.
    pub(crate) fn release(&mut self, at: u32) {
        let free = self.free;
        let node = &mut self.nodes[at as usize];
        node.state = State::Free;
        node.left = free;
        self.free = at;
        self.free_len += 1;
    }

    /// Makes a slot that is in no structure a tree of one.
    pub(crate) fn become_leaf(&mut self, at: u32) {
        let node = self.get_mut(at);
        (node.left, node.right) = (NIL, NIL);
        node.set_size(1);
    }

    /// The job in a slot.
    pub(crate) fn get(&self, at: u32) -> &Node {
        crate::work::tick();
        &self.nodes[at as usize]
    }

    /// The job in a slot, to change.
    pub(crate) fn get_mut(&mut self, at: u32) -> &mut Node {
        &mut self.nodes[at as usize]
    }

    /// Prepends a slot to the list that starts at `head`.
    pub(crate) fn link(&mut self, head: &mut u32, at: u32) {
        if *head != NIL {
            self.get_mut(*head).left = at;
        }
        let node = self.get_mut(at);
        (node.left, node.right) = (NIL, *head);
        *head = at;
    }

    /// Takes a slot out of the list that starts at `head`.
    pub(crate) fn unlink(&mut self, head: &mut u32, at: u32) {
        let (left, right) = (self.get(at).left, self.get(at).right);
        if left == NIL {
            *head = right;
        } else {
            self.get_mut(left).right = right;
        }
        if right != NIL {
            self.get_mut(right).left = left;
        }
    }

    /// The slots of the list that starts at `head`.
    pub(crate) fn list(&self, head: u32) -> impl Iterator<Item = u32> {
        let mut at = head;
        std::iter::from_fn(move || {
            let here = (at != NIL).then_some(at)?;
            at = self.get(here).right;
            Some(here)
        })
    }
}

/// A ready job of nobody in particular, for the tests of orders.
#[cfg(test)]
pub(crate) fn waiting(priority: i32, admitted_at: i64, id: u128) -> Node {
    let entry = Entry {
        job: JobId::from_parts(Millis::from_millis(0), id),
        workspace: crate::WorkspaceKey(0),
        pool: crate::PoolIndex(0),
        cost_ms: None,
        action: 0,
        priority,
        sequence: crate::Sequence { admitted_at: Millis::from_millis(admitted_at), n: 0 },
        gate: None,
    };
    Node::new(&entry, 0)
}
