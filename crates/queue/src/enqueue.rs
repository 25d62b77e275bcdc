//! Jobs come in, jobs leave unstarted, gates open.

use reeve_types::{JobId, Millis};

use crate::arena::{Node, State};
use crate::{Entry, FairQueue, Gate, Misuse};

impl FairQueue {
    /// Adds a job; it is ready at once, or when its gate opens.
    ///
    /// # Errors
    /// [`Misuse`] for a workspace or pool that is not known, or a job that is.
    pub fn enqueue(&mut self, entry: Entry, now: Millis) -> Result<(), Misuse> {
        self.places.approach(entry.job);
        self.check_place(&entry)?;
        let Ok(at) = self.add_node(&entry) else { return Err(Misuse::JobKnown(entry.job)) };
        self.admit(at, entry.gate, now);
        Ok(())
    }

    /// Forgets a queued job that ended unstarted (cancelled, expired). False when it is not queued.
    pub fn remove(&mut self, job: JobId) -> bool {
        let Some(at) = self.places.get(job, &self.jobs) else { return false };
        match self.jobs.get(at).state {
            State::Ready => self.ready_remove(at),
            State::Gated(_) => self.ungate(at),
            State::Free | State::Reserved | State::Running => return false,
        }
        self.drop_node(at);
        true
    }

    /// The next instant at which a gate opens.
    pub fn next_wake_at(&self) -> Option<Millis> {
        self.gates.first().map(|(until, _)| *until)
    }

    /// Opens the gates due by `now`, and says how many jobs became ready.
    pub fn wake(&mut self, now: Millis) -> usize {
        let mut woken = 0;
        while let Some((_, at)) = self.gates.first().copied().filter(|(until, _)| *until <= now) {
            self.ungate(at);
            self.ready_insert(at);
            woken += 1;
        }
        woken
    }

    /// True when the entry names a known workspace and pool.
    pub(crate) fn check_place(&self, entry: &Entry) -> Result<(), Misuse> {
        if entry.pool.at() >= self.pools.len() {
            return Err(Misuse::UnknownPool(entry.pool));
        }
        match self.workspaces.get(entry.workspace.0 as usize) {
            Some(workspace) if workspace.is_known => Ok(()),
            _ => Err(Misuse::UnknownWorkspace(entry.workspace)),
        }
    }

    /// A slot for a job, in no structure yet; the slot of its namesake when the job is known.
    pub(crate) fn add_node(&mut self, entry: &Entry) -> Result<u32, u32> {
        let lane_at = self.lane_for(entry.workspace.0, entry.pool);
        match self.places.get(entry.job, &self.jobs) {
            Some(known) => Err(known),
            None => {
                let at = self.jobs.insert(Node::new(entry, lane_at));
                self.places.insert(entry.job, at);
                Ok(at)
            }
        }
    }

    /// Frees the slot of a job that is in no structure.
    pub(crate) fn drop_node(&mut self, at: u32) {
        self.places.remove(self.jobs.get(at).job, &self.jobs);
        self.jobs.release(at);
    }

    /// A job that is in no structure becomes ready, or gated while its gate is shut.
    pub(crate) fn admit(&mut self, at: u32, gate: Option<Gate>, now: Millis) {
        match gate.filter(|gate| gate.until > now) {
            Some(gate) => self.shut(at, gate),
            None => self.ready_insert(at),
        }
    }

    fn shut(&mut self, at: u32, gate: Gate) {
        let node = self.jobs.get_mut(at);
        node.set_gated(gate);
        let lane_at = node.lane;
        let lane = &mut self.lanes[lane_at as usize];
        self.jobs.link(&mut lane.gated, at);
        lane.gated_len += 1;
        *self.tier_of(lane_at).gated_mut(gate.why) += 1;
        self.gates.insert((gate.until, at));
    }

    fn ungate(&mut self, at: u32) {
        let node = self.jobs.get(at);
        let (lane_at, gate) = (node.lane, node.gate());
        let lane = &mut self.lanes[lane_at as usize];
        self.jobs.unlink(&mut lane.gated, at);
        lane.gated_len -= 1;
        if let Some(gate) = gate {
            self.gates.remove(&(gate.until, at));
            *self.tier_of(lane_at).gated_mut(gate.why) -= 1;
        }
    }
}
