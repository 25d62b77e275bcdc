//! The load: clients that submit one job a request, workers that lease and complete in batches.
//!
//! All of it runs on one thread without tasks of its own: a future per connection, in one set. What they
//! share is in [`Board`], in cells.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use futures_util::stream::{FuturesUnordered, TryStreamExt};
use reeve_types::WorkspaceId;
use tokio::sync::Semaphore;

use super::clock::Mark;
use super::figures::Latencies;
use super::http::{Connection, Keyed, Target};
use super::server::Server;
use super::{BenchError, Shape};
use crate::system::pause_ms;

/// Jobs under way per client while workers work: submits that outran the workers would measure a growing queue.
const UNDER_WAY_PER_CLIENT: usize = 8;
/// Wait before a request that was put off is sent again.
const PUT_OFF_MS: u64 = 50;
/// The run is given up when nothing moves for this long.
const STALL_SECONDS_MAX: f64 = 60.0;
const STALL_LOOK_MS: u64 = 1_000;
/// The job that is submitted: one image at 2 credits.
const SUBMIT: &str =
    r#"{"action":"image.generate","params":{"prompt":"a lighthouse at dusk","quality":"standard","seed":7}}"#;

/// Which futures run in a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Clients alone: durable admits.
    Admit,
    /// Workers alone, until this phase's jobs are done.
    Drain,
    /// Both at once.
    Lifecycle,
}

/// Everything that the connections of a run know in advance.
pub(super) struct Load<'a> {
    pub(super) shape: &'a Shape,
    pub(super) target: &'a Target,
    worker_key: &'a str,
    /// One per workspace; the first is the hot one.
    submits: Vec<Keyed>,
}

/// What a phase did.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) seconds: f64,
    pub(super) put_off: u64,
    pub(super) admit: Latencies,
    pub(super) lease: Latencies,
    pub(super) complete: Latencies,
}

/// What the connections of a phase share.
pub(super) struct Board {
    phase: Phase,
    jobs: u64,
    submitted: Cell<u64>,
    admitted: Cell<u64>,
    completed: Cell<u64>,
    last: Cell<Mark>,
    put_off: Cell<u64>,
    /// Room for jobs under way; clients wait for it, completions give it back.
    room: Semaphore,
    /// Jobs that were answered and not leased yet; `None` when the lease came before the answer.
    eligible: RefCell<HashMap<u128, Option<Mark>>>,
    pub(super) lease: Latencies,
    pub(super) complete: Latencies,
    admit: Latencies,
}

impl<'a> Load<'a> {
    pub(super) fn new(
        server: &'a Server,
        target: &'a Target,
        shape: &'a Shape,
        workspaces: &[WorkspaceId],
    ) -> Self {
        let submit =
            |id: &WorkspaceId| target.keyed(&format!("/v1/workspaces/{id}/jobs"), &server.admin_key, SUBMIT);
        Self {
            shape,
            target,
            worker_key: &server.worker_key,
            submits: workspaces.iter().map(submit).collect(),
        }
    }

    /// Runs one phase to its end.
    pub(super) async fn run(&self, phase: Phase) -> Result<Outcome, BenchError> {
        let board = Board::new(phase, self.shape)?;
        let start = Mark::now();
        let clients: FuturesUnordered<_> = (0..if phase == Phase::Drain { 0 } else { self.shape.clients })
            .map(|_| self.client(&board))
            .collect();
        let workers: FuturesUnordered<_> = (0..if phase == Phase::Admit { 0 } else { self.shape.workers })
            .map(|n| super::worker::work(self, &board, n))
            .collect();
        let all =
            async { tokio::try_join!(clients.try_collect::<()>(), workers.try_collect::<()>()).map(drop) };
        tokio::select! {
            result = all => result?,
            stalled = board.stall() => return Err(stalled),
        }
        Ok(Outcome {
            seconds: start.seconds_to(board.last.get()),
            put_off: board.put_off.get(),
            admit: board.admit,
            lease: board.lease,
            complete: board.complete,
        })
    }

    pub(super) fn worker_request(&self, path: &str, body: &str) -> Vec<u8> {
        self.target.request("POST", path, self.worker_key, body)
    }

    async fn client(&self, board: &Board) -> Result<(), BenchError> {
        let mut connection = Connection::new(self.target.addr);
        let (mut request, run) = (Vec::new(), &self.shape.run);
        while let Some(n) = board.take() {
            if board.phase == Phase::Lifecycle {
                // Fails only when closed, which it never is.
                board.room.acquire().await.map_err(|e| BenchError::Bug(e.to_string()))?.forget();
            }
            let submit = self.submits.get(self.shape.workspace_of(n)).ok_or(BenchError::NO_WORKSPACE)?;
            submit.write(&format!("{run}-{:?}-{n}", board.phase), &mut request);
            let start = Mark::now();
            let body = loop {
                let answer = connection.call(&request).await?;
                match answer.status {
                    201 => break answer.body,
                    429 | 503 => board.put_off().await,
                    status => return Err(BenchError::refused(status, answer.body)),
                }
            };
            board.admit.note(start.elapsed_us(), 1);
            board.admitted(body)?;
        }
        Ok(())
    }
}

impl Board {
    fn new(phase: Phase, shape: &Shape) -> Result<Self, BenchError> {
        Ok(Self {
            phase,
            jobs: shape.jobs,
            submitted: Cell::new(0),
            admitted: Cell::new(0),
            completed: Cell::new(0),
            last: Cell::new(Mark::now()),
            put_off: Cell::new(0),
            room: Semaphore::new(shape.clients as usize * UNDER_WAY_PER_CLIENT),
            eligible: RefCell::default(),
            lease: Latencies::new()?,
            complete: Latencies::new()?,
            admit: Latencies::new()?,
        })
    }

    /// The number of the next job to submit.
    fn take(&self) -> Option<u64> {
        let n = self.submitted.get();
        self.submitted.set(n + 1);
        (n < self.jobs).then_some(n)
    }

    pub(super) fn is_done(&self) -> bool {
        self.completed.get() >= self.jobs
    }

    /// Notes that a request was put off, and waits before it goes again.
    pub(super) async fn put_off(&self) {
        self.put_off.set(self.put_off.get() + 1);
        pause_ms(PUT_OFF_MS).await;
    }

    fn admitted(&self, job: &[u8]) -> Result<(), BenchError> {
        self.admitted.set(self.admitted.get() + 1);
        self.last.set(Mark::now());
        if self.phase != Phase::Lifecycle {
            return Ok(());
        }
        let id = job_id(job).ok_or_else(|| BenchError::Answer("a job without an id".to_owned()))?;
        let mut eligible = self.eligible.borrow_mut();
        if eligible.remove(&id).is_some() {
            // The worker had it before its client read the answer.
            self.lease.note(1, 1);
        } else {
            eligible.insert(id, Some(Mark::now()));
        }
        Ok(())
    }

    pub(super) fn leased(&self, job: u128) {
        if self.phase != Phase::Lifecycle {
            return;
        }
        let mut eligible = self.eligible.borrow_mut();
        match eligible.remove(&job).flatten() {
            Some(since) => self.lease.note(since.elapsed_us(), 1),
            None => drop(eligible.insert(job, None)),
        }
    }

    pub(super) fn completed(&self, jobs: u64) {
        self.completed.set(self.completed.get() + jobs);
        self.last.set(Mark::now());
        self.room.add_permits(usize::try_from(jobs).unwrap_or(0));
    }

    /// Ends when nothing was admitted or completed for too long.
    async fn stall(&self) -> BenchError {
        while self.last.get().elapsed_seconds() < STALL_SECONDS_MAX {
            pause_ms(STALL_LOOK_MS).await;
        }
        let (admitted, completed, jobs) = (self.admitted.get(), self.completed.get(), self.jobs);
        BenchError::Stalled(format!("{admitted} of {jobs} jobs admitted, {completed} completed"))
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
    use super::*;

    #[test]
    fn the_id_of_a_job_is_found_in_its_text() {
        let json = br#"{"id":"job_000000000000000000000000000000ff","workspace":"a"}"#;
        assert_eq!(job_id(json), Some(255));
        assert_eq!(job_id(b"{}"), None);
    }
}
