//! A workspace's owner says anew what is queued and running: rows are the truth, the queue follows.

use reeve_types::{JobId, Millis};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::arena::{NIL, State};
use crate::ready::Ready;
use crate::{Entry, FairQueue, GiveBack, Misuse, Ticket, WorkspaceKey};

impl FairQueue {
    /// Replaces all that is known of a workspace's jobs; set its facts before.
    ///
    /// Tags and debts stay, so a rebuilt owner neither gains nor loses a turn. A reservation whose job is
    /// listed as running is confirmed; any other of the workspace is reversed as by
    /// [`give_back`](Self::give_back). The gates of `running` entries mean nothing.
    ///
    /// # Errors
    /// [`Misuse`], before anything changed: a place that is not known, a job listed twice, or one that
    /// the queue holds for another workspace.
    pub fn sync(
        &mut self,
        workspace: WorkspaceKey,
        queued: &[Entry],
        running: &[Entry],
        now: Millis,
    ) -> Result<(), Misuse> {
        self.check_sync(workspace, queued, running)?;
        self.close_reservations(workspace, running, now);
        let estimates = self.clear(workspace);
        for entry in running {
            let Ok(at) = self.add_node(entry) else { continue };
            let node = self.jobs.get(at);
            let estimate = self.pools[entry.pool.at()].cost_ms(node.declared_ms, node.action);
            let cost_ms = estimates.get(&entry.job).copied().unwrap_or(estimate);
            self.link_running(at, cost_ms, State::Running);
        }
        self.workspaces[workspace.0 as usize].running = running.len() as u32;
        self.update_block(workspace.0);
        for entry in queued {
            let Ok(at) = self.add_node(entry) else { continue };
            self.admit(at, entry.gate, now);
        }
        Ok(())
    }

    fn check_sync(&self, workspace: WorkspaceKey, queued: &[Entry], running: &[Entry]) -> Result<(), Misuse> {
        if self.workspace_id(workspace).is_none() {
            return Err(Misuse::UnknownWorkspace(workspace));
        }
        let mut seen = FxHashSet::default();
        for entry in queued.iter().chain(running) {
            self.check_place(entry)?;
            let known =
                self.places.get(entry.job, &self.jobs).map(|at| self.lane(self.jobs.get(at).lane).workspace);
            if entry.workspace != workspace || known.is_some_and(|owner| owner != workspace.0) {
                return Err(Misuse::ForeignJob(entry.job));
            }
            if !seen.insert(entry.job) {
                return Err(Misuse::JobTwice(entry.job));
            }
        }
        Ok(())
    }

    /// Confirms what runs and reverses the rest, the latest first, so that a run of them is exact.
    fn close_reservations(&mut self, workspace: WorkspaceKey, running: &[Entry], now: Millis) {
        let mut open: Vec<(Ticket, JobId)> = Vec::new();
        for lane_at in self.lanes_of(workspace.0) {
            let jobs = self.jobs.list(self.lane(lane_at).running);
            open.extend(
                jobs.filter_map(|at| Some((self.reservations.get(&at)?.ticket, self.jobs.get(at).job))),
            );
        }
        open.sort_unstable_by(|a, b| b.cmp(a));
        let runs: FxHashSet<JobId> = running.iter().map(|entry| entry.job).collect();
        for (ticket, job) in open {
            if runs.contains(&job) {
                self.confirm(ticket);
            } else {
                self.give_back(ticket, GiveBack::Requeue, now);
            }
        }
    }

    /// Forgets every job of a workspace, and returns the estimates of those that ran.
    fn clear(&mut self, workspace: WorkspaceKey) -> FxHashMap<JobId, u32> {
        let mut estimates = FxHashMap::default();
        let lanes: Vec<u32> = self.lanes_of(workspace.0).collect();
        for lane_at in lanes {
            self.unlist(lane_at);
            self.tally_lane(lane_at, false);
            let lane = self.lane(lane_at).clone();
            for at in self.jobs.list(lane.running) {
                estimates.insert(self.jobs.get(at).job, self.jobs.get(at).cost_ms());
            }
            let running_len = self.jobs.list(lane.running).count() as u64;
            self.pool_of(lane_at).running -= running_len;
            let mut gone = lane.ready.all(&self.jobs);
            gone.extend(self.jobs.list(lane.running));
            for at in self.jobs.list(lane.gated) {
                if let Some(gate) = self.jobs.get(at).gate() {
                    self.gates.remove(&(gate.until, at));
                }
                gone.push(at);
            }
            gone.into_iter().for_each(|at| self.drop_node(at));
            let lane = self.lane_mut(lane_at);
            (lane.ready, lane.head, lane.gated, lane.running) = (Ready::new(), NIL, NIL, NIL);
            lane.gated_len = 0;
        }
        self.workspaces[workspace.0 as usize].running = 0;
        estimates
    }
}
