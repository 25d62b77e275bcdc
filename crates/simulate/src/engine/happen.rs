//! What happens when an event is due: attempts end, callers cancel, workers come and go.

use super::events::Event;
use super::fate::{self, Ending};
use super::fleet::Standing;
use super::run::{Run, Stage};
use crate::description::Change;
use crate::refusal::Bug;

impl Run<'_> {
    pub(super) fn happen(&mut self, event: Event) -> Result<(), Bug> {
        match event {
            Event::End { job, attempt } if self.is(job, Stage::Running, attempt) => self.end(job),
            Event::Stop { job, attempt } if self.is(job, Stage::Running, attempt) => {
                self.free(job)?;
                self.close(job, Stage::Cancelled)
            }
            Event::Lapse { job, attempt } if self.is(job, Stage::Orphaned, attempt) => self.retry(job, true),
            Event::End { .. } | Event::Stop { .. } | Event::Lapse { .. } => Ok(()),
            Event::Cancel { job } => self.cancel(job),
            Event::Change { workers, change } => {
                self.change(workers as usize, change as usize);
                Ok(())
            }
            Event::Loss { worker } => {
                let kind = self.fleet.all[worker as usize].workers;
                if self.fleet.all[worker as usize].standing == Standing::Live {
                    let back_at = self.now.saturating_add(self.load.workers[kind].back_ms);
                    self.events.plan(back_at, Event::Back { workers: kind as u32 });
                }
                self.lose(worker);
                Ok(())
            }
            Event::Back { workers } => {
                self.join(workers as usize);
                Ok(())
            }
        }
    }

    fn is(&self, job: u32, stage: Stage, attempt: u16) -> bool {
        let record = &self.outcome.jobs[job as usize];
        record.stage == stage && record.attempt == attempt
    }

    fn end(&mut self, job: u32) -> Result<(), Bug> {
        self.free(job)?;
        let record = &self.outcome.jobs[job as usize];
        match fate::attempt(self.load, job, record.attempt).0 {
            _ if record.is_cancelled => self.close(job, Stage::Cancelled),
            Ending::Done => self.close(job, Stage::Finished),
            Ending::FailedForGood => self.close(job, Stage::Failed),
            Ending::FailedForNow => self.retry(job, false),
        }
    }

    /// An attempt did not succeed: the job goes back to its place, or fails.
    fn retry(&mut self, job: u32, is_lapse: bool) -> Result<(), Bug> {
        let workspace = self.load.arrivals[job as usize].workspace as usize;
        self.outcome.attempts_lost += 1;
        let record = &mut self.outcome.jobs[job as usize];
        record.lost += 1;
        if record.is_cancelled {
            return self.close(job, Stage::Cancelled);
        }
        if record.lost >= self.load.retry.attempts_max {
            return self.close(job, Stage::Failed);
        }
        debug_assert!(is_lapse == (record.stage == Stage::Orphaned));
        let actual_ms = self.now - record.started_at;
        record.stage = Stage::Waiting;
        record.ready_at = self.now.saturating_add(fate::backoff_ms(self.load, job, record.lost));
        let ready_at = record.ready_at;
        self.running[workspace] -= 1;
        self.queued[workspace] += 1;
        let is_known = self.policy.requeue(job, actual_ms, ready_at, self.now);
        self.must(is_known, "a job went back that was not running")
    }

    /// The job leaves its slot, which its workspace has had until now.
    fn free(&mut self, job: u32) -> Result<(), Bug> {
        self.book(job);
        let worker = self.outcome.jobs[job as usize].worker;
        let was_there = self.fleet.vacate(worker, job);
        self.must(was_there, "a job ended on a worker that did not run it")
    }

    pub(super) fn book(&mut self, job: u32) {
        let workspace = self.load.arrivals[job as usize].workspace as usize;
        self.outcome.worked_ms[workspace] += self.now - self.outcome.jobs[job as usize].started_at;
    }

    /// A job that runs, as far as the queue knows, ends.
    fn close(&mut self, job: u32, stage: Stage) -> Result<(), Bug> {
        let workspace = self.load.arrivals[job as usize].workspace as usize;
        self.running[workspace] -= 1;
        let record = &mut self.outcome.jobs[job as usize];
        record.stage = stage;
        let is_known = self.policy.finish(job, self.now - record.started_at);
        self.must(is_known, "a job ended that was not running")
    }

    fn cancel(&mut self, job: u32) -> Result<(), Bug> {
        let workspace = self.load.arrivals[job as usize].workspace as usize;
        let record = &mut self.outcome.jobs[job as usize];
        match record.stage {
            Stage::Waiting => {
                record.stage = Stage::Cancelled;
                self.queued[workspace] -= 1;
                let is_known = self.policy.remove(job);
                self.must(is_known, "a job was cancelled that did not wait")
            }
            Stage::Running | Stage::Orphaned => {
                record.is_cancelled = true;
                let notice_ms = self.load.cancel.as_ref().map_or(0, |cancel| cancel.notice_ms);
                self.events.plan_after(self.now, notice_ms, Event::Stop { job, attempt: record.attempt });
                Ok(())
            }
            Stage::Ahead | Stage::Finished | Stage::Failed | Stage::Cancelled | Stage::Refused => Ok(()),
        }
    }

    fn change(&mut self, workers: usize, change: usize) {
        let change = self.load.workers[workers].changes[change];
        match change.what {
            Change::Join => (0..change.count).for_each(|_| self.join(workers)),
            Change::Drain => {
                let latest = self.fleet.latest(workers, change.count);
                latest.into_iter().for_each(|worker| self.fleet.drain(worker));
            }
            Change::Lost => {
                let latest = self.fleet.latest(workers, change.count);
                latest.into_iter().for_each(|worker| self.lose(worker));
            }
        }
    }

    pub(super) fn join(&mut self, workers: usize) {
        let worker = self.fleet.join(workers);
        if let Some(after) = fate::lost_after_ms(self.load, workers, worker) {
            self.events.plan_after(self.now, after, Event::Loss { worker });
        }
    }

    /// A worker vanishes; its jobs' leases lapse in their time.
    fn lose(&mut self, worker: u32) {
        for job in self.fleet.lose(worker) {
            self.book(job);
            let record = &mut self.outcome.jobs[job as usize];
            record.stage = Stage::Orphaned;
            let attempt = record.attempt;
            self.events.plan_after(self.now, self.load.lease_ms, Event::Lapse { job, attempt });
        }
    }
}
