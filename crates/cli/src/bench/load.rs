//! The load: clients that submit one job a request, workers that lease and complete in batches.
//!
//! All of it runs on one thread without tasks of its own: a future per connection, in one set. What they
//! share is in [`Board`], in cells.

use std::collections::VecDeque;

use futures_util::stream::{FuturesUnordered, StreamExt as _, TryStreamExt as _};
use reeve_types::WorkspaceId;

use super::args::Shape;
use super::board::{Board, Times};
use super::clock::Mark;
use super::error::BenchError;
use super::http::{Connection, Keyed, Target};
use super::pace::Pace;
use super::server::Server;
use super::worker::SUCCEEDED;

/// The job that is submitted: one image at 2 credits.
const SUBMIT: &str =
    r#"{"action":"image.generate","params":{"prompt":"a lighthouse at dusk","quality":"standard","seed":7}}"#;

/// Longest wait of a client that follows its job, a request at a time.
const FOLLOW_SECONDS: u32 = 20;

/// Which futures run in a phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    /// Clients alone: durable admits.
    Admit,
    /// Workers alone, until this phase's jobs are done.
    Drain,
    /// Both at once, as fast as they go.
    Lifecycle,
    /// Jobs at their times; with workers, who wait for them, or without.
    Paced(Pace, bool),
}

impl Phase {
    pub(super) const fn has_workers(self) -> bool {
        !matches!(self, Self::Admit | Self::Paced(_, false))
    }

    /// Jobs are submitted and worked off in it.
    pub(super) const fn is_whole(self) -> bool {
        matches!(self, Self::Lifecycle | Self::Paced(_, true))
    }
}

/// One phase with its size.
#[derive(Clone, Debug)]
pub(super) struct Round {
    /// Part of its idempotency keys: no two rounds of a run have the same.
    pub(super) name: String,
    pub(super) phase: Phase,
    pub(super) jobs: u64,
    pub(super) hot_share: f64,
}

/// Everything that the connections of a run know in advance.
pub(super) struct Load<'a> {
    pub(super) shape: &'a Shape,
    pub(super) target: &'a Target,
    key: &'a str,
    worker_key: &'a str,
    /// One per workspace; the first is the hot one.
    submits: Vec<Keyed>,
}

/// What a phase did.
pub(super) struct Outcome {
    pub(super) seconds: f64,
    pub(super) jobs: u64,
    pub(super) put_off: u64,
    pub(super) leased_first: u64,
    pub(super) times: Times,
}

impl Outcome {
    pub(super) fn per_second(&self) -> f64 {
        self.jobs as f64 / self.seconds.max(1e-9)
    }
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
            key: &server.admin_key,
            worker_key: &server.worker_key,
            submits: workspaces.iter().map(submit).collect(),
        }
    }

    /// Runs one phase to its end.
    pub(super) async fn run(&self, round: &Round) -> Result<Outcome, BenchError> {
        let board = Board::new(round, self.shape.clients)?;
        let start = Mark::now();
        let workers: FuturesUnordered<_> =
            (0..if round.phase.has_workers() { self.shape.workers } else { 0 })
                .map(|n| super::worker::work(self, &board, n))
                .collect();
        let all =
            async { tokio::try_join!(self.clients(round, &board), workers.try_collect::<()>()).map(drop) };
        tokio::select! {
            result = all => result?,
            stalled = board.stall() => return Err(stalled),
            // Workers of a paced load wait longer than it is worth. No phase follows in which a lease could still
            // go to one of them.
            () = board.until_done(), if matches!(round.phase, Phase::Paced(..)) => {}
        }
        Ok(Outcome {
            seconds: start.seconds_to(board.last()),
            jobs: round.jobs,
            put_off: board.put_off_count(),
            leased_first: board.leased_first(),
            times: board.times,
        })
    }

    pub(super) fn worker_request(&self, path: &str, body: &str) -> Vec<u8> {
        self.target.request("POST", path, self.worker_key, body)
    }

    async fn clients(&self, round: &Round, board: &Board) -> Result<(), BenchError> {
        match round.phase {
            Phase::Drain => Ok(()),
            Phase::Admit | Phase::Lifecycle => {
                let clients: FuturesUnordered<_> =
                    (0..self.shape.clients).map(|_| self.client(round, board)).collect();
                clients.try_collect().await
            }
            Phase::Paced(pace, _) => self.paced(pace, round, board).await,
        }
    }

    /// One job after the other.
    async fn client(&self, round: &Round, board: &Board) -> Result<(), BenchError> {
        let mut client = Client::new(self.target);
        while let Some(n) = board.take().await {
            self.submit(&mut client, round, board, (n, Mark::now())).await?;
        }
        Ok(())
    }

    /// Every job when it is due, on the connection that was free last: so few are used as the load needs, and those
    /// are warm. A job waits, and its wait counts, when all are busy.
    async fn paced(&self, pace: Pace, round: &Round, board: &Board) -> Result<(), BenchError> {
        let mut arrivals = pace.start();
        let (mut idle, mut opened, mut is_over) = (Vec::new(), 0, false);
        let mut waiting = VecDeque::new();
        let mut under_way = FuturesUnordered::new();
        loop {
            while !waiting.is_empty() {
                let client = idle.pop().or_else(|| {
                    let new = (opened < self.shape.clients).then(|| Client::new(self.target));
                    opened += u32::from(new.is_some());
                    new
                });
                let Some(mut client) = client else { break };
                let (Some(due), Some(n)) = (waiting.pop_front(), board.take().await) else { break };
                under_way.push(async move {
                    board.times.late.note(Mark::elapsed_us(due), 1);
                    self.submit(&mut client, round, board, (n, due)).await.map(|()| client)
                });
            }
            tokio::select! {
                due = arrivals.recv(), if !is_over => match due {
                    Some(due) => waiting.push_back(due),
                    None => is_over = true,
                },
                Some(client) = under_way.next() => idle.push(client?),
                else => return Ok(()),
            }
        }
    }

    /// Submits the n-th job, which was due then, until it is admitted; follows it to its end if so wanted.
    async fn submit(
        &self,
        client: &mut Client,
        round: &Round,
        board: &Board,
        (n, due): (u64, Mark),
    ) -> Result<(), BenchError> {
        let submit = self.submits.get(self.shape.workspace_of(n, round.hot_share));
        let submit = submit.ok_or_else(|| BenchError::Bug("a job without a workspace".to_owned()))?;
        submit.write(&format!("{}-{}-{n}", self.shape.run, round.name), &mut client.request);
        let job = loop {
            let answer = client.connection.call(&client.request).await?;
            match answer.status {
                201 => break board.admitted(answer.body, due)?,
                429 | 503 => board.put_off(answer.status, answer.body).await,
                status => return Err(BenchError::refused(status, answer.body)),
            }
        };
        match job.filter(|_| self.shape.follow) {
            Some(job) => self.follow(client, board, (job, due)).await,
            None => Ok(()),
        }
    }

    /// Waits for a job as a caller does who wants its result.
    async fn follow(
        &self,
        client: &mut Client,
        board: &Board,
        (job, due): (u128, Mark),
    ) -> Result<(), BenchError> {
        let path = format!("/v1/jobs/job_{job:032x}?wait={FOLLOW_SECONDS}");
        let request = self.target.request("GET", &path, self.key, "");
        loop {
            let answer = client.connection.call(&request).await?;
            match answer.status {
                200 if has(answer.body, SUCCEEDED) => {
                    board.times.result.note(Mark::elapsed_us(due), 1);
                    return Ok(());
                }
                200 => {}
                429 | 503 => board.put_off(answer.status, answer.body).await,
                status => return Err(BenchError::refused(status, answer.body)),
            }
        }
    }
}

fn has(body: &[u8], text: &str) -> bool {
    std::str::from_utf8(body).is_ok_and(|body| body.contains(text))
}

/// A connection with room for its request.
struct Client {
    connection: Connection,
    request: Vec<u8>,
}

impl Client {
    const fn new(target: &Target) -> Self {
        Self { connection: Connection::new(target.addr), request: Vec::new() }
    }
}
