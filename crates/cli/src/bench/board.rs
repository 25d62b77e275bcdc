//! What the connections of one phase share: counts, latencies, and which job is where.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use tokio::sync::{Notify, Semaphore};

use super::clock::Mark;
use super::error::{BenchError, shown};
use super::figures::Latencies;
use super::load::{Phase, Round};
use crate::system::pause_ms;

/// Jobs under way per client while workers work: submits that outran the workers would measure a growing queue.
const UNDER_WAY_PER_CLIENT: usize = 8;
/// Wait before a request that was put off is sent again.
const PUT_OFF_MS: u64 = 50;
/// The run is given up when nothing moves for this long.
const STALL_SECONDS_MAX: f64 = 60.0;
const STALL_LOOK_MS: u64 = 1_000;

/// Latencies of one phase.
pub(super) struct Times {
    /// From due (open loop) or sent to the answer.
    pub(super) admit: Latencies,
    /// From due to sent: what the generator itself adds.
    pub(super) late: Latencies,
    /// From the submit's answer to the lease's, as their readers saw it.
    pub(super) lease: Latencies,
    /// From due or sent to the lease's answer.
    pub(super) handed: Latencies,
    /// From admitted to leased by the server's own clock, in whole milliseconds.
    pub(super) server_wait: Latencies,
    pub(super) complete: Latencies,
    /// From due or sent to the result, for clients that follow their jobs.
    pub(super) result: Latencies,
}

/// How far a job is that has been heard of once.
enum Heard {
    /// Its submit was due and was answered then.
    Answered { due: Mark, at: Mark },
    /// A worker has it; its submit's answer was not read yet.
    Leased(Mark),
}

/// What the connections of a phase share.
pub(super) struct Board {
    pub(super) phase: Phase,
    jobs: u64,
    submitted: Cell<u64>,
    admitted: Cell<u64>,
    completed: Cell<u64>,
    leased_first: Cell<u64>,
    last: Cell<Mark>,
    put_off: Cell<u64>,
    /// Status and text of the latest answer that put a request off.
    refusal: RefCell<String>,
    /// Room for jobs under way; clients wait for it, completions give it back.
    room: Semaphore,
    done: Notify,
    under_way: RefCell<HashMap<u128, Heard>>,
    pub(super) times: Times,
}

impl Board {
    pub(super) fn new(round: &Round, clients: u32) -> Result<Self, BenchError> {
        let new = Latencies::new;
        let times = Times {
            admit: new()?,
            late: new()?,
            lease: new()?,
            handed: new()?,
            server_wait: new()?,
            complete: new()?,
            result: new()?,
        };
        Ok(Self {
            phase: round.phase,
            jobs: round.jobs,
            submitted: Cell::new(0),
            admitted: Cell::new(0),
            completed: Cell::new(0),
            leased_first: Cell::new(0),
            last: Cell::new(Mark::now()),
            put_off: Cell::new(0),
            refusal: RefCell::default(),
            room: Semaphore::new(clients as usize * UNDER_WAY_PER_CLIENT),
            done: Notify::new(),
            under_way: RefCell::default(),
            times,
        })
    }

    /// The number of the next job to submit, once there is room for it.
    pub(super) async fn take(&self) -> Option<u64> {
        let n = self.submitted.get();
        self.submitted.set(n + 1);
        if n >= self.jobs {
            return None;
        }
        if self.phase == Phase::Lifecycle {
            // Fails only when closed, which it never is.
            self.room.acquire().await.ok()?.forget();
        }
        Some(n)
    }

    pub(super) fn is_done(&self) -> bool {
        let admitted = self.phase == Phase::Drain || self.admitted.get() >= self.jobs;
        admitted && (!self.phase.has_workers() || self.completed.get() >= self.jobs)
    }

    /// Workers have nothing more to wait for.
    pub(super) fn is_worked_off(&self) -> bool {
        self.completed.get() >= self.jobs
    }

    /// Ends when all jobs have come to the end of this phase.
    pub(super) async fn until_done(&self) {
        while !self.is_done() {
            self.done.notified().await;
        }
    }

    pub(super) fn last(&self) -> Mark {
        self.last.get()
    }

    pub(super) fn put_off_count(&self) -> u64 {
        self.put_off.get()
    }

    /// Jobs whose worker heard of them before their client did.
    pub(super) fn leased_first(&self) -> u64 {
        self.leased_first.get()
    }

    /// Notes that a request was put off and why, and waits before it goes again.
    pub(super) async fn put_off(&self, status: u16, body: &[u8]) {
        self.put_off.set(self.put_off.get() + 1);
        *self.refusal.borrow_mut() = format!("{status}: {}", shown(body));
        pause_ms(PUT_OFF_MS).await;
    }

    /// A submit that was due then was answered now with this job, whose id it is when it is to be worked off.
    pub(super) fn admitted(&self, job: &[u8], due: Mark) -> Result<Option<u128>, BenchError> {
        let now = Mark::now();
        self.times.admit.note(due.us_to(now), 1);
        self.moved(&self.admitted, 1, now);
        if !self.phase.is_whole() {
            return Ok(None);
        }
        let id = job_id(job).ok_or_else(|| BenchError::Answer("a job without an id".to_owned()))?;
        let mut under_way = self.under_way.borrow_mut();
        match under_way.remove(&id) {
            Some(Heard::Leased(at)) => {
                self.leased_first.set(self.leased_first.get() + 1);
                self.times.lease.note(0, 1);
                self.times.handed.note(due.us_to(at), 1);
            }
            _ => drop(under_way.insert(id, Heard::Answered { due, at: now })),
        }
        Ok(Some(id))
    }

    /// A worker has this job now.
    pub(super) fn leased(&self, job: u128) {
        if !self.phase.is_whole() {
            return;
        }
        let (now, mut under_way) = (Mark::now(), self.under_way.borrow_mut());
        match under_way.remove(&job) {
            Some(Heard::Answered { due, at }) => {
                self.times.lease.note(at.us_to(now), 1);
                self.times.handed.note(due.us_to(now), 1);
            }
            _ => drop(under_way.insert(job, Heard::Leased(now))),
        }
    }

    pub(super) fn completed(&self, jobs: u64) {
        self.moved(&self.completed, jobs, Mark::now());
        self.room.add_permits(usize::try_from(jobs).unwrap_or(0));
    }

    fn moved(&self, count: &Cell<u64>, jobs: u64, now: Mark) {
        count.set(count.get() + jobs);
        self.last.set(now);
        if self.is_done() {
            self.done.notify_one();
        }
    }

    /// Ends when nothing was admitted or completed for too long.
    pub(super) async fn stall(&self) -> BenchError {
        while self.last.get().elapsed_seconds() < STALL_SECONDS_MAX {
            pause_ms(STALL_LOOK_MS).await;
        }
        let (admitted, completed, jobs) = (self.admitted.get(), self.completed.get(), self.jobs);
        let mut what = format!("{admitted} of {jobs} jobs admitted, {completed} completed");
        if self.put_off.get() > 0 {
            what += &format!(
                "; {} requests were put off, the last with status {}",
                self.put_off.get(),
                self.refusal.borrow()
            );
        }
        BenchError::Stalled(what)
    }
}

/// The bits of the first job id in a JSON text.
fn job_id(json: &[u8]) -> Option<u128> {
    const MARK: &str = r#""id":"job_"#;
    let text = std::str::from_utf8(json).ok()?;
    let start = text.find(MARK)? + MARK.len();
    u128::from_str_radix(text.get(start..start + 32)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const JOB: &[u8] = br#"{"id":"job_000000000000000000000000000000ff","workspace":"a"}"#;

    fn board() -> Board {
        let round = Round { name: "r".to_owned(), phase: Phase::Lifecycle, jobs: 2, hot_share: 0.0 };
        Board::new(&round, 1).unwrap()
    }

    #[test]
    fn the_id_of_a_job_is_found_in_its_text() {
        assert_eq!(job_id(JOB), Some(255));
        assert_eq!(job_id(b"{}"), None);
    }

    #[test]
    fn a_lease_counts_from_the_answer_and_from_the_time_due() {
        let board = board();
        let due = Mark::now();
        std::hint::spin_loop();
        board.admitted(JOB, due).unwrap();
        board.leased(255);
        let (lease, handed) = (board.times.lease.spread().p50, board.times.handed.spread().p50);
        assert!(lease.unwrap() <= handed.unwrap(), "{lease:?} {handed:?}");
        assert_eq!(board.leased_first(), 0);
    }

    #[test]
    fn a_worker_that_hears_first_is_counted_and_not_hidden() {
        let board = board();
        let due = Mark::now();
        board.leased(255);
        board.admitted(JOB, due.plus(Duration::ZERO)).unwrap();
        assert_eq!(board.leased_first(), 1);
        assert_eq!(board.times.lease.spread().p50, Some(0.001), "the least that is told apart");
    }

    #[tokio::test]
    async fn a_phase_is_done_when_its_jobs_are_admitted_and_completed() {
        let board = board();
        assert_eq!((board.take().await, board.take().await, board.take().await), (Some(0), Some(1), None));
        board.admitted(JOB, Mark::now()).unwrap();
        board.completed(2);
        assert!(board.is_worked_off() && !board.is_done(), "the second answer was not read");
        let other = String::from_utf8_lossy(JOB).replace("ff", "fe");
        board.admitted(other.as_bytes(), Mark::now()).unwrap();
        board.until_done().await;
    }
}
