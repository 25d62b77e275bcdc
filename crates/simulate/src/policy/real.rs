//! The server's queue behind the simulator's interface. It decides everything; nothing is decided here.

use reeve_queue::{Entry, FairQueue, Gate, GateReason, PoolIndex, Sequence, WorkspaceFacts, WorkspaceKey};
use reeve_types::{JobId, Millis};

use super::{Policy, Waiting};
use crate::load::Load;
use crate::refusal::Bug;

/// The low bits of a job id are the job's place in the arrivals.
const JOB_MASK: u128 = u32::MAX as u128;

pub(crate) struct Real {
    queue: FairQueue,
    keys: Vec<WorkspaceKey>,
    admitted_at: Vec<u64>,
    /// Jobs admitted per workspace, so that those of one millisecond keep their order.
    admitted: Vec<u32>,
}

impl Real {
    pub(crate) fn new(load: &Load) -> Result<Self, Bug> {
        let bug = |what: String| Bug { at_ms: 0, what };
        let mut queue = FairQueue::new(load.settings.clone()).map_err(|e| bug(e.to_string()))?;
        let mut keys = Vec::with_capacity(load.workspaces.len());
        for workspace in &load.workspaces {
            let facts = WorkspaceFacts {
                tier: reeve_queue::TierIndex(workspace.tier),
                cap_running: workspace.running_max,
                paused: false,
            };
            keys.push(queue.set_workspace(&workspace.id, facts).map_err(|e| bug(e.to_string()))?);
        }
        let admitted = vec![0; keys.len()];
        Ok(Self { queue, keys, admitted_at: vec![0; load.arrivals.len()], admitted })
    }

    fn id(&self, job: u32) -> JobId {
        id(job, self.admitted_at[job as usize])
    }
}

fn id(job: u32, admitted_at: u64) -> JobId {
    JobId::from_parts(millis(admitted_at), u128::from(job))
}

fn millis(at: u64) -> Millis {
    Millis::from_millis(i64::try_from(at).unwrap_or(i64::MAX))
}

impl Policy for Real {
    fn enqueue(&mut self, job: Waiting, now: u64) -> bool {
        let workspace = job.workspace as usize;
        self.admitted_at[job.job as usize] = job.admitted_at;
        self.admitted[workspace] += 1;
        let entry = Entry {
            job: self.id(job.job),
            workspace: self.keys[workspace],
            pool: PoolIndex(job.pool),
            cost_ms: job.declared_ms,
            action: u32::from(job.action),
            priority: 0,
            sequence: Sequence { admitted_at: millis(job.admitted_at), n: self.admitted[workspace] },
            gate: None,
        };
        self.queue.enqueue(entry, millis(now)).is_ok()
    }

    fn remove(&mut self, job: u32) -> bool {
        self.queue.remove(self.id(job))
    }

    fn take(&mut self, pool: u16, slots_open: u32, now: u64) -> Option<u32> {
        let taken = self.queue.take(PoolIndex(pool), slots_open, millis(now))?;
        self.queue.confirm(taken.ticket);
        u32::try_from(taken.job.uuid().as_u128() & JOB_MASK).ok()
    }

    fn finish(&mut self, job: u32, actual_ms: u64) -> bool {
        self.queue.finish(self.id(job), actual_ms)
    }

    fn requeue(&mut self, job: u32, actual_ms: u64, until: u64, now: u64) -> bool {
        let gate = Gate { until: millis(until), why: GateReason::RetryBackoff };
        self.queue.requeue(self.id(job), actual_ms, Some(gate), millis(now))
    }

    fn wake(&mut self, now: u64) {
        self.queue.wake(millis(now));
    }

    fn next_wake_at(&self) -> Option<u64> {
        self.queue.next_wake_at().and_then(|at| u64::try_from(at.value()).ok())
    }

    fn is_eligible(&self, pool: u16) -> bool {
        self.queue.is_eligible(PoolIndex(pool))
    }

    fn floor_lag_ms(&self, tier: u8) -> Option<u64> {
        let pools = 0..self.queue.settings().pools.len();
        let stats = pools.filter_map(|pool| self.queue.stats(PoolIndex(u16::try_from(pool).ok()?)));
        Some(stats.filter_map(|pool| pool.tiers.get(usize::from(tier)).map(|tier| tier.floor_lag_ms)).sum())
    }
}
