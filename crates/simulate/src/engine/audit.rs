//! Checks an instant against the rows of jobs, without asking the policy: for tests.

use super::fleet::Standing;
use super::run::{Run, Stage};

impl Run<'_> {
    /// Panics unless caps and slots hold and no slot is free that a waiting job could have.
    pub(super) fn audit(&self) {
        if !self.is_audited {
            return;
        }
        let mut running = vec![0; self.load.workspaces.len()];
        let mut busy = vec![0; self.fleet.all.len()];
        for (record, arrival) in self.outcome.jobs.iter().zip(&self.load.arrivals) {
            if matches!(record.stage, Stage::Running | Stage::Orphaned) {
                running[arrival.workspace as usize] += 1;
            }
            if record.stage == Stage::Running {
                busy[record.worker as usize] += 1;
            }
        }
        for (workspace, running) in self.load.workspaces.iter().zip(&running) {
            assert!(*running <= workspace.running_max, "{} runs {running}", workspace.id);
        }
        let mut free = vec![0; self.load.settings.pools.len()];
        for (worker, busy) in self.fleet.all.iter().zip(&busy) {
            let workers = &self.load.workers[worker.workers];
            assert!(*busy <= workers.slots, "a worker of {} runs {busy}", workers.name);
            assert!(worker.standing != Standing::Gone || *busy == 0, "a lost worker runs {busy}");
            if worker.standing == Standing::Live {
                workers.pools.iter().for_each(|pool| free[usize::from(*pool)] += workers.slots - busy);
            }
        }
        let idle = self.outcome.jobs.iter().zip(&self.load.arrivals).find(|(record, arrival)| {
            let workspace = arrival.workspace as usize;
            record.stage == Stage::Waiting
                && record.ready_at <= self.now
                && running[workspace] < self.load.workspaces[workspace].running_max
                && free[usize::from(self.load.pool_of(arrival))] > 0
        });
        assert!(idle.is_none(), "at {} a slot is free and {idle:?} waits", self.now);
    }
}
